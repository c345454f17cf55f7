"""DISFA: twelve action units of people watching videos, by folds of people.

  python -m affect_jax.main --config=configs/disfa.py \
      --config.data.path=DISFA --workdir=runs/disfa

First make pictures of the videos, see affect_jax/corpora/disfa.py. The usual
protocol trains --config.data.fold=0, 1 and 2 with --config.data.action_units=8,
and its score is the mean of the folds' val/action_units/mean_f1. That fold also
selects the checkpoint, as in published code, which flatters it: the latest
checkpoint is the honest one, with --config.data.splits.val= and
--config.data.splits.test=val.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.tasks = ('action_units',)
  c.data.corpus = 'disfa'
  c.data.path = ''
  c.data.fold = 0
  c.data.action_units = 12
  # Each person is in train or in val.
  c.data.splits.test = ''
  c.image_size = 112
  c.model.dropout = 0.3
  c.augment = ('flip', 'crop', 'colour', 'erasing')
  c.augmentations.crop.pad = 8
  # Most frames have none of the units; the cap also weighs a unit that nobody
  # shows.
  c.action_units.pos_weight = 'balanced'
  c.action_units.weight_cap = 20.0
  c.batch_size = 128
  c.num_train_steps = 3000
  c.learning_rate = 5e-4
  c.schedule.warmup_steps = 200
  c.ema_decay = 0.998
  c.eval_every = 500
  c.eval_views = 'flip'
  return c
