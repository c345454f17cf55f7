"""The arrays of one split of MMSA's pickles: checks, labels, lengths."""

import collections
from collections.abc import Mapping
import math
import pathlib
from typing import Any

import numpy as np

from affect_jax.corpora.builders import feature_file
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.files import missing
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.tasks import sentiment_class

LABELS = 'regression_labels'
LENGTHS = ('audio_lengths', 'vision_lengths')
ROWS = (
  *('id', LABELS, 'raw_text', 'annotations', 'text_bert'),
  *LENGTHS,
  *utterance_listing.MODALITIES,
)


def check(path: pathlib.Path, split: str, data: Mapping[str, Any]) -> None:
  """Raises ValueError if ids or labels are missing, or sizes disagree."""
  if missing := [key for key in ('id', LABELS) if key not in data]:
    raise UserError(
      f'{path}: {split} has no {" and no ".join(missing)}, only {list(data)}.'
    )
  feature_file.check_rows(path, split, data, ROWS)


def numbers(
  path: pathlib.Path, split: str, data: Mapping[str, Any]
) -> np.ndarray:
  """Returns the sentiment as the file has it, f64 [N]."""
  try:
    values = np.asarray(data[LABELS], np.float64)
  except (TypeError, ValueError) as e:
    raise UserError(f'{path}: {split} {LABELS} are not numbers: {e}') from e
  if values.size != len(data['id']):
    raise UserError(
      f'{path}: {split} {LABELS} has the shape {values.shape}, not one number '
      f'for each of {len(data["id"])} utterances.'
    )
  return values.reshape(-1)


def sentiments(
  path: pathlib.Path, split: str, data: Mapping[str, Any], label_range: float
) -> np.ndarray:
  """Returns the checked sentiment, f64 [N]; NaN means not annotated."""
  values = numbers(path, split, data)
  problems = sources.Problems(path)
  for row in np.flatnonzero(np.abs(values) > label_range + 1e-6):
    problems.add(
      f'{split}, row {row} ({missing.to_text(data["id"][row])}): {LABELS} '
      f'{values[row]:g} is not in [-{label_range:g}, {label_range:g}].'
    )
  problems.check()
  return values


def classes(
  path: pathlib.Path,
  split: str,
  data: Mapping[str, Any],
  values: np.ndarray,
  counts: collections.Counter,
) -> list[str]:
  """Names each sentiment class: as annotated, else by sign; '' if unknown."""
  problems = sources.Problems(path)
  names = []
  for row, value in enumerate(values):
    sign = '' if math.isnan(value) else feature_file.to_sentiment_class(value)
    name = sign
    if 'annotations' in data:
      name = missing.to_text(data['annotations'][row]).strip().lower()
      if missing.is_missing_in_any_case(name):
        name = sign
      elif name not in sentiment_class.CLASSES:
        problems.add(
          f'{split}, row {row}: annotation {name!r} is not one of '
          f'{sentiment_class.CLASSES}.'
        )
    if sign and name != sign:
      counts['annotations against the sign of the sentiment (kept)'] += 1
    names.append(name)
  problems.check()
  return names


def lengths(
  path: pathlib.Path,
  split: str,
  data: Mapping[str, Any],
  counts: collections.Counter,
) -> dict[str, np.ndarray]:
  """Returns {modality: int [N]}, lengths of the sequences that the file states.

  In aligned files (T is the same for all modalities) the text's mask gives the
  length of all of them; `*_lengths` are ignored, as they are those of the
  unaligned sequences.
  """
  totals = {
    m: np.shape(data[m])[1] for m in utterance_listing.MODALITIES if m in data
  }
  aligned = len(totals) > 1 and len(set(totals.values())) == 1
  stated = {}
  if 'text_bert' in data:
    shape = np.shape(data['text_bert'])
    if len(shape) != 3 or shape[1] != 3:
      raise UserError(
        f'{path}: {split} text_bert has the shape {shape}, not [N, 3, T].'
      )
    words = np.count_nonzero(np.asarray(data['text_bert'])[:, 1] > 0, axis=1)
    masked = totals if aligned else ('text',)
    stated = {m: words for m in masked if totals.get(m) == shape[2]}
  for key in LENGTHS:
    modality = key.removesuffix('_lengths')
    if key in data and modality in totals and not aligned:
      stated[modality] = _stated(
        path, split, key, data[key], totals[modality], counts
      )
  return stated


def cut(
  data: Mapping[str, Any],
  modality: str,
  row: int,
  known: Mapping[str, np.ndarray],
  counts: collections.Counter,
) -> np.ndarray:
  """Returns one utterance's sequence [T, D] without its padding.

  Args:
    data: A split.
    modality: Key of the sequence.
    row: Row of the utterance.
    known: From `lengths`; a sequence without a length ends with its last row
      that is not zero.
    counts: Counts the sequences that are not zero after their length.
  """
  sequence = np.asarray(data[modality][row])
  if modality not in known:
    rows = np.flatnonzero(np.any(sequence != 0, axis=1))
    return sequence[: rows[-1] + 1 if rows.size else 0]
  length = known[modality][row]
  # What BERT makes of padding is not zero.
  if modality != 'text' and sequence[length:].any():
    counts[f'{modality} sequences that go on after their length (cut)'] += 1
  return sequence[:length]


def _stated(
  path: pathlib.Path,
  split: str,
  key: str,
  lengths: Any,
  total: int,
  counts: collections.Counter,
) -> np.ndarray:
  values = np.asarray(lengths, np.float64).reshape(-1)
  bad = np.flatnonzero((values < 0) | (values != np.round(values)))
  if bad.size:
    raise UserError(
      f'{path}: {split}, row {bad[0]}: {key} is {values[bad[0]]}, not a length.'
    )
  counts[f'{key} beyond the array (cut)'] += int(np.sum(values > total))
  return np.minimum(values, total).astype(np.int64)
