"""Context and utterance in one sequence of tokens, as BERT's two sentences.

BERT writes '[CLS] context [SEP] utterance [SEP]', RoBERTa '<s> context </s>
</s> utterance </s>': in general some separators between, and one at the end.
"""

import jax
import jax.numpy as jnp


def segments(ids: jax.Array, sep: int, separators: int = 1) -> jax.Array:
  """Returns which of two sentences each token belongs to.

  With one separator these are BERT's token types.

  Args:
    ids: int [..., T], with any ids in padding.
    sep: Id of the separator (`text_tokens.Tokenizer.sep`).
    separators: How many stand between the sentences.

  Returns:
    int32 [..., T]: 0 up to and with the last separator between them, 1 after
    it. In a single sequence only padding can be 1.
  """
  ends = (ids == sep).astype(jnp.int32)
  return (jnp.cumsum(ends, axis=-1) - ends >= separators).astype(jnp.int32)


def utterance_mask(
  ids: jax.Array, mask: jax.Array, sep: int, separators: int = 1
) -> jax.Array:
  """Returns the mask of the utterance without the context before it.

  Args:
    ids: int [..., T]: the utterance, with or without context before it.
    mask: bool [..., T], False in padding.
    sep, separators: See `segments`.

  Returns:
    bool [..., T]: the tokens of segment 1, or all tokens if none is of it.
  """
  second = (segments(ids, sep, separators) == 1) & mask
  return jnp.where(second.any(-1, keepdims=True), second, mask)
