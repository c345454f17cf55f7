"""Turns the listing of an utterance corpus into a tfds builder of records.

Records are those of `records`, with these for each modality of the corpus:

  modality             f32 [T, D], or int32 [T] token ids
  modality + '_length' int32 [], T; 0 is a missing modality

and 'transcript', 'dialogue', 'turn'. Dialogues have U utterances: [U, T, D],
padded to the longest of the dialogue, and lengths [U].
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import dataclasses
import inspect
import operator
import pathlib
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import label_scales
from affect_jax.corpora.builders import prepare
from affect_jax.corpora.builders import records
from affect_jax.corpora.builders import text_inputs
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.files import mojibake
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.training import status_line

CUT = 'steps beyond max_steps'
UNUSED = 'utterances with no modality in use'


class UtteranceCorpus(tfds.core.GeneratorBasedBuilder, skip_registration=True):
  """A corpus of utterances; a subclass only names its reader."""

  VERSION = tfds.core.Version('1.0.0')
  # Nothing is downloaded: tfds need not look for checksums.
  url_infos = None
  # Folder of the model that reads token ids, or file of word vectors.
  text_model: str
  # How text was made: {option or file: its value or checksum}.
  text_made: dict[str, str]
  # The reader: (**options) -> utterance_listing.Listing.
  LISTING: ClassVar[Callable[..., utterance_listing.Listing]]

  def __init__(
    self,
    *,
    data_dir: str | pathlib.Path,
    text: str = '',
    text_model: str = '',
    context: int = 0,
    max_tokens: int = 128,
    speakers: bool = False,
    average_layers: int = 1,
    max_steps: int = 512,
    without_features: Mapping[str, Sequence[int]] | None = None,
    window: int = 0,
    eval_hop: int = 0,
    **options: Any,
  ):
    """Reads the corpus' listing; finds the corpus in `data_dir` if prepared.

    Args:
      data_dir: Where prepared corpora live.
      text: How the modality 'text' is made, see `text_inputs`; '': 'given', or
        'none' if the corpus has only transcripts.
      text_model: For 'tokens' and 'features' a folder of a BERT-like model,
        for 'words' a file of word vectors.
      context: The most sentences before an utterance that its tokens or
        features include.
      max_tokens: The most tokens of an utterance with its context.
      speakers: Whether each sentence's tokens begin with its speaker, see
        `text_inputs.build`.
      average_layers: How many of a frozen model's last states features are the
        mean of, see `text_inputs.build`.
      max_steps: The most steps of audio, vision and given text; longer ones are
        cut at the end, and counted.
      without_features: Columns of modalities that are not read, counted from 0,
        such as labels that were saved among the features: {'vision': (3, 17)}.
      window: The most utterances of a dialogue in a record, for models that
        read them in turn; 0: records are single utterances.
      eval_hop: Utterances from window to window in val and test, if a dialogue
        is longer than a window; 0: half a window.
      **options: Options of the corpus' reader.

    Raises:
      ValueError, FileNotFoundError: from the reader, or an option is wrong.
    """
    if window < 0 or not 0 <= eval_hop <= window:
      raise UserError(
        f'window is {window} and eval_hop {eval_hop}; they must be '
        '0 <= eval_hop <= window.'
      )
    self._window, self._hop = window, eval_hop or max(1, window // 2)
    self.max_steps = max_steps
    self.text_model = text_model
    self._listing = utterance_listing.without_features(
      type(self).LISTING(**options), without_features or {}
    )
    self._text = text_inputs.build(
      text or ('given' if 'text' in self._listing.dims else 'none'),
      text_model,
      listing=self._listing,
      context=context,
      max_tokens=max_tokens,
      speakers=speakers,
      average_layers=average_layers,
    )
    self.text_made = {**self._text.sources, 'model': text_model}
    self.computed = dict(self._listing.computed)
    self._sources = {
      **self._listing.sources,
      **self._text.sources,
      'max_steps': str(max_steps),
    }
    if window:
      self._sources['window'] = f'{window}, in evaluation every {self._hop}'
    name = sources.fingerprint(version=str(self.VERSION), sources=self._sources)
    super().__init__(
      data_dir=data_dir,
      config=tfds.core.BuilderConfig(name=name, version=self.VERSION),
    )

  @property
  def _dims(self) -> dict[str, int]:
    """{modality: features per step}; 0 for token ids."""
    dims = {m: d for m, d in self._listing.dims.items() if m != 'text'}
    if self._text.kind != 'none':
      dims['text'] = self._text.dim
    return {m: dims[m] for m in utterance_listing.MODALITIES if m in dims}

  def _info(self) -> tfds.core.DatasetInfo:
    time = (None,) if self._window else ()
    tensor = tfds.features.Tensor
    inputs: dict[str, Any] = {}
    for name, dim in self._dims.items():
      shape = (*time, None, dim) if dim else (*time, None)
      inputs[name] = tensor(
        shape=shape,
        dtype=np.float32 if dim else np.int32,
        # Only bytes may have two axes of unknown length.
        encoding='bytes' if self._window else 'none',
      )
      inputs[name + '_length'] = tensor(shape=time, dtype=np.int32)
    return records.info(
      self,
      self._listing.outputs,
      inputs,
      sources=self._sources,
      extra={
        'transcript': tensor(shape=time, dtype=np.object_),
        'dialogue': tfds.features.Text(),
        'turn': tensor(shape=time, dtype=np.int32),
      },
      windows=self._window > 0,
      dims=self._dims,
      description=self.__doc__,
    )

  def download_and_prepare(self, **kwargs: Any) -> None:
    """Writes the corpus, unless it exists already."""
    prepare.once(self, super().download_and_prepare, **kwargs)

  def _split_generators(self, dl_manager):
    del dl_manager
    return {
      split: self._generate_examples(split, items)
      for split, items in self._listing.splits.items()
    }

  def _generate_examples(self, split, items):
    skipped = records.metadata(self)['skipped']
    problems = sources.Problems(f'{self.name}, {split}')
    seen: set[str] = set()
    last: dict[str, int] = {}  # {dialogue: its last turn}
    values: dict[str, list[float]] = {}
    current = ''

    def rows() -> Iterator[tuple[utterance_listing.Utterance, dict[str, Any]]]:
      nonlocal current
      for item, text in self._text.read(self._count_left_out(items())):
        if item.id in seen:
          problems.add(f'{item.id!r} appears twice.')
          continue
        seen.add(item.id)
        status_line.draw(f'{self.name}, {split}: {len(seen)} utterances')
        for name, value in item.labels.items():
          if isinstance(value, float):
            values.setdefault(name, []).append(value)
        if item.dialogue:
          before = last.get(item.dialogue, item.turn - 1)
          interrupted = item.dialogue in last and item.dialogue != current
          if interrupted or before >= item.turn:
            problems.add(
              f'{item.id!r} is turn {item.turn} of {item.dialogue!r} and '
              f'comes after turn {before}'
              + (' and another dialogue.' if interrupted else '.')
            )
          last[item.dialogue] = item.turn
        current = item.dialogue
        try:
          record = self._record(item, text)
        except ValueError as error:
          problems.add(f'{item.id}: {error}.')
          continue
        if record is None:
          self._count(UNUSED, 1, item.id)
        else:
          yield item, record

    hop = self._window if split == 'train' else self._hop
    empty = True
    for group in dialogues(rows(), self._window, hop):
      empty = False
      first, record = group[0]
      if self._window:
        record = {key: stack([r[key] for _, r in group]) for key in record}
      record['subject'], record['dialogue'] = first.speaker, first.dialogue
      yield first.id, record
    problems.check()
    if empty:
      raise UserError(
        f'{self.name}: no utterance of {split} is left; left out: {skipped}. '
        f'Modalities in use: {", ".join(self._dims) or "none"}; transcripts '
        'need config.data.text, as tokens, and config.data.text_model.'
      )
    if split == 'train':
      options = list(inspect.signature(type(self).LISTING).parameters)
      label_scales.warn(self.name, self._listing.outputs, values, options)

  def _record(
    self,
    item: utterance_listing.Utterance,
    text: np.ndarray | None,
  ) -> dict[str, Any] | None:
    """Makes a record; None if only text is present, and text is not used."""
    sequences = {m: x for m, x in item.sequences.items() if m != 'text'}
    if text is not None:
      sequences['text'] = text
    record: dict[str, Any] = {'id': item.id}
    for name, dim in self._dims.items():
      x: np.ndarray | None = sequences.get(name)
      if x is None:
        x = np.zeros((0, dim) if dim else (0,), np.float32)
      if dim and (x.ndim != 2 or x.shape[1] != dim):
        raise UserError(f'{name} is {x.shape}, not [T, {dim}]')
      if dim and not np.all(np.isfinite(x)):
        raise UserError(f'{name} has values that are not finite')
      if dim and len(x) > self.max_steps:
        self._count(f'{name} {CUT}', len(x) - self.max_steps, item.id)
        x = x[: self.max_steps]
      record[name] = x.astype(np.float32 if dim else np.int32)
      record[name + '_length'] = np.int32(len(x))
    if not any(record[m + '_length'] for m in self._dims):
      if item.transcript or len(item.sequences.get('text', ())):
        return None
      raise UserError(f'has none of the modalities {sorted(self._dims)}')
    record |= face_listing.to_record(item.labels, self._listing.outputs)
    record['transcript'] = item.transcript
    record['turn'] = np.int32(item.turn)
    return record

  def _count(self, reason: str, count: int, name: str) -> None:
    records.count(self, {reason: count})
    records.add_example(self, reason, name)

  def _count_left_out(
    self, items: Iterable[utterance_listing.Utterance | face_listing.LeftOut]
  ) -> Iterator[utterance_listing.Utterance]:
    """Yields the utterances, with text in good encoding; counts the rest."""
    for item in items:
      if isinstance(item, face_listing.LeftOut):
        self._count(item.reason, item.count, item.group)
        continue
      texts = (item.transcript, *item.context)
      mended = [mojibake.mended(text) for text in texts]
      for reason, count in (
        (mojibake.MENDED, sum(map(operator.ne, texts, mended))),
        (mojibake.BROKEN, sum(map(mojibake.is_broken, mended))),
      ):
        if count:
          self._count(reason, count, item.id)
      if mended != [*texts]:
        item = dataclasses.replace(
          item, transcript=mended[0], context=mended[1:]
        )
      yield item


Row = tuple[utterance_listing.Utterance, dict[str, Any]]


def dialogues(
  rows: Iterator[Row], length: int, hop: int
) -> Iterator[Sequence[Row]]:
  """Yields the windows of each dialogue; single utterances if `length` is 0."""
  if not length:
    return ([row] for row in rows)
  dialogue = lambda row: row[0].dialogue or row[0].id
  windows: Any = face_listing.windows(rows, length, hop, group=dialogue)
  return (window.frames for window in windows)


def stack(values: Sequence[Any]) -> Any:
  """Stacks values; pads sequences of unequal length with zeros."""
  if isinstance(values[0], str):
    return list(values)
  if np.ndim(values[0]) == 0:
    return np.array(values)
  longest = max(len(v) for v in values)
  shape = len(values), longest, *values[0].shape[1:]
  stacked = np.zeros(shape, values[0].dtype)
  for row, value in zip(stacked, values, strict=True):
    row[: len(value)] = value
  return stacked
