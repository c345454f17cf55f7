"""What the training step asks of weak supervision on line; see `weak.on_line`.

The step itself, losses and models do not know what is weak: a batch comes back
with more labels, weights below 1, and perhaps with targets of further losses.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax


class Relabelled(NamedTuple):
  """A batch with the labels that the model gave it.

  Attributes:
    labels, weights: As in `data.batch`; what had a weight has not changed.
    targets: What the further losses read, with the axes of the batch.
    memory: The new `TrainState.memory`.
    logs: {name: f32 []}.
  """

  labels: Any
  weights: Any
  targets: Any
  memory: Any
  logs: dict[str, jax.Array]


class OnLine(NamedTuple):
  """Weak supervision while a model trains.

  Attributes:
    start: () -> the first `TrainState.memory`.
    relabel: (state, batch) -> Relabelled.
    losses: (raw outputs, targets, step) -> {name: f32 []}, losses beside those
      of the tasks; None if there are none.
  """

  start: Callable[[], Any]
  relabel: Callable[[Any, Any], Relabelled]
  losses: Callable[[Any, Any, jax.Array], Mapping[str, jax.Array]] | None
