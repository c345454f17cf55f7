"""FER2013 on tables that the tests write."""

import io

import numpy as np
from PIL import Image
import pytest
from toys.fer2013 import load
from toys.fer2013 import picture
from toys.fer2013 import prepared
from toys.fer2013 import small
from toys.fer2013 import write_fer

from affect_jax import corpora
from affect_jax.corpora import fer2013
from affect_jax.corpora.builders import prepare


def test_pictures_labels_ids_and_splits_are_those_of_the_file(tmp_path):
  builder = prepared(tmp_path, small(tmp_path / 'fer.csv', test=True))
  sizes = {n: s.num_examples for n, s in builder.info.splits.items()}
  assert sizes == {'train': 7, 'val': 2, 'test': 2}
  names = builder.info.metadata['outputs']['expression']
  assert names == (
    ['anger', 'disgust', 'fear', 'happiness', 'sadness', 'surprise', 'neutral']
  )
  rows = load(builder, 'train')
  assert sorted(rows) == [f'Training_{k:05d}' for k in range(7)]
  for k in range(7):
    row = rows[f'Training_{k:05d}']
    np.testing.assert_array_equal(row['expression'], np.eye(7)[k])
    assert row['expression_weights'] == 1
    assert row['subject'] == b''
    stored = Image.open(io.BytesIO(row['image']))
    assert stored.format == 'PNG'
    np.testing.assert_array_equal(
      np.asarray(stored), picture(k).reshape(48, 48)
    )
  assert sorted(load(builder, 'val')) == [
    'PublicTest_00007',
    'PublicTest_00008',
  ]


def test_without_private_test_there_is_no_test_split(tmp_path):
  builder = prepared(tmp_path, small(tmp_path / 'fer.csv'))
  assert set(builder.info.splits) == {'train', 'val'}


def test_duplicates_of_train_are_left_out_counted_and_told(tmp_path):
  path = small(tmp_path / 'fer.csv', test=True)
  kept = prepared(tmp_path, path)
  assert kept.info.metadata['skipped'] == {}
  builder = prepared(tmp_path, path, exclude_duplicates=True)
  assert sorted(load(builder, 'val')) == ['PublicTest_00007']
  assert sorted(load(builder, 'test')) == ['PrivateTest_00009']
  assert builder.info.metadata['skipped'] == {fer2013.DUPLICATE: 2}
  assert [prepare.summary(kept), prepare.summary(builder)] == [
    'fer2013: train 7, val 2, test 2; left out: nothing.',
    'fer2013: train 7, val 1, test 1; left out: 2 pixel-identical to a '
    'picture of train.',
  ]


def test_metadata_comes_back_and_nothing_is_prepared_twice(
  tmp_path, monkeypatch
):
  path = small(tmp_path / 'fer.csv')
  first = prepared(tmp_path, path, exclude_duplicates=True)
  monkeypatch.setattr(fer2013, 'read', None)  # preparing would call it
  again = prepared(tmp_path, path, exclude_duplicates=True)
  assert again.data_dir == first.data_dir
  for key in ('outputs', 'sources', 'skipped'):
    assert again.info.metadata[key] == first.info.metadata[key]
  assert again.info.metadata['skipped'] == {fer2013.DUPLICATE: 1}
  assert len(load(again, 'train')) == 7


def test_an_edited_file_is_prepared_anew(tmp_path):
  path = small(tmp_path / 'fer.csv')
  first = prepared(tmp_path, path)
  text = path.read_text().replace('3,', '4,', 1)
  path.write_text(text)
  second = prepared(tmp_path, path)
  assert second.data_dir != first.data_dir
  assert load(second, 'train')['Training_00003']['expression'][4] == 1
  assert load(first, 'train')['Training_00003']['expression'][3] == 1


@pytest.mark.parametrize(
  ('row', 'message'),
  [
    (
      (7, picture(0), 'Training'),
      "fer.csv:3: emotion '7' is not one of 0 anger",
    ),
    (('sad', picture(0), 'Training'), "fer.csv:3: emotion 'sad'"),
    ((0, picture(0)[1:], 'Training'), 'fer.csv:3: 2303 pixels, not 48x48'),
    ((0, [300] * 2304, 'Training'), "fer.csv:3: pixel '300'"),
    ((0, [-1] * 2304, 'Training'), "fer.csv:3: pixel '-1'"),
    ((0, '', 'Training'), 'fer.csv:3: 0 pixels'),
    ((0, picture(0), 'Test'), "fer.csv:3: Usage 'Test' is not one of Training"),
    ((0, picture(0)), 'fer.csv:3: 2 cells, not 3'),
  ],
)
def test_malformed_rows_name_line_and_value(tmp_path, row, message):
  path = write_fer(tmp_path / 'fer.csv', [(0, picture(1), 'Training'), row])
  with pytest.raises(ValueError, match='cannot be used') as e:
    prepared(tmp_path, path)
  assert message in str(e.value)
  assert not list((tmp_path / 'data').rglob('*.tfrecord*'))


def test_all_problems_are_told_at_once_up_to_twenty(tmp_path):
  path = write_fer(
    tmp_path / 'fer.csv', [(9, picture(0), 'Training') for _ in range(50)]
  )
  with pytest.raises(ValueError, match='stopped after 20') as e:
    prepared(tmp_path, path)
  assert str(e.value).count("emotion '9'") == 20


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    ('', 'is empty; a header'),
    ('emotion,pixels,Usage\n', 'no rows below the header'),
    ('emotion,image,Usage\n', "'image'"),
    ('emotion,pixels,Usage\n0,"1 2', 'fer.csv:2: not valid CSV'),
  ],
)
def test_unusable_files(tmp_path, content, message):
  path = tmp_path / 'fer.csv'
  path.write_text(content)
  with pytest.raises(ValueError, match=message):
    prepared(tmp_path, path)


def test_no_training_rows_is_an_error(tmp_path):
  path = write_fer(tmp_path / 'fer.csv', [(0, picture(0), 'PublicTest')])
  with pytest.raises(ValueError, match='no usable row with Usage Training'):
    prepared(tmp_path, path)


def test_missing_file_and_unknown_names(tmp_path):
  with pytest.raises(FileNotFoundError, match=r'fer2013\.csv of Kaggle'):
    prepared(tmp_path, tmp_path / 'nowhere.csv')
  with pytest.raises(
    ValueError, match=r"'fer' .*mean 'fer2013'.*known: .*raf_db"
  ):
    corpora.get_corpus('fer')
  path = small(tmp_path / 'fer.csv')
  with pytest.raises(ValueError, match="'mode'; known: published, votes"):
    prepared(tmp_path, path, fer_plus_rule='mode')


def test_columns_in_any_order_with_blanks_are_the_same_corpus(tmp_path):
  rows = [(0, picture(1), 'Training'), (3, picture(2), 'PublicTest')]
  plain = fer2013.read(write_fer(tmp_path / 'fer2013.csv', rows))
  turned = [(e, f' {u}', ' '.join(map(str, p))) for e, p, u in rows]
  header = ('emotion', ' Usage', ' pixels')
  icml = fer2013.read(write_fer(tmp_path / 'icml.csv', turned, header))
  for field in ('ids', 'pixels', 'emotion', 'usage'):
    one, other = (list(getattr(t, field)) for t in (plain, icml))
    np.testing.assert_array_equal(one, other)
  assert icml.ids == ['Training_00000', 'PublicTest_00001']


def save(folder, name, seed, size=48):
  path = folder / name
  path.parent.mkdir(parents=True, exist_ok=True)
  Image.fromarray(np.resize(picture(seed), (size, size)).astype(np.uint8)).save(
    path
  )


def test_folders_of_pictures(tmp_path):
  names = {
    'train/angry/Training_3908.png': (0, 'Training'),
    'train/Happy/im0.png': (3, 'Training'),
    'test/surprise/PrivateTest_7.PNG': (5, 'PrivateTest'),
    'test/surprise/PublicTest_8.png': (5, 'PublicTest'),
    'validation/neutral/9.png': (6, 'PublicTest'),
  }
  for seed, name in enumerate(names):
    save(tmp_path, name, seed)
  table = fer2013.read_folder(tmp_path)
  columns = zip(table.ids, table.emotion, table.usage, strict=True)
  assert {name: (code, usage) for name, code, usage in columns} == names
  for seed, name in enumerate(names):
    np.testing.assert_array_equal(
      table.pixels[table.ids.index(name)], picture(seed)
    )
  (tmp_path / 'train/angry/x.jpg').write_text('no picture')
  save(tmp_path, 'train/cross/1.png', 1)
  save(tmp_path, 'eval/sad/1.png', 1)
  save(tmp_path, 'train/sad/1.png', 1, size=64)
  with pytest.raises(ValueError, match='cannot be used') as e:
    fer2013.read_folder(tmp_path)
  for message in (
    'train/angry/x.jpg: cannot be read as a picture',
    "train/cross/1.png: Unknown expression 'cross'",
    "eval/sad/1.png: folder 'eval' is not one of train, val, test",
    'train/sad/1.png: has 64x64 pixels, not 48x48; pictures of other sizes',
  ):
    assert message in str(e.value)


def test_a_folder_without_faces_and_fer_plus_of_a_folder(tmp_path):
  with pytest.raises(ValueError, match='no picture train/<expression>'):
    fer2013.read_folder(tmp_path)
  with pytest.raises(ValueError, match=r'must be that file'):
    corpora.get_corpus('fer2013')(
      data_dir=tmp_path, path=tmp_path, fer_plus=tmp_path / 'fer2013new.csv'
    )
