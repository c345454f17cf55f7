"""An exported file predicts as its run does, without JAX or TensorFlow."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
from PIL import Image
import pytest
import tensorflow as tf
from toys import face_runs
from toys.paths import ROOT

import affect_jax
from affect_jax.errors import UserError
from affect_jax.export import write
from affect_jax.media import resize
from affect_jax.predict import exported as exported_lib
from affect_jax.predict import settings as settings_lib
from affect_jax.predict import table

pytest.importorskip('onnxruntime')
TASKS = {
  'expression': {'outputs': ('neutral', 'happiness', 'anger')},
  'action_units': {'outputs': ('AU1', 'AU12')},
  'valence_arousal': {},
}
COMMAND = """
import runpy, sys
REFUSED = (
  'flax', 'jax', 'jaxlib', 'orbax', 'tensorflow', 'tensorflow_datasets'
)
sys.modules.update(dict.fromkeys(REFUSED))  # As if not installed.
runpy.run_module('affect_jax.predict', run_name='__main__')
"""


@pytest.fixture(scope='module')
def run(tmp_path_factory, quick_runs):
  workdir = tmp_path_factory.mktemp('run')
  face_runs.write(workdir, TASKS, 24, views='flip')
  return workdir


@pytest.fixture(scope='module')
def model(run, tmp_path_factory):
  output = tmp_path_factory.mktemp('exported') / 'here'
  write.write(str(run), output, ['onnx'], measure=False)
  return output / 'model.onnx'


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
  """Small, large, grey, with alpha, turned by EXIF, as JPEG, and damaged."""
  folder = tmp_path_factory.mktemp('pictures')
  r = np.random.default_rng(0)
  draw = lambda *shape: r.integers(0, 256, shape, np.uint8)
  Image.fromarray(draw(24, 24, 3)).save(folder / 'a.png')
  Image.fromarray(draw(9, 31, 3)).save(folder / 'b.png')
  Image.fromarray(draw(90, 70)).save(folder / 'c.png')
  Image.fromarray(draw(40, 40, 4)).save(folder / 'd.png')
  exif = Image.Exif()
  exif[0x0112] = 6
  Image.fromarray(draw(50, 30, 3)).save(folder / 'e.png', exif=exif)
  (folder / 'f.png').write_bytes(b'no picture')
  coarse = Image.fromarray(draw(6, 6, 3)).resize((120, 90))
  coarse.save(folder / 'g.jpg', quality=90)
  coarse.convert('L').save(folder / 'h.jpg')
  coarse.convert('CMYK').save(folder / 'i.jpg')
  return folder


def read(path):
  with open(path, newline='') as file:
    return list(csv.DictReader(file))


def command(*arguments):
  return subprocess.run(
    [sys.executable, '-c', COMMAND, *map(str, arguments)],
    env={**os.environ, 'PYTHONPATH': str(ROOT)},
    capture_output=True,
    text=True,
    check=False,
  )


def test_it_predicts_what_the_run_does(run, model, pictures, tmp_path):
  done = command(
    f'--model={model}',
    f'--input={pictures}',
    '--faces=whole',
    f'--output={tmp_path / "exported.csv"}',
    '--batch_size=4',
  )
  assert done.returncode == 0, done.stderr
  assert '8 predicted, 1 unreadable' in done.stdout
  wanted = tmp_path / 'run.csv'
  table.predict(
    affect_jax.load(run),
    [str(pictures)],
    wanted,
    settings=settings_lib.Settings(faces='whole'),
  )
  found, wanted = read(tmp_path / 'exported.csv'), read(wanted)
  assert [*found[0]] == [*wanted[0]]
  values = [x for x in found[0] if x[:2] == 'p_' or x[-2:] == '_p']
  values += ['valence', 'arousal']
  assert len(values) == 7
  for a, b in zip(found, wanted, strict=True):
    texts = [name for name in a if name not in values]
    assert [a[name] for name in texts] == [b[name] for name in texts]
    if a['success'] == '1':
      for name in values:
        assert float(a[name]) == pytest.approx(float(b[name]), abs=1e-4)
  assert np.ptp([float(r['valence']) for r in found if r['valence']]) > 1e-3
  note = json.loads((tmp_path / 'exported.json').read_text())
  assert note['preprocessing']['image_size'] == 24
  assert note['run'] == str(model)
  assert note['checkpoint_step'] == 1


@pytest.mark.parametrize('shape', [(7, 20), (61, 61), (64, 25), (24, 25)])
def test_pictures_are_scaled_as_training_does(shape):
  picture = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
  wanted = tf.image.resize(
    picture.astype(np.float32) / 255, (24, 24), antialias=True
  )
  found = resize.to_square(picture, 24)
  np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5)


def test_a_file_says_what_it_is_also_alone(model, tmp_path):
  alone = tmp_path / 'face.onnx'
  alone.write_bytes(model.read_bytes())
  read = exported_lib.Exported(alone, threshold='.2')
  assert read.columns.outputs['expression'] == TASKS['expression']['outputs']
  assert read.columns.thresholds == {'AU1': 0.2, 'AU12': 0.2}
  assert exported_lib.Exported(alone).columns.thresholds['AU1'] == 0.5


def test_files_that_are_none_are_named(model, tmp_path):
  cut = tmp_path / 'cut.onnx'
  data = model.read_bytes()
  cut.write_bytes(data[: len(data) // 2])
  with pytest.raises(UserError, match=r'cut\.onnx is no ONNX file.*or is cut'):
    exported_lib.Exported(cut)
  with pytest.raises(UserError, match=r'nowhere\.onnx: there is no such'):
    exported_lib.Exported(tmp_path / 'nowhere.onnx')
  done = command(f'--model={cut}', '--input=x', '--output=x.csv', '--step=1')
  assert done.returncode == 1
  assert '--step is of runs' in done.stderr
  done = command('--input=x', '--output=x.csv')
  assert done.stderr.strip().startswith('Error: Give --workdir=RUN, or --model')


def test_files_of_others_are_refused(model, tmp_path):
  import onnx

  proto = onnx.load(str(model))
  del proto.metadata_props[:]
  other = tmp_path / 'other.onnx'
  onnx.save(proto, str(other))
  with pytest.raises(UserError, match=r'no model\.json beside it'):
    exported_lib.Exported(other)
  (tmp_path / 'model.json').write_bytes(
    model.with_name('model.json').read_bytes()
  )
  assert exported_lib.Exported(other).columns.thresholds
