"""Mixes pictures and labels of a batch: mixup, CutMix and MixAugment.

This happens inside the jitted training step, on the whole batch.

Weights of mixed labels. The label of a mixture is l a + (1 - l) b, and it is
known only if both labels are: if one partner lacks the label, the weight is 0,
otherwise min(w_a, w_b), as a mixture is trusted no more than its worse half.
(Keeping the known half with weight l would teach that a picture which half
shows an unknown face is `a`.) With partners='any' such labels are lost.
partners='alike' loses none: it mixes rows only if exactly the same labels are
present, and leaves rows without such a partner as they are. Padding rows then
mix only with each other.

Effect on CCC. Mixing keeps the mean of the labels but reduces their variance:
with random partners, by the factor E[l^2 + (1 - l)^2], 0.5 to 1. CCC over such
a batch is a true CCC, but of labels with less spread than the real ones, and
so it asks for less spread. 'mixaugment', a small alpha or a probability below 1
keep real rows beside the mixed ones.

Action units under CutMix. A unit has a location in the face that the pasted
area ignores: with the mouth pasted over, AU12 is wholly the partner's, and not
only by its share of the area. Prefer mixup for action units.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from affect_jax import by_name
from affect_jax.errors import UserError

KINDS = ('mixup', 'cutmix', 'mixaugment')
PARTNERS = ('alike', 'any')

# With mixed rows at half the weight, the mean over real and mixed rows is a
# third of MixAugment's sum, see `mix`.
VIRTUAL_WEIGHT = 0.5


def check(kind: str, alpha: float, probability: float, partners: str) -> None:
  """Raises UserError unless `mix` accepts these options."""
  by_name.check('config.mixing.kind', kind, KINDS)
  by_name.check('config.mixing.partners', partners, PARTNERS)
  if not 0 < alpha < float('inf'):
    raise UserError(
      f'config.mixing.alpha must be above 0 and finite, not {alpha}.'
    )
  if not 0 <= probability <= 1:
    raise UserError(
      f'config.mixing.probability must be in [0, 1], not {probability}.'
    )


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
  """Mixes every row with another row of the batch.

  'mixup' (Zhang et al., 2018) blends pictures, l a + (1 - l) b. 'cutmix' (Yun
  et al., 2019) pastes a box of b into a; l is then the share of a that stays
  visible. l ~ Beta(alpha, alpha) for each row.

  'mixaugment' (Psaroudakis & Kollias, 2022, arXiv 2205.04442) trains on the
  real rows and on their mixtures at once: it returns twice as many rows, the
  real ones first. The loss of a pair is the plain sum L(mixture) + L(a) + L(b)
  (from memory of the paper; its abstract says that virtual and real examples
  all contribute to the loss). As every row is once an `a` and once a `b`, the
  loss of the batch is mean L(mixed) + 2 mean L(real). Mixed rows therefore get
  half the weight, and the weighted mean over both is a third of this loss:
  exactly so if mixing loses no label, `probability` is 1 and no class weights
  are set. A row has a mixture with the given `probability`; the others come
  back as real rows only (their second copy has weight 0).

  Args:
    inputs: {'image': [B, H, W, C]}.
    labels: {task: [B, K]}.
    weights: {task: [B] or [B, K]}.
    rng: A key; the result is a function of the key and the batch.
    kind: One of KINDS.
    alpha: Above 0: with a small alpha one partner dominates, 1 is uniform. The
      papers use 0.1 to 0.4 for mixup and 1 for CutMix.
    probability: Probability that a row is mixed. Other rows do not change.
    partners: 'alike': a row with the same labels present, or none; 'any': any
      other row. See the top of this file.

  Returns:
    (inputs, labels, weights) of B rows, or of 2 B for 'mixaugment'. Under pmap
    these are the rows of one device, and so are their partners.

  Raises:
    UserError: A name is unknown, a value is out of range, or the inputs are
      not just an image.
  """
  check(kind, alpha, probability, partners)
  if set(inputs) != {'image'}:
    raise UserError(
      f'config.mixing is for pictures: inputs are {sorted(inputs)}, not '
      "['image']. Set config.mixing.kind to ''."
    )
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
    own_share = share[:, None, None, None].astype(image.dtype)
    mixed = own_share * image + (1 - own_share) * image[partner]
  mixed_labels = {}
  for name, x in labels.items():
    own_share = share[:, None].astype(x.dtype)
    # Labels with weight 0 may be NaN, and 0 * NaN would reach unmixed rows.
    blend = own_share * x + (1 - own_share) * x[partner]
    mixed_labels[name] = jnp.where(own_share < 1, blend, x)
  mixed_weights = {}
  for name, w in weights.items():
    own_share = share.reshape(size, *[1] * (w.ndim - 1))
    mixed_weights[name] = jnp.where(
      own_share < 1, jnp.minimum(w, w[partner]), w
    )
  result = {'image': mixed}, mixed_labels, mixed_weights
  if kind != 'mixaugment':
    return result
  for name, w in mixed_weights.items():
    unmixed = ~chosen.reshape(size, *[1] * (w.ndim - 1))
    mixed_weights[name] = jnp.where(unmixed, 0.0, VIRTUAL_WEIGHT * w)
  return jax.tree.map(
    lambda a, b: jnp.concatenate([a, b]),
    (dict(inputs), dict(labels), dict(weights)),
    result,
  )


def label_groups(weights: Mapping[str, jax.Array]) -> jax.Array:
  """Returns group numbers [B], equal for rows with the same labels present.

  The number of a group is the index of its first row.
  """
  labelled = [w.reshape(len(w), -1) > 0 for w in weights.values()]
  labelled = jnp.concatenate(labelled, axis=1)
  same = jnp.all(labelled[:, None, :] == labelled[None, :, :], axis=-1)
  return jnp.argmax(same, axis=1).astype(jnp.int32)


def draw_partners(groups: jax.Array, rng: jax.Array) -> jax.Array:
  """Returns a random permutation [B] within groups.

  A row is its own partner only if it is alone in its group.
  """
  size = len(groups)
  shuffled = jax.random.permutation(rng, size)
  # Each group is in random order; every row takes the next one of its group,
  # and the last row takes the first.
  order = shuffled[jnp.argsort(groups[shuffled], stable=True)]
  sorted_groups = groups[order]
  first = jnp.searchsorted(sorted_groups, sorted_groups, side='left')
  after = jnp.arange(1, size + 1) % size
  last = sorted_groups[after] != sorted_groups
  # With a single group, the row after the last is already the first.
  following = jnp.where(last, first, after)
  return jnp.zeros(size, order.dtype).at[order].set(order[following])


def boxes(share: jax.Array, size: tuple[int, int], rng: jax.Array) -> jax.Array:
  """Draws random boxes: bool [B, H, W], True inside.

  As in Yun et al., 2019, the sides are sqrt(1 - share) times the picture's,
  rounded down to an even number of pixels, the centre is anywhere, and the box
  is cut off at the edges. A box may thus be too small, or empty.

  Args:
    share: [B] in [0, 1], share of the picture outside the box.
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
