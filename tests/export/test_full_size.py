"""A ResNet-18 of full size: weights for other programs, fewer bits."""

import jax
import numpy as np
import pytest
from toys import face_runs
from toys import guide_examples

from affect_jax.errors import UserError
from affect_jax.export import check
from affect_jax.export import program
from affect_jax.export import weights
from affect_jax.export import write
from affect_jax.models import pretrained

TASKS = face_runs.TASKS


@pytest.fixture(scope='module')
def run(tmp_path_factory):
  workdir = tmp_path_factory.mktemp('run')
  face_runs.write(workdir, TASKS, 40, stem='imagenet')
  return workdir


@pytest.fixture(scope='module')
def exported(run, tmp_path_factory):
  output = tmp_path_factory.mktemp('out') / 'exported'
  write.write(str(run), output, ['safetensors'], measure=False)
  return output


def test_weights_have_torchvisions_names_and_start_another_run(exported, run):
  path = exported / 'model.safetensors'
  params, stats, report = pretrained.load_resnet18(path)
  trained = program.load(str(run))
  for own, read in (
    (trained.variables['params'], params),
    (trained.variables['batch_stats'], stats),
  ):
    jax.tree.map(np.testing.assert_array_equal, own['backbone'], read)
  assert len(report.loaded) == 100
  assert report.unexpected == tuple(
    sorted(f'heads.{t}.{part}' for t in TASKS for part in ('weight', 'bias'))
  )
  named = weights.tensors(trained.variables)
  # torchvision: [out, in, height, width], and [units, features].
  assert named['layer2.0.downsample.0.weight'].shape == (128, 64, 1, 1)
  assert named['heads.expression.weight'].shape == (3, 512)


def test_half_precision_halves_the_file_and_stays_near(run, tmp_path):
  for precision in ('float32', 'float16'):
    [row] = write.write(
      str(run), tmp_path / precision, ['onnx'], precision, measure=False
    )
    assert row.difference < check.TOLERANCES[precision]
  sizes = [
    (tmp_path / p / 'model.onnx').stat().st_size for p in ('float16', 'float32')
  ]
  assert sizes[0] < 0.51 * sizes[1]


def test_integers_of_8_bits_need_pictures_and_stay_near(run, tmp_path):
  with pytest.raises(UserError, match='--pictures=FOLDER'):
    write.write(str(run), tmp_path / 'x', ['onnx'], 'int8')
  pictures = [check.pictures(32, 40, seed=9)]
  rows = write.write(
    str(run), tmp_path / 'int8', ['onnx'], 'int8', pictures=pictures
  )
  assert rows[0].megabytes < 0.3 * 45
  assert 0 < rows[0].one < rows[0].many


def test_the_guides_example_for_pytorch_runs(exported):
  pytest.importorskip('torchvision')
  *_, block = guide_examples.blocks('export')
  assert 'grad_fn' in guide_examples.run(block, exported.parent)
