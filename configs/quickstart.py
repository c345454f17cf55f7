"""Three tasks on rendered faces, most partly labelled: minutes on a CPU.

  python -m affect_jax.main --config=configs/quickstart.py \
      --workdir=runs/quickstart
"""

from affect_jax import defaults
from affect_jax.synthetic import affect as synthetic


def get_config():
  c = defaults.get_config()
  c.data.corpus = 'synthetic_faces'
  c.data.image_size = 64
  c.data.num_train = 6000
  c.data.num_val = 600
  c.data.num_test = 1000
  c.data.seed = 0
  # Shares of training labels that are withheld, as unevenly as in s-Aff-Wild2,
  # where 36.6 % of the pictures have all three kinds; and that are wrong.
  c.data.missing_task = {
    'expression': 0.24,
    'action_units': 0.25,
    'valence_arousal': 0.25,
  }
  c.data.missing_class = dict.fromkeys(synthetic.EXPRESSIONS, 0.0) | {
    'anger': 0.25,
    'disgust': 0.3,
    'fear': 0.3,
    'sadness': 0.1,
    'surprise': 0.2,
  }
  c.data.missing_au = dict.fromkeys(synthetic.ACTION_UNITS, 0.0) | {
    'AU15': 0.1,
    'AU23': 0.2,
    'AU24': 0.2,
    'AU26': 0.1,
  }
  c.data.label_noise = 0.03
  c.image_size = 48
  c.augment = ('flip', 'crop')
  c.eval_views = 'flip'
  c.log_gradients = False  # Which compiles more: results come sooner.
  c.num_train_steps = 420
  c.eval_every = 105
  c.ema_decay = 0.98
  return c
