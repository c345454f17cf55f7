"""MMSA's pickles: CMU-MOSI, CMU-MOSEI and CH-SIMS as sequences of features.

The most used form of these corpora: thuiar/MMSA links the files in its README
(MOSI, MOSEI, SIMS: Processed/aligned_50.pkl, unaligned_50.pkl,
unaligned_39.pkl); thuiar/MMSA-FET writes the same form from videos, with a
fourth key 'config'. MMSA's code is MIT; the data keep the terms of their
authors: research; cite Zadeh et al., 2016 (MOSI) and 2018 (MOSEI), Yu et al.,
2020 (SIMS).

{train, valid, test: {key: N rows}}, as MMSA's data_loader.py reads them:

  id                         'video$_$clip'
  raw_text                   transcripts
  text, audio, vision        [N, T, D], padded at the end
  text_bert                  [N, 3, T]: token ids, mask, segments
  audio_lengths, vision_lengths   of unaligned files
  regression_labels          sentiment, [-3, 3]; of SIMS [-1, 1]
  annotations                'Negative', 'Neutral', 'Positive'

Two keys are not read: classification_labels (the sign of the sentiment,
deprecated in MMSA), and SIMS' labels of single modalities
(regression_labels_T, _A, _V), for which there is no task here.

CH-SIMS: sentiment is multiplied by 3, to the range [-3, 3] of all corpora here.
Divide predictions and labels by 3 to get the measures that papers give for SIMS
(MAE, and accuracies whose bounds are in [-1, 1]).
"""

import collections
from collections.abc import Iterator, Mapping
import functools
import math
import pathlib
from typing import Any

from absl import logging
import numpy as np

from affect_jax import by_name
from affect_jax.corpora import mmsa_arrays
from affect_jax.corpora import mosei_emotions
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import feature_file
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.builders import utterances
from affect_jax.corpora.files import missing
from affect_jax.corpora.files import numpy_pickle
from affect_jax.corpora.files import sources
from affect_jax.corpora.files import split_names
from affect_jax.errors import UserError

# sha256, from MMSA's README: name, label range, D of text, audio, vision.
PUBLISHED = {
  '78e0f8b5ef8ff71558e7307848fc1fa929ecb078203f565ab22b9daab2e02524': (
    'MOSI/Processed/unaligned_50.pkl',
    3.0,
    (768, 5, 20),
  ),
  'd3994fd25681f9c7ad6e9c6596a6fe9b4beb85ff7d478ba978b124139002e5f9': (
    'MOSI/Processed/aligned_50.pkl',
    3.0,
    (768, 5, 20),
  ),
  'ad8b23d50557045e7d47959ce6c5b955d8d983f2979c7d9b7b9226f6dd6fec1f': (
    'MOSEI/Processed/unaligned_50.pkl',
    3.0,
    (768, 74, 35),
  ),
  '45eccfb748a87c80ecab9bfac29582e7b1466bf6605ff29d3b338a75120bf791': (
    'MOSEI/Processed/aligned_50.pkl',
    3.0,
    (768, 74, 35),
  ),
  'c9e20c13ec0454d98bb9c1e520e490c75146bfa2dfeeea78d84de047dbdd442f': (
    'SIMS/Processed/unaligned_39.pkl',
    1.0,
    (768, 33, 709),
  ),
}


def listing(
  path: str | pathlib.Path,
  *,
  label_range: float = 0.0,
  csd_labels: str | pathlib.Path = '',
) -> utterance_listing.Listing:
  """Lists a file of MMSA or MMSA-FET as train, val (its valid) and test.

  The id is the file's; its video is the dialogue, its clip the turn. Text comes
  in two forms: as the file's vectors, and as a transcript. Padding is cut off:
  in aligned files (T is the same for all modalities) where the text's mask
  ends, in others at the file's lengths, else after the last nonzero row.
  `feature_file.finite` says which sequences count as missing and which values
  are read as 0. A NaN label is not annotated.

  A published file is recognised by its sha256. Any other file is read once
  here, to learn its widths, with a warning if it is named like a published one.
  Each split reads the file again and keeps its own part, which takes up to the
  file's size in memory.

  Args:
    path: The .pkl.
    label_range: Labels are in [-label_range, label_range]: 3 (MOSI, MOSEI) or
      1 (SIMS); 0: that of the published file, or 3 if a label is beyond 1.
    csd_labels: CMU_MOSEI_Labels.csd, which adds MOSEI's six emotions; see
      `mosei_emotions`. Utterances that get none are counted.

  Raises:
    FileNotFoundError: there is no such file.
    ImportError: `csd_labels` is set and h5py is not installed.
    UserError: an option is unknown or contradicts the published file, the file
      is damaged or not of this form, or a label is out of range; the message
      names file, split, row and value.
  """
  by_name.check('label_range', f'{label_range:g}', ('0', '1', '3'))
  path = sources.existing(path, "MMSA's .pkl of features")
  digest = sources.sha256(path)
  if digest in PUBLISHED:
    name, scale, widths = PUBLISHED[digest]
    logging.info('%s is the published file %s.', path, name)
    dims: dict[str, int] = {}
    dims.update(zip(utterance_listing.MODALITIES, widths, strict=True))
    splits = list(split_names.SPLITS)
    if label_range not in (0.0, scale):
      raise UserError(
        f'{path} is the published {name}, whose label_range is {scale:g}, not '
        f'{label_range:g}.'
      )
  else:
    _warn_of_name(path, digest)
    with numpy_pickle.understood(path):
      dims, scale, splits = _survey(path, label_range)
  outputs: dict[str, tuple[str, ...]] = dict(feature_file.SENTIMENT)
  files = {path.name: digest}
  if csd_labels:
    csd_labels = sources.existing(csd_labels, 'CMU_MOSEI_Labels.csd')
    mosei_emotions.read(csd_labels)  # A bad file fails now, not hours later.
    files[csd_labels.name] = sources.sha256(csd_labels)
    outputs['emotion'] = mosei_emotions.EMOTIONS
  return utterance_listing.Listing(
    outputs=outputs,
    dims=dims,
    splits={
      split: functools.partial(
        numpy_pickle.guarded,
        path,
        _stream,
        *(path, split, scale, tuple(dims), csd_labels),
      )
      for split in splits
    },
    sources={
      **files,
      'label_range': f'{scale:g}',
      **feature_file.READING,
    },
  )


def _warn_of_name(path: pathlib.Path, digest: str) -> None:
  """Warns if a file is named like a published one: it may be a damaged copy."""
  named = {
    known: name
    for known, (name, *_) in PUBLISHED.items()
    if pathlib.PurePath(name).name == path.name
  }
  # MOSI's and MOSEI's files have the same names; their folders differ.
  within = {
    known: name
    for known, name in named.items()
    if name.partition('/')[0].lower() in map(str.lower, path.parts[:-1])
  }
  if not named:
    logging.info('%s is not one of the files that MMSA published.', path)
    return
  logging.warning(
    '%s has the name of a file that MMSA published but other contents: its '
    'sha256 is %s, not that of %s. It is read as a file of your own.',
    path,
    digest,
    ', '.join(f'{name} ({d})' for d, name in (within or named).items()),
  )


def _survey(
  path: pathlib.Path, label_range: float
) -> tuple[dict[str, int], float, list[str]]:
  """Checks an unknown file; returns its widths, label range and splits."""
  everything = feature_file.load(path)
  for split, data in everything.items():
    mmsa_arrays.check(path, split, data)
  dims = feature_file.get_dims(path, everything)
  if not dims:
    raise UserError(f'{path} has none of {utterance_listing.MODALITIES}.')
  if not label_range:
    numbers = [mmsa_arrays.numbers(path, s, d) for s, d in everything.items()]
    if not any(np.any(np.abs(n) > 1) for n in numbers):
      raise UserError(
        f'{path}: all {mmsa_arrays.LABELS} are in [-1, 1]. Set label_range=1 '
        'if this is the range of the corpus (CH-SIMS), or label_range=3 if its '
        'range is [-3, 3].'
      )
    label_range = 3.0
  for split, data in everything.items():
    mmsa_arrays.sentiments(path, split, data, label_range)
  return dims, label_range, list(everything)


def _stream(
  path: pathlib.Path,
  split: str,
  label_range: float,
  modalities: tuple[str, ...],
  csd_labels: pathlib.Path | str,
) -> Iterator[utterance_listing.Utterance | face_listing.LeftOut]:
  counts: collections.Counter = collections.Counter()
  everything = feature_file.load(path)
  if split not in everything:
    raise UserError(f'{path} has no split {split}, only {list(everything)}.')
  first = next(iter(everything))
  emotions: Mapping[Any, Mapping[str, float]] = {}
  if csd_labels:
    joined = _join(path, everything, label_range, csd_labels)
    emotions = joined.labels
    counts.update(r for (s, _), r in joined.reasons.items() if s == split)
    if split == first:  # Rows of no split are counted once.
      counts[mosei_emotions.NO_UTTERANCE] += joined.unused
  data = everything.pop(split)
  everything.clear()  # Frees the memory of the other splits.
  mmsa_arrays.check(path, split, data)
  values = mmsa_arrays.sentiments(path, split, data, label_range)
  values = np.clip(values * (3 / label_range), -3, 3)
  classes = mmsa_arrays.classes(path, split, data, values, counts)
  lengths = mmsa_arrays.lengths(path, split, data, counts)
  texts = data.get('raw_text')
  names = [missing.to_text(name) for name in data['id']]
  ids = feature_file.distinct(names, counts, split)
  videos_and_clips = [feature_file.split_id(name) for name in names]
  for row, video, turn in feature_file.in_turn(videos_and_clips):
    counted: collections.Counter = collections.Counter()
    labels: dict[str, Any] = dict(emotions.get((split, row), {}))
    if not math.isnan(values[row]):
      labels['sentiment'] = float(values[row])
    else:
      counted['sentiment labels of NaN (not annotated)'] += 1
    if classes[row]:
      labels['sentiment_class'] = classes[row]
    cut = {
      m: mmsa_arrays.cut(data, m, row, lengths, counted) for m in modalities
    }
    sequences = feature_file.all_finite(cut, counted)
    transcript = missing.to_text(texts[row]) if texts is not None else ''
    counted[feature_file.NO_WORDS] += texts is not None and not transcript
    empty = not sequences and not transcript
    counted[feature_file.NOTHING] += empty
    yield from feature_file.left_out(counted, ids[row])
    if empty:
      continue
    yield utterance_listing.Utterance(
      id=ids[row],
      labels=labels,
      sequences=sequences,
      transcript=transcript,
      dialogue=video,
      turn=turn,
    )
  yield from feature_file.left_out(counts)


def _join(
  path: pathlib.Path,
  everything: Mapping[str, Mapping[str, Any]],
  label_range: float,
  csd_labels: pathlib.Path | str,
) -> mosei_emotions.Joined:
  """Joins MOSEI's emotions to the file's rows, by (split, row)."""
  clips = []
  for split, data in everything.items():
    mmsa_arrays.check(path, split, data)
    values = mmsa_arrays.sentiments(path, split, data, label_range)
    for row, value in enumerate(values):
      name = missing.to_text(data['id'][row])
      video, clip = feature_file.split_id(name)
      clips.append(
        mosei_emotions.Clip(
          key=(split, row),
          id=name,
          video=video,
          sentiment=float(value),
          clip=clip,
          index=int(clip) if name.endswith(f'[{clip}]') else None,
        )
      )
  return mosei_emotions.join(csd_labels, mosei_emotions.read(csd_labels), clips)


class Mmsa(utterances.UtteranceCorpus):
  """Utterances of a file of MMSA or MMSA-FET; see `listing` for the options."""

  LISTING = listing
