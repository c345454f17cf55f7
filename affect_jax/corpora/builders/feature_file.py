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
from affect_jax.corpora.files import split_names
from affect_jax.errors import UserError
from affect_jax.tasks import sentiment_class

# Which rules turn the texts of a file into transcripts: if they change, corpora
# that were prepared before are prepared anew.
READING = {'reading': '2: words for missing are no text; mended encoding'}
NO_WORDS = 'transcripts without words (missing)'
NOTHING = 'utterances without any modality'
ALL_ZERO = '%s sequences that are all zero (missing)'
# The outputs of a corpus whose sentiment is a number: see `to_sentiment_class`.
SENTIMENT = {
  'sentiment': ('sentiment',),
  'sentiment_class': sentiment_class.CLASSES,
}
_INDEXED = re.compile(r'(.+)\[(\d+)\]')


def load(path: pathlib.Path) -> dict[str, dict[str, Any]]:
  """Loads {'train', 'val', 'test': {key: N rows}}, the splits of the file.

  They may be called by any of `split_names`. Other keys beside the splits, such
  as MMSA-FET's 'config', are named in the log.

  Raises:
    UserError: the file cannot be read, see `numpy_pickle`; it has none of the
      splits, or a split is not a dict.
  """
  content = numpy_pickle.load(path)
  if not isinstance(content, dict):
    raise UserError(
      f'{path} holds a {type(content).__name__}, not a dict of the splits '
      f'{split_names.KNOWN}.'
    )
  keys = split_names.of_keys(path, content)
  splits = {split: content[key] for split, key in keys.items()}
  if not splits:
    raise UserError(
      f'{path} has none of the splits {split_names.KNOWN} among its keys '
      f'{list(content)[:20]}.'
    )
  for split, data in splits.items():
    if not isinstance(data, dict):
      raise UserError(
        f'{path}: {split} is a {type(data).__name__}, not a dict of arrays.'
      )
  return splits


def check_rows(
  path: pathlib.Path, split: str, data: Mapping[str, Any], keys: Sequence[str]
) -> int:
  """Returns the number of utterances, on which all present `keys` must agree.

  Raises:
    UserError: the sizes differ (the message lists them by key), or the split
      has none of the keys.
  """
  sizes = {key: len(data[key]) for key in keys if key in data}
  if not sizes:
    raise UserError(
      f'{path}: {split} has none of {tuple(keys)}, only {list(data)}.'
    )
  if len(set(sizes.values())) > 1:
    raise UserError(
      f'{path}: {split} has arrays with unequal numbers of utterances: '
      + ', '.join(f'{key} {size}' for key, size in sizes.items())
    )
  return next(iter(sizes.values()))


def get_dims(
  path: pathlib.Path,
  splits: Mapping[str, Mapping[str, Any]],
  modalities: Sequence[str] = utterance_listing.MODALITIES,
) -> dict[str, int]:
  """Returns {modality: D} of the [N, T, D] arrays, the same in all splits.

  Raises:
    UserError: an array is not [N, T, D], or D or the modalities differ between
      splits.
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
  """Returns a sequence as finite f32 [T, D]; None if the modality is missing.

  A sequence without rows, of NaN only, or of zeros only counts as missing. In
  others -inf (unvoiced frames of COVAREP), +inf and NaN become 0. All of this
  is counted.

  Args:
    sequence: [T, D] of any numbers.
    modality: Name of the modality, for the reasons.
    counts: {reason: count}, which is added to.
  """
  given = np.asarray(sequence)
  if given.dtype.kind not in 'fiu':
    given = given.astype(np.float64)
  with np.errstate(over='ignore'):
    sequence = np.asarray(given, np.float32)
  if not sequence.size:
    counts[f'{modality} sequences of length 0 (missing)'] += 1
    return None
  good = np.isfinite(sequence)
  if not good.all():
    over = ~good & np.isfinite(given)
    counts[f'{modality} values beyond float32 (read as 0)'] += int(over.sum())
    good |= over
    nan = np.isnan(sequence)
    if nan.all():
      counts[f'{modality} sequences that are all NaN (missing)'] += 1
      return None
    below = int((np.isneginf(sequence) & ~over).sum())
    counts[f'{modality} values of -inf (read as 0)'] += below
    other = sequence.size - int(good.sum()) - below
    counts[f'{modality} values of NaN or inf (read as 0)'] += other
    sequence = np.where(good & ~over, sequence, np.float32(0))
  if not sequence.any():
    counts[ALL_ZERO % modality] += 1
    return None
  return sequence


def all_finite(
  arrays: Mapping[str, np.ndarray], counts: collections.Counter
) -> dict[str, np.ndarray]:
  """Returns {modality: `finite` sequence} of those that are not missing."""
  sequences = {m: finite(array, m, counts) for m, array in arrays.items()}
  return {m: array for m, array in sequences.items() if array is not None}


def split_id(name: str) -> tuple[str, str]:
  """Splits 'video$_$clip' or 'video[3]' into video and clip, else ('', '')."""
  if '$_$' in name:
    video, _, clip = name.rpartition('$_$')
    return video, clip
  if match := _INDEXED.fullmatch(name):
    return match[1], match[2]
  return '', ''


def distinct(
  names: Sequence[str], counts: collections.Counter, split: str
) -> list[str]:
  """Makes names distinct: repeated ones get '#2', '#3', ... (counted).

  Rows without a name get that of their place, 'train/00007' (counted).
  """
  seen: collections.Counter = collections.Counter()
  result = []
  for row, name in enumerate(names):
    if not name:
      counts['rows without an id (named by their place)'] += 1
      name = f'{split}/{row:05d}'
    seen[name] += 1
    result.append(f'{name}#{seen[name]}' if seen[name] > 1 else name)
  if repeated := len(names) - len(seen):
    counts['repeated ids (a number was added)'] += repeated
  return result


def in_turn(
  clips: Sequence[tuple[str, str | float]],
) -> list[tuple[int, str, int]]:
  """Orders N utterances by video and clip, as (row, video, turn).

  Videos come in the order of their first utterance. Within a video, clips are
  ordered by number if all of them are different whole numbers (then the turn is
  this number), else ascending (then turns count from 0).

  Args:
    clips: Video ('' if unknown) and clip number, name or start, by row.
  """
  videos: dict[str, list[int]] = {}
  for row, (video, _) in enumerate(clips):
    videos.setdefault(video, []).append(row)
  result = []
  for video, rows in videos.items():
    if not video:
      result += [(row, '', 0) for row in rows]
      continue
    names = [clips[row][1] for row in rows]
    numbers = [_whole_number(name) for name in names]
    if None not in numbers and len(set(numbers)) == len(numbers):
      order = sorted(range(len(rows)), key=lambda i: numbers[i] or 0)
      result += [(rows[i], video, numbers[i] or 0) for i in order]
    else:
      order = sorted(range(len(rows)), key=lambda i: (names[i], i))
      result += [(rows[i], video, turn) for turn, i in enumerate(order)]
  return result


def to_sentiment_class(sentiment: float) -> str:
  """Names the sign: 'negative', 'neutral' at 0, 'positive' (MMSA's rule)."""
  return sentiment_class.CLASSES[int(np.sign(sentiment)) + 1]


def _whole_number(clip: str | float) -> int | None:
  # Records hold 32 bits; a longer number is a name.
  is_number = isinstance(clip, str) and clip.isdecimal() and len(clip) < 10
  return int(clip) if is_number else None


def left_out(
  counts: collections.Counter, name: str = ''
) -> Iterator[face_listing.LeftOut]:
  """Yields what was counted, for the report: of a sample, or of a split."""
  for reason, count in sorted(counts.items()):
    if count:
      yield face_listing.LeftOut(reason, name, count)
