"""RAF-DB: seven basic expressions of faces from the web.

  python -m affect_jax.main --config=configs/raf_db.py \
      --config.data.path=basic --workdir=runs/raf_db

`basic` is the folder of that name, see affect_jax/corpora/raf_db.py. The corpus
has no validation: train[95%:] selects the checkpoint.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.tasks = ('expression',)
  c.data.corpus = 'raf_db'
  c.data.path = ''
  c.data.splits.train = 'train[:95%]'
  c.data.splits.val = 'train[95%:]'
  c.image_size = 112
  c.augment = ('flip', 'crop', 'colour', 'erasing')
  c.augmentations.crop.pad = 8
  c.expression.label_smoothing = 0.1
  c.batch_size = 128
  c.num_train_steps = 4000
  c.schedule.warmup_steps = 200
  c.ema_decay = 0.998
  c.eval_every = 500
  c.eval_views = 'flip'
  return c
