"""What a run starts from: each over what was there before."""

from absl import logging
import jax.numpy as jnp
import numpy as np
import pytest

from affect_jax.training import checkpoint
from affect_jax.training import initialize
from affect_jax.training import train_state


def parameters(value, *parts):
  heads = {'heads': {'sarcasm': {'bias': jnp.full(2, value)}}}
  backbone = {part: {'kernel': jnp.full((2, 3), value)} for part in parts}
  return {'backbone': backbone, **heads}


@pytest.fixture
def state():
  """A fresh state of 0s, of a model that reads text and hears audio."""
  params = parameters(0.0, 'text', 'fusion')
  return train_state.TrainState(jnp.zeros(()), params, {}, {}, {})


def pretrained(variables):
  params = variables['params']
  text = {'text': {'kernel': np.full((2, 3), 1.0)}}
  return {'params': {**params, 'backbone': {**params['backbone'], **text}}}


@pytest.fixture
def warnings(monkeypatch):
  found = []
  monkeypatch.setattr(
    logging, 'warning', lambda text, *values: found.append(text % values)
  )
  return found


def start(state, monkeypatch, other, **options):
  monkeypatch.setattr(
    checkpoint, 'read_variables', lambda workdir: ({'params': other}, 7)
  )
  started = initialize.from_elsewhere(
    state, checkpoint_workdir='other', **options
  )
  backbone = started.params['backbone']
  return {part: float(backbone[part]['kernel'][0, 0]) for part in backbone}


def test_a_run_without_text_leaves_the_pretrained_text(
  state, monkeypatch, warnings
):
  found = start(
    state, monkeypatch, parameters(2.0, 'fusion'), pretrained=pretrained
  )
  assert found == {'text': 1.0, 'fusion': 2.0}
  assert not warnings


def test_a_run_with_text_is_read_over_the_pretrained_one(
  state, monkeypatch, warnings
):
  other = parameters(2.0, 'text', 'fusion')
  found = start(state, monkeypatch, other, pretrained=pretrained)
  assert found == {'text': 2.0, 'fusion': 2.0}


def test_parts_that_stay_random_are_warned_of(state, monkeypatch, warnings):
  found = start(state, monkeypatch, parameters(2.0, 'fusion'))
  assert found == {'text': 0.0, 'fusion': 2.0}
  assert warnings == ['Initialised at random: params/backbone/text.']


def test_heads_of_other_outputs_are_not_loaded(state, monkeypatch, warnings):
  other = parameters(2.0, 'text', 'fusion')
  options = {'parts': 'all', 'other_heads': ['sarcasm']}
  assert start(state, monkeypatch, other, **options)['fusion'] == 2
  assert 'params/heads/sarcasm' in warnings[0]
  started = initialize.overlay(
    {'params': state.params}, {'params': other}, 'all', ['sarcasm']
  )[0]
  assert not np.any(started['params']['heads']['sarcasm']['bias'])


def test_heads_that_were_not_asked_for_are_no_warning(
  state, monkeypatch, warnings
):
  other = parameters(2.0, 'text', 'fusion')
  other['heads'] = {}
  start(state, monkeypatch, other)
  assert not warnings
  start(state, monkeypatch, other, parts='all')
  assert warnings == ['Initialised at random: params/heads/sarcasm.']
