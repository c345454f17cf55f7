"""What is exported predicts what the run does, or is not kept."""

import errno
import json
import os
import pathlib
import sys

import jax
import numpy as np
from PIL import Image
import pytest
from toys import face_runs
from toys import guide_examples

from affect_jax import tasks as tasks_lib
from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError
from affect_jax.export import onnx_graph
from affect_jax.export import program
from affect_jax.export import runtime
from affect_jax.export import stablehlo
from affect_jax.export import write

PIXELS = 16
TASKS = face_runs.TASKS


@pytest.fixture(scope='module')
def run(tmp_path_factory, quick_runs):
  workdir = tmp_path_factory.mktemp('rün')
  face_runs.write(workdir, TASKS, PIXELS)
  return workdir


@pytest.fixture(scope='module')
def exported(run, tmp_path_factory):
  """The folder of both formats, and the table's rows."""
  output = tmp_path_factory.mktemp('out') / 'exported'
  formats = ['stablehlo', 'onnx']
  return output, write.write(str(run), output, formats, measure=False)


@pytest.fixture(scope='module')
def oracle(run):
  trained = program.load(str(run))
  predict = jax.jit(program.make_predict(trained))
  return lambda image: jax.tree.map(np.asarray, predict(image))


@pytest.mark.parametrize(
  ('file', 'load'),
  [('model.jax', stablehlo.load), ('model.onnx', runtime.load)],
)
def test_files_predict_for_any_number_of_pictures(exported, oracle, file, load):
  predict = load(exported[0] / file)
  image = np.random.default_rng(3).random((7, PIXELS, PIXELS, 3), np.float32)
  wanted, found = oracle(image), predict(image)
  assert {t: x.shape for t, x in found.items()} == {
    'expression': (7, 3),
    'action_units': (7, 2),
    'valence_arousal': (7, 2),
  }
  for task, x in wanted.items():
    assert np.ptp(x, axis=0).max() > 1e-3  # Pictures matter.
    np.testing.assert_allclose(found[task], x, atol=1e-5)


def test_model_json_says_what_the_files_do_not(exported, run):
  output, rows = exported
  about = json.loads((output / 'model.json').read_text())
  assert about['tasks']['action_units'] == {'outputs': ['AU1', 'AU12']}
  assert about['input'] == {
    'name': 'image',
    'image_size': PIXELS,
    'colours': 'RGB in [0, 1]',
    'resize': 'stretch',
    'max_side': 0,
    'picture_bits': 0,
    'views': 'whole',
  }
  assert about['model']['mean'] == pytest.approx([0.485, 0.456, 0.406])
  assert set(about['files']) == {row.file for row in rows}
  assert sorted(p.name for p in output.iterdir()) == sorted(
    [*about['files'], 'model.json']
  )
  for row in rows:
    assert row.difference <= 1e-5


def test_predictions_that_differ_are_not_kept(run, tmp_path, monkeypatch):
  monkeypatch.setattr(onnx_graph, 'EPSILON', 0.5)
  with pytest.raises(UserError, match='was not kept: its predictions differ'):
    write.write(str(run), tmp_path / 'out', ['onnx'])
  assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing(run, tmp_path, monkeypatch):
  def describe(path, text):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

  monkeypatch.setattr(onnx_graph, 'describe', describe)
  with pytest.raises(OSError, match='No space left on device'):
    write.write(str(run), tmp_path / 'out', ['onnx'])
  assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
  ('options', 'kind'),
  [
    (('expression',), 'Softmax'),
    (('action_units',), 'Sigmoid'),
    (('valence_arousal',), 'Tanh'),
  ],
)
def test_activations_are_found(options, kind):
  [name] = options
  assert onnx_graph.activation(tasks_lib.get_task(name)) == kind
  assert (
    onnx_graph.activation(tasks_lib.get_task('valence_arousal', loss='bins'))
    == 'Bins'
  )


def test_what_cannot_be_exported_is_said(run, exported, tmp_path, monkeypatch):
  out = tmp_path / 'out'
  with pytest.raises(FileExistsError, match='give another name'):
    write.write(str(run), exported[0], ['onnx'])
  with pytest.raises(UserError, match="did you mean 'onnx'"):
    write.write(str(run), out, ['onx'])
  with pytest.raises(UserError, match='stablehlo has only float32'):
    write.write(str(run), out, ['stablehlo'], 'float16')
  windows = tmp_path / 'windows'
  windows.mkdir()
  face_runs.write(windows, TASKS, PIXELS, window=4)
  with pytest.raises(UserError, match='windows of frames'):
    write.write(str(windows), out, ['onnx'])
  monkeypatch.setitem(sys.modules, 'onnx', None)
  with pytest.raises(MissingExtra, match=r'affect_jax\[onnx\]'):
    write.write(str(run), out, ['onnx'])
  assert not out.exists()


def test_the_guides_examples_run(exported, tmp_path):
  r = np.random.default_rng(0)
  face = tmp_path / 'face.jpg'
  Image.fromarray(r.integers(0, 256, (30, 30, 3), np.uint8)).save(face)
  pathlib.Path(tmp_path / 'exported').symlink_to(exported[0])
  jax_one, onnx_one, torch_one = guide_examples.blocks('export')
  assert 'import torch' in torch_one  # See `test_full_size`.
  outputs = [guide_examples.run(b, tmp_path) for b in (jax_one, onnx_one)]
  # JAX and ONNX Runtime print the same predictions.
  assert outputs[0] == outputs[1]
  assert 'expression: neutral' in outputs[0]
