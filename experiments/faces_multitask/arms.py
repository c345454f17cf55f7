"""The arms of the experiment: each changes a few settings of a base config."""

from collections.abc import Mapping
import dataclasses
from typing import Any

from affect_jax import defaults

TASKS = {
  'expr': 'expression',
  'au': 'action_units',
  'va': 'valence_arousal',
}
# {corpus: updates of a run on it}.
CORPORA = {'synthetic_faces': 300, 'fer2013': 300, 'aff_wild2': 4500}


@dataclasses.dataclass(frozen=True)
class Arm:
  """One way to train.

  Attributes:
    group: The question it belongs to: tasks, start, augment, loss.
    name: What is different.
    changes: {dotted setting: value}.
    pretrained_on: Corpus of the run whose backbone it starts from; '' means
      from scratch.
  """

  group: str
  name: str
  changes: Mapping[str, Any]
  pretrained_on: str = ''

  @property
  def folder(self) -> str:
    """Folder of its runs, below the folder of its corpus."""
    return f'{self.group}/{self.name}'


def base_config(corpus: str, path: str, *, steps: int) -> Any:
  """Returns the config that all arms on a corpus share."""
  c = defaults.get_config()
  c.data.corpus = corpus
  if path:
    c.data.path = path
  c.augment = ('flip', 'crop')
  c.augmentations.crop.pad = 2
  c.eval_views = 'flip'
  c.num_train_steps = steps
  c.eval_every = steps  # Only the last step is evaluated: nothing to select.
  c.schedule.warmup_steps = steps // 10
  c.ema_decay = max(0.0, 1 - 6 / steps)  # Over the last sixth of the run.
  c.image_size = 32  # 2.5 minutes a run on one CPU core.
  if corpus == 'synthetic_faces':
    # Label shares like those of s-Aff-Wild2, and a few wrong ones.
    c.data.image_size = 64
    c.data.seed = 0
    c.data.num_train, c.data.num_val, c.data.num_test = 6000, 600, 1000
  elif corpus == 'fer2013':
    c.tasks = ('expression',)
    c.data.exclude_duplicates = True
    c.data.splits = {
      'train': 'train[:97%]',
      'val': 'train[97%:]',
      'test': 'val',
    }
  else:
    # The published protocol: the official validation set is the test set.
    c.data.splits = {'train': 'train', 'val': '', 'test': 'val'}
    c.image_size = 112
    c.batch_size = 256
    c.augmentations.crop.pad = 8
  return c


def arms(corpus: str) -> list[Arm]:
  """Returns all arms that make sense on a corpus."""
  all_tasks = corpus != 'fer2013'  # FER2013 has expressions only.
  result = []
  if all_tasks:
    sets = ('expr', 'au', 'va', 'expr+au', 'expr+va', 'au+va')
    for name in sets:
      tasks = tuple(TASKS[t] for t in name.split('+'))
      result.append(Arm('tasks', name, {'tasks': tasks}))
  # The reference of all groups: every task of the corpus, from scratch.
  result.append(Arm('tasks', 'all', {}))
  for other in ('synthetic_faces', 'fer2013'):
    if other != corpus:
      result.append(Arm('start', other, {}, pretrained_on=other))
  result.append(Arm('augment', 'none', {'augment': ()}))
  for name in ('flip', 'crop'):
    result.append(Arm('augment', name, {'augment': (name,)}))
  for name in ('colour', 'rotation', 'erasing', 'rand_augment'):
    steps = ('flip', 'crop', name)
    result.append(Arm('augment', '+'.join(steps), {'augment': steps}))
  for kind in ('mixup', 'cutmix', 'mixaugment'):
    result.append(Arm('augment', kind, {'mixing.kind': kind}))
  result += _losses(all_tasks)
  return result


def _losses(all_tasks: bool) -> list[Arm]:
  changes: dict[str, dict[str, Any]] = {
    'expr focal': {'expression.loss': 'focal'},
    'expr balanced': {'expression.class_weights': 'balanced'},
    'expr logit adjustment': {'expression.logit_adjustment': 1.0},
    'expr smoothing': {'expression.label_smoothing': 0.1},
  }
  if all_tasks:
    changes |= {
      'au balanced': {'action_units.pos_weight': 'balanced'},
      'au focal': {'action_units.loss': 'focal'},
      'au asymmetric': {'action_units.loss': 'asymmetric'},
      'va ccc': {'valence_arousal.loss': 'ccc'},
      'va mse': {'valence_arousal.loss': 'mse'},
      'va mae': {'valence_arousal.loss': 'mae'},
      'va bins': {'valence_arousal.loss': 'bins'},
    }
  return [Arm('loss', k.replace(' ', '_'), v) for k, v in changes.items()]
