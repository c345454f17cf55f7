"""Pickles of MulT and MultiBench: MOSI, MOSEI, IEMOCAP, MUStARD, UR-FUNNY.

yaohungt/Multimodal-Transformer (code: MIT) links mosi_data.pkl,
mosei_senti_data.pkl and iemocap_data.pkl (words, sounds and pictures aligned),
and each with `_noalign`; pliang279/MultiBench (code: MIT) links mosi_raw.pkl,
mosei_raw.pkl, sarcasm.pkl (MUStARD) and humor.pkl (UR-FUNNY). The data keep the
terms of their authors: research; USC grants IEMOCAP on request only
(https://sail.usc.edu/iemocap/). Cite the corpora.

{train, valid, test: {key: N rows}}, as their src/dataset.py and
datasets/affect/get_data.py read them:

  text, audio, vision   [N, T, D], text GloVe 300; zeros in front ('left')
  labels                [N, 1, 1]; mosei_raw.pkl [N, 1, 7]; IEMOCAP [N, 4, 2]
  id                    'video[k]', or (video, start, end) in strings or bytes,
                        or one number; may be absent

Labels, by `dataset`:

  mosi, mosei  sentiment in [-3, 3]; of 7 columns the other 6 are MOSEI's
               emotions, in the order of `mosei_emotions`
  iemocap      neutral, happiness, sadness, anger: each is absent (1, 0) or
               present (0, 1) independently, scored as four binary tasks
  sarcasm      below 1 is 0, else 1
  humor        the same, as the one output 'humor' of the task emotion, as
               humor has no task of its own
"""

import collections
from collections.abc import Iterator, Mapping
import functools
import pathlib
from typing import Any

import numpy as np

from affect_jax import by_name
from affect_jax.corpora import mosei_emotions
from affect_jax.corpora import mult_arrays
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import feature_file
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.builders import utterances
from affect_jax.corpora.files import numpy_pickle
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError

TEXTLESS = ('drop', 'keep')
NO_TEXT = 'utterances without text'
ROWS = ('labels', 'id', *utterance_listing.MODALITIES)


def listing(
  path: str | pathlib.Path,
  dataset: str,
  *,
  textless: str = 'drop',
  csd_labels: str | pathlib.Path = '',
) -> utterance_listing.Listing:
  """Lists a file of MulT or MultiBench as train, val (its valid) and test.

  Padding is cut off: zeros in front, or zeros at the end if more utterances of
  the split end than begin with a row of zeros. In aligned files (T is the same
  for all modalities) the padding of text is cut from all, in others each
  sequence is cut by itself: there, pictures without a face at that end are cut
  off, too. `feature_file.finite` says which sequences count as missing and
  which values are read as 0.

  The id is the file's: 'video[3]', or 'video|start|end'; its video is the
  dialogue, and turns are numbered in order of time (or by the number in the
  id). A file without ids gets 'train/00000', ..., and no dialogues.

  The file is read once here, to learn its widths and columns, and again for
  each split, which takes up to its size in memory.

  Args:
    path: The .pkl.
    dataset: mosi, mosei, iemocap, sarcasm or humor: what the labels mean.
    textless: 'drop' leaves out utterances whose text is all zero, as
      MultiBench does, and counts them; 'keep' keeps them without text, as MulT
      does.
    csd_labels: CMU_MOSEI_Labels.csd, which adds MOSEI's six emotions to a file
      of mosei that has none; see `mosei_emotions`.

  Raises:
    FileNotFoundError: there is no such file.
    ImportError: `csd_labels` is set and h5py is not installed.
    UserError: an option is unknown or does not fit the file, the file is
      damaged or not of this form, or a label is not one of the dataset; the
      message names file, split, row and value.
  """
  by_name.check('dataset', dataset, tuple(mult_arrays.LABELS))
  by_name.check('textless', textless, TEXTLESS)
  path = sources.existing(path, 'a .pkl of MulT or MultiBench')
  everything = feature_file.load(path)
  outputs: dict[str, tuple[str, ...]] = {}
  with numpy_pickle.understood(path):
    for split, data in everything.items():
      _check(path, split, data)
      outputs = mult_arrays.get_outputs(dataset, data['labels'])
      mult_arrays.get_labels(path, split, dataset, data['labels'])
    dims = feature_file.get_dims(path, everything)
  files = {path.name: sources.sha256(path)}
  if csd_labels:
    if dataset != 'mosei' or 'emotion' in outputs:
      raise UserError(
        f'{path}: csd_labels is for files of mosei without emotions.'
      )
    if any('id' not in data for data in everything.values()):
      raise UserError(f'{path} has no ids to join csd_labels by.')
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
        *(path, split, dataset, textless, csd_labels),
      )
      for split in everything
    },
    sources={**files, 'dataset': dataset, 'textless': textless},
  )


def _check(path: pathlib.Path, split: str, data: Mapping[str, Any]) -> None:
  needed = ('labels', *utterance_listing.MODALITIES)
  if missing := [key for key in needed if key not in data]:
    raise UserError(
      f'{path}: {split} has no {" and no ".join(missing)}, only {list(data)}.'
    )
  feature_file.check_rows(path, split, data, ROWS)


def _stream(
  path: pathlib.Path,
  split: str,
  dataset: str,
  textless: str,
  csd_labels: pathlib.Path | str,
) -> Iterator[utterance_listing.Utterance | face_listing.LeftOut]:
  counts: collections.Counter = collections.Counter()
  everything = feature_file.load(path)
  first = next(iter(everything))
  emotions: Mapping[Any, Mapping[str, float]] = {}
  if csd_labels:
    joined = _join(path, everything, dataset, csd_labels)
    emotions = joined.labels
    counts.update(r for (s, _), r in joined.reasons.items() if s == split)
    if split == first:  # Rows of no split are counted once.
      counts[mosei_emotions.NO_UTTERANCE] += joined.unused
  data = everything.pop(split)
  everything.clear()  # Frees the memory of the other splits.
  labels = mult_arrays.get_labels(path, split, dataset, data['labels'])
  names = mult_arrays.get_names(split, data)
  ids = feature_file.distinct([n.id for n in names], counts, split)
  padding = mult_arrays.get_padding(data)
  for row, video, turn in feature_file.in_turn(
    [(n.video, n.place) for n in names]
  ):
    if textless == 'drop' and not np.any(data['text'][row]):
      yield face_listing.LeftOut(NO_TEXT, ids[row])
      continue
    cut = mult_arrays.cut(data, row, padding)
    counted: collections.Counter = collections.Counter()
    sequences = feature_file.all_finite(cut, counted)
    counted[feature_file.NOTHING] += not sequences
    yield from feature_file.left_out(counted, ids[row])
    if not sequences:
      continue
    yield utterance_listing.Utterance(
      id=ids[row],
      labels={**labels[row], **emotions.get((split, row), {})},
      sequences=sequences,
      dialogue=video,
      turn=turn,
    )
  yield from feature_file.left_out(counts)


def _join(
  path: pathlib.Path,
  everything: Mapping[str, Mapping[str, Any]],
  dataset: str,
  csd_labels: pathlib.Path | str,
) -> mosei_emotions.Joined:
  """Joins MOSEI's emotions to the file's rows, by (split, row)."""
  clips = []
  for split, data in everything.items():
    labels = mult_arrays.get_labels(path, split, dataset, data['labels'])
    for row, name in enumerate(mult_arrays.get_names(split, data)):
      place = name.place
      numbered = isinstance(place, str) and place.isdecimal()
      clips.append(
        mosei_emotions.Clip(
          key=(split, row),
          id=name.id,
          video=name.video,
          sentiment=labels[row]['sentiment'],
          index=int(place) if numbered else None,
          start=place if isinstance(place, float) else None,
        )
      )
  return mosei_emotions.join(csd_labels, mosei_emotions.read(csd_labels), clips)


class Mult(utterances.UtteranceCorpus):
  """Utterances of a file of MulT or MultiBench; see `listing` for options."""

  LISTING = listing
