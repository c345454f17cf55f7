"""Weak labels on synthetic utterances: what each corpus lacks, a model adds.

  python -m affect_jax.rounds --config=configs/quickstart_weak.py \
      --workdir=runs/weak

Each of three parts of a corpus labels one task. Three seeds learn all tasks
from this gold; they label the tasks that each part lacks, and three others
learn from gold and these weak labels.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.seeds = (0, 1, 2)
  c.tasks = ('emotion', 'sentiment', 'sarcasm')
  c.data.corpora = {
    part: {'corpus': 'synthetic_utterances', 'parts': (part,)}
    for part in c.tasks
  }
  c.data.sampling = 'temperature'
  c.weak.by_confidence = True
  c.weak.weight = 0.5
  c.utterance.fusion = 'lf_dnn'
  c.utterance.boundaries = (128,)  # One program to compile.
  c.utterance.modality_dropout = 0.1
  c.log_gradients = False
  c.batch_size = 64
  c.num_train_steps = 250
  c.learning_rate = 1e-3
  c.schedule.warmup_steps = 25
  c.eval_every = 125
  return c
