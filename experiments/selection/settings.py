"""The corpora of the experiment, the settings to choose from, the metrics."""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
from typing import Any

import numpy as np

from affect_jax import defaults
from affect_jax import user_path
from affect_jax.evaluation import score
from affect_jax.metrics import classification

# What is tuned: few settings, as a paper has at least.
GRID: Sequence[Mapping[str, float]] = tuple(
  {'learning_rate': rate} for rate in (5e-4, 1e-3, 2e-3)
)
HEADLINE = score.HEADLINE


@dataclasses.dataclass(frozen=True)
class Corpus:
  """A corpus, read as sentence vectors of a frozen text model.

  Attributes:
    changes: {dotted setting: value}.
    metrics: {metric: whether higher is better}.
    swapped: {metric of weighted F1: rows -> the same with gold and prediction
      swapped}.
  """

  changes: Mapping[str, Any]
  metrics: Mapping[str, bool]
  swapped: Mapping[str, Callable[[Mapping[str, Any]], float]]


def _one_hot(classes: np.ndarray, number: int) -> np.ndarray:
  return np.eye(number)[classes]


def _swapped(gold: np.ndarray, predicted: np.ndarray, number: int) -> float:
  """scikit-learn's f1_score(predicted, gold, average='weighted')."""
  return classification.weighted_f1(
    _one_hot(gold, number), _one_hot(predicted, number), np.ones(len(gold))
  )


def _signs(rows: Mapping[str, Any]) -> float:
  """Negative against positive, without rows whose gold sentiment is 0."""
  gold, predicted = (
    rows[kind]['sentiment'][:, 0] for kind in ('labels', 'predictions')
  )
  kept = gold != 0
  return _swapped(
    (gold[kept] > 0).astype(int), (predicted[kept] > 0).astype(int), 2
  )


def _classes(task: str) -> Callable[[Mapping[str, Any]], float]:
  def swapped(rows):
    gold, predicted = rows['labels'][task], rows['predictions'][task]
    if gold.shape[1] == 1:  # p(present).
      return _swapped(
        (gold[:, 0] > 0.5).astype(int), (predicted[:, 0] > 0.5).astype(int), 2
      )
    number = gold.shape[1]
    return _swapped(gold.argmax(1), predicted.argmax(1), number)

  return swapped


CORPORA = {
  'mosi': Corpus(
    {
      'tasks': ('sentiment',),
      'data.corpus': 'mosi',
      'data.split': 'standard',
      'data.modalities': (),
      'data.context': 0,
      'data.max_tokens': 64,
      'batch_size': 32,
      'num_train_steps': 600,  # 15 epochs.
      'eval_every': 40,
    },
    {
      'sentiment/acc2_neg_pos': True,
      'sentiment/f1_2_neg_pos': True,
      'sentiment/acc7': True,
      'sentiment/mae': False,
      'sentiment/pearson': True,
    },
    {'sentiment/f1_2_neg_pos': _signs},
  ),
  'meld': Corpus(
    {
      'tasks': ('emotion', 'sentiment_class'),
      'data.corpus': 'meld',
      'data.speakers': True,
      'data.max_tokens': 64,
      'batch_size': 64,
      'num_train_steps': 780,  # 5 epochs.
      'eval_every': 156,
    },
    {
      'emotion/weighted_f1': True,
      'emotion/accuracy': True,
      'emotion/macro_f1': True,
      'sentiment_class/weighted_f1': True,
    },
    {
      f'{task}/weighted_f1': _classes(task)
      for task in ('emotion', 'sentiment_class')
    },
  ),
  'mustard': Corpus(
    {
      'tasks': ('sarcasm',),
      'data.corpus': 'mustard',
      'data.protocol': 'folds',
      'data.fold': 0,
      'data.context': 4,
      'data.speakers': True,
      'data.max_tokens': 128,
      'batch_size': 32,
      'num_train_steps': 225,  # 15 epochs.
      'eval_every': 15,
      'weight_decay': 1e-1,
    },
    {'sarcasm/weighted_f1': True, 'sarcasm/accuracy': True},
    {'sarcasm/weighted_f1': _classes('sarcasm')},
  ),
}


def build(name: str, point: Mapping[str, float], paths: Any) -> Any:
  """Returns the config of a corpus with one setting of the grid."""
  c = defaults.get_config()
  c.data.path = str(user_path.expand(paths[name]))
  c.data.text = 'sentence'
  c.data.text_model = str(user_path.expand(paths.text_model))
  c.data.data_dir = paths.data_dir
  c.utterance.modalities = ('text',)
  c.utterance.fusion = 'lf_dnn'
  c.utterance.boundaries = (1,)
  c.log_gradients = False
  for key, value in {**CORPORA[name].changes, **point}.items():
    parts = key.split('.')
    node = c
    for part in parts[:-1]:
      node = node[part]
    with node.unlocked():  # Options of corpora are no keys of the defaults.
      node[parts[-1]] = value
  if name == 'mustard':
    c.data.folds = paths.mustard_folds
  c.schedule.warmup_steps = c.num_train_steps // 10
  return c
