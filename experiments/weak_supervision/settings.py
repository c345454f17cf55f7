"""The corpora, and configs of one task and of several."""

from collections.abc import Mapping, Sequence
from typing import Any

from affect_jax import defaults
from affect_jax import user_path

# {corpus: its tasks with gold, updates alone, rows in an update alone}.
CORPORA: Mapping[str, tuple[tuple[str, ...], int, int]] = {
  'meld': (('emotion', 'sentiment_class'), 780, 64),
  'mosi': (('sentiment', 'sentiment_class'), 300, 32),
  'mustard': (('sarcasm',), 225, 32),
}
# What papers report: {corpus/task/metric: name}; of the first, higher is
# better for all.
METRICS = {
  'meld/emotion/weighted_f1': 'emotion (MELD), weighted F1',
  'meld/sentiment_class/weighted_f1': 'sentiment (MELD), weighted F1',
  'mosi/sentiment/acc2_neg_nonneg': 'sentiment (MOSI), accuracy',
  'mosi/sentiment/pearson': 'sentiment (MOSI), Pearson',
  'mustard/sarcasm/weighted_f1': 'sarcasm (MUStARD), weighted F1',
}
# The paper has one of each.
TASKS_OF_PAPER = (
  'meld/emotion/weighted_f1',
  'mosi/sentiment/acc2_neg_nonneg',
  'mustard/sarcasm/weighted_f1',
)
ALL_TASKS = ('emotion', 'sentiment_class', 'sentiment', 'sarcasm')
MULTI_STEPS = 1500


def of_corpus(name: str, paths: Any, text: str) -> dict[str, Any]:
  """Returns the options of a corpus.

  Args:
    name: A key of CORPORA.
    paths: Settings with the paths that the user gave.
    text: 'sentence' (frozen), or 'tokens' (to be fine-tuned).
  """
  options: dict[str, Any] = {
    'corpus': name,
    'path': str(user_path.expand(paths[name])),
    'text': text,
    'text_model': str(user_path.expand(paths.text_model)),
    'max_tokens': 64,
  }
  if name == 'mosi':
    # Features of text and vision leak on the standard split, and those of text
    # have seen the training labels of this one: text is of transcripts.
    options |= {'split': 'bclstm', 'val_share': 0.15}
    options['modalities'] = ('audio', 'vision')
  if name == 'mustard':
    options |= {'protocol': 'folds', 'fold': 0}
    # With it sentences are twice as long, and fine-tuning twice as slow.
    options['context'] = 4 if text == 'sentence' else 0
    options['folds'] = paths.mustard_folds
  return options


def build(
  corpora: Sequence[str],
  tasks: Sequence[str],
  paths: Any,
  *,
  text: str = 'sentence',
  steps: int = 0,
) -> Any:
  """Returns the config of a network for tasks of corpora.

  Args:
    corpora: Keys of CORPORA.
    tasks: Names of tasks.
    paths: Settings with the paths that the user gave.
    text: See `of_corpus`.
    steps: Updates; 0 means those of the corpus, or of several.
  """
  c = defaults.get_config()
  c.tasks = tuple(tasks)
  c.emotion.logit_adjustment = 0.3  # Half of MELD is neutral.
  described = {name: of_corpus(name, paths, text) for name in corpora}
  c.data.corpora = described
  c.data.data_dir = paths.data_dir
  # MELD is 20 times as large as MUStARD.
  c.data.sampling, c.data.temperature = 'temperature', 2.0
  c.utterance.fusion = 'lf_dnn'
  c.utterance.boundaries = (1,) if text == 'sentence' else (16, 32, 64)
  c.utterance.dropout = 0.3
  c.utterance.lf_dnn.dropout = 0.3
  # MOSI's networks label corpora that have text alone.
  c.utterance.modality_dropout = 0.2 if 'mosi' in corpora else 0.0
  if len(corpora) == 1:
    _, own_steps, c.batch_size = CORPORA[corpora[0]]
  else:
    own_steps, c.batch_size = MULTI_STEPS, 64
    if text == 'tokens':
      # About as many rows of each as the networks of one read.
      own_steps = sum(CORPORA[name][1] for name in corpora)
  c.num_train_steps = steps or own_steps
  c.eval_every = max(1, c.num_train_steps // 10)
  c.schedule.warmup_steps = c.num_train_steps // 10
  c.log_every = c.num_train_steps
  c.log_gradients = False
  c.weight_decay = 1e-2
  if text == 'tokens':
    # Four epochs of MOSI, six of MUStARD.
    c.batch_size = 16
    c.learning_rate = 3e-4
    c.learning_rate_multipliers = {'backbone/text': 0.1}
  return c
