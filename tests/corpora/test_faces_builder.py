"""Listings become records: streamed, in parallel, resumable, counted."""

import csv
import json
import pathlib
import shutil

from etils import epath
import numpy as np
from PIL import Image
import pytest
import tensorflow_datasets as tfds

from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import faces
from affect_jax.corpora.builders import records
from affect_jax.corpora.builders import shards

OUTPUTS = {
  'expression': ('neutral', 'anger'),
  'action_units': ('AU1', 'AU12'),
  'valence_arousal': ('valence', 'arousal'),
}
LABELS = (
  {'expression': 'anger', 'valence': -0.5},
  {'AU12': 1.0, 'AU1': 0.0},
  {'expression': {'neutral': 0.25, 'anger': 0.75}, 'arousal': 0.5},
)


def toy_listing(path, count=30, version=0):
  """`count` pictures of three videos to train on, and 4 to validate."""

  def samples(split, numbers):
    for i in numbers:
      name = f'video{i % 3}/{i:05d}.png'
      yield face_listing.Sample(name, name, f'video{i % 3}', LABELS[i % 3])
      if i % 10 == 0:
        yield face_listing.LeftOut('labels without a frame', f'video{i % 3}')
    yield face_listing.LeftOut(f'rows of {split}', count=7)

  return face_listing.Listing(
    root=pathlib.Path(path),
    outputs=OUTPUTS,
    splits={
      'train': lambda: samples('train', range(count)),
      'val': lambda: samples('val', range(count, count + 4)),
    },
    sources={'version': str(version)},
  )


class ToyPictures(faces.FaceCorpus, skip_registration=True):
  """Random pictures."""

  LISTING = toy_listing


@pytest.fixture
def folder(tmp_path):
  rng = np.random.default_rng(0)
  for i in range(34):
    target = tmp_path / 'pictures' / f'video{i % 3}' / f'{i:05d}.png'
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8)).save(target)
  return tmp_path


def build(folder, name='data', **options):
  builder = ToyPictures(
    data_dir=folder / name,
    path=folder / 'pictures',
    **{'num_workers': 1, **options},
  )
  builder.download_and_prepare()
  return builder


def read(builder, split='train'):
  return list(tfds.as_numpy(builder.as_dataset(split=split)))


def contents(builder):
  """Names of files, and records in their stored order.

  Not bytes: the order of a protocol buffer's map differs between processes.
  """
  folder = pathlib.Path(builder.data_dir)
  names = sorted(p.name for p in folder.iterdir())
  rows = [
    {k: np.asarray(v).tolist() for k, v in row.items()}
    for split in ('train', 'val')
    for row in read(builder, split)
  ]
  return names, rows


def test_labels_by_name_with_weights():
  record = face_listing.to_record(LABELS[2], OUTPUTS)
  assert record['expression'].tolist() == [0.25, 0.75]
  assert record['expression_weights'].tolist() == 1
  assert record['valence_arousal'].tolist() == [0, 0.5]
  assert record['valence_arousal_weights'].tolist() == [0, 1]
  assert record['action_units_weights'].tolist() == [0, 0]
  assert face_listing.to_record({}, OUTPUTS)['expression_weights'] == 0


@pytest.mark.parametrize(
  ('labels', 'message'),
  [
    ({'AU4': 1.0}, r"\['AU4'\] are not among"),
    ({'expression': 'fear'}, r"\['fear'\] is not among"),
    ({'valence': float('nan')}, 'not finite'),
  ],
)
def test_labels_that_have_no_place_are_refused(labels, message):
  with pytest.raises(ValueError, match=message):
    face_listing.to_record(labels, OUTPUTS)


def test_every_picture_arrives_with_its_labels(folder):
  builder = build(folder)
  rows = {r['id'].decode(): r for r in read(builder)}
  assert len(rows) == 30
  for i in range(30):
    row = rows[f'video{i % 3}/{i:05d}.png']
    picture = np.asarray(Image.open(folder / 'pictures' / row['id'].decode()))
    np.testing.assert_array_equal(row['image'], picture)
    assert row['subject'].decode() == f'video{i % 3}'
    assert row['expression_weights'] == (i % 3 != 1)
    assert row['action_units_weights'].tolist() == [i % 3 == 1] * 2
  assert len(read(builder, 'val')) == 4
  # Shuffled: three videos are not one after another.
  order = [r['subject'] for r in read(builder)]
  assert order != sorted(order)


def test_what_is_left_out_is_counted_by_group(folder):
  builder = build(folder)
  skipped = records.metadata(builder)['skipped']
  assert skipped['labels without a frame'] == 4
  assert skipped['rows of train'] == skipped['rows of val'] == 7
  with open(pathlib.Path(builder.data_dir) / faces.LEFT_OUT) as file:
    rows = [list(row.values()) for row in csv.DictReader(file)]
  assert ['train', '', 'rows of train', '7'] in rows
  assert ['train', 'video1', 'labels without a frame', '1'] in rows
  # A second look reads it from the disk.
  assert records.metadata(build(folder))['skipped'] == skipped


def test_processes_and_a_kill_change_nothing(folder, monkeypatch):
  monkeypatch.setattr(shards, 'SHARD', 8)
  plan = shards.plan
  monkeypatch.setattr(shards, 'plan', lambda s, f: plan(s, f, 8))
  whole = contents(build(folder))
  assert len([n for n in whole[0] if '-train.tfrecord' in n]) == 4
  assert contents(build(folder, 'parallel', num_workers=2)) == whole

  written = []
  write = shards.write

  def killed(job):
    if len(written) == 3:
      raise KeyboardInterrupt
    written.append(job.target)
    write(job)

  monkeypatch.setattr(shards, 'write', killed)
  with pytest.raises(KeyboardInterrupt):
    build(folder, 'killed')
  resumed = []
  monkeypatch.setattr(
    shards, 'write', lambda job: resumed.append(job.target) or write(job)
  )
  builder = build(folder, 'killed')
  assert contents(builder) == whole
  assert not set(resumed) & set(written)
  assert not list((folder / 'killed').rglob('unfinished*'))


def test_another_process_may_tidy_up_first(folder, monkeypatch):
  def rmtree(path, *args, **kwargs):
    shutil.rmtree(path)
    raise FileNotFoundError(path)

  monkeypatch.setattr(type(epath.Path(folder)), 'rmtree', rmtree)
  assert len(read(build(folder))) == 30


def test_pictures_that_cannot_be_read(folder):
  (folder / 'pictures' / 'video1' / '00004.png').write_bytes(b'broken')
  with pytest.raises(ValueError, match=r'00004\.png is not a picture'):
    build(folder)
  builder = build(folder, on_bad_image='skip')
  assert len(read(builder)) == 29
  assert records.metadata(builder)['skipped'][shards.UNREADABLE] == 1


def test_an_id_that_is_there_twice_is_refused(tmp_path):
  Image.new('RGB', (4, 4)).save(tmp_path / 'a.png')
  sample = face_listing.Sample('a', 'a.png', '', {})
  row = json.dumps(shards._row(sample)) + '\n'
  (tmp_path / 'rows').write_text(row * 2)
  job = shards.Job(
    rows=str(tmp_path / 'rows'),
    target=str(tmp_path / 'shard'),
    root=str(tmp_path),
    outputs=OUTPUTS,
    skip_bad=False,
  )
  with pytest.raises(ValueError, match="'a' appears twice"):
    shards.write(job)
  assert not pathlib.Path(job.target).exists()


def test_another_source_is_another_corpus(folder):
  first = build(folder)
  second = build(folder, version=1)
  assert first.data_dir != second.data_dir
  with pytest.raises(TypeError, match='frames'):
    build(folder, frames=3)


def test_no_picture_to_train_on_is_an_error(folder):
  with pytest.raises(ValueError, match='no picture to train on'):
    build(folder, count=0)
