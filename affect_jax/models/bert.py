"""BERT (Devlin et al., 2019) and its kin: ids of tokens -> a vector per token.

RoBERTa, XLM-R, ELECTRA and DistilBERT differ from it in their embeddings alone:
one class with options computes what Hugging Face's models compute from the same
weights. Weights come from `hugging_face.load`, ids from `text_tokens.encode`.
"""

from collections.abc import Mapping
import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.models import sentence_pair

# Keys are values of hidden_act in config.json.
ACTIVATIONS: dict[str, Any] = {
  'gelu': functools.partial(nn.gelu, approximate=False),
  'gelu_new': functools.partial(nn.gelu, approximate=True),
  'gelu_pytorch_tanh': functools.partial(nn.gelu, approximate=True),
  'relu': nn.relu,
}

_init = nn.initializers.normal(0.02)


def mean_pool(hidden: jax.Array, mask: jax.Array) -> jax.Array:
  """Returns the mean over unmasked tokens: [..., T, D] -> [..., D].

  Args:
    hidden: [..., T, D].
    mask: bool [..., T]; values where it is False are not read.

  Returns:
    [..., D]; zeros where every token is masked.
  """
  mask = mask[..., np.newaxis]
  total = jnp.sum(jnp.where(mask, hidden, 0), axis=-2)
  return total / jnp.maximum(jnp.sum(mask, axis=-2), 1).astype(hidden.dtype)


def _norm(epsilon: float, name: str) -> nn.LayerNorm:
  # E[x^2] - E[x]^2 would lose the digits that an epsilon of 1e-12 needs.
  return nn.LayerNorm(
    epsilon=epsilon, dtype=jnp.float32, use_fast_variance=False, name=name
  )


class Layer(nn.Module):
  """Attention, then two dense layers, each with a post-norm residual."""

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
    """Maps x float32 [B, T, D] to the same shape.

    `mask` bool [B, 1, T or 1, T] says which query attends to which key.
    """
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


def stages(count: int, options: Mapping[str, Any]) -> list[str]:
  """Returns the keys in `Bert(**options)`'s params of its first stages."""
  tables = ['word', 'position', 'norm']
  tables += ['token_type'] if options.get('token_types', 2) else []
  tables += ['project'] if options.get('embedding_width') else []
  layers = [f'layer{i}' for i in range(count - 1)]
  return [*tables, *layers] if count else []


class Bert(nn.Module):
  """An encoder of BERT's kind, without pooler.

  params: {'word', 'position', 'token_type': {'embedding'}, 'norm': {'scale',
  'bias'}, 'project', 'layer0': {'attention': {'query', 'key', 'value', 'out'},
  'norm_attention', 'mlp_in', 'mlp_out', 'norm_mlp'}, 'layer1', ...}.

  Defaults are those of bert-base-uncased.

  Attributes:
    vocabulary: Number of word embeddings.
    width: D, a multiple of `heads`.
    layers, heads: Number of layers, and of attention heads.
    mlp_width: Width of the hidden layer inside each layer.
    positions: Length of the longest sequence.
    first_position: Row of the first token in the table of positions, which has
      positions + first_position rows.
    token_types: Number of token type embeddings; may be 0.
    embedding_width: Width of the embeddings, which the layer 'project' maps to
      `width`; 0: the same width, without this layer.
    activation: A key of `ACTIVATIONS`.
    epsilon: Epsilon of the layer norms.
    dropout: Dropout rate on the embeddings and on each sub-layer's output.
    attention_dropout: Dropout rate on the attention weights.
    dtype: Type of the matrix products; parameters, sums, softmax and norms are
      float32 in any case.
    frozen_stages: 0: none; 1: the embeddings; 1 + n: the first n layers too.
      They get no gradient and no dropout. The optimizer must exempt them from
      weight decay, see `stages`.
    average_layers: The output is the mean of the last n states; 1 is the
      last layer alone, layers + 1 includes the embeddings.
    sep: Id of the token that ends a sentence, which separates context and
      utterance: see `sentence_pair`. Token types follow from it if none are
      given; None: all tokens have type 0.
    separators: How many of them stand between context and utterance. Where
      they are 2, as in RoBERTa, all tokens have type 0.
    remat: Whether the backward pass computes activations again, to save
      memory.
  """

  vocabulary: int = 30522
  width: int = 768
  layers: int = 12
  heads: int = 12
  mlp_width: int = 3072
  positions: int = 512
  first_position: int = 0
  token_types: int = 2
  embedding_width: int = 0
  activation: str = 'gelu'
  epsilon: float = 1e-12
  dropout: float = 0.1
  attention_dropout: float = 0.1
  dtype: Any = jnp.float32
  frozen_stages: int = 0
  average_layers: int = 1
  sep: int | None = None
  separators: int = 1
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
    """Returns contextual vectors of tokens.

    Args:
      ids: int32 [B, T], T <= positions. Positions count from the first
        column, so padding must be at the end.
      mask: bool [B, T], False in padding. No token attends to padding,
        whatever its id; a row may be all padding.
      train: Whether dropout is on. It needs an rng named 'dropout' unless its
        rates are 0.
      token_types: int32 [B, T]; by default they follow from `sep`.
      sentences: If a row holds several sentences that do not attend to each
        other (Krell et al., 2021): for each token the number of its sentence
        and its position in that sentence, int32 [B, T] each.

    Returns:
      float32 [B, T, width], 0 in padding. An id beyond the vocabulary gives
      NaN.

    Raises:
      UserError: An attribute is out of range, or shapes or types do not fit.
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
    """Returns the embeddings and all layers' outputs: layers + 1 [B, T, width].

    Arguments and errors are those of `__call__`:
    `model.apply(variables, ids, mask, train=False, method='states')`.
    """
    self._check(ids, mask)
    if token_types is None:
      token_types = jnp.zeros_like(ids)
      if self.token_types > 1 and self.sep is not None and self.separators == 1:
        token_types = sentence_pair.segments(ids, self.sep)
    # An id beyond the table gives NaN, and 0 * NaN in the attention is NaN too.
    ids, token_types = (jnp.where(mask, x, 0) for x in (ids, token_types))
    table = functools.partial(
      nn.Embed,
      features=self.embedding_width or self.width,
      embedding_init=_init,
    )
    x = table(self.vocabulary, name='word')(ids)
    if self.token_types:
      x += table(self.token_types, name='token_type')(token_types)
    attends = mask[:, np.newaxis, np.newaxis, :]
    positions = jnp.arange(ids.shape[1])[np.newaxis]
    if sentences is not None:
      number, positions = sentences
      same = number[:, :, np.newaxis] == number[:, np.newaxis, :]
      attends = attends & same[:, np.newaxis]
    rows = self.positions + self.first_position
    x += table(rows, name='position')(positions + self.first_position)
    x = _norm(self.epsilon, 'norm')(x)
    frozen = self.frozen_stages > 0
    x = nn.Dropout(self.dropout)(x, deterministic=frozen or not train)
    if self.embedding_width:
      dense = nn.Dense(
        self.width, dtype=self.dtype, kernel_init=_init, name='project'
      )
      x = dense(x).astype(jnp.float32)
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
      )(states[-1], attends)
      states.append(jax.lax.stop_gradient(x) if frozen else x)
    return tuple(jnp.where(mask[..., np.newaxis], x, 0) for x in states)

  def _check(self, ids: jax.Array, mask: jax.Array) -> None:
    by_name.check('activation', self.activation, ACTIVATIONS)
    if self.width % self.heads:
      raise UserError(
        f'width={self.width} is not a multiple of heads={self.heads}.'
      )
    if not 0 <= self.frozen_stages <= self.layers + 1:
      raise UserError(
        f'config.utterance.text.frozen_stages must be in 0..{self.layers + 1}, '
        f'not {self.frozen_stages}.'
      )
    if not 1 <= self.average_layers <= self.layers + 1:
      raise UserError(
        'config.utterance.text.average_layers must be in '
        f'1..{self.layers + 1}, not {self.average_layers}.'
      )
    if not jnp.issubdtype(ids.dtype, jnp.integer) or ids.ndim != 2:
      raise UserError(
        f'Token ids must be integers [B, T], not {ids.dtype} {ids.shape}.'
      )
    if mask.dtype != bool or mask.shape != ids.shape:
      raise UserError(
        f'The mask must be bool {ids.shape}, not {mask.dtype} {mask.shape}.'
      )
    if ids.shape[1] > self.positions:
      raise UserError(
        f'A sequence has {ids.shape[1]} tokens, but this encoder has only '
        f'{self.positions} positions: set a smaller config.data.max_tokens or '
        'config.utterance.together.'
      )
