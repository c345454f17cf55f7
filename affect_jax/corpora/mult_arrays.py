"""The arrays of one split of MulT's pickles: labels, ids, padding."""

from collections.abc import Callable, Mapping
import dataclasses
import pathlib
from typing import Any

import numpy as np

from affect_jax.corpora import mosei_emotions
from affect_jax.corpora.builders import feature_file
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.files import missing
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.tasks import emotion as emotion_lib

# In the order of the files (MulT's src/eval_metrics.py).
IEMOCAP = emotion_lib.names('iemocap_4')
# How many labels an utterance of MOSEI has: sentiment and six emotions.
WITH_EMOTIONS = len(mosei_emotions.COLUMNS)


@dataclasses.dataclass(frozen=True, slots=True)
class Name:
  """The identity of an utterance.

  Attributes:
    id: As in the file; several columns are joined by '|'.
    video: '' if unknown.
    place: Its number in the id (str) or its start in seconds (float).
  """

  id: str
  video: str = ''
  place: str | float = ''


def get_outputs(dataset: str, labels: Any) -> dict[str, tuple[str, ...]]:
  """Returns {task: names}; MOSEI's emotions only if the labels have them."""
  if dataset in ('mosi', 'mosei'):
    if dataset == 'mosei' and np.shape(labels)[-1] == WITH_EMOTIONS:
      return {**feature_file.SENTIMENT, 'emotion': mosei_emotions.EMOTIONS}
    return dict(feature_file.SENTIMENT)
  return {
    'iemocap': {'emotion': IEMOCAP},
    'sarcasm': {'sarcasm': ('sarcasm',)},
    'humor': {'emotion': ('humor',)},
  }[dataset]


def get_labels(
  path: pathlib.Path, split: str, dataset: str, labels: Any
) -> list[dict[str, Any]]:
  """Returns the labels of each of the N utterances, by name.

  Raises:
    UserError: the array does not have the dataset's shape, or values are not
      those of the dataset; the message lists up to 20 rows.
  """
  try:
    values = np.asarray(labels, np.float64)
  except (TypeError, ValueError) as e:
    raise UserError(f'{path}: {split} labels are not numbers: {e}') from e
  width = values.size // len(values) if len(values) else 0
  read, widths = LABELS[dataset]
  if width not in (0, *widths):
    raise UserError(
      f'{path}: {split} labels have the shape {values.shape}; {dataset} has '
      f'{" or ".join(map(str, widths))} numbers per utterance.'
    )
  problems = sources.Problems(path)
  by_row = []
  for row, numbers in enumerate(values.reshape(len(values), width)):
    row_labels = read(numbers)
    if row_labels is None:
      problems.add(
        f'{split}, row {row}: {numbers.tolist()} is not a label of {dataset}.'
      )
    by_row.append(row_labels or {})
  problems.check()
  return by_row


def get_names(split: str, data: Mapping[str, Any]) -> list[Name]:
  """Returns the utterances' names, 'train/00000', ... if the file has none."""
  if 'id' not in data:
    return [Name(f'{split}/{row:05d}') for row in range(len(data['labels']))]
  return [_name(split, row, name) for row, name in enumerate(data['id'])]


def get_padding(data: Mapping[str, Any]) -> dict[str, str]:
  """Returns {modality: 'left' or 'right'}, the side that is padded.

  If T is the same for all modalities (aligned), only {'text': side}.
  """
  shapes = {np.shape(data[m])[1] for m in utterance_listing.MODALITIES}
  modalities = ('text',) if len(shapes) == 1 else utterance_listing.MODALITIES
  sides = {}
  for modality in modalities:
    array = np.asarray(data[modality])
    begin = np.sum(~np.any(array[:, :1], axis=(1, 2)))
    end = np.sum(~np.any(array[:, -1:], axis=(1, 2)))
    sides[modality] = 'right' if end > begin else 'left'
  return sides


def cut(
  data: Mapping[str, Any], row: int, padding: Mapping[str, str]
) -> dict[str, np.ndarray]:
  """Returns {modality: [T, D]} of one utterance without its padding.

  Args:
    data: A split.
    row: Row of the utterance.
    padding: From `get_padding`. An aligned utterance without text is not cut.
  """
  sequences = {
    m: np.asarray(data[m][row]) for m in utterance_listing.MODALITIES
  }
  if tuple(padding) == ('text',):
    text = sequences['text']
    inside = _inside(text, padding['text']) if text.any() else slice(None)
    return {m: sequence[inside] for m, sequence in sequences.items()}
  return {m: s[_inside(s, padding[m])] for m, s in sequences.items()}


def _inside(sequence: np.ndarray, side: str) -> slice:
  rows = np.flatnonzero(np.any(sequence != 0, axis=1))
  if not rows.size:
    return slice(0, 0)
  return slice(rows[0], None) if side == 'left' else slice(rows[-1] + 1)


def _name(split: str, row: int, name: Any) -> Name:
  parts = [missing.to_text(p) for p in np.atleast_1d(name).reshape(-1)]
  if len(parts) == 3:
    video, start, _ = parts
    try:
      return Name('|'.join(parts), video, float(start))
    except ValueError:
      return Name('|'.join(parts))
  video, clip = feature_file.split_id(parts[0]) if len(parts) == 1 else ('', '')
  return Name('|'.join(parts) or f'{split}/{row:05d}', video, clip)


def _four_emotions(numbers: np.ndarray) -> dict[str, Any] | None:
  pairs = numbers.reshape(4, 2)
  # A pair is (absent, present): one of them is 1, the other 0.
  if not np.array_equal(np.sort(pairs, axis=1), [[0, 1]] * 4):
    return None
  return dict(zip(IEMOCAP, map(float, pairs[:, 1]), strict=True))


def _binary(name: str) -> Callable[[np.ndarray], dict[str, Any] | None]:
  def read(numbers: np.ndarray) -> dict[str, Any] | None:
    value = float(numbers[0])
    return {name: float(value >= 1)} if value in (-1, 0, 1) else None

  return read


# {dataset: (function that reads an utterance's numbers, how many there may
# be)}; it returns None for what is not a label.
LABELS: dict[str, tuple[Callable, tuple[int, ...]]] = {
  'mosi': (mosei_emotions.to_labels, (1,)),
  'mosei': (mosei_emotions.to_labels, (1, WITH_EMOTIONS)),
  'iemocap': (_four_emotions, (8,)),
  'sarcasm': (_binary('sarcasm'), (1,)),
  'humor': (_binary('humor'), (1,)),
}
