"""What a task can be told in a config."""

import inspect

import pytest

from affect_jax import defaults
from affect_jax import tasks
from affect_jax.run import tasks as run_tasks


@pytest.mark.parametrize('name', tasks.TASKS)
def test_options_of_a_task_are_settings(name):
  options = set(inspect.signature(tasks.TASKS[name].build).parameters)
  settings = defaults.get_config()[name].to_dict()
  assert settings.keys() == options - {'counts'}
  # Left alone, they build the task; outputs come from a corpus, where None.
  task = tasks.get_task(name, **run_tasks.given(settings))
  assert task.name == name


def test_settings_without_a_value_take_one():
  c = defaults.get_config().lock()
  c.update_from_flattened_dict(
    {
      'action_units.pos_weight': 'balanced',
      'action_units.focal_alpha': 0.25,
      'expression.weight_cap': 10,
      'emotion.beta': 0.99,
    }
  )
  assert run_tasks.given(c.action_units.to_dict())['focal_alpha'] == 0.25
  assert c.expression.weight_cap == 10
  with pytest.raises(TypeError, match='weight_cap'):
    c.expression.weight_cap = 'ten'


@pytest.mark.parametrize('name', tasks.TASKS)
def test_a_task_says_how_it_is_annotated(name):
  annotation = tasks.get_annotation(name)
  assert annotation.low < annotation.high
  if annotation.one_weight:
    assert not tasks.get_task(name).weight_per_output
  if annotation.spelling is None:
    assert tasks.get_task(name).outputs == annotation.names


def test_a_task_without_a_loss_weight_weighs_one():
  c = defaults.get_config()
  c.loss_weights = {'expression': 0.5}
  built = [tasks.get_task(n) for n in ('expression', 'sarcasm')]
  expected = {'expression': 0.5, 'sarcasm': 1.0}
  assert run_tasks.loss_weights(c, built) == expected
