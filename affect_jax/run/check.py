"""Finds wrong settings before any data is touched."""

from collections.abc import Mapping, Sequence
from typing import Any

from affect_jax import by_name
from affect_jax import corpora as corpora_lib
from affect_jax import defaults
from affect_jax import multitask
from affect_jax import tasks as tasks_lib
from affect_jax.corpora.builders import utterances as utterances_builder
from affect_jax.data import gold_share
from affect_jax.data import load
from affect_jax.data import weak_tables
from affect_jax.errors import UserError
from affect_jax.evaluation import selection_score
from affect_jax.models import encoders
from affect_jax.models import fusion as fusion_lib
from affect_jax.run import early_stop
from affect_jax.run import feature_spaces
from affect_jax.run import utterances
from affect_jax.training import optimizer

# Groups whose keys are options or names of what checks them itself.
OPEN = (
  'augmentations',
  'data',
  'learning_rate_multipliers',
  'optimizer',
  'schedule',
)
# Smallest values of settings that are whole numbers, and of others.
WHOLE = {
  **dict.fromkeys(('batch_size', 'accumulate', 'num_train_steps'), 1),
  **dict.fromkeys(('log_every', 'eval_every'), 1),
  **dict.fromkeys(('crop_size', 'seed', 'sweep_draws'), 0),
  **dict.fromkeys(('early_stop', 'image_size'), 0),
  'model.frozen_stages': 0,
}
NUMBERS = {
  **dict.fromkeys(('learning_rate', 'weight_decay', 'clip_norm'), 0.0),
  **dict.fromkeys(('progress_secs', 'schedule.warmup_steps'), 0.0),
  'num_epochs': 0.0,
}
# Also smallest values of each entry of a group.
EACH = ('loss_weights',)
SHARES = ('model.dropout', 'utterance.dropout', 'utterance.modality_dropout')
DTYPES = ('float32', 'bfloat16', 'float16')
DTYPE_SETTINGS = ('model.dtype', 'utterance.text.dtype')
# Settings of config.data.corpora.NAME that are no options of the corpus.
OURS = ('corpus', 'data_dir', 'splits')


def check(config: Any) -> None:
  """Raises UserError if a name is unknown or settings contradict each other."""
  _check_keys(config.to_dict(), defaults.get_config().to_dict(), 'config')
  check_values(config.to_dict())
  check_seeds(config.seeds)
  for name in config.tasks:
    by_name.check('task', name, tasks_lib.TASKS)
  by_name.check(
    'config.optimizer.name', config.optimizer.name, optimizer.OPTIMIZERS
  )
  by_name.check(
    'config.balancing.name', config.balancing.name, multitask.METHODS
  )
  if config.data.balance:
    by_name.check('config.data.balance', config.data.balance, config.tasks)
  described = load.describe(config)
  for name, options in described.items():
    corpus = options['corpus']
    known = corpora_lib.options(corpus)
    for option in options:
      if option not in OURS:
        by_name.check('config.data option', option, known, of=f'{name!r}')
  early_stop.check(config, described)
  _check_selection(config, described)
  gold_share.check(load.gold_shares(config), config.tasks, [*described])
  weak_tables.check_settings(config.weak.to_dict(), config.tasks, [*described])
  if _are_utterances(described):
    _check_utterances(config, described)
  elif config.model.temporal:
    by_name.check(
      'config.model.temporal', config.model.temporal, encoders.ENCODERS
    )


def check_values(settings: Mapping[str, Any]) -> None:
  """Raises UserError at a number out of range, or a dtype that is none.

  Args:
    settings: A config as a dict; settings that older configs lack pass.
  """
  each = [f'{g}.{name}' for g in EACH for name in _get(settings, g) or ()]
  for setting, low in {
    **WHOLE,
    **NUMBERS,
    **dict.fromkeys((*SHARES, *each), 0.0),
  }.items():
    value = _get(settings, setting)
    if value is None or isinstance(value, Mapping):
      continue  # It may be one value for each modality.
    whole = setting in WHOLE
    kinds = int if whole else int | float
    good = isinstance(value, kinds) and not isinstance(value, bool)
    high = 1.0 if setting in SHARES else float('inf')
    if not (good and low <= value < high):
      what = 'a whole number' if whole else 'a number'
      below = f' and below {high:g}' if setting in SHARES else ''
      raise UserError(
        f'config.{setting}={value!r} must be {what} of at least {low:g}{below}.'
      )
  for setting in DTYPE_SETTINGS:
    value = _get(settings, setting)
    if value is not None:
      by_name.check(f'config.{setting}', value, DTYPES)


def _get(settings: Any, path: str) -> Any:
  """Returns the setting at a path, or None if it is missing."""
  for key in path.split('.'):
    if not isinstance(settings, Mapping) or key not in settings:
      return None
    settings = settings[key]
  return settings


def selection(config: Any) -> Any:
  """Returns config.selection as a plain dict, or None; older configs lack it.

  Copies of a config hold a ConfigDict in its place.
  """
  return config.to_dict().get('selection')


def _check_selection(
  config: Any, described: Mapping[str, Mapping[str, Any]]
) -> None:
  """Checks config.selection; names of outputs are checked with the data."""
  metrics = {}
  for name in config.tasks:
    options = config.get(name, {})
    kind = {'kind': options['kind']} if 'kind' in options else {}
    task = tasks_lib.get_task(name, **kind)
    metrics[name] = [*task.metrics, *task.tuned_metrics, 'num_gold']
  with_val = [n for n, o in described.items() if o['splits'].get('val')]
  without = [n for n in described if n not in with_val]
  selection_score.check(selection(config), with_val, metrics, without)


def check_seeds(seeds: Sequence[Any]) -> None:
  """Raises UserError unless config.seeds are different numbers from 0."""
  for i, seed in enumerate(seeds):
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
      raise UserError(
        f'config.seeds has {seed!r}, but seeds are whole numbers from 0, as in '
        "--config.seeds='(0,1,2)'."
      )
    if seed in seeds[:i]:
      raise UserError(
        f'config.seeds has {seed} twice: the same run twice tells nothing '
        'about other seeds.'
      )


def _check_keys(
  settings: Mapping[str, Any], known: Mapping[str, Any], path: str
) -> None:
  """Raises UserError at a key that a config file set and nothing reads."""
  for key, value in settings.items():
    if key not in known:
      raise by_name.unknown('setting', key, known, of=path)
    # An empty group takes any key, and a number may become one per modality.
    group = known[key] if isinstance(known[key], Mapping) else {}
    is_open = path == 'config' and key in OPEN
    if isinstance(value, Mapping) and group and not is_open:
      _check_keys(value, group, f'{path}.{key}')


def _are_utterances(described: Mapping[str, Mapping[str, Any]]) -> bool:
  """Returns whether the corpora hold utterances, as their classes tell."""
  has_pictures = {
    name: not issubclass(
      corpora_lib.get_corpus(options['corpus']),
      utterances_builder.UtteranceCorpus,
    )
    for name, options in described.items()
  }
  if len(set(has_pictures.values())) > 1:
    raise UserError(mixed_kinds(has_pictures))
  return not any(has_pictures.values())


def mixed_kinds(has_pictures: Mapping[str, bool]) -> str:
  """Returns the error message for corpora of pictures and of utterances."""
  pictures, others = (
    [name for name, x in has_pictures.items() if x is wanted]
    for wanted in (True, False)
  )
  return (
    f'config.data.corpora has pictures in {pictures} and utterances in '
    f'{others}, but a run learns from one kind: leave out the other.'
  )


def _check_utterances(
  config: Any, described: Mapping[str, Mapping[str, Any]]
) -> None:
  fusion, context = config.utterance.fusion, config.utterance.context
  by_name.check('config.utterance.fusion', fusion, fusion_lib.FUSIONS)
  feature_spaces.check(config.utterance.feature_spaces.to_dict(), [*described])
  if context:
    by_name.check('config.utterance.context', context, encoders.ENCODERS)
  if config.init.weights:
    raise UserError(
      'config.init.weights takes a ResNet-18 for faces, not for utterances. '
      'Name a text encoder in config.data.text_model, or another run in '
      'config.init.checkpoint_workdir.'
    )
  window = load.window(config)
  if remembered := fusion_lib.remembers(fusion):
    utterances.check_remembering(config, remembered, config.tasks, window)
  if config.utterance.together:
    texts = {options.get('text', '') for options in described.values()}
    dims = {'text': 0} if 'tokens' in texts else {}
    utterances.check_together(config, dims, window)
