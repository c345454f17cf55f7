"""Sample lists and labels of ABAW: what is read, and what is refused."""

import numpy as np
import pytest
from toys.abaw import AU_NAMES
from toys.abaw import EXPR_NAMES
from toys.abaw import ids_of
from toys.abaw import MTL_HEADER
from toys.abaw import put
from toys.abaw import VA_HEADER

from affect_jax.abaw import files


def test_sample_lists(tmp_path):
  file = tmp_path / 'list.txt'
  file.write_bytes(b'\xef\xbb\xbfimage\r\na/00002.jpg,1\r\nb/00001.jpg\r\n')
  assert files.read_sample_list(file) == ['a/00002.jpg', 'b/00001.jpg']
  put(tmp_path / 'labels' / 'v.txt', 'valence,arousal\n-5,-5\n0,0\n')
  assert files.read_sample_list(tmp_path / 'labels') == ids_of('v', (1, 2))
  for text, message in (
    ('image\n', 'no frames'),
    ('image\na/1.jpg\na/00001.jpg\n', 'list.txt:3: a/00001.jpg is there twice'),
    ('name\na/1.jpg\n', "list.txt:1: 'name' is not the name of a frame"),
    ('a/one.jpg\n', "list.txt:1: 'a/one.jpg'"),
  ):
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
      files.read_sample_list(file)
  with pytest.raises(FileNotFoundError, match='a sample list is expected'):
    files.read_sample_list(tmp_path / 'none.txt')


def test_labels_lose_their_sentinels_one_by_one(tmp_path):
  row = 'a/00001.jpg,-5,.5,-1,-1,1' + ',0' * 10
  whole = 'image,valence,arousal,expression,' + AU_NAMES
  for header in (MTL_HEADER.strip(), whole):
    file = put(tmp_path / 'mtl.txt', f'{header}\n{row}\n')
    labels = files.read_labels(file)
    assert labels.layout == files.MTL
    np.testing.assert_array_equal(
      labels.values, [[np.nan, 0.5, np.nan, np.nan, 1] + [0] * 10]
    )
    with pytest.raises(ValueError, match=r'mtl\.txt:2: valence is -5, not'):
      files.read_submission(file)


def test_files_that_cannot_be_read_name_their_line(tmp_path):
  file = tmp_path / 'f.txt'
  expr = f'image_location,{EXPR_NAMES}\n'
  au = f'image_location,{AU_NAMES}\n'
  for text, message in (
    ('a/1.jpg,0,0\n', r'f.txt:1: unknown header'),
    ('valence,arousal\n0,0\n', r'f.txt:1: unknown header'),
    ('image_location\na/1.jpg\n', r'f.txt:1: unknown header'),
    (VA_HEADER + 'a/1.jpg,0,\n', "f.txt:2: could not convert .* ''"),
    (VA_HEADER + 'a/1.jpg,0\n', 'f.txt:2: 2 cells; va has a name and 2'),
    (VA_HEADER + 'a/1.jpg,0,1.5\n', 'f.txt:2: arousal is 1.5, not in'),
    (VA_HEADER + 'a/1.jpg,0,0\n\na/2.jpg,nan,0\n', 'f.txt:4: valence is nan'),
    (VA_HEADER + 'a/1.jpg,0,x\n', "f.txt:2: .*'x'"),
    (VA_HEADER + 'a/1.jpg,0,0_1\n', "f.txt:2: .*'0_1'"),
    (VA_HEADER + 'a/1.jpg,0,0\na/1.jpg,0,0\n', 'f.txt:3: .*at .*f.txt:2'),
    (expr + 'a/1.jpg,8\n', 'expression is 8, not a whole number from 0 to 7'),
    (expr + 'a/1.jpg,.5\n', 'expression is 0.5'),
    (expr + 'a/1.jpg' + ',0' * 8 + '\n', '9 cells; expr has a name and 1'),
    (au + 'a/1.jpg,2' + ',0' * 11 + '\n', 'AU1 is 2, not a whole .* 0 to 1'),
    (MTL_HEADER + 'a/1.jpg,0,0,0,0\n', 'f.txt:2: 5 cells; mtl has .* 15'),
  ):
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
      files.read_submission(file)
  with pytest.raises(FileNotFoundError, match='a submission is expected'):
    files.read_submission(tmp_path / 'none.txt')


def test_folders_that_cannot_be_read(tmp_path):
  folder = tmp_path / 'labels'
  folder.mkdir()
  put(folder / '._a.txt', 'not text of ours')
  with pytest.raises(FileNotFoundError, match=r'no VIDEO\.txt'):
    files.read_labels(folder)
  put(folder / 'a.txt', 'valence,arousal\n0,0\n\n1,1\n')
  with pytest.raises(ValueError, match=r'a\.txt:3: blank'):
    files.read_labels(folder)
  put(folder / 'a.txt', 'valence,arousal\n0,0\n1,2\n\n')
  with pytest.raises(ValueError, match=r'a\.txt:3: arousal is 2'):
    files.read_labels(folder)
  put(folder / 'a.txt', 'valence,arousal,\n0,0,\n1,1\n\n')
  assert files.read_labels(folder).names == ids_of('a', (1, 2))
  put(folder / 'b.txt', f'{EXPR_NAMES}\n0\n')
  with pytest.raises(ValueError, match=r'b\.txt:1: .* that of a\.txt'):
    files.read_labels(folder)
