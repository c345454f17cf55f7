"""Annotations of Aff-Wild2 that are wrong: what is told about them."""

import pytest
from toys.aff_wild2 import AU
from toys.aff_wild2 import AU_8
from toys.aff_wild2 import AU_12
from toys.aff_wild2 import challenges
from toys.aff_wild2 import crops
from toys.aff_wild2 import EXPR
from toys.aff_wild2 import EXPR_7
from toys.aff_wild2 import EXPR_8
from toys.aff_wild2 import stream
from toys.aff_wild2 import TRAIN
from toys.aff_wild2 import VA
from toys.aff_wild2 import VAL
from toys.aff_wild2 import write

from affect_jax.corpora import aff_wild2


@pytest.mark.parametrize(
  ('name', 'header', 'line', 'told'),
  [
    (VA, 'valence,arousal', '3.2,0', "valence is '3.2'; allowed: -1 to 1"),
    (VA, 'valence,arousal', '0,-4', "arousal is '-4'; allowed"),
    (VA, 'valence,arousal', '0,nan', "arousal is 'nan'; allowed"),
    (VA, 'valence,arousal', '0', '1 values'),
    (EXPR, EXPR_8, '9', "expression is '9'; allowed: 0 neutral, 1 anger"),
    (EXPR, EXPR_7, '7', "expression is '7'; allowed"),
    (EXPR, EXPR_8, '-5', "expression is '-5'; allowed"),
    (EXPR, EXPR_8, '2.5', "expression is '2.5'; allowed"),
    (EXPR, EXPR_8, 'sad', "expression is 'sad'; allowed"),
    (AU, AU_8, '0,0,0,2,0,0,0,0', "AU6 is '2'; allowed: 0, 1, or -1"),
    (AU, AU_8, '0,0,0,0,0,0,0', '7 values'),
    (AU, AU_8, '0,0,0,0,0,0,0,0,0', '9 values'),
  ],
)
def test_bad_values_are_told_by_file_and_line(
  tmp_path, name, header, line, told
):
  good = line.count(',') * '0,' + '0'
  if 'values' in told:
    good = header.count(',') * '0,' + '0'
  write(tmp_path, f'{name}/{TRAIN}/a.txt', header, good, line)
  crops(tmp_path, 'a', 1, 2)
  with pytest.raises(ValueError, match='cannot be used') as e:
    stream(tmp_path, 'train')
  assert f'{name}/{TRAIN}/a.txt:3: ' in str(e.value)
  assert told in str(e.value)


def test_bad_values_of_labels_that_are_left_out_are_told_too(tmp_path):
  challenges(tmp_path)
  write(tmp_path, f'{VA}/{TRAIN}/b.txt', 'valence,arousal', '7,0')
  with pytest.raises(ValueError, match=r"b\.txt:2: valence is '7'"):
    stream(tmp_path, 'train')


@pytest.mark.parametrize(
  ('name', 'header'),
  [
    (VA, 'valence,arousal,dominance'),
    (VA, EXPR_8),
    (EXPR, 'valence,arousal'),
    (EXPR, EXPR_7 + ',Contempt'),
    (EXPR, EXPR_7[:-9]),
    (AU, 'AU1,AU2,AU3,AU4,AU5,AU6,AU7,AU8'),
    (AU, '0,0,0,0,0,0,0,0'),
    (AU, AU_8 + ',AU25'),
    (AU, ''),
  ],
)
def test_unknown_headers(tmp_path, name, header):
  write(tmp_path, f'{name}/{TRAIN}/a.txt', header, '0')
  crops(tmp_path, 'a', 1)
  with pytest.raises(ValueError, match='the header is') as e:
    aff_wild2.listing(tmp_path)
  assert f'{name}/{TRAIN}/a.txt' in str(e.value)
  assert repr(header) in str(e.value)
  assert 'expected' in str(e.value)


def test_an_empty_file_has_no_header(tmp_path):
  challenges(tmp_path)
  (tmp_path / VA / TRAIN / 'z.txt').write_bytes(b'')
  with pytest.raises(ValueError, match=r"z\.txt: the header is ''"):
    aff_wild2.listing(tmp_path)


@pytest.mark.parametrize(
  ('name', 'old', 'new'), [(EXPR, EXPR_7, EXPR_8), (AU, AU_8, AU_12)]
)
def test_mixed_editions(tmp_path, name, old, new):
  write(tmp_path, f'{name}/{TRAIN}/a.txt', old, '0')
  write(tmp_path, f'{name}/{VAL}/b.txt', new, '0')
  crops(tmp_path, 'a', 1)
  with pytest.raises(ValueError, match='Two editions are mixed') as e:
    aff_wild2.listing(tmp_path)
  assert f'{TRAIN}/a.txt' in str(e.value)
  assert f'{VAL}/b.txt' in str(e.value)


def test_a_task_annotates_a_video_once(tmp_path):
  challenges(tmp_path)
  write(tmp_path, f'{EXPR}/{VAL}/a.txt', EXPR_8, '0')
  with pytest.raises(ValueError, match='Two label files of expression') as e:
    aff_wild2.listing(tmp_path)
  assert f'{EXPR}/{TRAIN}/a.txt' in str(e.value)
  assert f'{EXPR}/{VAL}/a.txt' in str(e.value)


def test_wrong_folders_and_options(tmp_path):
  with pytest.raises(FileNotFoundError, match=r'no such folder.*VA_Estimation'):
    aff_wild2.listing(tmp_path / 'nowhere')
  (tmp_path / 'videos').mkdir()
  with pytest.raises(
    FileNotFoundError, match=r'Looked for VA_Est.*train_set.*Found: videos'
  ):
    aff_wild2.listing(tmp_path)
  write(tmp_path, f'{VA}/{TRAIN}/a.txt', 'valence,arousal', '0,0')
  with pytest.raises(FileNotFoundError, match=r'cropped_aligned.*images='):
    aff_wild2.listing(tmp_path)
  crops(tmp_path, 'batch1/a', 1)
  with pytest.raises(FileNotFoundError, match='such as a; found: batch1'):
    aff_wild2.listing(tmp_path)
  found = aff_wild2.listing(
    tmp_path, images=tmp_path / 'cropped_aligned/batch1'
  )
  assert [s.id for s in found.splits['train']()] == ['a/00001.jpg']
  with pytest.raises(ValueError, match='layout is'):
    aff_wild2.listing(tmp_path, layout='abaw')
  with pytest.raises(ValueError, match='stride is 0'):
    aff_wild2.listing(tmp_path, stride=0)
  with pytest.raises(FileNotFoundError, match='test frames'):
    aff_wild2.listing(
      tmp_path, images=found.root, test_list=tmp_path / 'none.txt'
    )
  (tmp_path / VA / 'Valdation_Set').mkdir()
  with pytest.raises(ValueError, match='Valdation_Set: unknown folder'):
    aff_wild2.listing(tmp_path)
