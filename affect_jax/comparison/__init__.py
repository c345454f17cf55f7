"""Compares runs: is one better, or was it luck?"""

from affect_jax import errors

try:
  import scipy.stats  # noqa: F401
  import statsmodels.stats.multitest  # noqa: F401
except ImportError as error:
  raise errors.MissingExtra(
    "Comparing runs needs libraries: pip install 'affect_jax[compare]'."
  ) from error
