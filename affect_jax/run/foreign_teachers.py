"""Networks of other packages as teachers of expressions.

Pictures are resized from those of the corpus as for our own models: bilinearly,
and squeezed if they are not square. face-api resizes with another alignment of
pixels, which on FER2013 makes 0.7 points.
"""

from collections.abc import Sequence
import dataclasses

from flax import linen as nn
import jax
import numpy as np

from affect_jax import tasks as tasks_lib
from affect_jax.data import streams
from affect_jax.errors import UserError
from affect_jax.evaluation import predict as predict_lib
from affect_jax.models import foreign as foreign_lib
from affect_jax.run import signature as signature_lib
from affect_jax.run import teachers as teachers_lib
from affect_jax.tasks import expression
from affect_jax.training import parallel as parallel_lib

TASK = 'expression'


class Model(nn.Module):
  """A foreign network that is called as our models are.

  Attributes:
    network: Pictures [B, H, W, 3] -> logits [B, K].
    order: Which of its classes ours are: [K].
  """

  network: nn.Module
  order: tuple[int, ...]

  def __call__(
    self, inputs: dict[str, jax.Array], train: bool = False
  ) -> dict[str, jax.Array]:
    """Returns logits [B, K], of windows of frames [B, T, K]."""
    del train
    image = inputs['image']
    logits = self.network(image.reshape(-1, *image.shape[-3:]))
    return {
      TASK: logits.reshape(*image.shape[:-3], -1)[..., np.array(self.order)]
    }


def build(
  networks: Sequence[foreign_lib.Foreign], window: int
) -> list[teachers_lib.Teacher]:
  """Returns teachers whose confidence is as it is, see `judge`.

  Args:
    networks: Foreign networks.
    window: Frames of the corpora's windows, 0 for pictures.

  Raises:
    UserError: Two networks have one name.
  """
  names = [network.name for network in networks]
  if twice := {x for x in names if names.count(x) > 1}:
    raise UserError(f'--foreign names {min(twice)} twice: give it once.')
  return [_build(network, window) for network in networks]


def _build(foreign: foreign_lib.Foreign, window: int) -> teachers_lib.Teacher:
  kind = foreign.kind
  names = [expression.canonical_name(c) for c in kind.classes]
  outputs = tuple(c for c in expression.BASIC_7 if c in names)
  tasks = [tasks_lib.get_task(TASK, outputs=outputs)]
  order = tuple(names.index(c) for c in outputs)
  model = Model(network=kind.network, order=order)
  signature = signature_lib.Signature(
    kind='faces',
    tasks={TASK: {'outputs': outputs}},
    inputs={'image_size': kind.image_size, 'window': window},
    model={},
    data={},
  )
  return teachers_lib.Teacher(
    workdir=foreign.name,
    trained=signature_lib.Trained(
      signature=signature,
      tasks=tasks,
      model=model,
      variables={k: {'network': v} for k, v in foreign.variables.items()},
      thresholds={},
      step=0,
    ),
    config=foreign.sha256,
    # Nothing tells which samples it learned from: `notes` say so.
    trained_on={},
    judgements={TASK: teachers_lib.Judgement()},
    apply=predict_lib.make_predict(model, tasks, parallel_lib.build()),
    notes=(f'{foreign.name}: {kind.caution}',),
  )


def judge(
  teacher: teachers_lib.Teacher,
  corpora: Sequence[streams.Corpus],
  batch_size: int,
) -> teachers_lib.Teacher:
  """Returns a foreign teacher at the temperature that suits gold of val.

  Args:
    teacher: From `build`.
    corpora: Those of the student; gold of their val is read.
    batch_size: Samples at a time.

  Raises:
    UserError: The teacher cannot read a corpus.
  """
  (task,) = teacher.trained.tasks
  rows = [
    teachers_lib.predict(teacher, corpus, corpus.splits['val'], batch_size)
    for corpus in corpora
    if 'val' in corpus.splits
  ]
  if not any((r['weights'][TASK] == 1).any() for r in rows):
    note = (
      f'{teacher.workdir}: no gold of {TASK} in val, so its confidence is '
      'taken as it is (temperature 1).'
    )
    return dataclasses.replace(teacher, notes=(*teacher.notes, note))
  p, y, w = (
    np.concatenate([r[part][TASK] for r in rows])
    for part in ('predictions', 'labels', 'weights')
  )
  judgement = teachers_lib.judge(task, p, y, w)
  right = (p.argmax(-1) == y.argmax(-1))[w == 1].mean()
  note = (
    f'{teacher.workdir}: temperature {judgement.temperature:.2f}, fitted on '
    f'{judgement.samples:,} gold samples of val, of which it has {right:.1%} '
    'right.'
  )
  return dataclasses.replace(
    teacher, judgements={TASK: judgement}, notes=(*teacher.notes, note)
  )
