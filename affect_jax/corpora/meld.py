"""MELD: 13,708 utterances of 1,432 dialogues of Friends; emotion, sentiment.

`path` is the folder that holds the three tables of `data/MELD` in
https://github.com/declare-lab/MELD, which is open to all under GPL-3.0:

  train_sent_emo.csv    9,989 rows
  dev_sent_emo.csv      1,109 rows
  test_sent_emo.csv     2,610 rows

The reader finds columns by name: Utterance, Speaker, Emotion (anger, disgust,
fear, joy, neutral, sadness, surprise), Sentiment (negative, neutral, positive),
Dialogue_ID and Utterance_ID. Labels are names in the tables, so their order
does not matter; joy is called `happiness` here. Neutral in one of the two tasks
is neutral in the other.

Dialogues are numbered anew in each table, and the numbers of utterances have
gaps where the authors left one out. The same people speak in all three splits:
there is no speaker-independent score on MELD. The published measure is the
weighted F1 on test: 65.21 for emotion (COSMIC, arXiv:2010.02795).

Tables from before November 2020 hold apostrophes, dashes and quotation marks
as codes of windows-1252: `mojibake` mends them, and the log says how many.

Poria et al., 2019, "MELD: A Multimodal Multi-Party Dataset for Emotion
Recognition in Conversations". It extends EmotionLines (Chen et al., 2018).
"""

from collections.abc import Iterator, Sequence
import functools
import pathlib

from absl import logging

from affect_jax import user_path
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import feature_file
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.builders import utterances
from affect_jax.corpora.files import missing
from affect_jax.corpora.files import mojibake
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.tasks import emotion as emotion_lib
from affect_jax.tasks import sentiment_class

TABLES = {
  'train': 'train_sent_emo.csv',
  'val': 'dev_sent_emo.csv',
  'test': 'test_sent_emo.csv',
}
EMOTIONS = emotion_lib.LABELS['meld']
SENTIMENTS = sentiment_class.CLASSES
COLUMNS = (
  'Utterance',
  'Speaker',
  'Emotion',
  'Sentiment',
  'Dialogue_ID',
  'Utterance_ID',
)


def listing(path: str | pathlib.Path) -> utterance_listing.Listing:
  """Lists MELD's transcripts as train, val (dev) and test, without features.

  The id of an utterance is 'train/dia0_utt3', after the name of its clip, in
  val 'val/...'. Rows without words and repeated rows are left out and counted.

  Args:
    path: The folder with the three tables.

  Raises:
    FileNotFoundError: a table is missing.
    UserError: when a split is streamed: up to 20 bad rows, by line.
  """
  root = user_path.expand(path)
  tables = {
    split: sources.existing(root / name, f'the {split} split of MELD')
    for split, name in TABLES.items()
  }
  return utterance_listing.Listing(
    outputs={
      'emotion': emotion_lib.names('meld'),
      'sentiment_class': SENTIMENTS,
    },
    dims={},
    splits={s: functools.partial(_stream, t, s) for s, t in tables.items()},
    sources={
      **{table.name: sources.sha256(table) for table in tables.values()},
      **(feature_file.READING if any(map(_has_words, tables.values())) else {}),
    },
  )


def _stream(
  table: pathlib.Path, split: str
) -> Iterator[utterance_listing.Utterance | face_listing.LeftOut]:
  """Streams utterances by dialogue and turn, whatever the order of the rows."""
  problems = sources.Problems(table)
  rows = sources.read_rows(table)
  _, header = next(rows)
  columns = _columns(table, header)
  turns: dict[tuple[int, int], tuple[int, Sequence[str]]] = {}
  repeated, mended = 0, 0
  for line, cells in rows:
    if len(cells) != len(header):
      problems.add(f'{table}:{line}: {len(cells)} cells, not {len(header)}.')
      continue
    text, *rest = (cells[i].strip() for i in columns)
    text, rest[0] = missing.to_text(text), missing.to_text(rest[0])
    row = (mojibake.mended(text), *rest)
    problem = _problem(row)
    if problem:
      problems.add(f'{table}:{line}: {problem}')
      continue
    mended += row[0] != text
    turn = (int(row[4]), int(row[5]))
    first, other = turns.setdefault(turn, (line, row))
    if first == line:
      continue
    if other == row:
      repeated += 1
    else:
      problems.add(
        f'{table}:{line}: utterance {turn[1]} of dialogue {turn[0]} is already '
        f'in line {first}, with other cells.'
      )
  problems.check()
  if not turns:
    raise UserError(f'{table}: no rows below the header.')
  if mended:
    logging.info('%s: mended broken characters in %d rows.', table, mended)
    yield face_listing.LeftOut(mojibake.MENDED, '', mended)
  if repeated:
    yield face_listing.LeftOut('repeated rows', '', repeated)
  for turn, (_, row) in sorted(turns.items()):
    if row[0]:
      yield _utterance(split, turn, row)
    else:
      yield face_listing.LeftOut('rows without words', f'{split}/dia{turn[0]}')


def _has_words(table: pathlib.Path) -> bool:
  """Returns whether a table has words for missing, which were text before."""
  rows = sources.read_rows(table)
  _, header = next(rows, (1, []))
  names = [cell.strip().lower() for cell in header]
  places = [i for i, n in enumerate(names) if n in ('utterance', 'speaker')]
  cells = (c[i].strip() for _, c in rows for i in places if i < len(c))
  return any(cell and missing.is_missing(cell) for cell in cells)


def _utterance(
  split: str, turn: tuple[int, int], row: Sequence[str]
) -> utterance_listing.Utterance:
  text, speaker, emotion, sentiment, *_ = row
  shares = {n: float(n == EMOTIONS[emotion]) for n in EMOTIONS.values()}
  return utterance_listing.Utterance(
    id=f'{split}/dia{turn[0]}_utt{turn[1]}',
    labels={**shares, 'sentiment_class': sentiment},
    transcript=text,
    dialogue=f'{split}/dia{turn[0]}',
    turn=turn[1],
    speaker=speaker,
  )


def _columns(table: pathlib.Path, header: Sequence[str]) -> list[int]:
  """Returns the index of each of COLUMNS in the header."""
  names = [cell.strip().lower() for cell in header]
  for name in COLUMNS:
    if (count := names.count(name.lower())) != 1:
      raise UserError(
        f'{table}:1: column {name!r} appears {count} times, not '
        f'once; the header is {names}.'
      )
  return [names.index(name.lower()) for name in COLUMNS]


def _problem(row: Sequence[str]) -> str | None:
  _, _, emotion, sentiment, *numbers = row
  if emotion not in EMOTIONS:
    return f'Emotion {emotion!r} is not one of {", ".join(EMOTIONS)}.'
  if sentiment not in SENTIMENTS:
    return f'Sentiment {sentiment!r} is not one of {", ".join(SENTIMENTS)}.'
  for name, number in zip(COLUMNS[4:], numbers, strict=True):
    is_number = number.isascii() and number.isdigit()
    # The digits first: int() refuses thousands of them.
    if not is_number or len(number) > 9:
      return f'{name} {number!r} is not a whole number >= 0.'
  return None


class Meld(utterances.UtteranceCorpus):
  """Utterances of MELD; see `listing` and `UtteranceCorpus` for the options."""

  LISTING = listing
