"""Looks up what settings name: keys of a table, and options of its functions.

Everything that is chosen by name is chosen here, so that all errors about
unknown names read alike: they suggest the nearest name and list all known ones.
"""

from collections.abc import Callable, Iterable, Mapping
import difflib
import inspect
from typing import Any

from affect_jax.errors import UserError

# Arguments that flax adds to every module; they are no options.
OF_FLAX = ('parent', 'name')


def unknown(
  what: str, name: object, known: Iterable[str], of: str = ''
) -> UserError:
  """Returns the error of an unknown name.

  Args:
    what: What the name is for, as 'task' or the setting 'config.eval_views'.
    name: The unknown name.
    known: All known names, in the order to show.
    of: What `what` belongs to, as "task 'emotion'".
  """
  known = list(known)
  return UserError(
    f'Unknown {what} {name!r}{f" of {of}" if of else ""}{nearest(name, known)}'
    f'; known: {", ".join(map(str, known)) or "none"}.'
  )


def nearest(name: object, known: Iterable[str]) -> str:
  """Returns " (did you mean 'x'?)" for the most similar name, or ''."""
  lower = {str(k).lower(): str(k) for k in known}
  close = difflib.get_close_matches(str(name).lower(), lower, 1)
  return f' (did you mean {lower[close[0]]!r}?)' if close else ''


def check(what: str, name: object, known: Iterable[str], of: str = '') -> None:
  """Raises the error `unknown` if `name` is not one of `known`."""
  known = list(known)
  if name not in known:
    raise unknown(what, name, known, of)


def get(what: str, name: str, table: Mapping[str, Any], of: str = '') -> Any:
  """Returns table[name].

  Raises:
    UserError: See `unknown`.
  """
  check(what, name, table, of)
  return table[name]


def options_of(function: Callable) -> list[str]:
  """Returns the names of the options that a function or module takes."""
  return [
    name
    for name, parameter in inspect.signature(function).parameters.items()
    if name not in OF_FLAX and parameter.kind is not parameter.VAR_KEYWORD
  ]


def check_options(
  of: str,
  options: Iterable[str],
  function: Callable,
  *,
  but: Iterable[str] = (),
) -> None:
  """Raises the error `unknown` for the first option that `function` lacks.

  Args:
    of: What the options belong to, as "task 'emotion'".
    options: Names of the options.
    function: The function that takes them.
    but: Arguments of the function that are no options.
  """
  known = [o for o in options_of(function) if o not in but]
  for option in options:
    check('option', option, known, of)


def build(
  what: str,
  name: str,
  table: Mapping[str, Callable],
  options: Mapping[str, Any],
  /,
  **arguments: Any,
) -> Any:
  """Returns table[name](**options, **arguments), after checking the names.

  Args:
    what: See `unknown`.
    name: A key of the table.
    table: {name: function, or module of flax}.
    options: Options that the user gives.
    **arguments: Arguments that the caller gives; they are no options.

  Raises:
    UserError: The name or an option is unknown.
  """
  function = get(what, name, table)
  check_options(f'{what} {name!r}', options, function, but=arguments)
  return function(**options, **arguments)
