"""Every setting, with its default; the other configs change some of them."""

import inspect
import typing
from typing import Any

import ml_collections
from ml_collections import config_dict

from affect_jax import multitask
from affect_jax import tasks
from affect_jax.models.fusion import default_options as fusion_defaults


def get_config() -> Any:
  """Returns all settings; `configs/` change some of them."""
  c: Any = ml_collections.ConfigDict()
  c.seed = 0
  # Several, as (0, 1, 2), train one run each, in WORKDIR/seed_N; then the mean,
  # standard deviation and interval of all scores are given. () means c.seed.
  c.seeds = ()
  # Train the seeds side by side, by one vectorised step, or one after another.
  # None: side by side on accelerators. That takes the memory of as many runs,
  # and scores differ in rounding from those of a run by itself.
  c.seeds_together = config_dict.placeholder(bool)

  # {setting: values to try}, as {'learning_rate': (1e-3, 3e-4),
  # 'balancing.name': ('fixed', 'pcgrad')}: trains every combination, or as many
  # random ones as sweep_draws says, and chooses on validation.
  c.sweep = config_dict.placeholder(object)
  c.sweep_draws = 0

  # What to learn. The options of a task are those of `build` in its module,
  # which explains them. `outputs=()` means those of the corpus; class_weights
  # and pos_weight are '1, 2.5, ...', 'balanced' or 'effective'; '' and None
  # mean none.
  c.tasks = ('expression', 'action_units', 'valence_arousal')
  c.drop_unlabelled_tasks = False
  # {task: factor of its loss in the sum}.
  c.loss_weights = dict.fromkeys(tasks.TASKS, 1.0)
  # How tasks are balanced, from these factors on: a name in multitask.METHODS,
  # and the options of each, which its module explains.
  c.balancing = {'name': 'fixed', **_balancing_options()}
  # Log how the tasks' gradients agree, each log_every; compiles a second
  # program, except where balancing needs these gradients anyway.
  c.log_gradients = True
  for name in tasks.TASKS:
    c[name] = _task_options(name)
  c.valence_arousal.loss = 'ccc_mse'

  # By what validation chooses checkpoints, points of a sweep, and rounds: a sum
  # {name: weight} of TASK, CORPUS, CORPUS/TASK or CORPUS/TASK/METRIC, as
  # {'mosi/sentiment/mae': -0.5, 'meld': 1.0}; evaluation/selection_score says
  # more. None: the mean over corpora of the mean of their tasks' headlines.
  c.selection = config_dict.placeholder(object)

  # From which data. Further keys of `data` are options of the corpus. Several
  # corpora are given as corpora={name: its options}, with corpus=''.
  c.data = {
    'corpus': '',
    'data_dir': '',  # '' means that of tfds, ~/tensorflow_datasets.
    'splits': {'train': 'train', 'val': 'val', 'test': 'test'},
    'corpora': {},
    'sampling': 'proportional',  # Or uniform, temperature, shares.
    'temperature': 2.0,
    'shares': {},
    # A task whose classes are drawn equally often, as 'expression'.
    'balance': '',
    # Memory for the rows that are shuffled at a time; the log tells how many.
    'shuffle_megabytes': 2000.0,
    # Tables of weak labels for what training has no gold of.
    'weak_labels': (),
    # {'TASK' or 'CORPUS/TASK': share of its gold that training sees}.
    'gold_share': {},
  }
  # Which weak labels count, and how much: see weak/selection. Any of these can
  # be given for one task or corpus: by_task={'emotion': {'weight': .5}}.
  c.weak = {
    'rule': 'all',  # Or fixed, ss_mfar, flexmatch, freematch, softmatch.
    'threshold': 0.95,
    'per_class': {},
    'balanced': False,
    'weight': 1.0,
    'by_confidence': False,
    'hard': False,
    'temperature': 1.0,
    # Updates in which weights of weak labels grow from 0.
    'warmup_steps': 0,
    # Count weak labels too in class weights and logit adjustment.
    'count': False,
    # Join labels that were made for another version of a corpus.
    'any_version': False,
    'by_task': {},
    'by_corpus': {},
  }
  # Weak supervision on line, see weak/on_line; weight 0: off, tasks=(): all.
  # Labels by the model itself ('model') or its moving average ('average').
  c.pseudo_labels = {
    'weight': 0.0,
    'tasks': (),
    'teacher': 'model',
    'rule': 'fixed',  # Or freematch, softmatch.
    'threshold': 0.95,
    'hard': True,
    'temperature': 1.0,
    'by_confidence': False,
    'momentum': 0.999,
    'ramp_steps': 0,
  }
  # The model shall predict what its moving average (ema_decay) does.
  c.mean_teacher = {'weight': 0.0, 'tasks': (), 'ramp_steps': 0}
  # Folders of runs that label, batch by batch, what has no gold.
  c.distillation = {
    'teachers': (),
    'weight': 1.0,
    'tasks': (),
    'temperature': 1.0,
    'ramp_steps': 0,
  }
  # Weights by which expression and action units teach each other, see
  # weak/coupling.
  c.coupling = {'co_annotation': 0.0, 'distribution_matching': 0.0}
  # Height and width in pixels that pictures are scaled to, and those of the
  # random windows of them that training sees; crop_size=0: whole pictures.
  # image_size=0: by the device, see run/settled.
  c.image_size = 64
  c.crop_size = 0
  # Pairs (first step, pixels), for smaller pictures at the beginning.
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
  # How pictures are mixed: mixup, cutmix, mixaugment; '' means not at all.
  c.mixing = {
    'kind': '',
    'alpha': 0.2,
    'probability': 1.0,
    'partners': 'alike',
  }

  # With which model.
  c.model = {
    'stem': 'imagenet',  # Or small; '': by size and device, see run/settled.
    'dtype': 'float32',
    'dropout': 0.0,
    # Over windows of frames (config.data.window): gru, lstm, transformer.
    'temporal': '',
    'gru': {'width': 128, 'layers': 1, 'dropout': 0.0},
    'lstm': {'hidden': 128, 'width': 256, 'dropout': 0.0},
    'transformer': {'width': 256, 'layers': 2, 'heads': 4, 'dropout': 0.1},
    # How many of 5 stages (stem, layer1, ...) keep weights and BatchNorm
    # statistics.
    'frozen_stages': 0,
    'zero_init_residual': False,
  }
  # With which model, if samples are utterances instead of faces.
  c.utterance = {
    'modalities': ('text', 'audio', 'vision'),
    # Give features mean 0 and standard deviation 1 over all training steps.
    'standardize': True,
    # Where features of a modality differ between corpora, a layer for each
    # makes them as many as this (or one width for each modality). They differ
    # if they are not as many, or are named apart here, as {'text': {'mosi':
    # 'glove', 'meld': 'bert'}}.
    'projected_width': 128,
    'feature_spaces': {},
    # Rows of every corpus in each batch, even if one is of longer utterances;
    # otherwise a batch has those of like length, of whatever corpus.
    'mixed_batches': False,
    # Lengths that batches are padded to.
    'boundaries': (8, 16, 32, 64, 128, 256, 512),
    # Chance that training removes a modality.
    'modality_dropout': 0.0,
    # Of the text encoder that is fine-tuned if config.data.text=tokens.
    'text': {
      'frozen_stages': 0,
      'average_layers': 1,
      'dropout': 0.1,
      'attention_dropout': 0.1,
      'dtype': 'float32',
      'remat': False,
    },
    # Lengths to pad to if the tokens of a dialogue (config.data.window) are one
    # sequence, which saves padding; (): a sequence for each utterance.
    'together': (),
    # Whether utterances read each other in this sequence.
    'read_across': True,
    # See models/fusion; the options of each fusion follow. A value for all
    # modalities can become one for each, {'text': ..., 'audio': ..., 'vision':
    # ...}; `del` the option first.
    'fusion': 'lf_lstm',
    **fusion_defaults.options(),
    # Over the utterances of a dialogue (config.data.window): lstm, gru,
    # transformer.
    'context': '',
    'lstm': {'hidden': 300, 'width': 100, 'dropout': 0.5},
    'gru': {'width': 128, 'layers': 1, 'dropout': 0.0},
    'transformer': {'width': 256, 'layers': 2, 'heads': 4, 'dropout': 0.1},
    'dropout': 0.1,
  }
  # From which weights a run starts: those of another run, or of a published
  # model (a folder, or OWNER/NAME on huggingface.co); or of a file of others.
  c.init = {'checkpoint_workdir': '', 'parts': 'backbone', 'weights': ''}

  # How.
  c.batch_size = 64
  c.accumulate = 1
  c.num_train_steps = 1000
  # Length in epochs, from which num_train_steps follows; 0: not so.
  c.num_epochs = 0.0
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
  # Each device holds a part of parameters and optimiser state, not the whole.
  c.shard_parameters = False

  # When.
  c.log_every = 20  # Steps between points of the curves.
  c.eval_every = 200
  # Validations without a better selection score that end a run; 0: none do.
  c.early_stop = 0
  c.progress_secs = 10.0  # Between lines of a log that is no terminal.
  # A name in views.VIEWS: the views whose predictions are averaged.
  c.eval_views = 'whole'
  # Evaluate also with every subset of the modalities of utterances.
  c.eval_subsets = False
  return c


def _task_options(name: str) -> dict[str, Any]:
  """Returns a task's options, with values of types that flags can change.

  An option that is None by default is '' if it may be text, else None until a
  number is given.
  """
  signature = inspect.signature(tasks.TASKS[name].build, eval_str=True)
  options = {}
  for option, parameter in signature.parameters.items():
    value = parameter.default
    if value is None:
      text = str in typing.get_args(parameter.annotation)
      value = '' if text else config_dict.placeholder(float)
    options[option] = value
  # Outputs and their counts come from the corpora.
  options.pop('counts', None)
  return {**options, 'outputs': ()}


def _balancing_options() -> dict[str, dict[str, Any]]:
  """Returns {method of balancing tasks: its options}."""
  return {
    name: {k: p.default for k, p in inspect.signature(build).parameters.items()}
    for name, build in multitask.METHODS.items()
  }
