"""BERT (Devlin et al., 2019): ids of tokens -> one vector per token.

The arithmetic of Hugging Face's BertModel, weight for weight; weights come
from `hugging_face.load`, ids from `text_tokens.encode`.
"""

import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from affect_jax import by_name
from affect_jax.errors import UserError

# By the names of config.json's hidden_act.
ACTIVATIONS: dict[str, Any] = {
  'gelu': functools.partial(nn.gelu, approximate=False),
  'gelu_new': functools.partial(nn.gelu, approximate=True),
  'gelu_pytorch_tanh': functools.partial(nn.gelu, approximate=True),
  'relu': nn.relu,
}

_init = nn.initializers.normal(0.02)


def mean_pool(hidden: jax.Array, mask: jax.Array) -> jax.Array:
  """Mean over the tokens that are there: [..., T, D] -> [..., D].

  Args:
    hidden: [..., T, D].
    mask: bool [..., T]; values where it is False are not read.

  Returns:
    [..., D]; zeros where no token is there.
  """
  there = mask[..., np.newaxis]
  total = jnp.sum(jnp.where(there, hidden, 0), axis=-2)
  return total / jnp.maximum(jnp.sum(there, axis=-2), 1).astype(hidden.dtype)


def segments(ids: jax.Array, sep: int) -> jax.Array:
  """Token types of '[CLS] a [SEP] b [SEP]', by the ids alone.

  Args:
    ids: int [..., T]; what stands in padding does not matter.
    sep: Id of [SEP] (`text_tokens.Tokenizer.sep`).

  Returns:
    int32 [..., T]: 0 up to the first [SEP], 1 after it. Of a single sequence
    only padding is 1.
  """
  ends = (ids == sep).astype(jnp.int32)
  return (jnp.cumsum(ends, axis=-1) > ends).astype(jnp.int32)


def utterance_mask(ids: jax.Array, mask: jax.Array, sep: int) -> jax.Array:
  """The tokens of the utterance itself, where context stands before it.

  Args:
    ids: int [..., T], '[CLS] utterance [SEP]' or '[CLS] context [SEP]
      utterance [SEP]'.
    mask: bool [..., T], tokens that are there.
    sep: Id of [SEP].

  Returns:
    bool [..., T]: those of type 1, or all where there are none.
  """
  second = (segments(ids, sep) == 1) & mask
  return jnp.where(second.any(-1, keepdims=True), second, mask)


def _norm(epsilon: float, name: str) -> nn.LayerNorm:
  # E[x^2] - E[x]^2 would lose the digits that an epsilon of 1e-12 counts on.
  return nn.LayerNorm(
    epsilon=epsilon, dtype=jnp.float32, use_fast_variance=False, name=name
  )


class Layer(nn.Module):
  """Attention, then two dense layers; each added and normalized after."""

  heads: int
  mlp_width: int
  activation: str
  epsilon: float
  dropout: float
  attention_dropout: float
  dtype: Any
  train: bool

  @nn.compact
  def __call__(self, x: jax.Array, mask: jax.Array) -> jax.Array:
    """float32 [B, T, D], who reads whom bool [B, 1, T or 1, T] -> as x."""
    drop = nn.Dropout(self.dropout, deterministic=not self.train)
    dense = functools.partial(nn.Dense, dtype=self.dtype, kernel_init=_init)
    y = nn.MultiHeadDotProductAttention(
      self.heads,
      dtype=self.dtype,
      kernel_init=_init,
      dropout_rate=self.attention_dropout,
      broadcast_dropout=False,
      deterministic=not self.train,
      force_fp32_for_softmax=True,
      name='attention',
    )(x, mask=mask)
    x = _norm(self.epsilon, 'norm_attention')(x + drop(y))
    y = dense(self.mlp_width, name='mlp_in')(x)
    y = dense(x.shape[-1], name='mlp_out')(ACTIVATIONS[self.activation](y))
    return _norm(self.epsilon, 'norm_mlp')(x + drop(y))


def stages(count: int) -> list[str]:
  """Names in `Bert`'s params of its first stages: embeddings, then layers."""
  layers = [f'layer{i}' for i in range(count - 1)]
  return ['word', 'position', 'token_type', 'norm', *layers] if count else []


class Bert(nn.Module):
  """A BERT encoder, without pooler.

  params: {'word', 'position', 'token_type': {'embedding'}, 'norm': {'scale',
  'bias'}, 'layer0': {'attention': {'query', 'key', 'value', 'out'},
  'norm_attention', 'mlp_in', 'mlp_out', 'norm_mlp'}, 'layer1', ...}.

  Defaults are those of bert-base-uncased.

  Attributes:
    vocabulary: Rows of the table of words.
    width: D, a multiple of `heads`.
    layers, heads: How many.
    mlp_width: Of the dense layer inside each layer.
    positions: The longest sequence.
    token_types: Rows of the table of segments.
    activation: One of `ACTIVATIONS`.
    epsilon: Of the layer norms.
    dropout: On the embeddings and on what each sub-layer adds.
    attention_dropout: On the weights of attention.
    dtype: Of the matrix products; parameters, sums, softmax and norms are
      float32 whatever it is.
    frozen_stages: 0: none; 1: the embeddings; 1 + n: the first n layers too.
      They get no gradient and have no dropout. That weight decay does not
      shrink them either is the optimizer's business, see `stages`.
    average_layers: The output is the mean of the last n states; 1 is the
      last layer's, layers + 1 includes the embeddings.
    sep: Id of [SEP], by which sentence and context are told apart (see
      `segments`) where no token types are given; None: all are of type 0.
    remat: Compute layers twice rather than keep their activations.
  """

  vocabulary: int = 30522
  width: int = 768
  layers: int = 12
  heads: int = 12
  mlp_width: int = 3072
  positions: int = 512
  token_types: int = 2
  activation: str = 'gelu'
  epsilon: float = 1e-12
  dropout: float = 0.1
  attention_dropout: float = 0.1
  dtype: Any = jnp.float32
  frozen_stages: int = 0
  average_layers: int = 1
  sep: int | None = None
  remat: bool = False

  def __call__(
    self,
    ids: jax.Array,
    mask: jax.Array,
    *,
    train: bool,
    token_types: jax.Array | None = None,
    sentences: tuple[jax.Array, jax.Array] | None = None,
  ) -> jax.Array:
    """Contextual vectors of tokens.

    Args:
      ids: int32 [B, T], T <= positions. Positions count from the first
        column, so padding stands at the end.
      mask: bool [B, T]. Padding (False) is read by no token, whatever id it
        has; a row may be all padding.
      train: Dropout, which needs an rng named 'dropout' unless it is 0.
      token_types: int32 [B, T]; by default they follow from `sep`.
      sentences: Where several stand in a row and do not read each other (Krell
        et al., 2021): of each token the number of its sentence, and its
        position in there, int32 [B, T] each.

    Returns:
      float32 [B, T, width], 0 in padding. An id beyond the vocabulary gives
      NaN.

    Raises:
      ValueError: Attributes or shapes that do not go together.
    """
    states = self.states(
      ids, mask, train=train, token_types=token_types, sentences=sentences
    )
    return jnp.mean(jnp.stack(states[-self.average_layers :]), axis=0)

  @nn.compact
  def states(
    self,
    ids: jax.Array,
    mask: jax.Array,
    *,
    train: bool,
    token_types: jax.Array | None = None,
    sentences: tuple[jax.Array, jax.Array] | None = None,
  ) -> tuple[jax.Array, ...]:
    """The embeddings and every layer's output: layers + 1 of [B, T, width].

    Arguments and errors are those of `__call__`:
    `model.apply(variables, ids, mask, train=False, method='states')`.
    """
    self._check(ids, mask)
    if token_types is None:
      token_types = (
        jnp.zeros_like(ids) if self.sep is None else segments(ids, self.sep)
      )
    # An id that no table has is NaN, and 0 * NaN in the attention is NaN too.
    ids, token_types = (jnp.where(mask, x, 0) for x in (ids, token_types))
    table = functools.partial(
      nn.Embed, features=self.width, embedding_init=_init
    )
    x = table(self.vocabulary, name='word')(ids)
    x += table(self.token_types, name='token_type')(token_types)
    reads = mask[:, np.newaxis, np.newaxis, :]
    positions = jnp.arange(ids.shape[1])[np.newaxis]
    if sentences is not None:
      number, positions = sentences
      same = number[:, :, np.newaxis] == number[:, np.newaxis, :]
      reads = reads & same[:, np.newaxis]
    x += table(self.positions, name='position')(positions)
    x = _norm(self.epsilon, 'norm')(x)
    frozen = self.frozen_stages > 0
    x = nn.Dropout(self.dropout)(x, deterministic=frozen or not train)
    states = [jax.lax.stop_gradient(x) if frozen else x]
    layer = nn.remat(Layer) if self.remat else Layer
    for i in range(self.layers):
      frozen = self.frozen_stages > i + 1
      x = layer(
        heads=self.heads,
        mlp_width=self.mlp_width,
        activation=self.activation,
        epsilon=self.epsilon,
        dropout=self.dropout,
        attention_dropout=self.attention_dropout,
        dtype=self.dtype,
        train=train and not frozen,
        name=f'layer{i}',
      )(states[-1], reads)
      states.append(jax.lax.stop_gradient(x) if frozen else x)
    there = mask[..., np.newaxis]
    return tuple(jnp.where(there, x, 0) for x in states)

  def _check(self, ids: jax.Array, mask: jax.Array) -> None:
    by_name.check('activation', self.activation, ACTIVATIONS)
    if self.width % self.heads:
      raise UserError(
        f'width={self.width} is no multiple of heads={self.heads}.'
      )
    if self.sep is not None and self.token_types < 2:
      raise UserError('sep tells 2 token types apart, but token_types is 1.')
    if not 0 <= self.frozen_stages <= self.layers + 1:
      raise UserError(
        f'frozen_stages is {self.frozen_stages}, not in 0..{self.layers + 1}.'
      )
    if not 1 <= self.average_layers <= self.layers + 1:
      raise UserError(
        f'average_layers is {self.average_layers}, not in 1..{self.layers + 1}.'
      )
    if not jnp.issubdtype(ids.dtype, jnp.integer) or ids.ndim != 2:
      raise UserError(
        f'Ids of tokens are integers [B, T], not {ids.dtype} {ids.shape}.'
      )
    if mask.dtype != bool or mask.shape != ids.shape:
      raise UserError(
        f'The mask is bool {ids.shape}, not {mask.dtype} {mask.shape}.'
      )
    if ids.shape[1] > self.positions:
      raise UserError(
        f'{ids.shape[1]} tokens, but there are {self.positions} positions: '
        'give a smaller config.data.max_tokens, or config.utterance.together.'
      )
