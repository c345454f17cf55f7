"""AffectNet: expression, valence and arousal of faces from the web.

  python -m affect_jax.main --config=configs/affectnet.py \
      --config.data.path=AffectNet --workdir=runs/affectnet

AffectNet is the folder of either release, see affect_jax/corpora/affectnet.py.
Training[98%:] selects the checkpoint; scores are those of the official val, as
labels of its test set are not public. --config.data.classes=7 leaves out
contempt.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.tasks = ('expression', 'valence_arousal')
  c.data.corpus = 'affectnet'
  c.data.path = ''
  c.data.classes = 8
  c.data.splits = {
    'train': 'train[:98%]',
    'val': 'train[98%:]',
    'test': 'val',
  }
  c.image_size = 112
  c.augment = ('flip', 'crop', 'colour', 'erasing')
  c.augmentations.crop.pad = 8
  # Half of the pictures are happy, and its val has as many of each class.
  c.expression.logit_adjustment = 1.0
  c.batch_size = 256
  c.num_train_steps = 9000
  c.schedule.warmup_steps = 500
  c.ema_decay = 0.999
  c.eval_every = 1000
  c.eval_views = 'flip'
  return c
