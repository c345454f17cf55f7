"""Mends characters that a wrong encoding has broken, where this is certain.

Public transcripts have been through several programs. These are mended:

  U+0092     a windows-1252 byte that was read as Latin-1: here ’
  â€™        UTF-8 that was read as windows-1252: here ’
  isnÕt      Mac Roman that was read as Latin-1, inside a word: here ’

  æˆ‘å–œ    two or more letters of UTF-8 in a row, read as windows-1252 or
             Latin-1: here 我喜

Everything else stays as it is, even if it looks odd; `is_broken` finds some of
it, to be counted.
"""

import re

# How windows-1252 shows its own letters when they are written in UTF-8.
_TWICE = re.compile('[ÂÃÅË][^\x00-\x7f]|â[^\x00-\x7f]{2}')
# No text contains these control characters on purpose.
_CONTROL = re.compile('[\x80-\x9f]')
# Characters that windows-1252 or Latin-1 make of bytes beyond ASCII.
_BEYOND = ''.join(
  bytes([b]).decode('cp1252', 'ignore') for b in range(0x80, 0x100)
)
_RUN = re.compile(f'[\x80-\x9f{re.escape(_BEYOND)}]{{4,}}')
# What decoders put where they gave up, and marks that belong before a text.
_LOST = re.compile('[\ufffd\x80-\x9f]')
# What `UtteranceCorpus` counts.
MENDED = 'texts that were decoded wrongly (mended)'
BROKEN = 'texts with characters that were lost in decoding (kept)'
_MAC_APOSTROPHE = re.compile('(?<=[A-Za-z])Õ(?=[a-z])')


def mended(text: str) -> str:
  """Mends what is certainly broken; see the docstring of this module."""
  if text.isascii():
    return text
  text = _RUN.sub(_letters, text)
  text = _TWICE.sub(_once, text)
  text = _CONTROL.sub(_windows, text)
  return _MAC_APOSTROPHE.sub('’', text)


def is_broken(text: str) -> bool:
  """Returns whether a text holds what cannot be mended: U+FFFD, say."""
  return not text.isascii() and bool(_LOST.search(text))


def is_garbled(text: str) -> bool:
  """Returns whether a text was decoded wrongly, mendable or not."""
  return is_broken(text) or mended(text) != text


def _letters(match: re.Match[str]) -> str:
  """Undoes one wrong decoding of two or more letters in a row.

  That a run is UTF-8 by chance is possible for one letter, like é…”.
  """
  try:
    text = b''.join(_byte(c) for c in match[0]).decode('utf-8')
  except UnicodeError:
    return match[0]
  return text if len(text) > 1 and any(map(str.isalpha, text)) else match[0]


def _once(match: re.Match[str]) -> str:
  """Undoes one wrong decoding; leaves a match alone that was right."""
  try:
    text = b''.join(_byte(c) for c in match[0]).decode('utf-8')
    # If windows-1252 cannot write the result, the match was right, like é…”.
    text.encode('cp1252')
  except UnicodeError:
    return match[0]
  return text


def _windows(match: re.Match[str]) -> str:
  try:
    return match[0].encode('latin-1').decode('cp1252')
  except UnicodeDecodeError:  # Five of the 32 have no character.
    return match[0]


def _byte(character: str) -> bytes:
  """Returns a character's byte in windows-1252; undefined ones stay as is."""
  try:
    return character.encode('cp1252')
  except UnicodeEncodeError:
    return character.encode('latin-1')
