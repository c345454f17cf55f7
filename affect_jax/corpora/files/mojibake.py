"""Mends characters that a wrong encoding has broken, where this is certain.

Public transcripts have been through several programs. These are mended:

  U+0092     a windows-1252 byte that was read as Latin-1: here ’
  â€™        UTF-8 that was read as windows-1252: here ’
  isnÕt      Mac Roman that was read as Latin-1, inside a word: here ’

Everything else stays as it is, even if it looks odd.
"""

import re

# How windows-1252 shows its own letters when they are written in UTF-8.
_TWICE = re.compile('[ÂÃÅË][^\x00-\x7f]|â[^\x00-\x7f]{2}')
# No text contains these control characters on purpose.
_CONTROL = re.compile('[\x80-\x9f]')
_MAC_APOSTROPHE = re.compile('(?<=[A-Za-z])Õ(?=[a-z])')


def mended(text: str) -> str:
  """Mends what is certainly broken; see the docstring of this module."""
  text = _TWICE.sub(_once, text)
  text = _CONTROL.sub(_windows, text)
  return _MAC_APOSTROPHE.sub('’', text)


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
