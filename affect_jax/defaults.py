"""Every setting, with its default; the other configs change some of them."""

from typing import Any

import ml_collections


def get_config() -> Any:
  """All settings; `configs/` change some of them."""
  c: Any = ml_collections.ConfigDict()
  c.seed = 0

  # What to learn. Options of a task are those of `build` in its module;
  # `outputs=()` means those of the corpus.
  c.tasks = ('expression', 'action_units', 'valence_arousal')
  c.drop_unlabelled_tasks = False
  c.loss_weights = {
    'expression': 1.0,
    'action_units': 1.0,
    'valence_arousal': 1.0,
  }
  c.expression = {
    'outputs': (),
    'loss': 'cross_entropy',
    'class_weights': '',  # '1, 2.5, ...', 'balanced' or 'effective'.
    'beta': 0.9999,  # Of 'effective'.
    'logit_adjustment': 0.0,
    'label_smoothing': 0.0,
    'focal_gamma': 2.0,
  }
  c.action_units = {
    'outputs': (),
    'loss': 'binary_cross_entropy',
    'pos_weight': '',  # '1, 2.5, ...', 'balanced' or 'effective'.
    'beta': 0.9999,
    'focal_gamma': 2.0,
    'gamma_neg': 4.0,
    'gamma_pos': 1.0,
    'clip': 0.05,
  }
  c.valence_arousal = {
    'loss': 'ccc_mse',
    'mse_weight': 0.5,
    'ccc_weight': 1.0,
    'bins': 20,
    'soft_bins': False,
  }

  # From what. Further keys of `data` are options of the corpus. Several are
  # given as corpora={name: their options}, with `corpus` left empty.
  c.data = {
    'corpus': '',
    'data_dir': '',  # '' is that of tfds, ~/tensorflow_datasets.
    'splits': {'train': 'train', 'val': 'val', 'test': 'test'},
    'corpora': {},
    'sampling': 'proportional',  # uniform, temperature, shares.
    'temperature': 2.0,
    'shares': {},
    # A task with classes that are drawn equally often, as 'expression'.
    'balance': '',
  }
  # Pixels that pictures are scaled to, and of the random windows of them that
  # training sees: 0 is the whole picture.
  c.image_size = 64
  c.crop_size = 0
  # Pairs (first step, pixels): smaller pictures to begin with.
  c.image_size_schedule = ()
  # Names of augmentations, applied in this order, and their options.
  c.augment = ()
  c.augmentations = {
    'flip': {'probability': 0.5},
    'crop': {'pad': 4, 'mode': 'reflect'},
    'resized_crop': {'scale': (0.7, 1.0), 'ratio': (0.9, 1.1)},
    'colour': {
      'brightness': 0.2,
      'contrast': 0.2,
      'saturation': 0.2,
      'hue': 0.02,
    },
    'rotation': {'degrees': 10.0},
    'erasing': {'probability': 0.5, 'area': (0.02, 0.2)},
    'rand_augment': {'num_ops': 2, 'magnitude': 9.0, 'ops': ()},
  }
  # Pictures mixed with each other: mixup, cutmix, mixaugment; '' is none.
  c.mixing = {
    'kind': '',
    'alpha': 0.2,
    'probability': 1.0,
    'partners': 'alike',
  }

  # With what.
  c.model = {
    'stem': 'imagenet',
    'dtype': 'float32',
    'dropout': 0.0,
    # Over windows of frames (config.data.window): gru, transformer.
    'temporal': '',
    'gru': {'width': 128, 'layers': 1, 'dropout': 0.0},
    'transformer': {'width': 256, 'layers': 2, 'heads': 4, 'dropout': 0.1},
    # Of 5 (stem, layer1, ...): weights and BatchNorm statistics stay.
    'frozen_stages': 0,
    'zero_init_residual': False,
  }
  c.init = {'checkpoint_workdir': '', 'parts': 'backbone', 'weights': ''}

  # How.
  c.batch_size = 64
  c.accumulate = 1
  c.num_train_steps = 1000
  c.learning_rate = 1e-3
  c.schedule = {'name': 'warmup_cosine_decay_schedule', 'warmup_steps': 50}
  c.optimizer = {'name': 'adamw'}
  c.weight_decay = 1e-4
  c.clip_norm = 1.0
  c.ema_decay = 0.0
  # {path prefix: factor}, as {'backbone': .1, 'backbone/layer1': .01}.
  c.learning_rate_multipliers = {}
  c.frozen = ()  # Path prefixes.
  c.parallel = 'jit'

  # When.
  c.log_every = 20
  c.eval_every = 200
  c.progress_secs = 10.0
  # Of views.VIEWS: what is averaged at test time.
  c.eval_views = 'whole'
  return c
