"""Fusions: modules that make one vector of text, audio and vision.

A fusion is a Linen module, called as

  fusion({modality: f32 [B, T, D]}, {modality: bool [B, T]}, train=train)

with any of 'text', 'audio' and 'vision'; T and D may differ between them. It
returns float32 [B, D']. Neither the values nor the number of the steps whose
mask is False change the result.

A fusion may have auxiliary losses. It then sows the arrays [B, ...] that they
are computed from as 'rows' into the collection 'auxiliary_rows', and has the
method `auxiliary_losses(rows) -> {name: float32 []}`. The training step calls
this method with the rows of the whole batch, however they were split over
devices or parts, because such a loss need not be a mean over rows.

A fusion may remember the training samples in the model's state. It says so by
`remembers`, the task whose labels it needs: parts of a batch and devices would
each have a state of their own. It is then called with three more arguments:
train_row, train_label (see `data.batch`) and seen. One with `reads_seen` is
called with seen alone: {modality: bool [B]}, False where a token replaces it.

To add a fusion, write its module here and name it in FUSIONS.
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

  Its parameters are under 'fusion' in the module that calls it.

  Raises:
    UserError: Unknown name or option; the message lists the known ones.
  """
  return by_name.build('fusion', name, FUSIONS, options, name='fusion')


def remembers(name: str) -> str:
  """Returns the task whose training samples a fusion remembers, or ''.

  Raises:
    UserError: Unknown name.
  """
  return getattr(get_fusion(name), 'remembers', '')
