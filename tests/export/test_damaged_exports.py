"""Exported files that are damaged, or say something else than they should."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from affect_jax.errors import UserError
from affect_jax.export import stablehlo
from affect_jax.models import onnx_file
from affect_jax.predict import exported

SAID = {
  'step': 3,
  'input': {'image_size': 8, 'views': 'whole'},
  'tasks': {'expression': {'outputs': ['neutral', 'anger']}},
  'thresholds': {},
  'model': {},
  'packages': {},
}


def test_jax_file(tmp_path):
  path = tmp_path / 'model.jax'
  shape = jax.ShapeDtypeStruct((2,), jnp.float32)
  stablehlo.save(path, lambda x: {'y': x + 1}, [shape])
  found = stablehlo.load(path)(np.zeros(2, np.float32))
  np.testing.assert_array_equal(found['y'], [1, 1])
  for data in (path.read_bytes()[:40], b'', b'{}' * 50):
    path.write_bytes(data)
    with pytest.raises(UserError, match=r'model\.jax is no exported function'):
      stablehlo.load(path)


def load(monkeypatch, said, shape=(1, 2)):
  run = lambda image: {'expression': np.zeros(shape, np.float32)}
  monkeypatch.setattr(onnx_file, 'load', lambda path: (run, said))
  return exported.Exported('model.onnx')


@pytest.mark.parametrize(
  'change',
  [
    {'input': 3},
    {'input': {'image_size': 'x'}},
    {'tasks': None},
    {'tasks': {'expression': 3}},
    {'thresholds': {'faces': 3}, 'tasks': {'action_units': {'outputs': ['a']}}},
  ],
)
def test_what_an_onnx_file_says(monkeypatch, change):
  assert load(monkeypatch, SAID).columns.outputs
  with pytest.raises(UserError, match=r'model\.onnx.*is damaged'):
    load(monkeypatch, SAID | change)
  absent = {k: v for k, v in SAID.items() if k != 'packages'}
  with pytest.raises(UserError, match=r"is damaged \(KeyError\('packages'\)"):
    load(monkeypatch, absent)


def test_outputs_of_another_shape(monkeypatch):
  crops, places = [np.zeros((8, 8, 3), np.float32)], [(0, 0)]
  found = load(monkeypatch, SAID).start(crops, places)()
  assert found['expression'].shape == (1, 2)
  with pytest.raises(UserError, match=r'\(1, 3\) for expression'):
    load(monkeypatch, SAID, (1, 3)).start(crops, places)
