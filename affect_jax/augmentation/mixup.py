"""Batches of mixed pictures with mixed labels: mixup, CutMix, MixAugment.

Everything here happens inside the jitted training step, on the whole batch.

What a mixed label is worth. The label of a mixture is l a + (1 - l) b, and it
is known only where both labels are: a label of which one partner lacks its
half has weight 0, and otherwise min(w_a, w_b), as a mixture is trusted no
more than its worse half. (Keeping the half that is there, with weight l,
would teach that a picture which half shows an unknown face is `a`.) With
partners='any' such labels are lost; partners='alike' mixes rows only with
rows that have exactly the same labels, so that none is lost, and leaves alone
those that have no such partner. Rows of padding then mix among themselves.

What it does to CCC. Mixing leaves the mean of the labels alone but draws them
together: with partners at random, the variance is E[l^2 + (1 - l)^2] of what
it was (.5 to 1). CCC over such a batch is a true CCC, of an easier-to-shrink
distribution: it asks for less spread than the real labels have. 'mixaugment',
a small alpha or a probability below 1 keep real rows beside the mixed ones.

Action units under CutMix. A unit sits somewhere in the face, an area does
not know where: with the mouth pasted over, AU12 is wholly the partner's, not
by its share of the area. Prefer mixup for action units.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from affect_jax import by_name
from affect_jax.errors import UserError

KINDS = ('mixup', 'cutmix', 'mixaugment')
PARTNERS = ('alike', 'any')

# A mean over real and mixed rows, mixed ones at half the weight, is a third
# of MixAugment's sum, see `mix`.
VIRTUAL_WEIGHT = 0.5


def check(kind: str, alpha: float, probability: float, partners: str) -> None:
  """Raises ValueError where `mix` has no such option or value."""
  by_name.check('config.mixing.kind', kind, KINDS)
  by_name.check('config.mixing.partners', partners, PARTNERS)
  if not 0 < alpha < float('inf'):
    raise UserError(f'mixing: alpha is {alpha}, not above 0 and finite.')
  if not 0 <= probability <= 1:
    raise UserError(f'mixing: probability is {probability}, not in [0, 1].')


def mix(
  inputs: Mapping[str, jax.Array],
  labels: Mapping[str, jax.Array],
  weights: Mapping[str, jax.Array],
  rng: jax.Array,
  *,
  kind: str = 'mixup',
  alpha: float = 0.2,
  probability: float = 1.0,
  partners: str = 'alike',
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
  """Mixes every row with another one of the batch.

  'mixup' (Zhang et al., 2018) blends pictures, l a + (1 - l) b. 'cutmix' (Yun
  et al., 2019) pastes a box of b into a; l is then the share of a that is
  still seen. l ~ Beta(alpha, alpha) for each row.

  'mixaugment' (Psaroudakis & Kollias, 2022, arXiv 2205.04442) trains on the
  real rows and on their mixtures at once: twice as many rows come back, the
  real ones first. A pair's loss is L(mixture) + L(a) + L(b), the plain sum
  (from memory of the paper; its abstract says that virtual and real examples
  all contribute to the loss). As every row is once an `a` and once a `b`,
  the batch's is mean L(mixed) + 2 mean L(real): mixed rows get half the
  weight, and a weighted mean over both is a third of it, exactly so where
  mixing loses no label, `probability` is 1 and no class weights are set.
  'mixaugment' draws which rows have a mixture at all with `probability`: the
  others come back as real rows only (their second copy has weight 0).

  Args:
    inputs: {'image': [B, H, W, C]}.
    labels: {task: [B, K]}.
    weights: {task: [B] or [B, K]}.
    rng: A key; the result is a function of it and the batch.
    kind: One of KINDS.
    alpha: Above 0: small leaves one partner dominant, 1 is uniform. Papers:
      mixup .1 to .4, CutMix 1.
    probability: Of a row to be mixed. A row that is not comes back as it was.
    partners: 'alike': only rows with the same labels present, else none;
      'any': any other row. See the top of this file.

  Returns:
    inputs, labels, weights of B rows, of 2 B for 'mixaugment'. Under pmap
    these are the rows of one device, and so are their partners.

  Raises:
    ValueError: an unknown name, a value out of range, inputs without image or
      with more than that.
  """
  check(kind, alpha, probability, partners)
  if set(inputs) != {'image'}:
    raise UserError(f"mixing: inputs are {sorted(inputs)}, not ['image'].")
  image = inputs['image']
  size = len(image)
  partner_rng, share_rng, chosen_rng, box_rng = jax.random.split(rng, 4)
  if partners == 'alike':
    groups = label_groups(weights)
  else:
    groups = jnp.zeros(size, jnp.int32)
  partner = draw_partners(groups, partner_rng)
  chosen = jax.random.bernoulli(chosen_rng, probability, (size,))
  chosen = chosen & (partner != jnp.arange(size))
  share = jax.random.beta(share_rng, alpha, alpha, (size,))
  share = jnp.where(chosen, share, 1.0)
  if kind == 'cutmix':
    box = boxes(share, (image.shape[1], image.shape[2]), box_rng)
    share = 1.0 - jnp.mean(box, axis=(1, 2))
    mixed = jnp.where(box[..., None], image[partner], image)
  else:
    own = share[:, None, None, None].astype(image.dtype)
    mixed = own * image + (1 - own) * image[partner]
  mixed_labels = {}
  for name, x in labels.items():
    own = share[:, None].astype(x.dtype)
    # Weight 0 may hide NaN: a row that is not mixed must not take it over.
    blend = own * x + (1 - own) * x[partner]
    mixed_labels[name] = jnp.where(own < 1, blend, x)
  mixed_weights = {}
  for name, w in weights.items():
    own = share.reshape(size, *[1] * (w.ndim - 1))
    mixed_weights[name] = jnp.where(own < 1, jnp.minimum(w, w[partner]), w)
  result = {'image': mixed}, mixed_labels, mixed_weights
  if kind != 'mixaugment':
    return result
  for name, w in mixed_weights.items():
    real = ~chosen.reshape(size, *[1] * (w.ndim - 1))
    mixed_weights[name] = jnp.where(real, 0.0, VIRTUAL_WEIGHT * w)
  both = jax.tree.map(
    lambda a, b: jnp.concatenate([a, b]),
    (dict(inputs), dict(labels), dict(weights)),
    result,
  )
  return both


def label_groups(weights: Mapping[str, jax.Array]) -> jax.Array:
  """Numbers [B] that are equal where rows have the same labels (weight > 0).

  The number is the first row with those labels.
  """
  there = [w.reshape(len(w), -1) > 0 for w in weights.values()]
  there = jnp.concatenate(there, axis=1)
  same = jnp.all(there[:, None, :] == there[None, :, :], axis=-1)
  return jnp.argmax(same, axis=1).astype(jnp.int32)


def draw_partners(groups: jax.Array, rng: jax.Array) -> jax.Array:
  """A random permutation [B] within groups.

  No row is its own partner, except alone in its group.
  """
  size = len(groups)
  shuffled = jax.random.permutation(rng, size)
  # In random order within each group, everybody takes the next, the last one
  # takes the first: a circle, in which nobody stands alone.
  order = shuffled[jnp.argsort(groups[shuffled], stable=True)]
  sorted_groups = groups[order]
  first = jnp.searchsorted(sorted_groups, sorted_groups, side='left')
  after = jnp.arange(1, size + 1) % size
  last = sorted_groups[after] != sorted_groups
  # One group only: the next of the last is the first already.
  following = jnp.where(last, first, after)
  return jnp.zeros(size, order.dtype).at[order].set(order[following])


def boxes(share: jax.Array, size: tuple[int, int], rng: jax.Array) -> jax.Array:
  """Random boxes of the picture's shape: bool [B, H, W], True inside.

  Yun et al., 2019: sides sqrt(1 - share) of the picture's, rounded down to an
  even number of pixels, the centre anywhere, cut off at the edges. A box may
  so be smaller than asked, or empty.

  Args:
    share: [B] in [0, 1], to be left outside.
    size: H and W.
    rng: A key.
  """
  inside = []
  for length, key in zip(size, jax.random.split(rng), strict=True):
    half = jnp.floor(length * jnp.sqrt(1.0 - share)).astype(jnp.int32) // 2
    centre = jax.random.randint(key, share.shape, 0, length)
    position = jnp.arange(length)[None, :]
    start, end = (centre - half)[:, None], (centre + half)[:, None]
    inside.append((position >= start) & (position < end))
  return inside[0][:, :, None] & inside[1][:, None, :]
