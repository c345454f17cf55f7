"""CMU-MOSI: 2,199 utterances of 93 videos, with the features of bc-LSTM.

`path` is one .npz file without pickles; each array has one row per utterance:

  id            str       '<video>_<segment>'
  video         str       name on YouTube: the dialogue
  segment       int       place in the video
  transcript    str
  text          [N, 100]
  audio         [N, 73]   not scaled, up to 356, and not changed here: scale it
                          by the statistics of train
  visual        [N, 100]  79 % zeros
  sentiment     [N]       in [-3, 3]
  split_bclstm    str     train 1,447 (62 videos), test 752 (31 videos)
  split_standard  str     train 1,284 (52), val 229 (10), test 686 (31)

Features are those of Poria et al., 2017, "Context-Dependent Sentiment Analysis
in User-Generated Videos", one vector per utterance. They are published in
https://github.com/declare-lab/multimodal-deep-learning (MIT) without words and
with only the sign of the sentiment: you write the .npz yourself by joining
them to CMU-MOSI. 89 people made the 93 videos (CMU-MultimodalSDK); who made
which is unknown.

THE STANDARD SPLIT LEAKS. The networks behind `text` and `visual` were trained
on the labels of bc-LSTM's train part, which holds 24 of the 31 videos of the
standard test part: on it, a logistic regression on `text` reaches 93 %. So the
split 'standard' comes with transcripts only. bc-LSTM's split has no validation
part; it is taken from train, by whole videos.

`sentiment_class` is the sign of `sentiment`; 96 utterances are neutral. What
papers call Acc-2 (>= 0 against < 0) is computed from `sentiment`.

Research use. Zadeh et al., 2016, "MOSI: Multimodal Corpus of Sentiment
Intensity and Subjectivity Analysis in Online Opinion Videos".
"""

from collections.abc import Iterator, Mapping, Sequence
import functools
import hashlib
import pathlib

import numpy as np

from affect_jax import by_name
from affect_jax.corpora.builders import feature_file
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.builders import utterances
from affect_jax.corpora.features import sequences as sequences_lib
from affect_jax.corpora.files import missing
from affect_jax.corpora.files import numpy_file
from affect_jax.corpora.files import sources
from affect_jax.corpora.files import split_names
from affect_jax.errors import UserError
from affect_jax.tasks import base

SPLITS = {'bclstm': ('train', 'test'), 'standard': ('train', 'val', 'test')}
# {our name of a modality: name of its array}.
ARRAYS = {'text': 'text', 'audio': 'audio', 'vision': 'visual'}


def listing(
  path: str | pathlib.Path,
  *,
  split: str = 'bclstm',
  modalities: Sequence[str] = utterance_listing.MODALITIES,
  val_share: float = 0.1,
) -> utterance_listing.Listing:
  """Lists CMU-MOSI in one of two splits, features as sequences of one step.

  Args:
    path: The .npz file.
    split: 'bclstm' or 'standard'; the second with transcripts only.
    modalities: Modalities whose features are used; () for transcripts alone.
    val_share: Share of the train videos of 'bclstm' that becomes val, in
      [0, 1), chosen by their names. 0: there is no val.

  Raises:
    FileNotFoundError: there is no such file.
    UserError: an option or an array is not as above, or features are wanted
      with the standard split.
  """
  by_name.check('split of MOSI', split, [*SPLITS])
  base.check_range('val_share', val_share, 0, 1, open_end=True)
  for modality in modalities:
    by_name.check('modality', modality, utterance_listing.MODALITIES)
  modalities = tuple(m for m in utterance_listing.MODALITIES if m in modalities)
  if split == 'standard' and modalities:
    raise UserError(
      f"modalities {modalities} with split 'standard': these features were "
      'learned from labels of its test videos. Set modalities=() for '
      "transcripts alone, or split='bclstm'."
    )
  file = sources.existing(path, 'an .npz of CMU-MOSI')
  arrays = _arrays(file, f'split_{split}', modalities)
  parts = _parts(file, arrays, split, val_share)
  return utterance_listing.Listing(
    outputs=dict(feature_file.SENTIMENT),
    dims={m: arrays[ARRAYS[m]].shape[1] for m in modalities},
    splits={
      part: functools.partial(_stream, arrays, rows, modalities)
      for part, rows in parts.items()
    },
    sources={
      file.name: sources.sha256(file),
      'split': split,
      'modalities': ', '.join(modalities),
      'val_share': str(val_share) if split == 'bclstm' else '',
      **feature_file.READING,
    },
  )


def _stream(
  arrays: Mapping[str, np.ndarray],
  rows: Sequence[int],
  modalities: Sequence[str],
) -> Iterator[utterance_listing.Utterance]:
  for row in rows:
    sentiment = float(arrays['sentiment'][row])
    yield utterance_listing.Utterance(
      id=str(arrays['id'][row]),
      labels={
        'sentiment': sentiment,
        'sentiment_class': feature_file.to_sentiment_class(sentiment),
      },
      sequences={m: arrays[ARRAYS[m]][row][None] for m in modalities},
      transcript=missing.to_text(arrays['transcript'][row]),
      dialogue=str(arrays['video'][row]),
      turn=int(arrays['segment'][row]),
    )


def _arrays(
  file: pathlib.Path, split: str, modalities: Sequence[str]
) -> dict[str, np.ndarray]:
  """Loads and checks the arrays that are needed."""
  features = [ARRAYS[m] for m in modalities]
  kinds = {
    **dict.fromkeys(('id', 'video', 'transcript', split), ('U', 'str')),
    'segment': ('iu', 'int'),
    'sentiment': ('f', 'float'),
    **dict.fromkeys(features, ('f', 'float')),
  }
  arrays: dict[str, np.ndarray] = {}
  with numpy_file.opened(file) as data:
    if not isinstance(data, Mapping):
      raise UserError(f'{file} is not an .npz archive.')
    for name in kinds:
      if name not in data:
        raise UserError(f'{file} has no array {name!r}, but {sorted(data)}.')
      arrays[name] = data[name]
  problems = sources.Problems(file)
  size = len(arrays['id'])
  for name, (kind, word) in kinds.items():
    array = arrays[name]
    rank = 2 if name in features else 1
    if array.dtype.kind not in kind or array.ndim != rank or len(array) != size:
      problems.add(
        f'{name} is {array.dtype} of shape {array.shape}, not {word} of rank '
        f'{rank} with {size} rows like id.'
      )
    elif name in features:
      try:
        arrays[name] = sequences_lib.checked(array)
      except ValueError as e:
        problems.add(f'{name}: {e}.')
  problems.check()
  sentiment = arrays['sentiment']
  # NaN compares false to everything.
  segment = arrays['segment']
  for row in np.flatnonzero((segment < 0) | (segment > 1 << 30)):
    problems.add(f'row {row}: segment {segment[row]} is not a number from 0.')
  for row in np.flatnonzero(~(np.abs(sentiment) <= 3)):
    problems.add(f'row {row}: sentiment {sentiment[row]} is not in [-3, 3].')
  _no_repetition(problems, 'id', arrays['id'].tolist())
  segments = zip(
    arrays['video'].tolist(), arrays['segment'].tolist(), strict=True
  )
  _no_repetition(problems, 'video and segment', list(segments))
  problems.check()
  return arrays


def _no_repetition(
  problems: sources.Problems, what: str, values: Sequence
) -> None:
  first: dict = {}
  for row, value in enumerate(values):
    if first.setdefault(value, row) != row:
      problems.add(f'row {row}: {what} {value!r} is already in {first[value]}.')


def _parts(
  file: pathlib.Path,
  arrays: Mapping[str, np.ndarray],
  split: str,
  val_share: float,
) -> dict[str, list[int]]:
  """Returns {split: rows, by video and segment}; no video is in two splits."""
  videos = arrays['video'].tolist()
  part: dict[str, str] = {}
  problems = sources.Problems(file)
  for row, given in enumerate(arrays[f'split_{split}'].tolist()):
    name = split_names.canonical(given)
    if name not in SPLITS[split]:
      known = ', '.join(SPLITS[split])
      problems.add(f'row {row}: split_{split} {given!r} is not one of {known}.')
    elif part.setdefault(videos[row], name) != name:
      problems.add(
        f'row {row}: video {videos[row]!r} is in {part[videos[row]]} and in '
        f'{name} of split_{split}.'
      )
  problems.check()
  if split == 'bclstm':
    train = [v for v, name in part.items() if name == 'train']
    train.sort(key=lambda v: hashlib.sha256(v.encode()).digest())
    part |= dict.fromkeys(train[: round(val_share * len(train))], 'val')
  order = sorted(
    range(len(videos)), key=lambda r: (videos[r], arrays['segment'][r])
  )
  splits: dict[str, list[int]] = {}
  for name in ('train', 'val', 'test'):
    rows = [row for row in order if part[videos[row]] == name]
    if rows:
      splits[name] = rows
  return splits


class Mosi(utterances.UtteranceCorpus):
  """Utterances of CMU-MOSI; see `listing` and `UtteranceCorpus`."""

  LISTING = listing
