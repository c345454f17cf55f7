"""Runs that read windows of frames, or utterances, travel, too."""

import json

import jax
import numpy as np
import pytest

from affect_jax import defaults
from affect_jax.errors import UserError
from affect_jax.export import sequences
from affect_jax.export import stablehlo
from affect_jax.export import write
from affect_jax.models import tensor_file
from affect_jax.run import signature
from affect_jax.training import checkpoint
from affect_jax.training import published
from affect_jax.training import train_state


def save(folder, written):
  """Writes a run of random weights."""
  signature.write(str(folder), written)
  model = signature.build_model(written)
  trained = signature.Trained(
    written, signature.build_tasks(written), model, {}, {}, 0
  )
  row = sequences.example(trained)
  variables = jax.jit(lambda: model.init(jax.random.key(0), row, train=False))()
  variables = jax.tree.map(np.asarray, variables)
  params = jax.tree.map(lambda x: 2 * x, variables.pop('params'))
  state = train_state.TrainState(np.int32(1), params, variables, (), {})
  with checkpoint.build_manager(str(folder), 1) as manager:
    checkpoint.save(manager, 1, state, headline=0.5)


def windows():
  config = defaults.get_config()
  config.model.stem, config.model.temporal = 'small', 'gru'
  inputs = {'image_size': 16, 'crop_size': 0, 'window': 3, 'views': 'whole'}
  return signature.Signature(
    'faces', {'valence_arousal': {}}, inputs, config.model.to_dict(), {}
  )


def utterances():
  options = defaults.get_config().utterance.to_dict()
  names = ('modality_dropout', 'text', 'read_across', 'dropout', 'concat')
  model = {**{k: options[k] for k in names}, 'fusion': 'concat', 'context': ''}
  inputs = {
    'dims': {'audio': 3, 'vision': 2},
    'window': 0,
    'boundaries': (4, 6),
    'together': (),
  }
  arrays = {'audio/mean': np.ones(3, 'f4'), 'audio/std': 2 * np.ones(3, 'f4')}
  return signature.Signature(
    'utterances',
    {'sentiment': {}},
    inputs,
    {'utterance': model, 'text': {}},
    {},
    arrays=arrays,
  )


@pytest.mark.parametrize('make', [windows, utterances])
def test_it_predicts_what_the_run_does_for_any_number(
  make, tmp_path, quick_runs
):
  run, output = tmp_path / 'run', tmp_path / 'out'
  run.mkdir()
  save(run, make())
  with pytest.raises(UserError, match='give --format=stablehlo,safetensors'):
    write.write(str(run), output, ['onnx'])
  formats = ['stablehlo', 'safetensors']
  write.write(str(run), output, formats, measure=False)
  about = json.loads((output / 'model.json').read_text())
  trained = signature.load(str(run))
  r = np.random.default_rng(1)
  inputs = {}
  for name, of in about['inputs'].items():
    shape = (5, *of['shape'][1:])
    is_mask = of['dtype'] == 'bool'
    inputs[name] = (
      r.random(shape) < 0.7 if is_mask else r.random(shape, np.float32)
    )
  raw = trained.model.apply(trained.variables, inputs, train=False)
  found = stablehlo.load(output / 'model.jax')(inputs)
  for task in trained.tasks:
    wanted = np.asarray(task.predict(raw[task.name]))
    assert np.ptp(wanted) > 1e-4
    np.testing.assert_allclose(found[task.name], wanted, atol=1e-5)
  tensors = tensor_file.read(output / 'model.safetensors')
  wanted = published.flat(trained.variables)
  assert tensors.keys() == wanted.keys()
  for name, x in wanted.items():
    np.testing.assert_array_equal(tensors[name], x)
