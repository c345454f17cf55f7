"""Feature files of utterances: their splits, rows, numbers and ids.

Such a file is {split: {key: N rows}}, as MMSA, MulT and MultiBench write it.
"""

import collections
from collections.abc import Iterator, Mapping, Sequence
import pathlib
import re
from typing import Any

import numpy as np

from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.files import numpy_pickle
from affect_jax.errors import UserError
from affect_jax.tasks import sentiment_class

SPLITS = {'train': 'train', 'valid': 'val', 'test': 'test'}
NOTHING = 'utterances without any modality'
# Outputs of what is annotated with a number; see `to_sentiment_class`.
SENTIMENT = {
  'sentiment': ('sentiment',),
  'sentiment_class': sentiment_class.CLASSES,
}
_INDEXED = re.compile(r'(.+)\[(\d+)\]')


def load(path: pathlib.Path) -> dict[str, dict[str, Any]]:
  """{'train', 'val', 'test': {key: N rows}}, those that the file has.

  Whatever else stands beside the splits (MMSA-FET's 'config') is passed over.

  Raises:
    ValueError: names the file: it cannot be read, see `numpy_pickle`, or it
      has no such split, or a split is no dict.
  """
  content = numpy_pickle.load(path)
  if not isinstance(content, dict):
    raise UserError(
      f'{path}: a {type(content).__name__}, not a dict of the splits '
      f'{tuple(SPLITS)}.'
    )
  found = {ours: content[s] for s, ours in SPLITS.items() if s in content}
  if not found:
    raise UserError(
      f'{path}: none of the splits {tuple(SPLITS)} among the keys '
      f'{list(content)[:20]}.'
    )
  for split, data in found.items():
    if not isinstance(data, dict):
      raise UserError(
        f'{path}: {split} is a {type(data).__name__}, not a dict of arrays.'
      )
  return found


def check_rows(
  path: pathlib.Path, split: str, data: Mapping[str, Any], keys: Sequence[str]
) -> int:
  """The number of utterances: all of `keys` that are there must agree.

  Raises:
    ValueError: names file, split and the sizes by key; or none is there.
  """
  sizes = {key: len(data[key]) for key in keys if key in data}
  if not sizes:
    raise UserError(
      f'{path}: {split} has none of {tuple(keys)}, only {list(data)}.'
    )
  if len(set(sizes.values())) > 1:
    raise UserError(
      f'{path}: {split} has arrays of unequal numbers of utterances: '
      + ', '.join(f'{key} {size}' for key, size in sizes.items())
    )
  return next(iter(sizes.values()))


def get_dims(
  path: pathlib.Path,
  splits: Mapping[str, Mapping[str, Any]],
  modalities: Sequence[str] = utterance_listing.MODALITIES,
) -> dict[str, int]:
  """{modality: D} of the [N, T, D] arrays, the same in all splits.

  Raises:
    ValueError: names the file: an array is not [N, T, D], or D or the
      modalities differ between splits.
  """
  shapes: dict[str, dict[str, tuple[int, ...]]] = {}
  for split, data in splits.items():
    for modality in modalities:
      if modality in data:
        try:
          shape = np.shape(data[modality])
        except ValueError:  # Rows of different T.
          shape = (len(data[modality]),)
        shapes.setdefault(modality, {})[split] = shape
        if len(shape) != 3:
          raise UserError(
            f'{path}: {split} {modality} has the shape {shape}, not [N, T, D].'
          )
  for modality, by_split in shapes.items():
    if (
      len(by_split) < len(splits) or len({s[2] for s in by_split.values()}) > 1
    ):
      raise UserError(
        f'{path}: {modality} differs between splits: {by_split} of '
        f'{list(splits)}.'
      )
  return {m: next(iter(s.values()))[2] for m, s in shapes.items()}


def finite(
  sequence: np.ndarray, modality: str, counts: collections.Counter
) -> np.ndarray | None:
  """f32 [T, D] that is finite; None if the modality is missing.

  Missing are sequences without a row, all NaN, or all zero. -inf (unvoiced
  frames of COVAREP), +inf and single NaN become 0. All of it is counted.

  Args:
    sequence: [T, D] of any numbers.
    modality: Its name, for the reasons.
    counts: {reason: count} to add to.
  """
  with np.errstate(over='ignore'):
    sequence = np.asarray(sequence, np.float32)
  if not sequence.size:
    counts[f'{modality} sequences of length 0 (missing)'] += 1
    return None
  good = np.isfinite(sequence)
  if not good.all():
    nan = np.isnan(sequence)
    if nan.all():
      counts[f'{modality} sequences that are all NaN (missing)'] += 1
      return None
    below = int(np.isneginf(sequence).sum())
    counts[f'{modality} values of -inf (read as 0)'] += below
    other = sequence.size - int(good.sum()) - below
    counts[f'{modality} values of NaN or inf (read as 0)'] += other
    sequence = np.where(good, sequence, np.float32(0))
  if not sequence.any():
    counts[f'{modality} sequences that are all zero (missing)'] += 1
    return None
  return sequence


def all_finite(
  arrays: Mapping[str, np.ndarray], counts: collections.Counter
) -> dict[str, np.ndarray]:
  """{modality: `finite` sequence} of those that are not missing."""
  found = {m: finite(array, m, counts) for m, array in arrays.items()}
  return {m: array for m, array in found.items() if array is not None}


def to_text(value: Any) -> str:
  """A string of any kind: str, bytes (UTF-8), numpy's, or an array of one."""
  if isinstance(value, np.ndarray | list | tuple) and np.size(value) == 1:
    value = np.asarray(value).reshape(-1)[0]
  if isinstance(value, bytes):
    return bytes(value).decode('utf-8', errors='replace')
  return str(value)


def split_id(name: str) -> tuple[str, str]:
  """Video and clip of 'video$_$clip' or 'video[3]', else ('', '')."""
  if '$_$' in name:
    video, _, clip = name.rpartition('$_$')
    return video, clip
  if match := _INDEXED.fullmatch(name):
    return match[1], match[2]
  return '', ''


def distinct(names: Sequence[str], counts: collections.Counter) -> list[str]:
  """The names, with '#2', '#3', ... at those that occur again (counted)."""
  seen: collections.Counter = collections.Counter()
  found = []
  for name in names:
    seen[name] += 1
    found.append(f'{name}#{seen[name]}' if seen[name] > 1 else name)
  if again := len(names) - len(seen):
    counts['ids that occur again (a number was added)'] += again
  return found


def in_turn(
  places: Sequence[tuple[str, str | float]],
) -> list[tuple[int, str, int]]:
  """(row, video, turn) of N utterances, those of a video together.

  Videos come in the order of their first utterance, utterances in that of
  their place: by number where all places of a video are whole numbers (then
  turn = place), else ascending (then turn counts from 0).

  Args:
    places: Video ('' if unknown) and clip number, name or start, by row.
  """
  videos: dict[str, list[int]] = {}
  for row, (video, _) in enumerate(places):
    videos.setdefault(video, []).append(row)
  found = []
  for video, rows in videos.items():
    if not video:
      found += [(row, '', 0) for row in rows]
      continue
    clips = [places[row][1] for row in rows]
    numbers = [_whole(clip) for clip in clips]
    if None not in numbers and len(set(numbers)) == len(numbers):
      order = sorted(range(len(rows)), key=lambda i: numbers[i] or 0)
      found += [(rows[i], video, numbers[i] or 0) for i in order]
    else:
      order = sorted(range(len(rows)), key=lambda i: (clips[i], i))
      found += [(rows[i], video, turn) for turn, i in enumerate(order)]
  return found


def to_sentiment_class(sentiment: float) -> str:
  """'negative' below 0, 'neutral' at 0, 'positive' above (MMSA's rule)."""
  return sentiment_class.CLASSES[int(np.sign(sentiment)) + 1]


def _whole(clip: str | float) -> int | None:
  return int(clip) if isinstance(clip, str) and clip.isdecimal() else None


def left_out(counts: collections.Counter) -> Iterator[face_listing.LeftOut]:
  """What was counted, for the report of a split."""
  for reason, count in sorted(counts.items()):
    if count:
      yield face_listing.LeftOut(reason, count=count)
