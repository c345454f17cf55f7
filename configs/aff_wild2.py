"""Aff-Wild2: expression, action units and valence-arousal of video frames.

  python -m affect_jax.main --config=configs/aff_wild2.py \
      --config.data.path=ANNOTATIONS --workdir=runs/aff_wild2

ANNOTATIONS holds the label files of one edition (per-video files of the
challenges, or the lists of s-Aff-Wild2) and `cropped_aligned/`;
affect_jax/corpora/aff_wild2.py says what goes where. First find errors in it:
python -m affect_jax.doctor with the same --config and path. There are three
million frames: --config.data.stride=8 takes every eighth.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.data.corpus = 'aff_wild2'
  c.data.path = ''
  c.data.images = ''
  c.data.layout = 'auto'
  c.data.stride = 1
  c.data.test_list = ''
  c.data.on_bad_image = 'error'
  c.data.num_workers = 0
  # Windows of frames, for --config.model.temporal=gru or transformer.
  c.data.window = 0
  c.data.eval_hop = 0
  # The test set has no labels: it is only predicted, for a submission.
  c.data.splits.test = ''
  c.image_size = 112
  c.model.dropout = 0.3
  c.augment = ('flip', 'crop', 'colour', 'erasing')
  c.augmentations.crop.pad = 8
  c.expression.class_weights = 'balanced'
  c.action_units.pos_weight = 'balanced'
  c.batch_size = 256
  c.num_train_steps = 4500
  c.learning_rate = 5e-4
  c.schedule.warmup_steps = 300
  c.ema_decay = 0.999
  c.eval_every = 500
  c.eval_views = 'flip'
  return c
