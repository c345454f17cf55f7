"""MUStARD: 690 utterances of four comedy series, half of them sarcastic.

`path` is the folder `data` of https://github.com/soujanyaporia/MUStARD (MIT),
open to all; the clips are linked there:

  sarcasm_data.json     {id: utterance, speaker, context, context_speakers,
                        show, sarcasm}; 345 true, 345 false
  split_indices.p       the paper's five folds, (train, test) row numbers

Features are optional; they are in the files that the same page describes:

  audio_features.p      {id: (283, T)}: 13 MFCC, their 13 deltas, 128 mel bands,
                        their 128 deltas, spectral centroid; T is about 12;
                        -inf, inf and single NaN are read as 0 and counted
  features/utterances_final/resnet_pool5.hdf5
                        {id: (frames, 2048)} of ResNet-152
  bert-output.jsonl     one line per utterance: up to 128 word pieces, each with
                        the last four layers of BERT, averaged here. The paper
                        reads only the first piece ([CLS]).

Two protocols are published, neither with a validation part:

  folds                 552 / 138 rows, five times; the mean of the five tests
                        is reported. Speakers are in both parts. The folds are
                        not stratified: in the five tests 74, 71, 63, 76 and 61
                        of 138 are sarcastic.
  speaker_independent   test is FRIENDS (356 rows, 152 sarcastic), train the
                        other three (334); the published code does this, though
                        its docstring says otherwise

Part of train becomes val here: the same share of each show and label. The
published measure is weighted F1. In GOLDENGIRLS 39 of 40 and in SARCASMOHOLICS
14 of 14 utterances are sarcastic: their show alone gives the label away.

Castro et al., 2019, "Towards Multimodal Sarcasm Detection (An Obviously Perfect
Paper)".
"""

import collections
from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import functools
import hashlib
import json
import pathlib
from typing import Any

from absl import logging
import numpy as np

from affect_jax import by_name
from affect_jax import user_path
from affect_jax.corpora import mustard_features
from affect_jax.corpora import mustard_folds
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import feature_file
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.builders import utterances
from affect_jax.corpora.features import sequences as sequences_lib
from affect_jax.corpora.files import missing
from affect_jax.corpora.files import mojibake
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.tasks import base

PROTOCOLS = ('folds', 'speaker_independent')
TEST_SHOW = 'FRIENDS'
TABLE = 'sarcasm_data.json'
KEYS: dict[str, type] = {
  'utterance': str,
  'speaker': str,
  'context': list,
  'show': str,
  'sarcasm': bool,
}


@dataclasses.dataclass(frozen=True)
class Features:
  """The feature files that are used.

  Attributes:
    files: {modality: its file}.
    dims: {modality: features per step}.
  """

  files: Mapping[str, pathlib.Path]
  dims: Mapping[str, int]


def listing(
  path: str | pathlib.Path,
  *,
  protocol: str = 'folds',
  fold: int = 0,
  folds: str | pathlib.Path = 'split_indices.p',
  val_share: float = 0.1,
  text_features: str | pathlib.Path = '',
  audio_features: str | pathlib.Path = '',
  vision_features: str | pathlib.Path = '',
) -> utterance_listing.Listing:
  """Lists MUStARD as train, val and test of one protocol.

  Speakers are named 'FRIENDS/CHANDLER', as the PERSON of one show is not the
  PERSON of another.

  Args:
    path: The folder with sarcasm_data.json.
    protocol: 'folds' or 'speaker_independent'.
    fold: Number of the fold, 0 to 4; only for 'folds'.
    folds: split_indices.p, or an .npz with the arrays train0, test0, train1,
      ...; below `path` or absolute; only for 'folds'.
    val_share: Share of train that becomes val, in [0, 1); rows are chosen by
      their ids. 0: there is no val.
    text_features: bert-output.jsonl, below `path` or absolute; '': none.
    audio_features: Likewise audio_features.p.
    vision_features: Likewise resnet_pool5.hdf5; needs
      `pip install 'affect_jax[csd]'`.

  Raises:
    FileNotFoundError: a file is missing.
    UserError: an option, a row or the folds are not as above.
  """
  by_name.check('protocol of MUStARD', protocol, PROTOCOLS)
  base.check_range('val_share', val_share, 0, 1, open_end=True)
  root = user_path.expand(path)
  table = sources.existing(root / TABLE, 'the table of MUStARD')
  clips = _clips(table)
  checksums = {table.name: sources.sha256(table), 'protocol': protocol}
  if protocol == 'folds':
    file = sources.existing(root / folds, 'the folds of MUStARD')
    train, test = mustard_folds.read(file, fold, len(clips))
    checksums |= {file.name: sources.sha256(file), 'fold': str(fold)}
  else:
    shows = [clip['show'] for clip in clips.values()]
    train = [i for i, show in enumerate(shows) if show != TEST_SHOW]
    test = [i for i, show in enumerate(shows) if show == TEST_SHOW]
    if not (train and test):
      raise UserError(
        f'{table}: {protocol} tests on the show {TEST_SHOW} and trains on the '
        f'others; the shows are {sorted(set(shows))}.'
      )
  val = set(_validation(clips, train, val_share))
  rows = {
    'train': [i for i in train if i not in val],
    'val': sorted(val),
    'test': test,
  }
  features = _features(
    root,
    clips,
    {'text': text_features, 'audio': audio_features, 'vision': vision_features},
  )
  return utterance_listing.Listing(
    outputs={'sarcasm': ('sarcasm',)},
    dims=features.dims,
    splits={
      split: functools.partial(_stream, clips, chosen, features)
      for split, chosen in rows.items()
      if chosen
    },
    sources=checksums
    | {file.name: sources.sha256(file) for file in features.files.values()}
    | {'val_share': str(val_share)},
  )


def _stream(
  clips: Mapping[str, Mapping[str, Any]],
  rows: Sequence[int],
  features: Features,
) -> Iterator[utterance_listing.Utterance | face_listing.LeftOut]:
  """Streams utterances and what was counted, in the order of the table."""
  ids = list(clips)
  streams = {
    modality: mustard_features.READERS[modality](file, ids, rows)
    for modality, file in features.files.items()
  }
  for row in rows:
    clip = clips[ids[row]]
    texts = [clip['utterance'], *clip['context']]
    counts: collections.Counter = collections.Counter()
    counts[mojibake.MENDED] += sum(mojibake.mended(t) != t for t in texts)
    sequences = {}
    for modality, stream in streams.items():
      where = f'{features.files[modality]}: {ids[row]!r}'
      dim = features.dims[modality]
      sequence = _checked(next(stream), modality, where, counts, dim)
      if sequence.any():
        sequences[modality] = sequence
      else:
        counts[feature_file.ALL_ZERO % modality] += 1
    yield from feature_file.left_out(counts, ids[row])
    yield utterance_listing.Utterance(
      id=ids[row],
      labels={'sarcasm': float(clip['sarcasm'])},
      sequences=sequences,
      transcript=mojibake.mended(clip['utterance']),
      context=[mojibake.mended(c) for c in clip['context']],
      context_speakers=clip.get('context_speakers', ()),
      speaker=f'{clip["show"]}/{clip["speaker"]}',
    )


def _clips(table: pathlib.Path) -> dict[str, dict[str, Any]]:
  """Loads and checks the table, in its order."""
  try:
    with open(table, encoding='utf-8') as f:
      clips = json.load(f, object_pairs_hook=_once)
  except (ValueError, RecursionError) as e:  # Not UTF-8, not JSON.
    raise UserError(f'{table} cannot be used: {e}.') from e
  if not isinstance(clips, dict) or not clips:
    raise UserError(f'{table} is not a table {{id: clip}} with clips.')
  problems = sources.Problems(table)
  mended = 0
  for name, clip in clips.items():
    problem = _problem(clip)
    if problem:
      problems.add(f'{name!r}: {problem}')
      continue
    texts = [clip['utterance'], *clip['context']]
    mended += sum(mojibake.mended(t) != t for t in texts)
  problems.check()
  if mended:
    logging.info('%s: mended broken characters in %d texts.', table, mended)
  return clips


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
  """Makes a JSON object; raises ValueError if a key appears twice."""
  values = dict(pairs)
  if len(values) < len(pairs):
    keys = [key for key, _ in pairs]
    repeated = sorted({key for key in keys if keys.count(key) > 1})
    raise UserError(f'{", ".join(map(repr, repeated))} appears twice')
  return values


def _problem(clip: Any) -> str | None:
  if not isinstance(clip, dict):
    return f'{clip!r} is not a clip.'
  for key, kind in KEYS.items():
    if key not in clip:
      return f'no {key!r}, but {", ".join(clip)}.'
    if not isinstance(clip[key], kind):
      return f'{key} {clip[key]!r} is not a {kind.__name__}.'
  for text in clip['context']:
    if not isinstance(text, str):
      return f'context {text!r} is not a str.'
  speakers = clip.get('context_speakers')
  if speakers is not None and len(speakers) != len(clip['context']):
    return f'{len(speakers)} context_speakers for {len(clip["context"])} texts.'
  for key in ('utterance', 'show'):
    if missing.is_missing(clip[key]):
      return f'{key} is empty.'
  return None


def _validation(
  clips: Mapping[str, Mapping[str, Any]], train: Sequence[int], share: float
) -> list[int]:
  """Chooses val from train: the same share of each show and label."""
  ids = list(clips)
  groups: dict[tuple[str, bool], list[int]] = {}
  for row in train:
    clip = clips[ids[row]]
    groups.setdefault((clip['show'], clip['sarcasm']), []).append(row)
  chosen = []
  for rows in groups.values():
    rows.sort(key=lambda row: hashlib.sha256(ids[row].encode()).digest())
    # Half a row is rounded up.
    chosen += rows[: int(share * len(rows) + 0.5)]
  return chosen


def _features(
  root: pathlib.Path,
  clips: Mapping[str, Any],
  files: Mapping[str, str | pathlib.Path],
) -> Features:
  """Finds the feature files, and learns their widths from the first row."""
  ids = list(clips)
  paths: dict[str, pathlib.Path] = {}
  dims: dict[str, int] = {}
  for modality, name in files.items():
    if not name:
      continue
    file = sources.existing(
      user_path.expand(name, root), f'{modality} features of MUStARD'
    )
    first = next(mustard_features.READERS[modality](file, ids, [0]))
    where = f'{file}: {ids[0]!r}'
    # Counts are made when the split is streamed.
    unused: collections.Counter = collections.Counter()
    dims[modality] = _checked(first, modality, where, unused).shape[1]
    paths[modality] = file
  return Features(paths, dims)


def _checked(
  array: np.ndarray,
  modality: str,
  where: str,
  counts: collections.Counter,
  dim: int | None = None,
) -> np.ndarray:
  """Checks a sequence; errors say where it is."""
  if modality == 'audio':
    array = mustard_features.finite_audio(array, counts)
  try:
    return sequences_lib.checked(array, dim)
  except ValueError as e:
    raise UserError(f'{where} {e}.') from e


class Mustard(utterances.UtteranceCorpus):
  """Utterances of MUStARD; see `listing` and `UtteranceCorpus`."""

  LISTING = listing
