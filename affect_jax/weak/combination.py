"""Combines tables of weak labels into one.

A labeller is a table or, where a table labels a sample twice, each teacher in
it. Classes and presences are voted on, see `label_models`; of values the mean
is taken, whatever the model. What only one labeller labels stays as it is.
"""

from collections.abc import Sequence
import dataclasses
import itertools

import numpy as np

from affect_jax.errors import UserError
from affect_jax.weak import label_models
from affect_jax.weak import table

MEAN = 'mean'
AS_IT_IS = 'as it is'
# (path of a table, what `table.read` gives).
Tables = Sequence[tuple[str, Sequence[table.WeakLabels]]]


@dataclasses.dataclass(frozen=True, eq=False)
class Group:
  """What L labellers say of N samples of a corpus, for one task.

  Attributes:
    corpus, version, task, kind, outputs: See `table.WeakLabels`; K outputs.
    labellers: Their names [L].
    ids: [N] str; each is labelled by one at least.
    labels: f32 [L, N, K]; NaN where a labeller abstains.
    confidence: f32 [L, N] of classes, else [L, N, K]; 0 where one abstains.
  """

  corpus: str
  version: str
  task: str
  kind: str
  outputs: tuple[str, ...]
  labellers: tuple[str, ...]
  ids: np.ndarray
  labels: np.ndarray
  confidence: np.ndarray

  @property
  def speaks(self) -> np.ndarray:
    """Returns where each labeller says something: bool [L, N]."""
    return np.any(~np.isnan(self.labels), axis=-1)


@dataclasses.dataclass(frozen=True, eq=False)
class Combined:
  """What labellers say together.

  Attributes:
    labels: For the samples that anyone labels.
    model: The label model, MEAN or AS_IT_IS.
    met: How many samples have two labellers or more.
    believed: [L], see `label_models.believed`, over all outputs; NaN of values,
      and by majority, which believes all alike.
  """

  labels: table.WeakLabels
  model: str
  met: int
  believed: np.ndarray


def group(tables: Tables, any_version: bool = False) -> list[Group]:
  """Sorts tables by corpus and task.

  Labels that name no corpus are of the one that the other tables name.

  Raises:
    UserError: No table has a label; tables are of other versions of a corpus,
      unless `any_version`; labels of a task are of other kinds or classes; or a
      table names no corpus where others name several.
  """
  labels = [(path, p) for path, parts in tables for p in parts if len(p.ids)]
  if not labels:
    raise UserError(
      f'No label in {", ".join(path for path, _ in tables)}: every labeller '
      'abstains everywhere.'
    )
  corpora = {p.corpus for _, p in labels if p.corpus}
  found: dict[tuple[str, str, str], list[tuple[str, table.WeakLabels]]] = {}
  for corpus in sorted(corpora) or ['']:
    own = [(path, p) for path, p in labels if p.corpus in ('', corpus)]
    version = _version(corpus, own, any_version)
    for path, part in own:
      if not part.corpus and len(corpora) > 1:
        raise UserError(
          f'{path} does not say of which corpus its labels are, and the tables '
          f'are of {sorted(corpora)}: give it a column `corpus`.'
        )
      key = (corpus, part.version if version is None else version, part.task)
      found.setdefault(key, []).append((path, part))
  return [_group(*key, parts) for key, parts in found.items()]


def combine(of: Group, model: str = label_models.AUTO) -> Combined:
  """Combines what labellers say, see above.

  Raises:
    UserError, MissingExtra: See `label_models.combine`.
  """
  believed = np.full(len(of.labellers), np.nan)
  if len(of.labellers) == 1:
    used, labels = AS_IT_IS, np.nan_to_num(of.labels[0])
  elif of.kind == 'value':
    used, labels = MEAN, _mean(of)
  else:
    used = _model(of, model)
    try:
      labels, believed = _vote(of, used)
    except UserError as error:
      raise UserError(
        f'{of.task} of {of.corpus or "a corpus"}: {error}'
      ) from error
  if used == 'majority':
    believed = np.full_like(believed, np.nan)
  speakers = of.speaks.sum(0)
  teacher = ' + '.join(of.labellers)
  if used != AS_IT_IS:
    teacher = f'{used}: {teacher}'
  combined = table.WeakLabels(
    task=of.task,
    kind=of.kind,
    outputs=of.outputs,
    ids=of.ids,
    labels=labels.astype(np.float32),
    confidence=_confidence(of, used, labels).astype(np.float32),
    corpus=of.corpus,
    version=of.version,
    teacher=teacher,
  )
  return Combined(
    combined.where(speakers > 0), used, int((speakers > 1).sum()), believed
  )


def _model(of: Group, model: str) -> str:
  """Returns the model to use; for AUTO, one that holds for each output."""
  if model != label_models.AUTO:
    return model
  chosen = {label_models.choose(v) for v in _votes(of) if _shared(v)}
  return chosen.pop() if len(chosen) == 1 else 'majority'


def _version(
  corpus: str, parts: Sequence[tuple[str, table.WeakLabels]], any_version: bool
) -> str | None:
  """Returns the version that all parts of a corpus are of, '' for any.

  None: each has the version that it names, as of two corpora of one class.
  """
  by_table: dict[str, set[str]] = {}
  for path, part in parts:
    by_table.setdefault(path, set()).add(part.version)
  versions = set().union(*by_table.values()) - {''}
  if len(versions) < 2:
    return next(iter(versions), '')
  if any_version:
    return ''
  for (path, of_one), (other, of_other) in itertools.combinations(
    by_table.items(), 2
  ):
    if '' not in of_one | of_other and not of_one & of_other:
      raise UserError(
        f'Tables label {corpus} in several versions: {min(of_one)} in {path}, '
        f'{min(of_other)} in {other}. If the samples are the same, and only '
        'their features were made differently, give --any_version; else make '
        'the tables again.'
      )
  return '' if any('' in of_one for of_one in by_table.values()) else None


def _group(corpus, version, task, parts) -> Group:
  """Lines up the labels of a task by id and by output."""
  kinds = {part.kind: path for path, part in parts}
  if len(kinds) > 1:
    shown = ', '.join(f'{k!r} in {path}' for k, path in kinds.items())
    raise UserError(f'Labels of {task} are of several kinds: {shown}.')
  (kind,) = kinds
  outputs = tuple(dict.fromkeys(o for _, p in parts for o in p.outputs))
  for path, part in parts:
    if kind == 'class' and set(part.outputs) != set(outputs):
      first = parts[0][1].outputs
      raise UserError(
        f'{path} has the classes {list(part.outputs)} of {task}, and '
        f'{parts[0][0]} has {list(first)}: they cannot vote together.'
      )
  labellers = _labellers(task, parts)
  ids = list(dict.fromkeys(x for _, p in parts for x in p.ids))
  rows = {x: i for i, x in enumerate(ids)}
  shape = (len(labellers), len(ids))
  labels = np.full((*shape, len(outputs)), np.nan, np.float32)
  confidence = np.zeros(shape if kind == 'class' else labels.shape, np.float32)
  for i, of_one in enumerate(labellers.values()):
    for part in of_one:
      places = [rows[x] for x in part.ids]
      columns = [outputs.index(o) for o in part.outputs]
      if kind == 'class':
        labels[i][np.ix_(places, columns)] = part.labels
        confidence[i, places] = part.confidence
        continue
      # Without any confidence, a labeller abstains from one output.
      says = np.where(part.confidence > 0, part.labels, np.nan)
      labels[i][np.ix_(places, columns)] = says
      confidence[i][np.ix_(places, columns)] = part.confidence
  return Group(
    corpus=corpus,
    version=version,
    task=task,
    kind=kind,
    outputs=outputs,
    labellers=tuple(labellers),
    ids=np.array(ids, object),
    labels=labels,
    confidence=confidence,
  )


def _labellers(task, parts) -> dict[str, list[table.WeakLabels]]:
  """Returns {name: parts of a labeller}, which label each sample once."""
  by_table: dict[str, list[table.WeakLabels]] = {}
  for path, part in parts:
    by_table.setdefault(path, []).append(part)
  result: dict[str, list[table.WeakLabels]] = {}
  for path, of_table in by_table.items():
    if _once(of_table):
      result[path] = of_table
      continue
    for part in of_table:
      name = f'{path} ({part.teacher or "no teacher"})'
      result.setdefault(name, []).append(part)
  for name, of_one in result.items():
    if not _once(of_one):
      raise UserError(f'{name} has two labels of {task} for one sample.')
  return result


def _once(parts: Sequence[table.WeakLabels]) -> bool:
  ids = [x for part in parts for x in part.ids]
  return len(set(ids)) == len(ids)


def _votes(of: Group) -> list[np.ndarray]:
  """Returns hard votes int [N, L]: one array of classes, or one per output."""
  if of.kind == 'class':
    best = np.nan_to_num(of.labels, nan=-1).argmax(-1)
    return [np.where(of.speaks, best, label_models.ABSTAINS).T]
  present = np.where(
    np.isnan(of.labels), label_models.ABSTAINS, of.labels > 0.5
  )
  return [*np.moveaxis(present.astype(int), -1, 0).swapaxes(1, 2)]


def _shared(votes: np.ndarray) -> bool:
  """Whether several labellers vote at all."""
  return int((votes != label_models.ABSTAINS).any(0).sum()) > 1


def _vote(of: Group, model: str) -> tuple[np.ndarray, np.ndarray]:
  """Returns labels [N, K], and how much of each labeller is believed [L]."""
  columns, believed, counts = [], [], []
  num_classes = len(of.outputs) if of.kind == 'class' else 2
  for votes in _votes(of):
    used = model if _shared(votes) else 'majority'
    shares = label_models.combine(used, votes, num_classes)
    believed.append(label_models.believed(votes, shares))
    counts.append((votes != label_models.ABSTAINS).sum(0))
    columns.append(shares if of.kind == 'class' else shares[:, 1:])
  total = np.sum(counts, 0)
  mean = np.nansum(np.array(believed) * counts, 0) / np.maximum(total, 1)
  return np.concatenate(columns, 1), np.where(total > 0, mean, np.nan)


def _mean(of: Group) -> np.ndarray:
  speaks = ~np.isnan(of.labels)
  return np.nansum(of.labels, 0) / np.maximum(speaks.sum(0), 1)


def _confidence(of: Group, used: str, labels: np.ndarray) -> np.ndarray:
  """Returns the confidence of combined labels; 0 where nobody says anything."""
  if used == AS_IT_IS:
    return of.confidence[0]
  speaks = ~np.isnan(of.labels)
  if used == MEAN:
    return of.confidence.sum(0) / np.maximum(speaks.sum(0), 1)
  confidence = table.confidence_of(of.kind, labels)
  return confidence if of.kind == 'class' else confidence * speaks.any(0)
