"""FER2013, seven expressions, from scratch, on CPU or accelerator.

  python -m affect_jax.main --config=configs/fer2013.py \
      --config.data.path=fer2013.csv --workdir=runs/fer2013

`path` is Kaggle's fer2013.csv; --config.data.fer_plus=fer2013new.csv trains on
the votes of FER+ instead of its labels. Training[97%:] selects the checkpoint;
scores are those of PublicTest without pictures that are also in Training. If
the file has PrivateTest, give --config.data.splits.test=test.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.tasks = ('expression',)
  c.expression.label_smoothing = 0.1
  c.data.corpus = 'fer2013'
  c.data.path = ''
  c.data.fer_plus = ''
  c.data.exclude_duplicates = True
  c.data.splits = {
    'train': 'train[:97%]',
    'val': 'train[97%:]',
    'test': 'val',
  }
  c.image_size = 48
  c.crop_size = 40
  # Pictures are smaller while the learning rate is high: a third cheaper.
  c.image_size_schedule = ((0, 32), (400, 40))
  c.model.stem = 'small'
  c.augment = ('flip',)
  c.eval_views = 'ten_crop'

  c.batch_size = 256
  c.num_train_steps = 800
  c.optimizer = {'name': 'muon', 'ns_steps': 3}
  c.learning_rate = 0.05
  c.schedule.warmup_steps = 60
  c.weight_decay = 0.01
  c.clip_norm = 0.0
  c.ema_decay = 0.98
  c.log_every = 10
  c.eval_every = 800
  return c
