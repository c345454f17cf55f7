"""Names of people and dialogues that are spelled in several ways, joined."""

from collections.abc import Iterable
import pathlib
import re
import unicodedata

from absl import logging

# What `join` counts, behind what the names are of.
JOINED = 'names spelled in several ways (joined)'
_INVISIBLE = re.compile('[\u200b-\u200f\u2060\ufeff\u00ad]')


def normal(name: str) -> str:
  """Returns a name's normal form: Unicode (NFC), single blanks, 7 for 7.0.

  pandas writes the number 7 as 7.0 where another row of the column is empty.
  """
  name = _INVISIBLE.sub('', unicodedata.normalize('NFC', name))
  name = ' '.join(name.split())
  return re.sub(r'^(\d+)\.0+$', r'\1', name, flags=re.ASCII)


def join(names: Iterable[str]) -> dict[str, str]:
  """Returns {spelling: the first spelling of the same name}, if they differ.

  Names are the same if their `normal` forms are. Case does not matter if every
  spelling is plain, as ANN, ann and Ann are: 'aB1' and 'Ab1' are two videos,
  and single letters may be two people.
  """
  groups: dict[str, dict[str, str]] = {}
  for name in names:
    form = normal(name)
    groups.setdefault(form.casefold(), {}).setdefault(name, form)
  joined: dict[str, str] = {}
  for group in groups.values():
    plain = all(map(_is_plain, group.values()))
    first: dict[str, str] = {}
    for name, form in group.items():
      original = first.setdefault('' if plain else form, name)
      if name != original:
        joined[name] = original
  return joined


def log(path: pathlib.Path, what: str, joined: dict[str, str]) -> None:
  """Logs what `join` joined; `what` is 'subject', 'speaker' or 'dialogue'."""
  if joined:
    shown = pairs(joined)
    logging.info(
      '%s: %s %s: %s%s.',
      path,
      what,
      JOINED,
      ', '.join(shown[:10]),
      ', ...' if len(shown) > 10 else '',
    )


def pairs(joined: dict[str, str]) -> list[str]:
  """Says of each spelling that `join` joined: "'ANN' is 'Ann'"."""
  return [f'{name!r} is {first!r}' for name, first in joined.items()]


def _is_plain(name: str) -> bool:
  """Returns whether the case of a name tells nothing."""
  letters = sum(c.isalpha() for c in name)
  long = letters > 1 or any(c.isdigit() for c in name)
  return long and name in (name.lower(), name.upper(), name.title())
