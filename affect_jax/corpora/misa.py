"""Lists of words with their sounds and pictures: MISA's and MAG-BERT's files.

declare-lab/MISA (code: MIT) links and writes train.pkl, dev.pkl and test.pkl
of CMU-MOSI and CMU-MOSEI (src/create_dataset.py); WasifurRahman/
BERT_multimodal_transformer links mosi.pkl and mosei.pkl (README, "Dataset
Format"; its repository names no licence). The data keep the terms of their
authors: research; cite Zadeh et al., 2016 and 2018.

  MISA  ((word numbers, vision, audio, words), label, segment)
  MAG   ((words, vision, audio), label, segment), {train, dev, test: list of it}

vision and audio are [T, D], one row per word, already normalised; the label is
a sentiment in [-3, 3]; the segment is 'video[k]'. Word numbers and MISA's
embedding_and_mapping.pt are not read: encode the transcript instead. Rows of
words do not line up with the tokens that a model makes of them.
"""

import collections
from collections.abc import Iterator, Mapping, Sequence
import functools
import pathlib
from typing import Any

import numpy as np

from affect_jax import user_path
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

# {number of parts of an utterance: {part: its index}}.
PARTS = {
  3: {'words': 0, 'vision': 1, 'audio': 2},
  4: {'words': 3, 'vision': 1, 'audio': 2},
}


def listing(path: str | pathlib.Path) -> utterance_listing.Listing:
  """Lists MISA's folder or MAG-BERT's file as train, val (its dev) and test.

  The id is the segment's; its video is the dialogue, its number the turn. (In
  the SDK's numbering, turns need not be in order of time.) The transcript is
  the words, joined by spaces. `feature_file.finite` says which sequences count
  as missing and which values are read as 0.

  Files are read once here, to learn their widths, and again for each split.

  Args:
    path: The folder of train.pkl, dev.pkl and test.pkl, or the .pkl.

  Raises:
    FileNotFoundError: there is no such file or folder, or none of the three
      files is in it.
    UserError: a file is damaged or not of this form, or a label is out of
      range; the message names file, split, row and value.
  """
  path = user_path.expand(path)
  if path.is_dir():
    stems = [file.stem for file in sorted(path.glob('*.pkl'))]
    found = split_names.of_keys(path, stems)
    files = {split: path / f'{stem}.pkl' for split, stem in found.items()}
    if not files:
      raise FileNotFoundError(
        f'{path}: no train.pkl, dev.pkl or test.pkl in this folder.'
      )
  else:
    sources.existing(path, 'a .pkl of MAG-BERT, or a folder of MISA')
    content = numpy_pickle.load(path)
    found = content if isinstance(content, dict) else ()
    files = dict.fromkeys(split_names.of_keys(path, found), path)
    if not files:
      raise UserError(
        f'{path} is no dict with a split among its keys '
        f'({split_names.KNOWN}), as MAG-BERT has it.'
      )
  dims: dict[str, int] = {}
  for split, file in files.items():
    with numpy_pickle.understood(file):
      for row, example in enumerate(_load(file, split)):
        _read(file, split, row, example, dims)
  return utterance_listing.Listing(
    outputs=dict(feature_file.SENTIMENT),
    dims=dims,
    splits={
      split: functools.partial(
        numpy_pickle.guarded, file, _stream, file, split, dims
      )
      for split, file in files.items()
    },
    sources={
      **{f.name: sources.sha256(f) for f in sorted(set(files.values()))},
      **feature_file.READING,
    },
  )


def _load(file: pathlib.Path, split: str) -> Sequence[Any]:
  content = numpy_pickle.load(file)
  if isinstance(content, dict):
    keys = split_names.of_keys(file, content)
    if split not in keys:
      raise UserError(f'{file}: no {split!r} among its keys {list(content)}.')
    content = content[keys[split]]
  if not isinstance(content, list | tuple):
    raise UserError(
      f'{file}: {split} is a {type(content).__name__}, not a list of '
      '((words, vision, audio), label, segment).'
    )
  return content


def _read(
  file: pathlib.Path,
  split: str,
  row: int,
  example: Any,
  dims: dict[str, int],
) -> tuple[str, str, dict[str, np.ndarray], dict[str, Any]]:
  """Reads segment, transcript, {modality: [T, D]} and labels of one utterance.

  Adds widths that are not known yet to `dims`, {modality: D}.
  """
  where = f'{file}: {split}, row {row}'
  try:
    parts, label, segment = example
    indices = PARTS[len(parts)]
    numbers = np.asarray(label, np.float64).reshape(-1)
    words = [missing.to_word(word) for word in parts[indices['words']]]
  except (KeyError, TypeError, ValueError) as e:
    raise UserError(
      f'{where} is not ((words, vision, audio), label, segment), nor with '
      f'(word numbers, vision, audio, words): {type(e).__name__} {e}.'
    ) from e
  labels = None
  if numbers.size in (1, len(mosei_emotions.COLUMNS)):
    labels = mosei_emotions.to_labels(numbers[:1])
  if labels is None:
    raise UserError(
      f'{where}: {numbers.tolist()} is not a sentiment in [-3, 3].'
    )
  arrays = {m: np.asarray(parts[indices[m]]) for m in ('audio', 'vision')}
  for modality, array in arrays.items():
    width = dims.setdefault(modality, array.shape[-1] if array.ndim else 0)
    if array.ndim != 2 or array.shape[1] != width:
      raise UserError(
        f'{where}: {modality} has the shape {array.shape}, not [T, {width}].'
      )
  text = ' '.join(word for word in words if word)
  return missing.to_text(segment), text, arrays, labels


def _stream(
  file: pathlib.Path, split: str, dims: Mapping[str, int]
) -> Iterator[utterance_listing.Utterance | face_listing.LeftOut]:
  counts: collections.Counter = collections.Counter()
  rows = [
    _read(file, split, row, example, dict(dims))
    for row, example in enumerate(_load(file, split))
  ]
  names = [segment for segment, *_ in rows]
  ids = feature_file.distinct(names, counts, split)
  segments = [feature_file.split_id(name) for name in names]
  for row, video, turn in feature_file.in_turn(segments):
    _, transcript, arrays, labels = rows[row]
    counted = collections.Counter({feature_file.NO_WORDS: int(not transcript)})
    sequences = feature_file.all_finite(arrays, counted)
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


class Misa(utterances.UtteranceCorpus):
  """Utterances of MISA's or MAG-BERT's files; see `listing` for the options."""

  LISTING = listing
