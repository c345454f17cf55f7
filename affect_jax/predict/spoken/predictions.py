"""What a run of utterances says of a table, for callers from Python."""

from collections.abc import Mapping, Sequence
import dataclasses
from typing import Any

import numpy as np

from affect_jax import by_name
from affect_jax.errors import MissingExtra
from affect_jax.predict.spoken import columns as columns_lib


@dataclasses.dataclass(frozen=True, eq=False)
class Predictions:
  """What a run says of the N rows of a table.

  Attributes:
    columns: Names, kinds and thresholds.
    rows: {column: value} of each; None where nothing is known.
  """

  columns: columns_lib.Columns
  rows: Sequence[Mapping[str, Any]]

  def __len__(self) -> int:
    return len(self.rows)

  def __getitem__(self, column: str) -> np.ndarray:
    """Returns a column [N]: NaN, or None in columns of text, if unknown."""
    by_name.check('column', column, self.columns.names)
    values = [row[column] for row in self.rows]
    if self.columns.types[column] == columns_lib.OF_SEGMENTS['text']:
      return np.array(values, object)
    return np.array([np.nan if x is None else x for x in values])

  def to_pandas(self) -> Any:
    """Returns a pandas frame with a row for each."""
    try:
      import pandas as pd
    except ImportError as error:
      raise MissingExtra('A frame needs pandas: pip install pandas.') from error
    return pd.DataFrame({name: self[name] for name in self.columns.names})
