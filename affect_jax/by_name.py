"""What settings call by name: a key of a dict, and options of what it holds.

All that is chosen by name is chosen here, so that a name that is not there
always reads the same: with the nearest one, and with all that there are.
"""

from collections.abc import Callable, Iterable, Mapping
import difflib
import inspect
from typing import Any

from affect_jax.errors import UserError

# Arguments that flax adds to every module.
OF_FLAX = ('parent', 'name')


def unknown(
  what: str, name: object, known: Iterable[str], of: str = ''
) -> UserError:
  """The error of a name that is not known.

  Args:
    what: Whose name it is, as 'task' or the setting 'config.eval_views'.
    name: The wrong one.
    known: All that there are, in the order to show.
    of: What `what` belongs to, as "task 'emotion'".
  """
  known = list(known)
  return UserError(
    f'Unknown {what} {name!r}{f" of {of}" if of else ""}{nearest(name, known)}'
    f'; known: {", ".join(map(str, known)) or "none"}.'
  )


def nearest(name: object, known: Iterable[str]) -> str:
  """ " (did you mean 'x'?)" of the name that looks most alike, or ''."""
  lower = {str(k).lower(): str(k) for k in known}
  close = difflib.get_close_matches(str(name).lower(), lower, 1)
  return f' (did you mean {lower[close[0]]!r}?)' if close else ''


def check(what: str, name: object, known: Iterable[str], of: str = '') -> None:
  """Raises the error `unknown` unless `name` is one of the known."""
  known = list(known)
  if name not in known:
    raise unknown(what, name, known, of)


def get(what: str, name: str, table: Mapping[str, Any], of: str = '') -> Any:
  """table[name].

  Raises:
    UserError: See `unknown`.
  """
  check(what, name, table, of)
  return table[name]


def options_of(function: Callable) -> list[str]:
  """Names of the options that a function or a module takes."""
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
  """Raises the error `unknown` of the first option that it does not take.

  Args:
    of: Whose options, as "task 'emotion'".
    options: Their names.
    function: What takes them.
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
  """table[name](**options, **arguments), both checked.

  Args:
    what: See `unknown`.
    name: A key of the table.
    table: {name: function, or module of flax}.
    options: What the user gives.
    **arguments: What the caller gives.

  Raises:
    UserError: An unknown name or option.
  """
  function = get(what, name, table)
  check_options(f'{what} {name!r}', options, function, but=arguments)
  return function(**options, **arguments)
