"""Your own labelled faces: a CSV beside the pictures.

  python -m affect_jax.main --config=configs/faces_csv.py \
      --config.data.path=faces.csv --workdir=runs/faces

Columns: image (path relative to the CSV), split (train, val, test), and any of
subject, expression, valence, arousal, AU1, AU2, ... An empty cell means "not
annotated". Tasks without any label are left out, unless --config.tasks names
them. The number of steps follows from the number of pictures, and the size of
pictures from the device (48 pixels on a CPU, else 112), unless given.
--config.init.checkpoint_workdir=RUN starts from another run's backbone, such as
the quickstart's: some thousand pictures then teach more in fewer epochs.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.data.corpus = 'faces_csv'
  c.data.path = ''
  c.data.on_bad_image = 'error'
  c.drop_unlabelled_tasks = True
  c.image_size = 0
  c.model.stem = ''
  c.augment = ('flip', 'crop', 'colour')
  c.expression.class_weights = 'balanced'
  c.batch_size = 64
  c.log_gradients = False  # Which compiles more: results come sooner.
  c.num_epochs = 13.0
  c.ema_decay = 0.98
  c.eval_every = 100
  c.eval_views = 'flip'
  return c
