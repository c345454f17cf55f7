"""What settings alone tell to be wrong, before any data is touched."""

from collections.abc import Mapping
from typing import Any

from affect_jax import by_name
from affect_jax import corpora as corpora_lib
from affect_jax import tasks as tasks_lib
from affect_jax.corpora.builders import utterances as utterances_builder
from affect_jax.data import load
from affect_jax.errors import UserError
from affect_jax.models import encoders
from affect_jax.models import fusion as fusion_lib
from affect_jax.run import utterances
from affect_jax.training import optimizer

# Options of `data` that are of the package, and not of a corpus.
OURS = ('corpus', 'data_dir', 'splits')


def check(config: Any) -> None:
  """Raises UserError where a name is unknown, or settings contradict."""
  for name in config.tasks:
    by_name.check('task', name, tasks_lib.TASKS)
  by_name.check(
    'config.optimizer.name', config.optimizer.name, optimizer.OPTIMIZERS
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
  if _are_utterances(described):
    _check_utterances(config, described)
  elif config.model.temporal:
    by_name.check(
      'config.model.temporal', config.model.temporal, encoders.ENCODERS
    )


def _are_utterances(described: Mapping[str, Mapping[str, Any]]) -> bool:
  """Whether corpora hold utterances and not pictures, by their classes."""
  kinds = {
    name: issubclass(
      corpora_lib.get_corpus(options['corpus']),
      utterances_builder.UtteranceCorpus,
    )
    for name, options in described.items()
  }
  if len(set(kinds.values())) > 1:
    pictures = [name for name, is_one in kinds.items() if not is_one]
    raise UserError(
      'config.data.corpora: one run learns from pictures or from utterances, '
      f'not from both; pictures are in {pictures}.'
    )
  return all(kinds.values())


def _check_utterances(
  config: Any, described: Mapping[str, Mapping[str, Any]]
) -> None:
  fusion, context = config.utterance.fusion, config.utterance.context
  by_name.check('config.utterance.fusion', fusion, fusion_lib.FUSIONS)
  if context:
    by_name.check('config.utterance.context', context, encoders.ENCODERS)
  if config.init.weights:
    raise UserError(
      'config.init.weights is a ResNet-18 for faces. A text encoder is named '
      'by config.data.text_model, another run by '
      'config.init.checkpoint_workdir.'
    )
  window = load.window(config)
  if remembered := fusion_lib.remembers(fusion):
    utterances.check_remembering(config, remembered, config.tasks, window)
  if config.utterance.together:
    texts = {options.get('text', '') for options in described.values()}
    dims = {'text': 0} if 'tokens' in texts else {}
    utterances.check_together(config, dims, window)
