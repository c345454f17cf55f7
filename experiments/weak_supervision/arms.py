"""The arms: what each trains, on whose labels, and where its runs lie.

single/CORPUS_TASK   one task of one corpus: the teachers, and the baseline
multi/gold           all tasks of all corpora, each with its own gold
multi/weak           and weak labels of single tasks' networks elsewhere
multi/weak_twice     and then those of multi/weak
multi/weak_balanced  multi/weak, its tasks balanced
fusion/NAME          multi/weak with another fusion
curve/gold_N         MELD: emotion, and sentiment of N % of the turns
curve/weak_N         and weak sentiment of the others, from MOSI's network
curve/sarcasm        MUStARD: sarcasm, and weak sentiment from MOSI's network
"""

from collections.abc import Mapping, Sequence
import dataclasses
from typing import Any

import settings as settings_lib

# How much of a weak label counts, by confidence; chosen before any test.
WEAK = {
  'weak.weight': 0.3,
  'weak.by_confidence': True,
}
SHARES = (0, 10, 25, 50, 100)
# {fusion: its settings that are not the defaults}. A tensor of three modalities
# with 32 features each has 35,937 entries, and takes three times as long.
FUSIONS: Mapping[str, Mapping[str, Any]] = {
  'concat': {},
  'tfn': {'utterance.tfn.width': 16},
  'gated': {},
  'mult': {},
}


@dataclasses.dataclass(frozen=True)
class Arm:
  """One way to train.

  Attributes:
    name: Folder of its runs.
    corpora, tasks: See `settings.build`.
    changes: {dotted setting: value}.
    teachers: Arms whose run of the same seed labels what has no gold.
    labels: Name of the arm whose weak labels it shares; '' means its own.
  """

  name: str
  corpora: Sequence[str]
  tasks: Sequence[str]
  changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  teachers: Sequence[str] = ()
  labels: str = ''


def singles() -> list[Arm]:
  """Returns an arm per task and corpus with gold of it."""
  return [
    Arm(f'single/{corpus}_{task}', (corpus,), (task,))
    for corpus, (tasks, _, _) in settings_lib.CORPORA.items()
    for task in tasks
  ]


def arms(balancing: str) -> list[Arm]:
  """Returns all arms, teachers before students.

  Args:
    balancing: The method of multi/weak_balanced.
  """
  single = singles()
  every, tasks = tuple(settings_lib.CORPORA), settings_lib.ALL_TASKS
  names = [a.name for a in single]
  weak = {'changes': WEAK, 'teachers': names}
  found = [
    *single,
    Arm('multi/gold', every, tasks),
    Arm('multi/weak', every, tasks, **weak),
    Arm('multi/weak_twice', every, tasks, WEAK, ('multi/weak',)),
    Arm(
      'multi/weak_balanced',
      every,
      tasks,
      {**WEAK, 'balancing.name': balancing},
      names,
      'multi/weak',
    ),
  ]
  for fusion, own in FUSIONS.items():
    changes = {**WEAK, 'utterance.fusion': fusion, **own}
    name = f'fusion/{fusion}'
    found.append(Arm(name, every, tasks, changes, names, 'multi/weak'))
  return [*found, *curves()]


def curves() -> list[Arm]:
  """Returns the arms about strong and weak labels."""
  teacher = ('single/mosi_sentiment_class',)
  tasks = ('emotion', 'sentiment_class')
  found = []
  for percent in SHARES:
    shares = {'data.gold_share': {'sentiment_class': percent / 100}}
    if percent:
      changes = shares if percent < 100 else {}
      found.append(Arm(f'curve/gold_{percent}', ('meld',), tasks, changes))
    if percent < 100:
      changes = {**WEAK, **shares}
      name = f'curve/weak_{percent}'
      found.append(Arm(name, ('meld',), tasks, changes, teacher))
  sarcasm = ('sarcasm', 'sentiment_class')
  found.append(Arm('curve/sarcasm', ('mustard',), sarcasm, WEAK, teacher))
  return found


def fine_tuned() -> list[Arm]:
  """Returns the contrast with a text model that is fine-tuned."""
  names = ('single/mosi_sentiment', 'single/mustard_sarcasm')
  single = [a for a in singles() if a.name in names]
  both, tasks = ('mosi', 'mustard'), ('sentiment', 'sarcasm')
  return [*single, Arm('multi/weak', both, tasks, WEAK, names)]
