"""Settings of fusions: all are in the defaults, and models come from them."""

from collections.abc import Mapping
import functools
import inspect

import jax
import numpy as np
import pytest
from toys import utterances as toy_utterances

from affect_jax import defaults
from affect_jax.models import fusion
from affect_jax.models import utterance_model
from affect_jax.models.fusion import summaries

# What no user sets: Flax's own, and the samples of training (`utterances`).
OF_FRAMEWORK = {'parent', 'name', 'rows'}
# Settings whose default is another than that of the module.
DIFFERENT = {('self_mm', 'dropout'): 0.1}
LATE = ('lf_dnn', 'lf_lstm', 'lf_transformer')


def settable(name):
  """{field: its default} of the module of a fusion."""
  found = {
    key: p.default
    for key, p in inspect.signature(fusion.FUSIONS[name]).parameters.items()
    if key not in OF_FRAMEWORK
  }
  if name in LATE:
    del found['encoder']  # It names the fusion.
  return found


@pytest.mark.parametrize('name', fusion.FUSIONS)
def test_every_field_is_a_setting_with_the_same_default(name):
  options = defaults.get_config().utterance[name].to_dict()
  fields = settable(name)
  assert set(options) == set(fields)
  for key, default in fields.items():
    value = options[key]
    if key == 'encoder_options':
      # They are those of the encoders, written out.
      assert default == {}
      for encoder, own in value.items():
        found = inspect.signature(summaries.SUMMARIES[encoder]).parameters
        known = set(found) - OF_FRAMEWORK - set(options)
        assert own == {k: found[k].default for k in known}
      continue
    if isinstance(default, Mapping):
      default = dict(default)
    default = DIFFERENT.get((name, key), default)
    assert value == default, key
    assert type(value) is type(default), key


@pytest.mark.parametrize('name', ['tfn', 'lmf', 'gated'])
def test_options_of_each_encoder_can_be_set(name):
  options = defaults.get_config().utterance[name].encoder_options
  # Those of DnnSummary are settings of the fusion.
  assert set(options) | {'dnn'} == set(summaries.SUMMARIES)


def test_one_setting_is_of_one_fusion():
  c = defaults.get_config().utterance
  c.tfn.encoder_options.lstm.layers = 3
  assert c.lmf.encoder_options.lstm.layers == 1
  assert c.lf_lstm.encoder_options.lstm.layers == 1


def built(c):
  settings = utterance_model.settings(c, toy_utterances.DIMS, {})
  return utterance_model.UtteranceModel((('sentiment', 1),), **settings)


def batch(length=5, rows=2):
  r = np.random.default_rng(0)
  found = {}
  for name, dim in toy_utterances.DIMS.items():
    found[name] = r.normal(size=(rows, length, dim)).astype(np.float32)
    found[name + '_mask'] = np.ones((rows, length), bool)
  return found


def config(**settings):
  """config.utterance, locked as for flags; settings as {'tfn.width': 3}."""
  c = defaults.get_config().lock()
  with c.unlocked():
    c.utterance.update_from_flattened_dict(settings)
  return c.utterance.to_dict()


def shapes(c):
  init = functools.partial(built(c).init, train=False)
  return jax.eval_shape(init, jax.random.key(0), batch())['params']


@functools.cache
def shapes_with(name, **settings):
  c = config(fusion=name, **{f'{name}.{k}': v for k, v in settings.items()})
  assert hash(built(c)) == hash(built(c))
  return shapes(c)


WITH_ENCODER = ('tfn', 'lmf', 'gated')


@pytest.mark.parametrize(
  ('name', 'before', 'setting', 'value'),
  [
    *(
      (name, {'encoder': encoder}, setting, value)
      for name in WITH_ENCODER
      for encoder in ('dnn', 'lstm', 'transformer')
      for setting, value in (('hidden', 8), ('width', 4), ('fused_width', 6))
    ),
    *((name, {}, 'encoder', 'dnn') for name in WITH_ENCODER),
    *((name, {}, 'encoder', 'transformer') for name in WITH_ENCODER),
    ('lmf', {}, 'rank', 2),
    ('misa', {}, 'encoder', 'mean'),
    ('misa', {}, 'hidden', 3),
    ('misa', {}, 'width', 8),
    ('misa', {}, 'mlp_width', 9),
    ('ef_lstm', {}, 'width', 6),
    ('ef_lstm', {}, 'layers', 2),
    ('ef_lstm', {}, 'bidirectional', True),
    ('mult', {'layers': 1}, 'width', 10),
    ('mult', {'layers': 1}, 'layers', 2),
    ('mult', {'layers': 1}, 'kernel', 3),
    ('self_mm', {}, 'hidden.audio', 4),
    ('self_mm', {}, 'fused_width', 4),
  ],
)
def test_a_setting_changes_the_parameters(name, before, setting, value):
  assert shapes_with(name, **before) != shapes_with(
    name, **{**before, setting: value}
  )


@pytest.mark.parametrize('name', fusion.FUSIONS)
def test_runs_from_before_these_settings(name):
  """Their configs have few options; they are the same model."""
  c = config(fusion=name)
  old = {**c, name: {k: c[name][k] for k in ('width',) if k in c[name]}}
  assert shapes(old) == shapes(c)


def test_settings_of_an_encoder_reach_it():
  name = 'tfn.encoder_options.transformer.layers'
  few, many = (
    shapes(config(fusion='tfn', **{'tfn.encoder': 'transformer', name: n}))
    for n in (1, 3)
  )
  assert len(jax.tree.leaves(few)) < len(jax.tree.leaves(many))
