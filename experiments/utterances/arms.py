"""The arms of the experiment: changes of a config, and metrics to report."""

from collections.abc import Mapping, Sequence
import dataclasses
import importlib.util
import pathlib
from typing import Any

from affect_jax import user_path

CONFIGS = pathlib.Path(__file__).parents[2] / 'configs'


@dataclasses.dataclass(frozen=True)
class Arm:
  """One way to train on one corpus, in one protocol.

  Attributes:
    name: The corpus, then what is different.
    config: A file of configs/.
    metrics: {metric of results.json: its name in the table}.
    goal: What the first metric should reach.
    changes: {dotted setting: value}.
    folds: Runs with config.data.fold 0, 1, ... whose scores are averaged.
    reference: The arm that its first metric is compared with.
  """

  name: str
  config: str
  metrics: Mapping[str, str]
  goal: float = float('nan')
  changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  folds: int = 1
  reference: str = ''


MOSI = {
  'sentiment/acc2_neg_nonneg': 'accuracy (< 0, >= 0)',
  'sentiment/f1_2_neg_nonneg': 'weighted F1',
  'sentiment/mae': 'MAE',
  'sentiment/pearson': 'Pearson',
}
TRANSCRIPTS = {
  'sentiment/acc2_neg_pos': 'acc2 (< 0, > 0)',
  'sentiment/f1_2_neg_pos': 'weighted F1',
  'sentiment/acc7': 'acc7 (rounded)',
  'sentiment/mae': 'MAE',
  'sentiment/pearson': 'Pearson',
}
MELD = {
  'emotion/weighted_f1': 'emotion, weighted F1',
  'sentiment_class/weighted_f1': 'sentiment, weighted F1',
  'emotion/macro_f1': 'emotion, macro-F1',
}
MUSTARD = {
  'sarcasm/weighted_f1': 'weighted F1',
  'sarcasm/weighted_precision': 'weighted precision',
  'sarcasm/accuracy': 'weighted recall (accuracy)',
}
# Speakers in test are others than in training, and shows differ in topics.
ALONE = {
  'data.protocol': 'speaker_independent',
  'data.speakers': False,
  'data.context': 0,
  'utterance.fusion': 'concat',
  'sarcasm.pos_weight': 'balanced',
}


def _mosi(*modalities: str) -> Arm:
  whole = len(modalities) == 3
  return Arm(
    f'mosi {"+".join(modalities)}',
    'mosi',
    MOSI,
    0.78 if whole else float('nan'),
    {'data.modalities': modalities},
    reference='' if whole else 'mosi text+audio+vision',
  )


ARMS: Sequence[Arm] = (
  _mosi('text', 'audio', 'vision'),
  _mosi('text'),
  _mosi('audio'),
  _mosi('vision'),
  Arm('mosi transcripts', 'mosi_text', TRANSCRIPTS, 0.78),
  Arm('meld', 'meld', MELD, 0.6),
  Arm(
    'meld dialogues',
    'meld',
    MELD,
    0.6,
    # A dialogue of up to 16 turns is one sequence: each turn sees the others.
    {
      'emotion.label_smoothing': 0.0,
      'sentiment_class.label_smoothing': 0.0,
      'data.window': 16,
      'utterance.boundaries': (64,),
      'utterance.together': (64, 128, 192, 256, 384),
      'batch_size': 8,
      'num_train_steps': 520,
      'schedule.warmup_steps': 40,
      'eval_every': 130,
    },
    reference='meld',
  ),
  Arm('mustard folds', 'mustard', MUSTARD, 0.65, folds=5),
  Arm(
    'mustard speaker-independent',
    'mustard',
    MUSTARD,
    0.58,
    ALONE,
  ),
  Arm(
    'mustard speaker-independent decayed',
    'mustard',
    MUSTARD,
    0.58,
    {
      **ALONE,
      'data.average_layers': 2,
      # 301 rows: one strongly decayed dense layer, and nothing to choose from.
      'learning_rate': 1e-2,
      'weight_decay': 3.0,
      'num_train_steps': 300,
      'eval_every': 300,
    },
    reference='mustard speaker-independent',
  ),
)


def build(arm: Arm, *, fold: int, paths: Mapping[str, str], model: str) -> Any:
  """Returns the config of one run, without its seeds.

  Args:
    arm: The arm to train.
    fold: Number of the fold, below `arm.folds`.
    paths: {corpus: its path}.
    model: Folder of the BERT-like model.
  """
  spec = importlib.util.spec_from_file_location(
    arm.config, CONFIGS / f'{arm.config}.py'
  )
  assert spec
  assert spec.loader
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  config = module.get_config()
  config.update_from_flattened_dict(dict(arm.changes))
  config.data.path = str(user_path.expand(paths[config.data.corpus]))
  if 'text_model' in config.data:
    config.data.text_model = str(user_path.expand(model))
  if arm.folds > 1:
    config.data.fold = fold
  return config
