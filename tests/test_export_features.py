"""Features of clips are those of the run's backbone, in whole files."""

import functools
import json

import jax
import numpy as np
from PIL import Image
import pytest
import tensorflow as tf
from toys import face_runs

from affect_jax import defaults
from affect_jax import export_features
from affect_jax.corpora import utterances_csv
from affect_jax.models import affect_model
from affect_jax.models import resnet
from affect_jax.run import folder as run_folder
from affect_jax.training import checkpoint
from affect_jax.training import train_state

PIXELS = 16
LENGTHS = {'u1': 5, 'u2': 12, 'u3.b': 1}


@pytest.fixture(scope='module')
def run(tmp_path_factory, quick_runs):
  """A run's folder with two checkpoints, the first one the best; variables."""
  workdir = tmp_path_factory.mktemp('rün * ?%20%s')
  config = defaults.get_config()
  config.image_size, config.model.stem = PIXELS, 'small'
  older = config.to_dict()
  del older['eval_views']  # As before there was this setting.
  run_folder.write_json(str(workdir / 'config.json'), older)
  model = affect_model.AffectModel(units=(('expression', 3),), stem='small')
  state = face_runs.state(model, PIXELS)
  other = state.replace(params=jax.tree.map(lambda x: 0.7 * x, state.params))
  with checkpoint.build_manager(str(workdir), 1) as manager:
    checkpoint.save(manager, 1, state, headline=0.9)
    checkpoint.save(manager, 2, other, headline=0.1)
  variables = {'params': state.params, **state.model_state}
  return workdir, {k: v['backbone'] for k, v in variables.items()}


@pytest.fixture(scope='module')
def pictures():
  r = np.random.default_rng(1)
  shape = (PIXELS, PIXELS, 3)
  found = {
    clip: [r.integers(0, 256, shape, np.uint8) for _ in range(length)]
    for clip, length in LENGTHS.items()
  }
  # Grey, and larger.
  found['u3.b'] = [r.integers(0, 256, (40, 24), np.uint8)]
  return found


def write_frames(where, pictures):
  for clip, images in pictures.items():
    folder = where / 'frames' / clip
    folder.mkdir(parents=True)
    for i, image in enumerate(images, 1):
      # Without zeros in front: 10 comes after 9.
      Image.fromarray(image).save(folder / f'frame_{i}.png')
  return where / 'frames'


@pytest.fixture
def frames(tmp_path, pictures):
  return write_frames(tmp_path, pictures)


@pytest.fixture(scope='module')
def finished(run, pictures, tmp_path_factory):
  frames = write_frames(tmp_path_factory.mktemp('finished [x]*'), pictures)
  return (frames, *export(run, frames))


@functools.cache
def oracle():
  model = resnet.ResNet18(stem='small')
  return jax.jit(functools.partial(model.apply, train=False))


def by_hand(variables, images):
  x = [i.astype(np.float32) / 255 for i in images]
  x = [np.stack([i] * 3, -1) if i.ndim == 2 else i for i in x]
  size = (PIXELS, PIXELS)
  x = np.stack(
    [
      i if i.shape[:2] == size else tf.image.resize(i, size, antialias=True)
      for i in x
    ]
  )
  mean = np.array([0.485, 0.456, 0.406], np.float32)
  std = np.array([0.229, 0.224, 0.225], np.float32)
  x = (x - mean.reshape(1, 1, 1, 3)) / std.reshape(1, 1, 1, 3)
  padded = np.concatenate([x, np.zeros((12 - len(x), *x.shape[1:]))], 0)
  return np.asarray(oracle()(variables, padded.astype(np.float32)))[: len(x)]


def export(run, frames, **options):
  output = frames.parent / 'vision'
  options = {'batch_size': 4, **options}
  return output, export_features.export(str(run[0]), frames, output, **options)


def test_features_are_those_of_the_backbone(run, finished, pictures):
  _, output, counts = finished
  assert counts == {export_features.WRITTEN: 3}
  assert sorted(p.name for p in output.iterdir()) == [
    'features.json',
    *('u1.npy', 'u2.npy', 'u3.b.npy'),
  ]
  for clip, images in pictures.items():
    found = np.load(output / f'{clip}.npy')
    assert found.dtype == np.float32
    assert found.shape == (LENGTHS[clip], resnet.WIDTHS[-1])
    expected = by_hand(run[1], images)
    # Rows differ by more than what is forgiven.
    assert len(images) == 1 or np.abs(np.diff(expected, axis=0)).max() > 1
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


def test_again_writes_what_is_missing_only(run, frames):
  output = frames.parent / 'vision'
  output.mkdir()
  (output / '.partial-u2.npy').write_bytes(b'of a killed run')
  np.save(output / 'u1.npy', np.zeros((1, resnet.WIDTHS[-1]), np.float32))
  _, counts = export(run, frames)
  assert counts == {export_features.WRITTEN: 2, export_features.BEFORE: 1}
  assert not np.load(output / 'u1.npy').any()
  assert np.load(output / 'u2.npy').shape == (12, resnet.WIDTHS[-1])
  assert not (output / '.partial-u2.npy').exists()


def test_every_second_picture_of_another_checkpoint(run, frames, pictures):
  output, _ = export(run, frames, every=2, step=2)
  variables = {
    **run[1],
    'params': jax.tree.map(lambda x: 0.7 * x, run[1]['params']),
  }
  np.testing.assert_allclose(
    np.load(output / 'u1.npy'),
    by_hand(variables, pictures['u1'][::2]),
    rtol=1e-4,
    atol=1e-3,
  )


def test_unreadable_pictures_are_an_error_or_counted(run, frames, pictures):
  (frames / 'u1' / 'frame_2.png').write_bytes(b'no picture')
  with pytest.raises(ValueError, match=r'u1/frame_2\.png is not a picture'):
    export(run, frames)
  assert not (frames.parent / 'vision' / 'u1.npy').exists()
  (frames / 'u3.b' / 'frame_1.png').write_bytes(b'')
  (frames / 'u4').mkdir()
  (frames / 'u4' / 'notes.txt').touch()
  (frames / 'list.csv').touch()
  (frames / '.cache').mkdir()
  output, counts = export(run, frames, skip_unreadable=True)
  assert counts == {
    export_features.WRITTEN: 2,
    export_features.EMPTY: 2,
    export_features.UNREADABLE: 2,
    'files that are no pictures, or in no folder of a clip': 2,
  }
  left = [p for i, p in enumerate(pictures['u1']) if i != 1]
  np.testing.assert_allclose(
    np.load(output / 'u1.npy'), by_hand(run[1], left), rtol=1e-4, atol=1e-3
  )
  assert not (output / 'u3.b.npy').exists()


def test_the_files_are_the_vision_of_utterances(finished):
  _, output, _ = finished
  rows = [f'{c},train,{output.name}/{c}.npy,1' for c in LENGTHS]
  path = output.parent / 'mine.csv'
  path.write_text('\n'.join(['id,split,vision,sentiment', *rows]))
  listing = utterances_csv.listing(path)
  assert listing.dims == {'vision': resnet.WIDTHS[-1]}
  found = {u.id: u.sequences['vision'] for u in listing.splits['train']()}
  assert {k: len(x) for k, x in found.items()} == LENGTHS
  np.testing.assert_array_equal(found['u2'], np.load(output / 'u2.npy'))


def test_what_is_no_run_is_named(run, frames, tmp_path):
  other = tmp_path / 'other'
  other.mkdir()
  with pytest.raises(FileNotFoundError, match='other is no run'):
    export((other,), frames)
  with pytest.raises(FileNotFoundError, match=r'checkpoint 7 in .*\[1, 2\]'):
    export(run, frames, step=7)
  with pytest.raises(ValueError, match='no folder in it'):
    export(run, other)
  with pytest.raises(FileNotFoundError, match='no such folder'):
    export(run, tmp_path / 'nowhere')
  run_folder.write_json(str(other / 'config.json'), {})
  with checkpoint.build_manager(str(other), 1) as manager:
    params = {'backbone': {'fusion': {'w': np.ones(2)}}}
    state = train_state.TrainState(np.zeros(()), params, {}, {}, {})
    checkpoint.save(manager, 1, state)
  with pytest.raises(ValueError, match='did not learn from faces'):
    export((other,), frames)
  assert not (frames.parent / 'vision').exists()


def test_settings_are_kept_beside_the_features(run, finished):
  frames, output, _ = finished
  kept = json.loads((output / export_features.SETTINGS).read_text())
  assert len(kept.pop('weights')) == 64
  assert kept == {
    'image_size': PIXELS,
    'eval_views': 'whole',
    'crop_size': 0,
    'step': 1,
    'every': 1,
  }
  with pytest.raises(ValueError, match='every 1 there, 2 now'):
    export(run, frames, every=2)
  with pytest.raises(ValueError, match=r'weights .* there'):
    export(run, frames, step=2)
