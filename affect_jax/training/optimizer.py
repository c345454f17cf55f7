"""Optimisers and schedules, from optax by name."""

from collections.abc import Mapping, Sequence
import functools
import inspect
from typing import Any

from absl import logging
import jax
import optax
from optax import contrib

from affect_jax import by_name
from affect_jax.errors import UserError

# Optimisers of optax, and `muon`, that take a schedule, need only the gradient,
# and neither decay weights by themselves nor add noise.
OPTIMIZERS = (
  *('adabelief', 'adadelta', 'adafactor', 'adagrad', 'adam', 'adamax'),
  *('adamaxw', 'adamw', 'adan', 'amsgrad', 'lamb', 'lars', 'lion', 'muon'),
  *('nadam', 'nadamw', 'novograd', 'optimistic_adam_v2'),
  *('optimistic_gradient_descent', 'radam', 'rmsprop', 'sgd', 'sign_sgd'),
  *('signum', 'yogi'),
)
# Options of optimisers for the strength of their decay, and for the parameters
# that decay: `build` sets them.
DECAY_OPTIONS = ('weight_decay', 'weight_decay_rate')
MASK_OPTIONS = ('mask', 'weight_decay_mask')


def build_schedule(
  name: str, learning_rate: float, num_train_steps: int, **options: Any
) -> optax.Schedule:
  """Builds a schedule of optax by name, e.g. 'warmup_cosine_decay_schedule'.

  Args:
    name: A function of optax, or 'constant_schedule'.
    learning_rate: Fills the schedule's `peak_value`, `init_value` or `value`,
      whichever comes first in this order and is not among the options.
    num_train_steps: Fills `decay_steps` or `transition_steps` likewise.
    **options: Further arguments of the schedule.

  Raises:
    UserError: optax has no such schedule, or it takes no such option.
  """
  known = sorted(n for n in dir(optax) if n.endswith('_schedule'))
  by_name.check('config.schedule.name', name, known)
  make = getattr(optax, name)
  takes = inspect.signature(make).parameters
  filled = dict(options)
  for choices, value in (
    (('peak_value', 'init_value', 'value'), learning_rate),
    (('decay_steps', 'transition_steps'), num_train_steps),
  ):
    key = next((c for c in choices if c in takes), None)
    if key and key not in filled:
      filled[key] = value
  if 'peak_value' in takes:
    filled.setdefault('init_value', 0.0)
  if 'warmup_steps' in takes:
    filled.setdefault('warmup_steps', 0)
    if filled['warmup_steps'] >= num_train_steps:
      raise UserError(
        f'config.schedule.warmup_steps={filled["warmup_steps"]} must be less '
        f'than config.num_train_steps={num_train_steps}.'
      )
  elif filled.pop('warmup_steps', 0):
    # The default config has it, and a flag cannot take it away.
    logging.info('config.schedule.name=%s has no warm-up.', name)
  return _call(make, name, filled)


def build(
  name: str,
  schedule: optax.Schedule,
  *,
  options: Mapping[str, Any],
  clip_norm: float = 0.0,
  weight_decay: float = 0.0,
  multipliers: Mapping[str, float] | None = None,
  frozen: Sequence[str] = (),
) -> optax.GradientTransformation:
  """Builds an optimiser of optax by name, with clipping, decay and freezing.

  Args:
    name: One of `OPTIMIZERS`.
    schedule: step -> learning rate.
    options: Further arguments, e.g. {'momentum': .9, 'nesterov': True}; not
      those of its decay, which `weight_decay` sets.
    clip_norm: Largest global norm of the gradient; 0 does not clip.
    weight_decay: Strength of decay, of kernels and embeddings only: biases and
      scales of norms do not decay. It is decoupled (times the learning rate)
      if the optimiser takes `weight_decay` and `mask`, else added to the
      gradient (L2). 0 decays nothing, whatever the optimiser's default is.
    multipliers: {parameter path prefix: factor on its learning rate}; the
      longest matching prefix counts. Paths are joined by '/', e.g.
      'backbone/layer1' or 'heads'.
    frozen: Path prefixes of parameters that stay unchanged. They have no
      optimiser state, and their gradient does not count in the norm.

  Raises:
    UserError: The name or an option is unknown.
  """
  by_name.check('config.optimizer.name', name, OPTIMIZERS)
  make = muon if name == 'muon' else getattr(optax, name)
  for option in (*DECAY_OPTIONS, *MASK_OPTIONS):
    if option in options:
      raise UserError(
        f'config.optimizer.{option} is not a setting: set config.weight_decay, '
        'the decay of kernels for every optimiser.'
      )
  takes = inspect.signature(make).parameters
  # Also if weight_decay is 0: adamw's own default would decay everything.
  no_decay = {o: 0.0 for o in DECAY_OPTIONS if o in takes and takes[o].default}
  arguments: dict[str, Any] = {'learning_rate': schedule, **options, **no_decay}
  parts: list[Any] = []
  if clip_norm:
    parts.append(optax.clip_by_global_norm(clip_norm))
  if weight_decay:
    if 'weight_decay' in takes and 'mask' in takes:
      arguments |= {'weight_decay': weight_decay, 'mask': _kernels}
    else:
      parts.append(optax.add_decayed_weights(weight_decay, _kernels))
  parts.append(_call(make, name, arguments))
  if frozen:
    both: dict[Any, Any] = {
      'trained': optax.chain(*parts),
      'frozen': optax.set_to_zero(),
    }
    parts = [optax.partition(both, functools.partial(_labels, frozen=frozen))]
  if multipliers:
    parts.append(_scale_by_prefix(multipliers))
  return optax.chain(*parts)


def muon(
  learning_rate: optax.Schedule,
  *,
  others_share: float = 0.1,
  weight_decay: float = 0.0,
  mask: Any = None,
  **options: Any,
) -> optax.GradientTransformation:
  """Builds Muon for kernels, and Adam for the rest (Jordan et al., 2024).

  Muon makes the momentum of a kernel orthogonal, for a convolution as a matrix
  [height * width * in, out]: every direction moves by the learning rate,
  whatever its gradient. Adam updates the heads, which are no inner layers, and
  what is no such matrix: embeddings, attention by head, stacks of layers.

  Args:
    learning_rate: Learning rate of the kernels.
    others_share: Learning rate of the rest, relative to it.
    weight_decay, mask: Strength of the decay, and which parameters decay.
    **options: Options of `optax.contrib.muon`, as `ns_steps`.
  """

  def matrices(params):
    def shape(path, p):
      *above, name = path_name(path).split('/')
      is_matrix = name == 'kernel' and p.ndim in (2, 4)
      apart = {'heads', 'layers', 'query', 'key', 'value', 'out'} & {*above}
      if not is_matrix or apart:
        return None
      inputs = tuple(range(p.ndim - 1))
      return contrib.MuonDimensionNumbers(inputs, p.ndim - 1)

    return jax.tree_util.tree_map_with_path(shape, params)

  return contrib.muon(
    learning_rate,
    weight_decay=weight_decay,
    weight_decay_mask=mask,
    adam_learning_rate=lambda step: others_share * learning_rate(step),
    muon_weight_dimension_numbers=matrices,
    **options,
  )


def path_name(path: Any) -> str:
  """Returns a jax key path as 'backbone/layer1/...'."""
  return jax.tree_util.keystr(path, simple=True, separator='/')


def _kernels(params: Any) -> Any:
  # Attention and stacks of layers have biases and scales of several axes.
  return jax.tree_util.tree_map_with_path(
    lambda path, p: (
      p.ndim > 1 and path_name(path).split('/')[-1] not in ('bias', 'scale')
    ),
    params,
  )


def stop_frozen(params: Any, frozen: Sequence[str]) -> Any:
  """Returns the parameters, without gradient for those under a prefix.

  The backward pass then ends at the first parameter that is trained.

  Raises:
    UserError: A prefix matches nothing.
  """
  if not frozen:
    return params
  return jax.tree.map(
    lambda x, prefix: jax.lax.stop_gradient(x) if prefix else x,
    params,
    _matches(params, frozen),
  )


def _labels(params: Any, *, frozen: Sequence[str]) -> Any:
  """Returns 'frozen' or 'trained' for each parameter."""
  prefixes = _matches(params, frozen)
  return jax.tree.map(
    lambda prefix: 'frozen' if prefix else 'trained', prefixes
  )


def _scale_by_prefix(
  factors: Mapping[str, float],
) -> optax.GradientTransformation:
  """Multiplies updates by the factor of their longest matching prefix."""

  def update(updates, state, params=None):
    del params
    prefixes = _matches(updates, [*factors])
    scale = lambda value, prefix: value * factors[prefix] if prefix else value
    return jax.tree.map(scale, updates, prefixes), state

  return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def _matches(tree: Any, prefixes: Sequence[str]) -> Any:
  """Returns the longest prefix of each leaf's path, or ''.

  Raises:
    UserError: A prefix matches nothing.
  """
  matched = set()

  def match(path, _):
    name = path_name(path)
    fitting = [p for p in prefixes if name == p or name.startswith(p + '/')]
    matched.update(fitting)
    return max(fitting, key=len, default='')

  longest = jax.tree_util.tree_map_with_path(match, tree)
  if unknown := set(prefixes) - matched:
    raise UserError(
      f'No parameter lies under {sorted(unknown)} (config.frozen or '
      'config.learning_rate_multipliers); paths look like '
      "'backbone/layer1' or 'heads'."
    )
  return longest


def _call(make: Any, name: str, arguments: dict[str, Any]) -> Any:
  try:
    return make(**arguments)
  except TypeError as error:
    raise UserError(
      f'optax.{name}{inspect.signature(make)} cannot be called with '
      f'{sorted(arguments)}: {error}'
    ) from error
