"""What differs between faces and utterances; all else is shared."""

from collections.abc import Callable, Iterator, Mapping
import dataclasses
from typing import Any

from affect_jax.data import batch as batch_lib


@dataclasses.dataclass(frozen=True)
class Samples:
  """Inputs of a run, made by `faces` or `utterances`.

  Attributes:
    train_batches: (seed, first step) -> batches from there to the last step.
    eval_batches: (builder, split) -> its batches, once.
    dummy_inputs: One batch of inputs, to initialise the model.
    window: Frames, or utterances of a dialogue, on an axis of their own; 0:
      there is no such axis.
    views: What predictions are averaged over, see `views`.
    crop_size: Pixels of views that are windows of pictures.
    modalities: Modalities of utterances, which evaluation can leave out.
    pretrained: fresh variables -> the same with the weights that the model's
      settings name; None if they name none.
    frozen: Paths of parameters that the model's settings freeze.
    auxiliary_losses: The model's own losses, see `make_batch_losses`; None if
      it has none.
  """

  train_batches: Callable[[int, int], Iterator[batch_lib.Batch]]
  eval_batches: Callable[[Any, str], Iterator[batch_lib.Batch]]
  dummy_inputs: dict[str, Any]
  window: int = 0
  views: str = 'whole'
  crop_size: int = 0
  modalities: tuple[str, ...] = ()
  pretrained: Callable[[Any], Any] | None = None
  frozen: tuple[str, ...] = ()
  auxiliary_losses: Callable[[Any], Mapping[str, Any]] | None = None
