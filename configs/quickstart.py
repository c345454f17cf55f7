"""Three tasks on rendered faces, most with only some labels: 5 minutes, CPU.

  python -m affect_jax.main --config=configs/quickstart.py \
      --workdir=runs/quickstart
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.data.corpus = 'synthetic_faces'
  c.data.image_size = 64
  c.data.num_train = 6000
  c.data.num_val = 600
  c.data.num_test = 1000
  c.data.seed = 0
  c.image_size = 48
  c.augment = ('flip', 'crop')
  c.eval_flip = True
  c.num_train_steps = 420
  c.eval_every = 105
  c.ema_decay = 0.98
  return c
