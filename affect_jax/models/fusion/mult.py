"""MulT: every modality attends to every other one, whatever their lengths.

Tsai et al., 2019: "Multimodal Transformer for Unaligned Multimodal Language
Sequences".
"""

from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from affect_jax.errors import UserError
from affect_jax.models import sequence
from affect_jax.models.fusion import modalities


class Mult(nn.Module):
  """Cross-modal transformers of all ordered pairs, then one per modality.

  The defaults are those of the authors' code, with these differences:
  convolutions keep the length (theirs lose kernel - 1 steps); padding is
  masked (theirs is attended to); a modality's last step is the last one of the
  row (theirs is that of the padded array); the attention dropout depends on the
  modality that is attended to, in both kinds of transformer (0.1 for all;
  theirs is 0 for cross-modal attention to audio or vision); positions are
  those of `sequence.positions`. One modality alone has no cross-modal part.

  Attributes:
    width: Width of each modality, a multiple of `heads`.
    heads: Attention heads.
    layers: Layers of the cross-modal transformers; the transformers that
      follow have max(layers, 3).
    kernel: Width of the first convolutions in steps, one for all or {modality:
      steps}.
    causal: Whether step i of n attends only to the first i + |n - m| of m
      steps, as in the authors' code, instead of to all.
    text_dropout: Dropout rate on the text's features.
    embedding_dropout: Dropout rate on the inputs of transformers.
    attention_dropout: Dropout rate on attention weights, one for all or
      {modality: rate}.
    relu_dropout: Dropout rate inside the dense layers of transformers.
    residual_dropout: Dropout rate on the output of each sub-layer.
    output_dropout: Dropout rate inside the final dense block.
  """

  width: int = 30
  heads: int = 5
  layers: int = 5
  kernel: int | Mapping[str, int] = 1
  causal: bool = True
  text_dropout: float = 0.25
  embedding_dropout: float = 0.25
  attention_dropout: float | Mapping[str, float] = 0.1
  relu_dropout: float = 0.1
  residual_dropout: float = 0.1
  output_dropout: float = 0.0

  def __post_init__(self) -> None:
    modalities.freeze(self)
    super().__post_init__()

  @nn.compact
  def __call__(
    self,
    sequences: Mapping[str, jax.Array],
    masks: Mapping[str, jax.Array],
    *,
    train: bool,
  ) -> jax.Array:
    """{modality: [B, T, D]}, masks bool [B, T] -> [B, M * (M - 1) * width].

    M is the number of modalities; M = 1 gives [B, width].

    Raises:
      UserError: `width` is not a multiple of `heads`.
    """
    if self.width % self.heads:
      raise UserError(
        f'config.utterance.mult: width={self.width} is not a multiple of '
        f'heads={self.heads}; change one of them.'
      )
    given = modalities.ordered(sequences, masks)
    projected = {}
    for name, (x, mask) in given.items():
      if name == 'text':
        x = nn.Dropout(self.text_dropout)(x, deterministic=not train)
      kernel = modalities.option(self.kernel, name)
      project = nn.Conv(
        self.width, (kernel,), use_bias=False, name=f'project_{name}'
      )
      projected[name] = sequence.masked(project(x), mask), mask

    ends = []
    for name, (x, mask) in projected.items():
      others = [other for other in projected if other != name]
      if others:
        crossed = [
          self._transformer(other, self.layers, f'{name}_reads_{other}')(
            x, mask, *projected[other], train=train
          )
          for other in others
        ]
        x = jnp.concatenate(crossed, -1)
      x = self._transformer(name, max(self.layers, 3), f'{name}_memory')(
        x, mask, train=train
      )
      ends.append(sequence.last(x, mask))

    x = jnp.concatenate(ends, -1)
    y = nn.relu(nn.Dense(x.shape[-1], name='dense0')(x))
    y = nn.Dropout(self.output_dropout)(y, deterministic=not train)
    return x + nn.Dense(x.shape[-1], name='dense1')(y)

  def _transformer(self, attended, layers, name):
    return CrossTransformer(
      layers,
      self.heads,
      self.causal,
      self.embedding_dropout,
      modalities.option(self.attention_dropout, attended),
      self.relu_dropout,
      self.residual_dropout,
      name=name,
    )


class CrossTransformer(nn.Module):
  """A pre-norm transformer that attends to another sequence, or to itself.

  Its layers are one `nn.scan`: XLA takes minutes to compile forty-five
  unrolled layers. The first axis of every parameter is that of the layers.

  Attributes:
    layers, heads: Number of layers, and of attention heads.
    causal, embedding_dropout, attention_dropout, relu_dropout,
      residual_dropout: See `Mult`.
  """

  layers: int
  heads: int
  causal: bool = True
  embedding_dropout: float = 0.0
  attention_dropout: float = 0.0
  relu_dropout: float = 0.0
  residual_dropout: float = 0.0

  @nn.compact
  def __call__(
    self,
    x: jax.Array,
    mask: jax.Array,
    other: jax.Array | None = None,
    other_mask: jax.Array | None = None,
    *,
    train: bool,
  ) -> jax.Array:
    """Lets x [B, T, D] attend to `other` [B, S, D]; returns [B, T, D].

    Without `other`, x attends to itself. Attention adds nothing to a step that
    may attend to no step. The output has no meaning where `mask` is False.
    """
    width = x.shape[-1]
    drop = nn.Dropout(self.embedding_dropout, deterministic=not train)

    def embed(y):
      positions = sequence.positions(y.shape[1], width)[np.newaxis]
      return drop(width**0.5 * y + positions)

    layers = nn.scan(
      _Layer,
      length=self.layers,
      in_axes=nn.broadcast,  # pyright: ignore[reportArgumentType]
      variable_axes={'params': 0},
      split_rngs={'params': True, 'dropout': True},
    )(
      self.heads,
      self.attention_dropout,
      self.relu_dropout,
      self.residual_dropout,
      train,
      name='layers',
    )
    read_mask = mask if other_mask is None else other_mask
    seen = visible(mask, read_mask, self.causal)
    keys = None if other is None else embed(other)
    x, _ = layers(embed(x), (keys, seen))
    return nn.LayerNorm(1e-5, name='norm')(x)


class _Layer(nn.Module):
  """Attention, then two dense layers, both with residual connections."""

  heads: int
  attention_dropout: float
  relu_dropout: float
  residual_dropout: float
  train: bool

  @nn.compact
  def __call__(self, x, keys_and_mask):
    keys, seen = keys_and_mask
    width = x.shape[-1]
    init = nn.initializers.xavier_uniform()
    drop = nn.Dropout(self.residual_dropout, deterministic=not self.train)
    # One norm for queries and keys, as in the authors' code.
    norm = nn.LayerNorm(1e-5, name='norm_attention')
    queries = norm(x)
    y = nn.MultiHeadDotProductAttention(
      self.heads,
      dropout_rate=self.attention_dropout,
      broadcast_dropout=False,
      deterministic=not self.train,
      kernel_init=init,
      name='attention',
    )(
      queries,
      queries if keys is None else norm(keys),
      mask=seen[:, np.newaxis],
    )
    # A fully masked softmax is uniform, over padding: its result is dropped.
    x = x + drop(sequence.masked(y, seen.any(-1)))
    y = nn.LayerNorm(1e-5, name='norm_mlp')(x)
    y = nn.Dense(4 * width, kernel_init=init, name='mlp_in')(y)
    y = nn.Dropout(self.relu_dropout)(nn.relu(y), deterministic=not self.train)
    y = nn.Dense(width, kernel_init=init, name='mlp_out')(y)
    return x + drop(y), None


def visible(mask: jax.Array, other: jax.Array, causal: bool) -> jax.Array:
  """Returns what each step may attend to, bool [B, T, S].

  Args:
    mask: bool [B, T], the steps that attend.
    other: bool [B, S], the steps that they attend to.
    causal: Whether the i-th of n steps attends only to the first i + |n - m|
      of m steps; i, n and m do not count padding.
  """
  seen = mask[:, :, np.newaxis] & other[:, np.newaxis, :]
  if causal:
    step, other_step = jnp.cumsum(mask, -1), jnp.cumsum(other, -1)
    ahead = jnp.abs(step[:, -1:] - other_step[:, -1:])
    seen &= other_step[:, np.newaxis, :] <= (step + ahead)[:, :, np.newaxis]
  return seen
