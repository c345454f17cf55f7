"""The listing of an utterance corpus: sequences and labels.

A reader (`meld.listing`, `mosi.listing`, ...) turns files into a `Listing`;
`builders.utterances` turns any `Listing` into records.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
import dataclasses
import functools
from typing import Any

import numpy as np

from affect_jax import by_name
from affect_jax.corpora.builders import face_listing
from affect_jax.errors import UserError

MODALITIES = ('text', 'audio', 'vision')


@dataclasses.dataclass(frozen=True, slots=True)
class Utterance:
  """One thing that somebody said.

  Attributes:
    id: Unique in its corpus.
    labels: {name: value}; absent names are not annotated. 'sentiment' is in
      [-3, 3]; 'sentiment_class' is a class name; 'sarcasm' is in [0, 1]; so is
      each emotion, by its own name ('anger', ...; see `outputs['emotion']`).
    sequences: {modality: f32 [T, D]}, T > 0, finite; absent modalities are
      missing. 'text' stands for word vectors or other features.
    transcript: What was said; '' if there is no text.
    context: The sentences said just before, oldest first, if they are not
      samples of their own.
    context_speakers: Who said each of them; () if unknown.
    dialogue: The conversation or video it belongs to; '' if it is alone.
    turn: Its number in the dialogue; turns ascend and may have gaps.
    speaker: Who says it, as 'SHOW/NAME' or 'NAME'; '' if unknown.
  """

  id: str
  labels: Mapping[str, Any]
  sequences: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
  transcript: str = ''
  context: Sequence[str] = ()
  context_speakers: Sequence[str] = ()
  dialogue: str = ''
  turn: int = 0
  speaker: str = ''


@dataclasses.dataclass(frozen=True)
class Listing:
  """A corpus of utterances before it is written as records.

  Attributes:
    outputs: {task: names of its outputs, in order}, of annotated tasks:
      'emotion', 'sentiment' ('sentiment',), 'sentiment_class' ('negative',
      'neutral', 'positive'), 'sarcasm' ('sarcasm',).
    dims: {modality: D} of the modalities that have `sequences`.
    splits: {split: function that streams its utterances and what is left
      out}. Utterances of a dialogue follow one another, in order of turn.
      Each call streams the same.
    sources: {file: sha256, or option: value}. If one changes, the corpus is
      prepared anew.
    computed: {modality: what of this package computed its features, as
      'wav_features'}; without an entry, others did, or nobody knows.
  """

  outputs: Mapping[str, Sequence[str]]
  dims: Mapping[str, int]
  splits: Mapping[str, Callable[[], Iterator[Utterance | face_listing.LeftOut]]]
  sources: Mapping[str, str]
  computed: Mapping[str, str] = dataclasses.field(default_factory=dict)


def without_features(
  listing: Listing, columns: Mapping[str, Sequence[int]]
) -> Listing:
  """Returns a listing whose sequences lack some columns.

  Args:
    listing: Any listing.
    columns: {modality: columns, counted from 0}; empty: the listing itself.

  Raises:
    UserError: The corpus lacks such a modality or column, or none is left.
  """
  dims = dict(listing.dims)
  for modality, chosen in columns.items():
    by_name.check('modality', modality, listing.dims)
    if isinstance(chosen, int):
      raise UserError(
        f'config.data.without_features: {modality} is {chosen}, no list of '
        f"columns; write {{'{modality}': ({chosen},)}}."
      )
    wrong = [k for k in chosen if k not in range(dims[modality])]
    if wrong or len({*chosen}) == dims[modality]:
      raise UserError(
        f'config.data.without_features: {modality} has the columns 0 to '
        f'{dims[modality] - 1}, '
        + (f'not {wrong[0]}.' if wrong else 'and one at least must be left.')
      )
    dims[modality] -= len({*chosen})
  if dims == dict(listing.dims):
    return listing
  return dataclasses.replace(
    listing,
    dims=dims,
    splits={
      split: functools.partial(_without, stream, columns)
      for split, stream in listing.splits.items()
    },
    sources={
      **listing.sources,
      'without_features': str({m: sorted({*columns[m]}) for m in columns}),
    },
  )


def _without(
  stream: Callable[[], Iterator[Utterance | face_listing.LeftOut]],
  columns: Mapping[str, Sequence[int]],
) -> Iterator[Utterance | face_listing.LeftOut]:
  for item in stream():
    if isinstance(item, Utterance):
      left = {
        m: np.delete(x, columns[m], axis=1) if m in columns else x
        for m, x in item.sequences.items()
      }
      item = dataclasses.replace(item, sequences=left)
    yield item
