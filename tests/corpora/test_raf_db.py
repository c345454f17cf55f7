"""RAF-DB (basic) in miniature, and what may be wrong with it."""

import pytest
from toys import face_corpora

from affect_jax.corpora import raf_db
from affect_jax.corpora.builders import face_listing
from affect_jax.errors import UserError

LINES = [
  'train_00001.jpg 5',
  'train_00002.jpg 1',
  'train_00003.jpg 7',
  'test_0001.jpg 4',
  'test_0002.jpg 2',
]


def write(root, lines=LINES, pictures=None):
  return face_corpora.write_raf_db(root, lines, pictures)


def read(found, split):
  rows = list(found.splits[split]())
  samples = [r for r in rows if isinstance(r, face_listing.Sample)]
  left_out = [r for r in rows if isinstance(r, face_listing.LeftOut)]
  return samples, sum_of(left_out)


def sum_of(left_out):
  found = {}
  for each in left_out:
    found[each.reason] = found.get(each.reason, 0) + each.count
  return found


def test_codes_are_the_names_of_the_readme_and_prefixes_the_splits(tmp_path):
  found = raf_db.listing(write(tmp_path))
  assert list(found.splits) == ['train', 'test']
  train, left_out = read(found, 'train')
  assert left_out == {}
  assert [s.id for s in train] == [f'train_0000{i}.jpg' for i in (1, 2, 3)]
  assert [dict(s.labels) for s in train] == [
    {'expression': 'sadness'},
    {'expression': 'surprise'},
    {'expression': 'neutral'},
  ]
  test, _ = read(found, 'test')
  assert [s.labels['expression'] for s in test] == ['happiness', 'fear']
  assert train[0].picture == 'Image/aligned/train_00001_aligned.jpg'
  assert all((found.root / s.picture).is_file() for s in train + test)
  assert {s.subject for s in train + test} == {''}


def test_the_seven_codes_are_seven_outputs(tmp_path):
  lines = [f'train_{k:05d}.jpg {k}' for k in range(1, 8)]
  found = raf_db.listing(write(tmp_path, lines))
  samples, _ = read(found, 'train')
  assert [s.labels['expression'] for s in samples] == (
    ['surprise', 'fear', 'disgust', 'happiness', 'sadness', 'anger', 'neutral']
  )
  columns = [
    face_listing.to_record(s.labels, found.outputs)['expression'].argmax()
    for s in samples
  ]
  # neutral, anger, disgust, fear, happiness, sadness, surprise.
  assert columns == [6, 3, 2, 4, 5, 1, 0]


def test_what_has_no_partner_is_counted_in_its_split(tmp_path):
  write(
    tmp_path,
    [*LINES, 'train_00001.jpg 5', '', 'test_0001.jpg 4', 'test_0001.jpg 4'],
    [
      'train_00001_aligned.jpg',
      'test_0001_aligned.jpg',
      'test_0002_aligned.jpg',
    ]
    + ['test_0009_aligned.jpg', 'train_00008_aligned.jpg', 'else.png'],
  )
  (tmp_path / 'Image/aligned/.DS_Store').touch()
  found = raf_db.listing(tmp_path)
  train, left_out = read(found, 'train')
  assert [s.id for s in train] == ['train_00001.jpg']
  assert left_out == {
    'labels without a picture': 2,
    'repeated rows': 1,
    'pictures without any label': 2,
  }
  test, left_out = read(found, 'test')
  assert [s.id for s in test] == ['test_0001.jpg', 'test_0002.jpg']
  assert left_out == {'repeated rows': 2, 'pictures without any label': 1}
  assert list(found.splits['train']()) == list(found.splits['train']())


@pytest.mark.parametrize(
  ('line', 'message'),
  [
    (
      'train_00009.jpg 8',
      r":6: expression '8' is not one of 1 surprise, 2 fear",
    ),
    ('train_00009.jpg 0', r":6: expression '0' is not one of"),
    ('train_00009.jpg', r":6: 'train_00009.jpg' is not `<name> <code>`"),
    ('val_00009.jpg 3', r":6: 'val_00009.jpg' begins with neither train_"),
    ('train_00002.jpg 2', r":6: 'train_00002.jpg' is already in line 2, as 1"),
  ],
)
def test_bad_lines_are_named(tmp_path, line, message):
  found = raf_db.listing(write(tmp_path, [*LINES, line]))
  with pytest.raises(ValueError, match=message):
    list(found.splits['test']())


def test_text_that_is_not_utf_8_is_named(tmp_path):
  found = raf_db.listing(write(tmp_path, LINES))
  path = tmp_path / 'EmoLabel/list_patition_label.txt'
  path.write_bytes(path.read_bytes() + b'\ntrain_\xff.jpg 1')
  with pytest.raises(UserError, match=r'label\.txt:\d+: not UTF-8'):
    list(found.splits['test']())


def test_missing_parts_are_named(tmp_path):
  with pytest.raises(FileNotFoundError, match='the list of RAF-DB'):
    raf_db.listing(tmp_path)
  (tmp_path / 'EmoLabel').mkdir()
  (tmp_path / 'EmoLabel/list_patition_label.txt').write_text('')
  with pytest.raises(FileNotFoundError, match='aligned pictures of RAF-DB'):
    raf_db.listing(tmp_path)
  (tmp_path / 'Image/aligned').mkdir(parents=True)
  with pytest.raises(ValueError, match='the list is empty'):
    list(raf_db.listing(tmp_path).splits['train']())


def test_labels_and_pictures_change_the_sources(tmp_path):
  before = raf_db.listing(write(tmp_path)).sources
  assert before == raf_db.listing(tmp_path).sources
  (tmp_path / 'Image/aligned/test_0001_aligned.jpg').unlink()
  fewer = raf_db.listing(tmp_path).sources
  assert {k for k in before if before[k] != fewer[k]} == {'pictures'}
  (tmp_path / raf_db.TABLE).write_text('train_00001.jpg 6')
  other = raf_db.listing(tmp_path).sources
  assert {k for k in fewer if other[k] != fewer[k]} == {raf_db.TABLE.name}
