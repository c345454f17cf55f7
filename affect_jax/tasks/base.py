"""The interface of a task: what training needs to know about a target."""

from collections.abc import Callable, Mapping, Sequence
import dataclasses

import jax
import numpy as np

from affect_jax.errors import UserError

Loss = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]
Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], float | Mapping]


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
  """One supervised target: its head, its loss and its metrics.

  Attributes:
    name: Key in batch['labels'], batch['weights'], outputs, configs, logs.
    outputs: Names of the head's units, in order.
    loss: (raw head outputs [B, units], labels [B, K], weights) -> scalar.
    predict: Raw head outputs [B, units] -> predictions [B, K], in the space of
      the labels: probabilities or values.
    metrics: {name: (predictions, labels, weights) -> a float, or a mapping
      {output name: float}}. Metrics read numpy arrays of a whole split, with
      gold labels only.
    headline: Name of the metric by which checkpoints are compared; higher is
      better.
    weight_per_output: Weights are [B, K] if True, else [B].
    tune: None, or (predictions, labels, weights) -> {output: threshold}, None
      for an output that has no positives. It is called on validation only; the
      thresholds are stored with the model.
    tuned_metrics: Like `metrics`, with thresholds as a fourth argument.
    units: Number of head units; 0 means len(outputs).
  """

  name: str
  outputs: tuple[str, ...]
  loss: Loss
  predict: Callable[[jax.Array], jax.Array]
  metrics: Mapping[str, Metric]
  headline: str
  weight_per_output: bool
  tune: Callable[..., dict[str, float | None]] | None = None
  tuned_metrics: Mapping[str, Callable] = dataclasses.field(
    default_factory=dict
  )
  units: int = 0

  @property
  def num_units(self) -> int:
    """Width of the task's head."""
    return self.units or len(self.outputs)


def check_outputs(task: str, outputs: Sequence[str]) -> tuple[str, ...]:
  """Returns output names; UserError if none, duplicate, or a single str."""
  names = (outputs,) if isinstance(outputs, str) else tuple(outputs)
  duplicate = len(set(names)) < len(names)
  if isinstance(outputs, str) or not names or duplicate:
    raise UserError(
      f'{task}: outputs must be a sequence of different names, not {outputs!r}.'
    )
  return names


def check_range(
  option: str,
  value: float,
  low: float,
  high: float = float('inf'),
  open_end: bool = False,
) -> None:
  """Raises UserError unless low <= value <= high (< high if open_end).

  No range contains NaN or infinity.
  """
  inside = low <= value <= high and abs(value) != float('inf')
  if not inside or (open_end and value == high):
    interval = f'[{low}, {high}' + (')' if open_end else ']')
    raise UserError(f'{option} must be in {interval}, not {value}.')
