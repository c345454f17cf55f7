"""Both releases of AffectNet in miniature."""

import numpy as np
import pytest
from toys import face_corpora

from affect_jax.corpora import affectnet
from affect_jax.corpora.builders import face_listing

row = face_corpora.affectnet_row
picture = face_corpora.picture

TRAINING = [
  row('689/a.jpg', 1, 0.75, -0.25),
  row('689/b.bmp', 0, 0, 0),
  row('10/c.tif', 7, -0.5, 0.5),
  row('10/d.JPG', 8, 0.125, 0.25),
  row('10/e.jpg', 9, -2, -2),
  row('10/f.jpg', 10, -2, -2),
  row('10/gone.jpg', 3, 0.1, 0.8),
]
VALIDATION = [row('11/g.jpg', 6, -0.5, 0.75), row('11/h.jpg', 5, -2, 0.5)]


def write_original(root, training=TRAINING, validation=VALIDATION, **options):
  return face_corpora.write_affectnet(root, training, validation, **options)


def read(found, split):
  rows = list(found.splits[split]())
  samples = {r.id: r for r in rows if isinstance(r, face_listing.Sample)}
  left_out = {}
  for r in rows:
    if isinstance(r, face_listing.LeftOut):
      left_out[r.reason] = left_out.get(r.reason, 0) + r.count
  return samples, left_out


def test_original_release(tmp_path):
  found = affectnet.listing(write_original(tmp_path))
  train, left_out = read(found, 'train')
  assert {k: dict(s.labels) for k, s in train.items()} == {
    '689/a.jpg': {'expression': 'happiness', 'valence': 0.75, 'arousal': -0.25},
    '689/b.bmp': {'expression': 'neutral', 'valence': 0, 'arousal': 0},
    '10/c.tif': {'expression': 'contempt', 'valence': -0.5, 'arousal': 0.5},
    # 'None' is a face without a name, but with valence and arousal.
    '10/d.JPG': {'valence': 0.125, 'arousal': 0.25},
  }
  assert left_out == {
    'rows without any label': 2,
    'labels without a picture': 1,
  }
  for sample in train.values():
    assert (found.root / sample.picture).is_file()
    assert sample.subject == ''
  # No header; one of the two values alone is missing.
  val, left_out = read(found, 'val')
  assert {k: dict(s.labels) for k, s in val.items()} == {
    '11/g.jpg': {'expression': 'anger', 'valence': -0.5, 'arousal': 0.75},
    '11/h.jpg': {'expression': 'disgust', 'arousal': 0.5},
  }
  assert left_out == {}


def test_codes_of_both_releases(tmp_path):
  rows = [row(f'1/{k}.jpg', k, -2, -2) for k in range(11)]
  found = affectnet.listing(write_original(tmp_path, rows))
  samples, left_out = read(found, 'train')
  names = [s.labels['expression'] for s in samples.values()]
  assert names[:4] == ['neutral', 'happiness', 'sadness', 'surprise']
  assert names[4:] == ['fear', 'disgust', 'anger', 'contempt']
  assert left_out == {'rows without any label': 3}
  weights = face_listing.to_record(samples['1/3.jpg'].labels, found.outputs)
  np.testing.assert_array_equal(weights['valence_arousal_weights'], [0, 0])
  # neutral, anger, disgust, fear, happiness, sadness, surprise, contempt.
  np.testing.assert_array_equal(weights['expression'], np.eye(8)[6])


def test_seven_classes_take_the_name_of_contempt_only(tmp_path):
  training = [*TRAINING, row('10/i.jpg', 7, -2, -2)]
  found = affectnet.listing(write_original(tmp_path, training), classes=7)
  assert 'contempt' not in found.outputs['expression']
  assert len(found.outputs['expression']) == 7
  train, left_out = read(found, 'train')
  assert dict(train['10/c.tif'].labels) == {'valence': -0.5, 'arousal': 0.5}
  assert left_out['rows without any label'] == 3
  for sample in train.values():
    face_listing.to_record(sample.labels, found.outputs)


def test_pictures_may_be_one_folder_deeper_and_unnamed_ones_count_once(
  tmp_path,
):
  deeper = 'Manually_Annotated/Manually_Annotated_Images'
  write_original(tmp_path, images=deeper, headers=(True, True))
  picture(tmp_path / deeper / '10/extra.jpg')
  picture(tmp_path / deeper / '99/extra.jpg')
  found = affectnet.listing(tmp_path)
  train, left_out = read(found, 'train')
  assert train['689/a.jpg'].picture == f'{deeper}/689/a.jpg'
  assert left_out['pictures without any label'] == 2
  val, left_out = read(found, 'val')
  assert (len(val), left_out) == (2, {})


def test_columns_are_found_by_name(tmp_path):
  write_original(tmp_path)
  table = tmp_path / 'Manually_Annotated_file_lists/training.csv'
  table.write_text(
    'subDirectory_filePath,arousal,valence,expression\n689/a.jpg,.5,-1,2\n'
  )
  train, _ = read(affectnet.listing(tmp_path), 'train')
  assert dict(train['689/a.jpg'].labels) == {
    'expression': 'sadness',
    'valence': -1,
    'arousal': 0.5,
  }
  table.write_text('subDirectory_filePath,valence,expression\na.jpg,1,2\n')
  with pytest.raises(ValueError, match=r'training.csv:1: the header is'):
    read(affectnet.listing(tmp_path), 'train')


def test_repeated_rows(tmp_path):
  found = affectnet.listing(
    write_original(tmp_path, [*TRAINING, TRAINING[0], TRAINING[0]])
  )
  train, left_out = read(found, 'train')
  assert len(train) == 4
  assert left_out['repeated rows'] == 2


@pytest.mark.parametrize(
  ('line', 'message'),
  [
    (
      row('1/x.jpg', 11, 0, 0),
      r":9: expression '11' is unknown; known: 0 neutral, 1",
    ),
    (row('1/x.jpg', 1.5, 0, 0), r":9: expression '1.5' is unknown"),
    (row('1/x.jpg', 'nan', 0, 0), r":9: expression 'nan' is unknown"),
    (row('1/x.jpg', 1, 1.01, 0), r":9: valence '1.01' is neither in \[-1, 1\]"),
    (row('1/x.jpg', 1, 0, 'nan'), r":9: arousal 'nan' is neither in"),
    (row('1/x.jpg', 1, '', 0), r":9: valence '' is not a number"),
    (row('1/x.jpg', 1, '0_1', 0), r":9: valence '0_1' is not a number"),
    (row('', 1, 0, 0), r':9: subDirectory_filePath is empty'),
    (row('689/a.jpg', 2, 0.75, -0.25), r":9: '689/a.jpg' is already in line 2"),
    ('689/x.jpg,1', r':9: 2 cells, not'),
  ],
)
def test_bad_rows_are_named(tmp_path, line, message):
  found = affectnet.listing(write_original(tmp_path, [*TRAINING, line]))
  with pytest.raises(ValueError, match=message):
    read(found, 'train')


def write_arrays(folder, number, image='jpg', **values):
  for part in ('images', 'annotations'):
    (folder / part).mkdir(parents=True, exist_ok=True)
  for kind, value in values.items():
    np.save(folder / f'annotations/{number}_{kind}.npy', value)
  if image:
    picture(folder / f'images/{number}.{image}')


def write_2021(root):
  train, val = root / 'train_set', root / 'val_set'
  # Strings, as in the release, and numbers.
  write_arrays(train, 10, exp=np.array('1'), val=np.array('0.5'), aro='-0.25')
  write_arrays(train, 9, exp=7, val=-0.5, aro=np.array([0.25]))
  write_arrays(train, 11, exp=np.bytes_(b'3'), val='-2', aro='-2', lnd=[1, 2])
  write_arrays(train, 12, image=None, exp='0', val='0', aro='0')
  write_arrays(train, 13, lnd=[1, 2])
  write_arrays(train, 14, exp='2')
  write_arrays(val, 9, image='png', exp='5', val='0.0625', aro='1')
  return root


def test_release_of_2021(tmp_path):
  found = affectnet.listing(write_2021(tmp_path))
  train, left_out = read(found, 'train')
  assert {k: dict(s.labels) for k, s in train.items()} == {
    'train_set/9': {'expression': 'contempt', 'valence': -0.5, 'arousal': 0.25},
    'train_set/10': {
      'expression': 'happiness',
      'valence': 0.5,
      'arousal': -0.25,
    },
    'train_set/11': {'expression': 'surprise'},
    'train_set/14': {'expression': 'sadness'},
  }
  assert list(train) == [f'train_set/{n}' for n in (9, 10, 11, 14)]
  assert train['train_set/9'].picture == 'train_set/images/9.jpg'
  assert left_out == {
    'labels without a picture': 1,
    'pictures without any label': 1,
  }
  val, left_out = read(found, 'val')
  assert {k: dict(s.labels) for k, s in val.items()} == {
    'val_set/9': {'expression': 'disgust', 'valence': 0.0625, 'arousal': 1}
  }
  assert val['val_set/9'].picture == 'val_set/images/9.png'
  assert left_out == {}


def test_arrays_without_a_label_are_counted(tmp_path):
  write_arrays(tmp_path / 'val_set', 1, exp='7', val='-2')
  found = affectnet.listing(tmp_path, classes=7)
  assert list(found.splits) == ['val']
  assert read(found, 'val') == ({}, {'rows without any label': 1})


class Evil:
  def __reduce__(self):
    return (exec, ("raise RuntimeError('an array was unpickled')",))


@pytest.mark.parametrize(
  ('value', 'message'),
  [
    (np.array(Evil(), object), r'9_exp.npy: .*allow_pickle'),
    (np.array([1, 2]), r'9_exp.npy: the array has 2 values, not one'),
    (np.array('happy'), r"9_exp.npy: expression 'happy' is not a number"),
    (np.array(12), r"9_exp.npy: expression '12' is unknown; known: 0 neutral"),
    (b'', r'9_exp.npy: is no .*neither'),
    (b'not an array', r'9_exp.npy: is no .*neither'),
  ],
)
def test_bad_arrays_are_named_and_never_unpickled(tmp_path, value, message):
  write_2021(tmp_path)
  path = tmp_path / 'train_set/annotations/9_exp.npy'
  if isinstance(value, bytes):
    path.write_bytes(value)
  else:
    np.save(path, value, allow_pickle=True)
  with pytest.raises(ValueError, match=message):
    read(affectnet.listing(tmp_path), 'train')


def test_what_is_not_there_is_named(tmp_path):
  with pytest.raises(FileNotFoundError, match='no AffectNet in this folder'):
    affectnet.listing(tmp_path)
  (tmp_path / 'train_set/images').mkdir(parents=True)
  with pytest.raises(FileNotFoundError, match='train_set/annotations'):
    affectnet.listing(tmp_path)
  lists = tmp_path / 'Manually_Annotated_file_lists'
  lists.mkdir()
  (lists / 'validation.csv').write_text(VALIDATION[0])
  with pytest.raises(ValueError, match='holds both releases'):
    affectnet.listing(tmp_path)
  (tmp_path / 'train_set/images').rmdir()
  (tmp_path / 'train_set').rmdir()
  with pytest.raises(
    FileNotFoundError, match='Manually_Annotated_Images or Manually'
  ):
    affectnet.listing(tmp_path)
  with pytest.raises(ValueError, match="classes '6'; known: 8, 7"):
    affectnet.listing(tmp_path, classes=6)


def test_lists_pictures_and_options_change_the_sources(tmp_path):
  before = affectnet.listing(write_original(tmp_path)).sources
  assert before == affectnet.listing(tmp_path).sources
  seven = affectnet.listing(tmp_path, classes=7).sources
  assert {k for k in before if seven[k] != before[k]} == {'classes'}
  picture(tmp_path / 'Manually_Annotated_Images/10/gone.jpg')
  more = affectnet.listing(tmp_path).sources
  assert {k for k in before if more[k] != before[k]} == {'pictures'}
