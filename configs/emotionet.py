"""EmotioNet: the presence of action units in faces from the web.

  python -m affect_jax.main --config=configs/emotionet.py \
      --config.data.path=EmotioNet --workdir=runs/emotionet

EmotioNet is a folder with a table and pictures, see
affect_jax/corpora/emotionet.py. The table of 24,600 faces is split into train
and val; of the partition of Kollias' group add --config.data.splits.test=test.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.tasks = ('action_units',)
  c.data.corpus = 'emotionet'
  c.data.path = ''
  c.data.splits.test = ''
  c.image_size = 112
  c.augment = ('flip', 'crop', 'colour', 'erasing')
  c.augmentations.crop.pad = 8
  c.action_units.pos_weight = 'balanced'
  c.action_units.weight_cap = 20.0
  c.batch_size = 128
  c.num_train_steps = 4000
  c.learning_rate = 5e-4
  c.schedule.warmup_steps = 200
  c.ema_decay = 0.998
  c.eval_every = 500
  c.eval_views = 'flip'
  return c
