"""Reads what was said, and when: .srt, .vtt, and labels of Audacity.

  .srt        SubRip: blocks of a number, 'hh:mm:ss,mmm --> hh:mm:ss,mmm', words
  .vtt        WebVTT; who speaks is taken from <v NAME>
  .txt, .tsv  a line for each: start and end in seconds, words, with tabs or
              blanks between them, as Audacity exports labels

Files are UTF-8, UTF-16 with its mark, or else Windows-1252. Tags such as <i> or
{\\an8} are no words.
"""

from collections.abc import Iterator, Sequence
import html
import math
import pathlib
import re
from typing import NamedTuple

from affect_jax.errors import UserError

SUFFIXES = ('.srt', '.vtt', '.txt', '.tsv')
_TIME = r'(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})'
_TIMES = re.compile(rf'\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?', re.ASCII)
_LABEL = re.compile(
  r'\s*(\d+(?:[.,]\d+)?)\s+(\d+(?:[.,]\d+)?)(?:\s+(.*))?', re.ASCII
)
_TAGS = re.compile(r'<[^<>]*>|\{\\[^{}]*\}')
_VOICE = re.compile(r'<v(?:\.[^\s>]*)?\s+([^>]+)>')
# Blocks of WebVTT that hold no words.
_NO_CUES = re.compile(r'(NOTE|STYLE|REGION)(\s|$)')


class Cue(NamedTuple):
  """Words with their times.

  Attributes:
    start, end: Seconds, 0 <= start < end.
    text: In one line; '' if a cue has no words.
    speaker: Who says it; '' if that is unknown.
  """

  start: float
  end: float
  text: str
  speaker: str = ''


def read(path: pathlib.Path) -> list[Cue]:
  """Returns the cues of a file, by start.

  Raises:
    UserError: It is no such file, or a line is wrong; the message names it.
  """
  if path.suffix.lower() not in SUFFIXES:
    raise UserError(f'{path}: subtitles end with {", ".join(SUFFIXES)}.')
  lines = _text(path).splitlines()
  of_labels = path.suffix.lower() in ('.txt', '.tsv')
  cues = list((_labels if of_labels else _blocks)(path, lines))
  if not cues:
    raise UserError(f'{path}: no words with times in it.')
  return sorted(cues, key=lambda cue: cue[:2])


def beside(recording: pathlib.Path) -> pathlib.Path | None:
  """Returns the subtitles beside a recording: clip.srt, or clip.en.srt.

  A plain text is none, as it may be anything.

  Raises:
    UserError: There are several of the same kind of name.
  """
  for pattern in ('', '.*'):
    stem = _escaped(recording.stem)
    found = [
      path
      for suffix in ('.srt', '.vtt')
      for path in sorted(recording.parent.glob(f'{stem}{pattern}{suffix}'))
    ]
    if len(found) > 1:
      names = ', '.join(path.name for path in found)
      raise UserError(
        f'{recording} has several files of subtitles beside it ({names}): '
        'choose one by --subtitles.'
      )
    if found:
      return found[0]
  return None


def _escaped(name: str) -> str:
  return re.sub(r'([*?[])', r'[\1]', name)


def _text(path: pathlib.Path) -> str:
  try:
    content = path.read_bytes()
  except FileNotFoundError:
    raise UserError(f'{path}: no such file of subtitles.') from None
  if content.startswith((b'\xff\xfe', b'\xfe\xff')):
    return content.decode('utf-16', errors='replace')
  if b'\0' in content:
    raise UserError(f'{path} is no text: subtitles are expected.')
  try:
    return content.decode('utf-8-sig')
  except UnicodeDecodeError:
    return content.decode('cp1252', errors='replace')


def _labels(path: pathlib.Path, lines: Sequence[str]) -> Iterator[Cue]:
  for number, line in enumerate(lines, 1):
    # Audacity writes frequencies in lines that begin with a backslash.
    if not line.strip() or line.startswith('\\'):
      continue
    match = _LABEL.fullmatch(line)
    if not match:
      raise UserError(
        f'{path}:{number}: {_short(line)} must be start and end in seconds, '
        'then words, as in: 1.5 3.25 I see.'
      )
    start, end = (float(match[i].replace(',', '.')) for i in (1, 2))
    yield _cue(path, number, start, end, [match[3] or ''])


def _blocks(path: pathlib.Path, lines: Sequence[str]) -> list[Cue]:
  is_vtt = path.suffix.lower() == '.vtt'
  cues: list[Cue] = []
  place = 0
  while place < len(lines):
    if not lines[place].strip() or lines[place].startswith('WEBVTT'):
      place += 1
      continue
    block = place
    while place < len(lines) and lines[place].strip():
      place += 1
    if _NO_CUES.match(lines[block]):
      continue
    # A number or a name may stand above the times.
    at = next((k for k in (block, block + 1) if _has_times(lines, k)), None)
    if at is None or at >= place:
      if cues:
        # Words after an empty line, which SubRip does not forbid.
        more = _words(lines[block:place])
        cues[-1] = cues[-1]._replace(text=f'{cues[-1].text} {more}'.strip())
        continue
      if is_vtt and _is_header(lines[block]):
        continue
      raise UserError(
        f'{path}:{block + 1}: {_short(lines[block])} is followed by no times '
        'such as 00:00:01,000 --> 00:00:02,500.'
      )
    match = _TIMES.fullmatch(lines[at])
    if not match:
      raise UserError(
        f'{path}:{at + 1}: {_short(lines[at])} must be two times, such as '
        '00:00:01,000 --> 00:00:02,500.'
      )
    for number in range(at + 1, place):
      if _TIMES.fullmatch(lines[number]):
        raise UserError(
          f'{path}:{number + 1}: an empty line is missing between the cue of '
          f'line {at + 1} and this one.'
        )
    times = match.groups()
    start, end = _seconds(times[:4]), _seconds(times[4:])
    cues.append(_cue(path, at + 1, start, end, lines[at + 1 : place]))
  return cues


def _has_times(lines: Sequence[str], place: int) -> bool:
  return place < len(lines) and '-->' in lines[place]


def _is_header(line: str) -> bool:
  """Returns whether a line is one of WebVTT's header, as 'Kind: captions'."""
  return bool(re.match(r'[A-Za-z-]+\s*[:=]', line))


def _seconds(parts: Sequence[str]) -> float:
  hours, minutes, seconds, fraction = (part or '0' for part in parts)
  whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
  return whole + int(fraction.ljust(3, '0')) / 1000


def _cue(
  path: pathlib.Path, line: int, start: float, end: float, words: Sequence[str]
) -> Cue:
  if not (math.isfinite(start) and start < end):
    raise UserError(
      f'{path}:{line}: the end, {end:g} s, must be after the start, {start:g} '
      's.'
    )
  names = _VOICE.findall(' '.join(words))
  voices = {html.unescape(name).strip() for name in names}
  # Who speaks is known if it is one.
  speaker = voices.pop() if len(voices) == 1 else ''
  return Cue(start, end, _words(words), speaker)


def _words(lines: Sequence[str]) -> str:
  text = html.unescape(_TAGS.sub('', ' '.join(lines)))
  return ' '.join(text.split())


def _short(line: str) -> str:
  line = line.strip()
  return repr(line if len(line) <= 40 else f'{line[:37]}...')
