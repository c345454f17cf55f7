"""Ways to make one vector of text, audio and vision: one file each.

A fusion is a Linen module, called as

  fusion({modality: f32 [B, T, D]}, {modality: bool [B, T]}, train=train)

with any of 'text', 'audio' and 'vision'; T and D may differ. It gives float32
[B, D'] that no step with mask False changes, nor how many of them there are.
Losses of its own, if it has any, it sows as float32 scalars into the
collection 'auxiliary_losses'.

What `train_batches` gives to a fusion that knows the samples of training
(`self_mm` alone) comes by further names: train_row, train_label, seen.

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
