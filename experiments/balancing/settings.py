"""The corpora of the experiment, each with a config that all methods share."""

from collections.abc import Callable
import importlib.util
import pathlib
from typing import Any

from affect_jax import defaults

CONFIGS = pathlib.Path(__file__).parents[2] / 'configs'


def faces(paths: Any) -> Any:
  """Rendered faces, labelled as incompletely as s-Aff-Wild2; three tasks."""
  c = defaults.get_config()
  c.data.corpus = 'synthetic_faces'
  c.data.data_dir = paths.data_dir
  c.data.image_size, c.data.seed = 64, 0
  c.data.num_train, c.data.num_val, c.data.num_test = 6000, 600, 1000
  c.image_size = 32
  c.augment = ('flip', 'crop')
  c.augmentations.crop.pad = 2
  return set_steps(c, 300)


def action_units(paths: Any) -> Any:
  """The task that starves beside the other two, alone."""
  c = faces(paths)
  c.tasks = ('action_units',)
  return c


def multimodal(paths: Any) -> Any:
  """Invented utterances: emotion, sentiment, sarcasm, of three corpora."""
  c = _load('quickstart_multimodal')
  c.data.data_dir = paths.data_dir
  c.eval_subsets = False
  c.utterance.boundaries = (128,)  # Each method compiles each length.
  return set_steps(c, 200)


def meld(paths: Any) -> Any:
  """MELD's emotion and sentiment, on sentence vectors of a frozen BERT."""
  c = _load('meld')
  c.data.data_dir = paths.data_dir
  c.data.path = paths.meld
  c.data.text = 'sentence'
  c.data.text_model = paths.text_model
  c.learning_rate_multipliers = {}  # Of the text model, which is frozen.
  c.utterance.fusion = 'lf_dnn'
  c.utterance.boundaries = (1,)
  return set_steps(c, 300)


CORPORA: dict[str, Callable[[Any], Any]] = {
  'faces': faces,
  'action_units': action_units,
  'multimodal': multimodal,
  'meld': meld,
}


def _load(name: str) -> Any:
  spec = importlib.util.spec_from_file_location(name, CONFIGS / f'{name}.py')
  assert spec
  assert spec.loader
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module.get_config()


def set_steps(c: Any, steps: int) -> Any:
  """Sets the length; methods with a warm-up get a tenth of it."""
  c.num_train_steps = c.eval_every = steps
  c.schedule.warmup_steps = c.log_every = steps // 10
  c.balancing.dwa.period = c.balancing.stch.warmup_steps = steps // 10
  return c
