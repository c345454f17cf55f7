"""Words that programs write where there is nothing, one list for all readers.

pandas writes and reads most of them, Excel shows the rest. They are compared
exactly, with case: 'Nan' and 'Na' are names, 'nan' and 'NA' are not.
"""

from typing import Any

import numpy as np

WORDS = frozenset(
  # As pandas.read_csv has them by default.
  ('', '#N/A', '#N/A N/A', '#NA', '-1.#IND', '-1.#QNAN', '-NaN', '-nan')
  + ('1.#IND', '1.#QNAN', '<NA>', 'N/A', 'NA', 'NULL', 'NaN', 'None', 'n/a')
  + ('nan', 'null')
  # Dates of pandas, and NaN of other programs.
  + ('NaT', 'NAN', '-nan(ind)', 'nan(ind)')
  # Excel, where a formula failed: a sentence that begins with = or -, say.
  + ('#DIV/0!', '#NAME?', '#NULL!', '#NUM!', '#NV', '#REF!', '#VALUE!')
)
_ANY_CASE = frozenset(word.lower() for word in WORDS)


def is_missing(cell: str) -> bool:
  """Returns whether a text is empty, blank or one of WORDS."""
  return cell.strip() in WORDS


def is_missing_in_any_case(cell: str) -> bool:
  """Like `is_missing`, for what can only be a number or a name of a list."""
  return cell.strip().lower() in _ANY_CASE


def to_text(value: Any) -> str:
  """Converts a whole text of any kind to str; '' if it is missing.

  Args:
    value: A str, bytes (UTF-8), numpy's, None, NaN, or an array or list with
      one of them.
  """
  text = to_word(value)
  return '' if is_missing(text) else text


def to_word(value: Any) -> str:
  """Like `to_text`, for single words, of which 'nan' and 'null' may be one."""
  if isinstance(value, np.ndarray | list | tuple) and np.size(value) == 1:
    value = np.asarray(value, object).reshape(-1)[0]
  if value is None or (isinstance(value, float) and value != value):
    return ''
  if isinstance(value, bytes):
    return bytes(value).decode('utf-8', errors='replace')
  return str(value)
