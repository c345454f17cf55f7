"""Ways to make one vector of text, audio and vision: one file each.

A fusion is a Linen module, called as

  fusion({modality: f32 [B, T, D]}, {modality: bool [B, T]}, train=train)

with any of 'text', 'audio' and 'vision'; T and D may differ. It gives float32
[B, D'] that no step with mask False changes, nor how many of them there are.

A fusion with losses of its own sows what they are made of, arrays [B, ...],
as 'rows' into the collection 'auxiliary_rows', and has a method that makes
them of these: `auxiliary_losses(rows) -> {name: float32 []}`. The training
step calls it with the rows of the whole batch, however they were spread over
devices or parts, as no such loss need be a mean over rows.

A fusion that keeps what it knows of the samples of training in the model's
state, where parts of a batch and devices would each have their own, says so:
`remembers` is the task whose labels it needs. `train_batches` then gives it
more by name: train_row, train_label, seen.

To add one, write its module and add one line here.
"""

from collections.abc import Callable
import functools
from typing import Any

import flax.linen as nn

from affect_jax import by_name
from affect_jax.models.fusion import concat
from affect_jax.models.fusion import early
from affect_jax.models.fusion import gated
from affect_jax.models.fusion import late
from affect_jax.models.fusion import misa
from affect_jax.models.fusion import mult
from affect_jax.models.fusion import self_mm
from affect_jax.models.fusion import tensor

FUSIONS: dict[str, Callable[..., nn.Module]] = {
  'concat': concat.Concat,
  'ef_lstm': early.EarlyLstm,
  'lf_dnn': functools.partial(late.Late, encoder='dnn'),
  'lf_lstm': functools.partial(late.Late, encoder='lstm'),
  'lf_transformer': functools.partial(late.Late, encoder='transformer'),
  'tfn': tensor.TensorFusion,
  'lmf': tensor.LowRankFusion,
  'mult': mult.Mult,
  'misa': misa.Misa,
  'self_mm': self_mm.SelfMm,
  'gated': gated.Gated,
}


def get_fusion(name: str, **options: Any) -> nn.Module:
  """Builds a fusion by name; `options` are the attributes of its module.

  In a module that calls it, its parameters are under 'fusion'.

  Raises:
    ValueError: Unknown name or option; the message lists the known.
  """
  return by_name.build('fusion', name, FUSIONS, options, name='fusion')


def remembers(name: str) -> str:
  """The task whose samples of training a fusion keeps; '' of most.

  Raises:
    ValueError: Unknown name.
  """
  return getattr(get_fusion(name), 'remembers', '')
