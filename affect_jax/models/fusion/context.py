"""What utterances of a dialogue tell each other, bc-LSTM.

Poria et al., 2017: "Context-Dependent Sentiment Analysis in User-Generated
Videos".
"""

from typing import Any

import flax.linen as nn
import jax

from affect_jax import by_name
from affect_jax.models import sequence
from affect_jax.models import temporal


class Context(nn.Module):
  """A bidirectional LSTM over the utterances, and a dense layer.

  Attributes:
    hidden: Units of each direction.
    width: Features that come out.
    dropout: On the LSTM's output and on what comes out. The authors' code
      has 0.9, on a few hundred dialogues.
  """

  hidden: int = 300
  width: int = 100
  dropout: float = 0.5

  @nn.compact
  def __call__(
    self, x: jax.Array, mask: jax.Array, *, train: bool
  ) -> jax.Array:
    """Features [B, U, D], mask bool [B, U] -> [B, U, width].

    Utterances whose mask is False are read by no other, and give 0.
    """
    x = sequence.Lstm(
      self.hidden, bidirectional=True, dropout=self.dropout, name='lstm'
    )(x, mask, train=train)
    x = nn.relu(nn.Dense(self.width, name='dense')(x))
    x = nn.Dropout(self.dropout)(x, deterministic=not train)
    return sequence.masked(x, mask)


CONTEXTS: dict[str, Any] = {
  'lstm': Context,
  'gru': temporal.Gru,
  'transformer': temporal.Transformer,
}


def get_context(name: str, **options: Any) -> nn.Module:
  """Builds an encoder of dialogues; `options` are attributes of its module.

  In a module that calls it, its parameters are under 'context'. Features
  [B, U, D], mask bool [B, U] -> [B, U, D'], of which only utterances with mask
  True mean anything.

  Raises:
    ValueError: Unknown name or option; the message lists the known.
  """
  return by_name.build('context', name, CONTEXTS, options, name='context')
