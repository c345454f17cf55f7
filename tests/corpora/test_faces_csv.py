"""A user's own CSV of faces: what is understood, and what is refused."""

import io
import os

from absl import logging
import numpy as np
from PIL import Image
import pytest
from toys.faces_csv import build
from toys.faces_csv import HEADER
from toys.faces_csv import load
from toys.faces_csv import pixels
from toys.faces_csv import prepared
from toys.faces_csv import refusal
from toys.faces_csv import save
from toys.faces_csv import write

from affect_jax.corpora.builders import faces_table
from affect_jax.corpora.builders import prepare
from affect_jax.corpora.files import pictures


@pytest.fixture
def folder(tmp_path):
  for k, name in enumerate(('a.png', 'b.jpg', 'c.png', 'd.png')):
    save(tmp_path / name, k)
  return tmp_path


def test_labels_weights_and_pictures(folder, capsys):
  write(
    folder,
    'a.png,train,ann,Happy,0.5,,1,',
    'b.jpg,train,bob,,,-1,,0',
    'c.png,val,,neutral,,,,',
    'd.png,train,,joy,0,0,0.25,1',
  )
  builder = prepared(folder)
  assert capsys.readouterr().out == ''  # tfds speaks of downloads otherwise.
  assert builder.info.metadata['outputs'] == {
    'expression': ['neutral', 'happiness'],
    'valence_arousal': ['valence', 'arousal'],
    'action_units': ['AU1', 'AU12'],
  }
  rows = load(builder)
  expected = {
    'a.png': ('ann', [0, 1], 1, [0.5, 0], [1, 0], [0, 1], [0, 1]),
    'b.jpg': ('bob', [0, 0], 0, [0, -1], [0, 1], [0, 0], [1, 0]),
    'd.png': ('', [0, 1], 1, [0, 0], [1, 1], [1, 0.25], [1, 1]),
  }
  assert rows.keys() == expected.keys()
  keys = (
    'expression',
    'expression_weights',
    'valence_arousal',
    'valence_arousal_weights',
    'action_units',
    'action_units_weights',
  )
  for name, (subject, *labels) in expected.items():
    assert rows[name]['subject'].decode() == subject
    for key, label in zip(keys, labels, strict=True):
      np.testing.assert_allclose(rows[name][key], label)
    assert rows[name]['image'] == (folder / name).read_bytes()
  assert list(load(builder, 'val')) == ['c.png']
  assert set(builder.info.splits) == {'train', 'val'}
  assert builder.info.metadata['skipped'] == {}


def test_only_what_is_annotated_is_a_task(folder):
  write(folder, 'a.png,train,,,,,,', 'b.jpg,train,,,,0.5,,')
  builder = prepared(folder)
  assert list(builder.info.metadata['outputs']) == ['valence_arousal']
  write(
    folder, 'a.png,train,0.5,1', header='image,split,AU12L,AU12R', name='2.csv'
  )
  builder = prepared(folder, folder / '2.csv')
  assert builder.info.metadata['outputs'] == {
    'action_units': ['AU12L', 'AU12R']
  }


def test_windows_files_quotes_and_spaces(folder):
  text = (
    '\ufeffimage,split,expression,subject\r\n'
    'a.png , train,Happy,"one, two"\r\n'
    '\r\n'
    '"b.jpg",val,sad,"two\r\nlines"\r\n'
  )
  (folder / 'faces.csv').write_bytes(text.encode('utf-8'))
  builder = prepared(folder)
  assert load(builder)['a.png']['subject'] == b'one, two'
  assert load(builder, 'val')['b.jpg']['subject'] == b'two\r\nlines'


def test_line_numbers_count_quoted_line_breaks(folder):
  message = refusal(
    folder, 'a.png,train,"x\ny",happy,,,,', 'b.jpg,train,,happy,7,,,'
  )
  assert "faces.csv:4: valence '7'" in message


def test_absolute_paths_folders_and_parents(folder):
  (folder / 'lists').mkdir()
  path = write(
    folder / 'lists',
    f'{folder}/a.png,train,happy',
    '../b.jpg,train,sad',
    header='image,split,expression',
  )
  rows = load(prepared(folder, path))
  assert rows.keys() == {f'{folder}/a.png', '../b.jpg'}


GOOD = 'a.png,train,,happy,,,,'


@pytest.mark.parametrize(
  ('row', 'message'),
  [
    ('x.png,train,,happy,,,,', "faces.csv:3: image 'x.png': no such file"),
    ('x\\b.jpg,train,,happy,,,,', 'use / and not \\ in paths'),
    (',train,,happy,,,,', 'faces.csv:3: image is empty'),
    ('b.jpg,train,,happy', 'faces.csv:3: 4 cells, not 8'),
    ('b.jpg,train,,happy,,,,,x', 'faces.csv:3: 9 cells, not 8'),
    ('b.jpg,train,,,high,,,', "faces.csv:3: valence 'high' is not a number"),
    ('b.jpg,train,,,7,,,', "faces.csv:3: valence '7' is not in [-1, 1]"),
    ('b.jpg,train,,,,inf,,', "faces.csv:3: arousal 'inf' is not in [-1, 1]"),
    ('b.jpg,train,,,,0_1,,', "faces.csv:3: arousal '0_1' is not a number"),
    ('b.jpg,train,,,,١,,', "faces.csv:3: arousal '١' is not a number"),
    ('b.jpg,train,,,True,,,', "faces.csv:3: valence 'True' is not a number"),
    ('NA,train,,happy,,,,', 'faces.csv:3: image is empty'),
    ('b.jpg,train,,,,,2,', "faces.csv:3: AU12 '2' is not in [0, 1]"),
    ('b.jpg,train,,,,,,-1', "AU1 '-1' is not in [0, 1]; leave the cell empty"),
    ('b.jpg,train,,cross,,,,', "Unknown expression 'cross'; known: neutral"),
    ('b.jpg,eval,,happy,,,,', "split 'eval' is not one of train, val, test"),
    ('b.jpg,,,happy,,,,', "split '' is not one of train, val, test"),
    ('a.png,train,,sad,,,,', "'a.png' is already in line 2, with other labels"),
    ('./a.png,val,,happy,,,,', 'line 2, with split train there but val here'),
    ('a.png,train,ann,happy,,,,', "in line 2, with subject '' there but 'ann'"),
  ],
)  # fmt: skip
def test_bad_rows_name_line_value_and_choices(folder, row, message):
  assert message in refusal(folder, GOOD, row)


def test_all_problems_are_told_at_once_up_to_twenty(folder):
  message = refusal(folder, 'a.png,eval,,cross,7,x,,', 'b.jpg,train,,,,,3,')
  for part in (':2: split', ':2: Unknown', ':2: val', ':2: aro', ':3: AU12'):
    assert part in message
  message = refusal(folder, *['a.png,eval,,,,,,'] * 30)
  assert message.count("split 'eval'") == 20
  assert 'stopped after 20' in message


@pytest.mark.parametrize(
  ('header', 'message'),
  [
    ('image,split,expresion', "'expresion' (did you mean 'expression'?)"),
    ('image,split,age', "'age'; known: image, split, subject, expression"),
    ('image,split,AU0', "unknown column 'AU0'"),
    ('image,split,AU1,AU01', 'column AU1 appears twice'),
    ('image,expression', "no column 'split'"),
    ('split,expression', "no column 'image'"),
    ('image,split;expression', "unknown column 'split;expression'"),
    ('image,split,AU01_r', 'give its scale, as config.data.au_scale=5'),
  ],
)
def test_bad_headers(folder, header, message):
  assert message in refusal(folder, header=header)


def test_further_columns_are_ignored_by_name(folder):
  write(folder, 'a.png,40,train,sad', header='image,age,split,expression')
  builder = prepared(folder, ignore_columns=['age'])
  assert len(load(builder)) == 1
  with pytest.raises(ValueError, match='names sex, which the file does not'):
    build(folder, ignore_columns=['age', 'sex'])


@pytest.mark.parametrize(
  ('data', 'message'),
  [
    (b'', 'is empty; a header'),
    (HEADER.encode(), 'no rows below the header'),
    (b'image,split\na.png,train\nRen\xe9.jpg,train\n', ':3: not UTF-8'),
    ('image,split\na'.encode('utf-16')[:-1], 'UTF-16 text breaks off'),
    (b'image,split\n"a.png,train\n', ':2: not valid CSV'),
    (b'image,split\na.png,train\n', 'no usable row has the split train'),
    (b'image,split,AU1\na.png,val,1\n', 'no usable row has the split train'),
  ],
)  # fmt: skip
def test_unusable_files(folder, data, message):
  (folder / 'faces.csv').write_bytes(data)
  with pytest.raises(ValueError, match=message):
    build(folder)


def test_missing_file_and_unknown_option(folder):
  with pytest.raises(FileNotFoundError, match='a CSV of faces is expected'):
    build(folder, folder / 'nowhere.csv')
  with pytest.raises(ValueError, match="'ignore'; known: error, skip"):
    build(folder, write(folder, GOOD), on_bad_image='ignore')


def test_repeated_and_unlabelled_rows_are_counted_and_told(folder):
  write(folder, GOOD, GOOD, './' + GOOD, 'b.jpg,train,bob,,,,,')
  builder = prepared(folder)
  assert list(load(builder)) == ['a.png']
  expected = {faces_table.REPEATED: 2, faces_table.UNLABELLED: 1}
  assert builder.info.metadata['skipped'] == expected
  assert prepare.summary(builder) == (
    'faces_csv: train 1; left out: 2 repeated rows, 1 rows without any label.'
  )
  assert build(folder).info.metadata['skipped'] == expected


def test_rows_without_any_label_are_kept_if_asked(folder, monkeypatch):
  lines = []
  monkeypatch.setattr(logging, 'info', lambda m, *a: lines.append(m % a))
  path = write(folder, 'a.png,train,ann,,,,,', 'b.jpg,val,bob,joy,,,,')
  message = "no usable row.*unlabelled='keep'"
  with pytest.raises(ValueError, match=message):
    build(folder)
  builder = prepared(folder, unlabelled='keep')
  assert f'{path}: 1 of 2 rows have no label and are kept' in '\n'.join(lines)
  row = load(builder)['a.png']
  assert row['expression_weights'] == 0
  assert not row['expression'].any()
  # A file without any label at all, and its doctor.
  write(folder, 'a.png,train', 'b.jpg,val', header='image,split')
  alone = prepared(folder, unlabelled='keep')
  assert alone.info.metadata['outputs'] == {}
  assert load(alone).keys() == {'a.png'}


def spoil(folder):
  data = (folder / 'b.jpg').read_bytes()
  (folder / 'b.jpg').write_bytes(data[: len(data) // 2])
  (folder / 'c.png').write_text('not a picture')
  (folder / 'd.png').write_bytes(b'')
  rows = [f'{n},train,,happy,,,,' for n in ('b.jpg', 'c.png', 'd.png')]
  return GOOD, *rows


def test_unreadable_pictures_are_errors(folder):
  message = refusal(folder, *spoil(folder))
  assert "faces.csv:3: image 'b.jpg' cannot be decoded" in message
  assert "faces.csv:4: image 'c.png' is not a picture" in message
  assert "faces.csv:5: image 'd.png' is an empty file" in message


def test_unreadable_pictures_are_skipped_on_request_and_counted(folder):
  write(folder, *spoil(folder), 'missing.png,train,,sad,,,,')
  builder = prepared(folder, on_bad_image='skip')
  assert list(load(builder)) == ['a.png']
  expected = {faces_table.UNREADABLE: 4}
  assert builder.info.metadata['skipped'] == expected
  again = build(folder, on_bad_image='skip')
  assert again.info.metadata['skipped'] == expected


def test_labels_are_never_skipped(folder):
  write(folder, GOOD, 'b.jpg,train,,happy,7,,,')
  with pytest.raises(ValueError, match="valence '7'"):
    build(folder, on_bad_image='skip')


def test_a_split_without_one_readable_picture_is_an_error(folder):
  (folder / 'c.png').write_text('not a picture')
  write(folder, GOOD, 'c.png,val,,happy,,,,')
  with pytest.raises(ValueError, match='no picture of the split val'):
    prepared(folder, on_bad_image='skip')


def test_a_subject_in_two_splits_is_a_loud_warning(folder, monkeypatch):
  lines = []
  monkeypatch.setattr(logging, 'warning', lambda m, *a: lines.append(m % a))
  rows = ('a.png,train,ann', 'b.jpg,val,ann', 'c.png,val,', 'd.png,train,')
  write(folder, *(f'{row},sad,,,,' for row in rows))
  builder = build(folder)
  told = [line for line in lines if 'more than one split' in line]
  assert len(told) == 1
  assert '1 subjects' in told[0]
  assert 'ann' in told[0]
  assert builder.info.metadata['sources']['subjects_in_two_splits'] == '1'


def test_prepared_once_and_again_after_any_edit(folder, monkeypatch):
  write(folder, GOOD)
  first = prepared(folder)
  with monkeypatch.context() as m:
    m.setattr(pictures, 'read', None)  # preparing would call it
    same = prepared(folder)
  assert same.data_dir == first.data_dir
  assert list(load(same)) == ['a.png']
  assert same.info.metadata['sources'] == first.info.metadata['sources']

  write(folder, GOOD.replace('happy', 'sad'))
  second = prepared(folder)
  status = os.stat(folder / 'a.png')
  save(folder / 'a.png', 9)
  os.utime(folder / 'a.png', ns=(0, status.st_mtime_ns + 1))
  third = prepared(folder)
  fourth = prepared(folder, on_bad_image='skip')
  dirs = {b.data_dir for b in (first, second, third, fourth)}
  assert len(dirs) == 4
  stored = load(third)['a.png']['image']
  np.testing.assert_array_equal(
    np.asarray(Image.open(io.BytesIO(stored))), pixels(9)
  )
