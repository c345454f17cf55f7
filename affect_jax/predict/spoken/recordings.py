"""Segments of recordings and of videos with sound, with words from subtitles.

A segment is a cue of the subtitles or, without any, so many seconds. What the
run reads and nobody can compute from a recording is missing: vectors of words,
voices and faces that other programs made.
"""

import collections
from collections.abc import Callable, Iterator, Mapping, Sequence
import math
import os
import pathlib
from typing import Any

from absl import logging
import numpy as np

from affect_jax.corpora import utterances_csv
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.features import recordings as recordings_lib
from affect_jax.corpora.features import wav_features
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.media import inputs as inputs_lib
from affect_jax.media import sound as sound_lib
from affect_jax.media import video as video_lib
from affect_jax.predict.spoken import batches
from affect_jax.predict.spoken import faces as faces_lib
from affect_jax.predict.spoken import segment
from affect_jax.predict.spoken import subtitles as subtitles_lib
from affect_jax.predict.spoken import text as text_lib

SECONDS = 5.0
NO_SUBTITLES = 'no subtitles'
Spans = Sequence[subtitles_lib.Cue]
# Yields an array [T, D] of each span, or why there is none.
Features = Callable[
  [inputs_lib.Input, Sequence[tuple[float, float]]],
  Iterator[tuple[np.ndarray | None, str]],
]


def lacks(
  layout: batches.Layout,
  made: Mapping[str, str],
  computed: Mapping[str, str] | None,
  reader: str,
  face_run: str = '',
) -> dict[str, str]:
  """Returns {modality of a run: why no recording can give it}.

  Args:
    layout: How the run reads utterances.
    made: How its text was made.
    computed: {modality: what of this package computed the run's features}; None
      of older runs.
    reader: The reader of the run's corpus.
    face_run: A run of faces that computes features; or ''.
  """
  found = {}
  if why := text_lib.lacks(layout.own, made):
    found['text'] = why
  if 'audio' in layout.dims:
    ours = len(wav_features.names())
    raw = layout.raw('audio')
    if computed is None and reader == 'utterances_csv' and raw == ours:
      logging.warning(
        'The run is older than the note of what computed its features: as they '
        'are %d, they are taken for those of recordings.',
        ours,
      )
      computed = {'audio': utterances_csv.WAV_FEATURES}
    if (computed or {}).get('audio') != utterances_csv.WAV_FEATURES:
      found['audio'] = (
        f'the run reads {raw} numbers that another program computed from voices'
      )
  by = (computed or {}).get('vision', '')
  if 'vision' in layout.dims and not faces_lib.is_computed(by):
    found['vision'] = (
      f'the run reads {layout.raw("vision")} numbers that another program '
      'computed from faces'
    )
  elif 'vision' in layout.dims and not face_run:
    found['vision'] = (
      'a run of faces computes it: give by --face_run the one that '
      'affect_jax.export_features was called with'
    )
  return found


def source(
  inputs: Sequence[inputs_lib.Input],
  layout: batches.Layout,
  missing: Mapping[str, str],
  *,
  subtitles: str = '',
  seconds: float | None = None,
  faces: faces_lib.Faces | None = None,
) -> segment.Source:
  """Returns the segments of recordings; sound is decoded when they are read.

  Args:
    inputs: Recordings and videos.
    layout: How the run reads utterances.
    missing: See `lacks`.
    subtitles: A file for the only input, or 'none'; '': those beside each.
    seconds: Length of segments; None: the cues of subtitles or, without,
      SECONDS. With subtitles, a segment has the words whose middle is in it.
    faces: Computes features of faces; None if vision is missing.

  Raises:
    UserError: An option does not fit, subtitles are wrong, or no modality can
      be had from any input.
    MissingExtra: A library is not installed.
  """
  if seconds is not None and not seconds >= 0.1:
    raise UserError(f'--segment={seconds} must be at least 0.1 seconds.')
  if subtitles not in ('', 'none') and len(inputs) > 1:
    raise UserError(
      f'--subtitles={subtitles} is one file, and there are {len(inputs)} '
      'inputs: name subtitles like their recordings, clip.srt for clip.mp4.'
    )
  of_faces = faces if 'vision' in {*layout.dims} - {*missing} else None
  planned = [
    _plan(item, subtitles, seconds, of_faces is not None) for item in inputs
  ]
  reads_text = 'text' in layout.dims and 'text' not in missing
  wordless = [x.name for x, cues, _, _ in planned if cues is None]
  missing = dict(missing)
  if reads_text and len(wordless) == len(inputs):
    missing['text'] = NO_SUBTITLES
  elif reads_text and wordless:
    logging.warning(
      'No subtitles beside %s: their text is missing.', ', '.join(wordless)
    )
  _check_any(inputs, layout, missing)
  files = {}
  for item, _, _, path in planned:
    files[item.name] = f'{os.path.getsize(item.path)} bytes'
    if path:
      files[f'{item.name}: {path.name}'] = sources.sha256(path)
      logging.info('%s: words of %s.', item.name, path)

  features: dict[str, Features] = {}
  if 'audio' in layout.dims and 'audio' not in missing:
    features['audio'] = _voices
  if of_faces:
    features['vision'] = of_faces.of_segments
  reads_text = 'text' in layout.dims and 'text' not in missing

  def read(bare: int) -> Iterator[segment.Segment]:
    place = 0
    for item, _, spans, _ in planned:
      of_item = _segments(
        item, spans, features, reads_text, place, max(0, bare - place)
      )
      for part in of_item:
        yield part
        place += 1

  count = sum(
    1 if isinstance(spans, str) else len(spans) for _, _, spans, _ in planned
  )
  return segment.Source(count, read, missing, files)


def _check_any(
  inputs: Sequence[inputs_lib.Input],
  layout: batches.Layout,
  missing: Mapping[str, str],
) -> None:
  """Raises UserError if no modality that the run reads can be had."""
  if set(missing) < set(layout.dims):
    return
  reasons = '; '.join(f'{m}: {why}' for m, why in missing.items())
  advice = (
    f'give --subtitles=FILE.srt, or put {inputs[0].path.stem}.srt beside it'
    if missing.get('text') == NO_SUBTITLES
    else 'give a table or a file of such features, or a run that learned from '
    'recordings or from words'
  )
  raise UserError(
    f'Nothing that this run reads can be had from {inputs[0].name} '
    f'({reasons}): {advice}.'
  )


Plan = tuple[inputs_lib.Input, Spans | None, Spans | str, pathlib.Path | None]


def _plan(
  item: inputs_lib.Input,
  subtitles: str,
  seconds: float | None,
  reads_faces: bool,
) -> Plan:
  """Returns an input, its cues, its segments (or an error), its subtitles."""
  path: pathlib.Path | None = None
  if subtitles == '':
    path = subtitles_lib.beside(item.path)
  elif subtitles != 'none':
    path = pathlib.Path(subtitles).expanduser()
  cues = subtitles_lib.read(path) if path else None
  if cues is not None and seconds is None:
    return item, cues, cues, path
  try:
    length = sound_lib.duration(item.path)
  except sound_lib.Unreadable as error:
    # A video without sound has faces all the same.
    length = video_lib.duration(item.path) if reads_faces else 0.0
    if not length:
      return item, cues, str(error), path
  return item, cues, windows(length, seconds or SECONDS, cues or ()), path


def windows(length: float, seconds: float, cues: Spans) -> list[Any]:
  """Cuts a recording into segments; each has the words of its cues.

  Args:
    length: Seconds of the recording.
    seconds: Of a segment; the last one may be shorter.
    cues: A cue's words go to the segment in which its middle lies.
  """
  count = max(1, math.ceil(length / seconds - 0.01))
  found = []
  for k in range(count):
    start, end = k * seconds, min((k + 1) * seconds, max(length, seconds / 100))
    inside = [
      cue
      for cue in cues
      if start <= (cue.start + cue.end) / 2 < start + seconds
    ]
    speakers = {cue.speaker for cue in inside}
    found.append(
      subtitles_lib.Cue(
        start,
        end,
        ' '.join(cue.text for cue in inside if cue.text),
        speakers.pop() if len(speakers) == 1 else '',
      )
    )
  return found


def _segments(
  item: inputs_lib.Input,
  spans: Spans | str,
  features: Mapping[str, Features],
  reads_text: bool,
  place: int,
  bare: int,
) -> Iterator[segment.Segment]:
  """Yields the segments of an input; the first `bare` have words alone."""
  if isinstance(spans, str):
    yield segment.Segment(place, item.name, '', reason=spans)
    return
  times = [span[:2] for span in spans[bare:]]
  streams = {m: read(item, times) for m, read in features.items() if times}
  for number, span in enumerate(spans):
    arrays, reasons = {}, []
    for modality, stream in streams.items() if number >= bare else ():
      x, reason = next(stream)
      if x is None:
        reasons.append(reason)
      else:
        arrays[modality] = x
    text = span.text if reads_text else ''
    if not text and not arrays and not reasons:
      reasons.append('no words in it')
    said = utterance_listing.Utterance(
      id=str(number),
      labels={},
      sequences=arrays,
      transcript=text,
      dialogue=item.name,
      turn=number,
      speaker=span.speaker,
    )
    yield segment.Segment(
      place + number,
      item.name,
      str(number),
      start=span.start,
      end=span.end,
      text=span.text,
      reason='; '.join(reasons),
      utterance=said if text or arrays else None,
    )


def _voices(
  item: inputs_lib.Input, spans: Sequence[tuple[float, float]]
) -> Iterator[tuple[np.ndarray | None, str]]:
  """Yields the features [T, 43] of each segment, or why there are none."""
  counts: collections.Counter = collections.Counter()
  pieces = sound_lib.pieces(item.path, spans)
  try:
    for samples, rate in pieces:
      if not len(samples):
        yield None, 'audio: it lies beyond the end of the recording'
        continue
      try:
        one = recordings_lib.mono(samples.astype(np.float64), counts, item.name)
      except UserError as error:
        yield None, f'audio: {error}'
        continue
      yield wav_features.of_sound(one, rate), ''
    for what, number in counts.items():
      logging.info('%s, of its segments: %d %s', item.name, number, what)
  except sound_lib.Unreadable as error:
    # Nothing was read: that shows when the file is opened.
    for _ in spans:
      yield None, f'audio: {item.name} {error}'
