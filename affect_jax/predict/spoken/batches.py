"""From segments to batches, as a run's evaluation made them from records."""

from collections.abc import Callable, Iterator, Mapping, Sequence
import dataclasses
import itertools
from typing import Any

import numpy as np

from affect_jax.corpora.builders import text_inputs
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.builders import utterances
from affect_jax.corpora.files import mojibake
from affect_jax.data import batch as batch_lib
from affect_jax.data import utterance_batches
from affect_jax.errors import UserError
from affect_jax.predict.spoken import segment

Pair = tuple[utterance_listing.Utterance, dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Layout:
  """How a run reads utterances.

  Attributes:
    dims: {modality: features per step, as the model has it; 0: token ids}.
    own: {modality: features per step of this corpus}; fewer than in `dims`
      where corpora of the run differ.
    spaces: {modality: number of this corpus' feature space}, see
      `run.feature_spaces`.
    without: {modality: columns that were not read}, of raw features.
    max_steps: Steps of features that are kept.
    window, hop: Utterances of a dialogue, and from window to window; window 0:
      single utterances.
    boundaries, together: See `utterance_batches.collate`.
  """

  dims: Mapping[str, int]
  own: Mapping[str, int]
  spaces: Mapping[str, int]
  without: Mapping[str, Sequence[int]]
  max_steps: int
  window: int
  hop: int
  boundaries: Sequence[int]
  together: Sequence[int]

  def raw(self, modality: str) -> int:
    """Returns the features per step before columns are left out."""
    return self.own[modality] + len({*self.without.get(modality, ())})


def said(item: segment.Segment) -> utterance_listing.Utterance | None:
  """Returns what was said, by its place; None if it cannot be used."""
  if item.utterance is None:
    return None
  return dataclasses.replace(
    item.utterance,
    id=str(item.place),
    transcript=mojibake.mended(item.utterance.transcript),
    context=[mojibake.mended(x) for x in item.utterance.context],
  )


def pairs(
  segments: Iterator[segment.Segment],
  layout: Layout,
  text: text_inputs.TextInputs | None,
  tell: Callable[[segment.Segment, Sequence[str], str], None],
  done: int = 0,
) -> Iterator[Pair]:
  """Yields utterances that can be predicted, and their records.

  Args:
    segments: Those of a dialogue in a row.
    layout: How the run reads them.
    text: Makes text; None: the run reads none.
    tell: Is told of each segment, before it is yielded, its modalities and what
      cannot be used.
    done: How many of the first are passed over, but for their words, which are
      what was said before others of their dialogue.
  """
  pending: dict[str, segment.Segment] = {}

  def utterances_of() -> Iterator[utterance_listing.Utterance]:
    before = _Before()
    for number, item in enumerate(segments):
      utterance = said(item)
      if number < done:
        before.add(utterance)
      elif utterance is None:
        tell(item, (), item.reason)
      else:
        pending[utterance.id] = dataclasses.replace(item, utterance=None)
        yield before.in_front_of(utterance)

  items = utterances_of()
  with_text = text.read(items) if text else ((x, None) for x in items)
  for item, of_text in with_text:
    part = pending.pop(item.id)
    arrays, problems = _arrays(item, of_text, layout)
    reason = '; '.join(filter(None, [part.reason, *problems]))
    if not arrays and not reason:
      reason = f'it has no {" and no ".join(layout.dims)} that can be read'
    tell(part, [m for m in layout.dims if m in arrays], reason)
    if arrays:
      yield item, _record(item.id, arrays, layout)


class _Before:
  """What was said in a dialogue by segments that are passed over."""

  def __init__(self):
    self._dialogue = ''
    self._said: list[tuple[str, str]] = []

  def add(self, item: utterance_listing.Utterance | None) -> None:
    if item is None:
      return
    if item.dialogue != self._dialogue:
      self._dialogue, self._said = item.dialogue, []
    if item.dialogue and item.transcript:
      self._said.append((item.speaker, item.transcript))

  def in_front_of(
    self, item: utterance_listing.Utterance
  ) -> utterance_listing.Utterance:
    """Returns an utterance whose context includes it."""
    if item.dialogue != self._dialogue:  # It does not come back.
      self._said = []
    if not self._said:
      return item
    own = item.context_speakers or [''] * len(item.context)
    return dataclasses.replace(
      item,
      context=[*item.context, *(text for _, text in self._said)],
      context_speakers=[*own, *(speaker for speaker, _ in self._said)],
    )


def together(
  items: Iterator[Pair], size: int, whole: bool
) -> Iterator[list[Pair]]:
  """Yields at least `size` utterances at a time, the last time fewer.

  Args:
    items: Those of a dialogue in a row.
    size: How many.
    whole: Whether those of a dialogue stay together.
  """
  group: list[Pair] = []
  for item, record in items:
    if len(group) >= size:
      last = group[-1][0]
      if not (whole and item.dialogue and item.dialogue == last.dialogue):
        yield group
        group = []
    group.append((item, record))
  if group:
    yield group


def batches(
  items: Sequence[Pair], layout: Layout, size: int
) -> Iterator[batch_lib.Batch]:
  """Yields batches of `size` rows, whose ids are the places of segments."""
  rows = (
    _row([record for _, record in group], layout)
    for group in utterances.dialogues(iter(items), layout.window, layout.hop)
  )
  while taken := list(itertools.islice(rows, size)):
    yield utterance_batches.collate(
      taken,
      size,
      layout.dims,
      layout.boundaries,
      layout.window,
      layout.together,
    )


def _arrays(
  item: utterance_listing.Utterance, text: np.ndarray | None, layout: Layout
) -> tuple[dict[str, np.ndarray], list[str]]:
  """Returns {modality: [T, D] or ids [T]}, T > 0, and what is wrong."""
  found, problems = {}, []
  sequences = {m: x for m, x in item.sequences.items() if m != 'text'}
  if text is not None:
    sequences['text'] = text
  for name in layout.dims:
    x = sequences.get(name)
    if x is None or not len(x):
      continue
    # 0 here is token ids, which have no columns.
    dim = layout.own[name]
    if dim:
      given = name != 'text' or item.sequences.get('text') is text
      without = layout.without.get(name, ()) if given else ()
      raw = dim + len({*without})
      if x.ndim != 2 or x.shape[1] != raw:
        problems.append(
          f'{name} has {x.shape[-1]} features per step, not {raw}'
        )
        continue
      x = np.delete(x, [*without], axis=1) if without else x
      if not np.all(np.isfinite(x)):
        problems.append(f'{name} has values that are not finite')
        continue
      x = x[: layout.max_steps]
    found[name] = np.asarray(x, np.float32 if dim else np.int32)
  return found, problems


def _record(
  place: str, arrays: Mapping[str, np.ndarray], layout: Layout
) -> dict[str, Any]:
  record: dict[str, Any] = {'id': place.encode()}
  for name, dim in layout.dims.items():
    own = layout.own.get(name, dim)
    empty = np.zeros((0, own) if dim else (0,), np.float32 if dim else np.int32)
    record[name] = arrays.get(name, empty)
    record[f'{name}_length'] = np.int32(len(record[name]))
    if name in layout.spaces:
      record[f'{name}_space'] = np.int32(layout.spaces[name])
  return record


def _row(records: Sequence[dict[str, Any]], layout: Layout) -> dict[str, Any]:
  """Makes a dialogue, or an utterance, a row of `utterance_batches.collate`."""
  if layout.window:
    row = {
      key: utterances.stack([r[key] for r in records]) for key in records[0]
    }
    row['id'] = np.array([r['id'] for r in records], object)
  else:
    (row,) = records
  if layout.together:
    tokens = int(np.sum(row['text_length']))
    if tokens > max(layout.together):
      raise UserError(
        f'A dialogue has {tokens:,} tokens within {layout.window} utterances, '
        f'and the run reads {max(layout.together):,} together: give shorter '
        'texts, or dialogues of their own.'
      )
  return {**row, 'labels': {}, 'weights': {}}
