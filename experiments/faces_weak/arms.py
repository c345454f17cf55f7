"""The arms: ways to learn three tasks of faces from few labels.

At each share of rendered faces with labels (SHARES, in percent), which are as
incomplete as those of s-Aff-Wild2:

  uni_TASK_N       one task alone: the teachers, and the baseline
  multi_N          all tasks, each sample with the labels that it has
  weak_N           and weak labels of the three networks uni_TASK_N
  mean_teacher_N   and consistency with its moving average
  coupling_N       and labels and a loss that join expression and action units

Below 100 %, uni and multi see the faces with labels; the others draw half of
each batch from them, and half from the rest. All take as many steps, so that
these see half as many labels; as does, to tell what the rest is worth,

  half_N           all tasks, in batches of half the size

FER2013, which labels expression alone:

  fer_alone        expression of FER2013
  fer_gold         and all tasks of rendered faces, in one network
  fer_weak         and action units, valence and arousal of FER2013's faces, as
                   networks of rendered faces tell them
"""

from collections.abc import Mapping, Sequence
import dataclasses
from typing import Any

from affect_jax import defaults
from affect_jax import user_path

TASKS = {
  'expression': 'macro_f1',
  'action_units': 'mean_f1',
  'valence_arousal': 'mean_ccc',
}
SHARES = (100, 50, 20, 5)
STEPS, BATCH = 300, 64
WEAK = {'weak.weight': 0.5, 'weak.by_confidence': True}
WAYS: Mapping[str, Mapping[str, Any]] = {
  'multi': {},
  'weak': WEAK,
  # FAMO's weights sum to 1, those of these two losses beside the tasks do not.
  # With 1.0 the mean teacher held valence and arousal back: README.
  'mean_teacher': {'mean_teacher.weight': 0.1, 'mean_teacher.ramp_steps': 100},
  'coupling': {
    'coupling.co_annotation': 0.5,
    'coupling.distribution_matching': 0.03,
  },
}


@dataclasses.dataclass(frozen=True)
class Arm:
  """One way to train.

  Attributes:
    name: Folder of its runs.
    corpora: Of 'faces' (rendered, with labels), 'rest' (rendered, without) and
      'fer' (FER2013).
    tasks: Names of tasks.
    share: Percent of the rendered faces that have labels.
    changes: {dotted setting: value}.
    teachers: Arms whose run of the same seed labels what has no gold.
  """

  name: str
  corpora: Sequence[str]
  tasks: Sequence[str]
  share: int = 100
  changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  teachers: Sequence[str] = ()


def arms(with_fer: bool) -> list[Arm]:
  """Returns all arms, teachers before students."""
  found = []
  for share in SHARES:
    uni = {task: f'uni_{task}_{share}' for task in TASKS}
    for task, name in uni.items():
      found.append(Arm(name, ('faces',), (task,), share))
    for way, changes in WAYS.items():
      teachers = tuple(uni.values()) if way == 'weak' else ()
      alone = way == 'multi' or share == 100
      corpora = ('faces',) if alone else ('faces', 'rest')
      name = f'{way}_{share}'
      found.append(Arm(name, corpora, tuple(TASKS), share, changes, teachers))
    if share < 100:
      half = {'batch_size': BATCH // 2}
      found.append(Arm(f'half_{share}', ('faces',), tuple(TASKS), share, half))
  if with_fer:
    both, teachers = ('fer', 'faces'), tuple(f'uni_{t}_100' for t in TASKS)
    found += [
      Arm('fer_alone', ('fer',), ('expression',)),
      Arm('fer_gold', both, tuple(TASKS)),
      Arm('fer_weak', both, tuple(TASKS), 100, WEAK, teachers),
    ]
  return found


def build(arm: Arm, paths: Any, steps: int) -> Any:
  """Returns the config of an arm, without its weak labels."""
  c = defaults.get_config()
  c.tasks = tuple(arm.tasks)
  rendered = {
    'corpus': 'synthetic_faces',
    'image_size': 64,
    'seed': 0,
    'num_train': 6000,
    'num_val': 600,
    'num_test': 1000,
  }
  described = {
    'faces': dict(rendered),
    'rest': {**rendered, 'splits': {'train': f'train[{arm.share}%:]'}},
    'fer': {
      'corpus': 'fer2013',
      'path': str(user_path.expand(paths.fer2013)),
      'exclude_duplicates': True,
      'splits': {'train': 'train[:97%]', 'val': 'train[97%:]', 'test': 'val'},
    },
  }
  if arm.share < 100:
    train = f'train[:{arm.share}%]'
    splits = {'train': train, 'val': 'val', 'test': 'test'}
    described['faces']['splits'] = splits
  c.data.corpora = {name: described[name] for name in arm.corpora}
  c.data.data_dir = paths.data_dir
  c.data.sampling = 'uniform'
  if 'rest' in arm.corpora:
    c.data.gold_share = {f'rest/{t}': 0.0 for t in arm.tasks}
  # With fixed weights action units starve beside the others: ../balancing.
  c.balancing.name = 'famo' if len(arm.tasks) > 1 else 'fixed'
  c.batch_size = BATCH
  c.image_size = 32
  c.augment = ('flip', 'crop')
  c.augmentations.crop.pad = 2
  if len(arm.corpora) > 1 and 'fer' in arm.corpora:
    steps *= 2  # As many pictures of each corpus as where it is alone.
  c.num_train_steps = steps
  c.eval_every = steps  # Only the last step is evaluated: nothing to select.
  c.schedule.warmup_steps = c.log_every = steps // 10
  c.ema_decay = 1 - 6 / steps  # Over the last sixth of the run.
  c.log_gradients = False
  c.update_from_flattened_dict(dict(arm.changes))
  return c
