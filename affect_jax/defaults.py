"""Every setting, with its default; the other configs change some of them."""

import inspect
import typing
from typing import Any

import ml_collections
from ml_collections import config_dict

from affect_jax import tasks


def get_config() -> Any:
  """All settings; `configs/` change some of them."""
  c: Any = ml_collections.ConfigDict()
  c.seed = 0

  # What to learn. Each task has the options that `build` in its module has and
  # explains. `outputs=()` means those of the corpus; class_weights and
  # pos_weight are '1, 2.5, ...', 'balanced' or 'effective'; '' and None are
  # none.
  c.tasks = ('expression', 'action_units', 'valence_arousal')
  c.drop_unlabelled_tasks = False
  # Factors of their losses in the sum.
  c.loss_weights = dict.fromkeys(tasks.TASKS, 1.0)
  for name in tasks.TASKS:
    c[name] = _task_options(name)
  c.valence_arousal.loss = 'ccc_mse'

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
    # Memory for the rows that are shuffled at a time; the log says how many.
    'shuffle_megabytes': 2000.0,
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
    # Over windows of frames (config.data.window): gru, lstm, transformer.
    'temporal': '',
    'gru': {'width': 128, 'layers': 1, 'dropout': 0.0},
    'lstm': {'hidden': 128, 'width': 256, 'dropout': 0.0},
    'transformer': {'width': 256, 'layers': 2, 'heads': 4, 'dropout': 0.1},
    # Of 5 (stem, layer1, ...): weights and BatchNorm statistics stay.
    'frozen_stages': 0,
    'zero_init_residual': False,
  }
  # With what, where samples are utterances instead of faces.
  c.utterance = {
    'modalities': ('text', 'audio', 'vision'),
    # Features have mean 0 and deviation 1 over the steps of training.
    'standardize': True,
    # Lengths that batches are padded to.
    'boundaries': (8, 16, 32, 64, 128, 256, 512),
    # Chance that training takes a modality away.
    'modality_dropout': 0.0,
    # Of the text's encoder, where it is fine-tuned (config.data.text=tokens).
    'text': {
      'frozen_stages': 0,
      'average_layers': 1,
      'dropout': 0.1,
      'attention_dropout': 0.1,
      'dtype': 'float32',
      'remat': False,
    },
    # Lengths to pad to where the tokens of a dialogue (config.data.window)
    # are one sequence, which saves padding; () is one for each utterance.
    'together': (),
    # Utterances read each other there.
    'read_across': True,
    # See models/fusion; its options follow. One for all modalities may be one
    # for each, {'text': ..., 'audio': ..., 'vision': ...}: `del` it first.
    'fusion': 'lf_lstm',
    'concat': {},  # Means over time.
    'ef_lstm': {
      'width': 128,
      'layers': 1,
      'bidirectional': False,
      'dropout': 0.5,
      'align': 'resample',  # Or steps: step t of all is the same moment.
    },
    # Their encoder is in their name.
    'lf_dnn': _late({}),
    'lf_lstm': _late({'lstm': _encoder_options()['lstm']}),
    'lf_transformer': _late({'transformer': _encoder_options()['transformer']}),
    'tfn': {
      'encoder': 'lstm',  # Or dnn, transformer.
      'hidden': 128,
      'width': 32,
      'dropout': 0.3,
      'encoder_options': _encoder_options(),
      'fused_width': 64,
      'fused_dropout': 0.5,
    },
    'lmf': {
      'encoder': 'lstm',
      'hidden': 128,
      'width': 64,
      'dropout': 0.3,
      'encoder_options': _encoder_options(),
      'fused_width': 64,
      'rank': 4,
    },
    'mult': {
      'width': 30,
      'heads': 5,
      'layers': 5,
      'kernel': 1,
      'causal': True,
      'text_dropout': 0.25,
      'embedding_dropout': 0.25,
      'attention_dropout': 0.1,
      'relu_dropout': 0.1,
      'residual_dropout': 0.1,
      'output_dropout': 0.0,
    },
    'misa': {
      'encoder': 'lstm',  # Or mean.
      'hidden': 0,  # 0: as many as the modality has features.
      'width': 128,
      'heads': 2,
      'mlp_width': 2048,
      'attention_dropout': 0.1,
      'dropout': 0.5,
      'similarity_weight': 1.0,
      'difference_weight': 0.3,
      'reconstruction_weight': 1.0,
    },
    # Text is its 'mean' over time, its 'first' step (the authors', behind a
    # BERT) or read by an 'lstm'. Needs the task 'sentiment'.
    'self_mm': {
      'text': 'mean',
      'hidden': {'text': 128, 'audio': 16, 'vision': 32},
      'encoder_dropout': 0.0,
      'unimodal_width': {'text': 32, 'audio': 16, 'vision': 32},
      'fused_width': 128,
      'dropout': 0.1,
      'fused_dropout': 0.0,
      'limit': 3.0,
      'unimodal_weight': 1.0,
    },
    'gated': {
      'encoder': 'lstm',
      'hidden': 128,
      'width': 128,
      'dropout': 0.2,
      'encoder_options': _encoder_options(),
      'fused_width': 128,
      'fused_dropout': 0.2,
    },
    # Over the utterances of a dialogue (config.data.window): lstm, gru,
    # transformer.
    'context': '',
    'lstm': {'hidden': 300, 'width': 100, 'dropout': 0.5},
    'gru': {'width': 128, 'layers': 1, 'dropout': 0.0},
    'transformer': {'width': 256, 'layers': 2, 'heads': 4, 'dropout': 0.1},
    'dropout': 0.1,
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
  # Evaluate with every subset of the modalities of utterances, too.
  c.eval_subsets = False
  return c


def _task_options(name: str) -> dict[str, Any]:
  """Options of a task, with values of the types that flags take.

  An option that is None by default is '' where it may be text, else None until
  a number is given.
  """
  signature = inspect.signature(tasks.TASKS[name].build, eval_str=True)
  options = {}
  for option, parameter in signature.parameters.items():
    value = parameter.default
    if value is None:
      text = str in typing.get_args(parameter.annotation)
      value = '' if text else config_dict.placeholder(float)
    options[option] = value
  # Outputs are the corpus', and so is how often each occurs.
  options.pop('counts', None)
  return {**options, 'outputs': ()}


def _encoder_options() -> dict[str, Any]:
  """What encoders have besides hidden, width and dropout; 'dnn' has nothing.

  New dicts each time: one dict at two places would be one setting.
  """
  return {
    'lstm': {'layers': 1, 'bidirectional': False},
    'transformer': {'layers': 2, 'heads': 4},
  }


def _late(encoder_options: dict[str, Any]) -> dict[str, Any]:
  """Options of late fusion."""
  return {
    'hidden': 128,
    'width': 128,
    'dropout': 0.2,
    'encoder_options': encoder_options,
    'fused_width': 128,
    'fused_dropout': 0.2,
  }
