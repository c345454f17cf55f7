"""Your own labelled faces: a CSV beside the pictures.

  python -m affect_jax.main --config=configs/faces_csv.py \
      --config.data.path=faces.csv --workdir=runs/faces

Columns: image (path relative to the CSV), split (train, val, test), and any of
subject, expression, valence, arousal, AU1, AU2, ... An empty cell means "not
annotated". Leave tasks without any label out of --config.tasks, or give
--config.drop_unlabelled_tasks.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.data.corpus = 'faces_csv'
  c.data.path = ''
  c.data.on_bad_image = 'error'
  c.image_size = 112
  c.augment = ('flip', 'crop', 'colour')
  c.augmentations.crop.pad = 8
  c.expression.class_weights = 'balanced'
  c.batch_size = 64
  c.num_train_steps = 2000
  c.ema_decay = 0.99
  c.eval_views = 'flip'
  return c
