"""Optimisers and schedules, from optax by name."""

from collections.abc import Mapping, Sequence
import functools
import inspect
from typing import Any

import jax
import optax
from optax import contrib

from affect_jax import by_name
from affect_jax.errors import UserError

# Of optax, and `muon`: those that take a schedule, need no more than the
# gradient, and do not decay, nor add noise, of their own.
OPTIMIZERS = (
  *('adabelief', 'adadelta', 'adafactor', 'adagrad', 'adam', 'adamax'),
  *('adamaxw', 'adamw', 'adan', 'amsgrad', 'lamb', 'lars', 'lion', 'muon'),
  *('nadam', 'nadamw', 'novograd', 'optimistic_adam_v2'),
  *('optimistic_gradient_descent', 'radam', 'rmsprop', 'sgd', 'sign_sgd'),
  *('signum', 'yogi'),
)
# What optimisers call the strength of their decay, and which parameters it is
# of: settings of `build` under other names.
DECAY_OPTIONS = ('weight_decay', 'weight_decay_rate')
MASK_OPTIONS = ('mask', 'weight_decay_mask')


def build_schedule(
  name: str, learning_rate: float, num_train_steps: int, **options: Any
) -> optax.Schedule:
  """A schedule of optax by its name, e.g. 'warmup_cosine_decay_schedule'.

  Args:
    name: A function of optax, or 'constant_schedule'.
    learning_rate: Fills the schedule's `peak_value`, `init_value` or `value`,
      whichever comes first in this order and is not among the options.
    num_train_steps: Fills `decay_steps` or `transition_steps` likewise.
    **options: Further arguments of the schedule.

  Raises:
    ValueError: optax has no such schedule, or it takes no such option.
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
  """An optimiser of optax by its name, with what usually surrounds it.

  Args:
    name: One of `OPTIMIZERS`.
    schedule: step -> learning rate.
    options: Further arguments, e.g. {'momentum': .9, 'nesterov': True}; not
      those of its decay, which is `weight_decay`'s.
    clip_norm: Largest global norm of the gradient; 0 does not clip.
    weight_decay: Strength of decay, of kernels only: biases and BatchNorm
      scales are left alone. Decoupled, which is times the learning rate, where
      the optimiser takes `weight_decay` and `mask`; else added to the gradient
      (L2). 0 decays nothing, whatever the optimiser's own default is.
    multipliers: {parameter path prefix: factor on its learning rate}; the
      longest matching prefix counts. Paths are joined by '/', e.g.
      'backbone/layer1' or 'heads'.
    frozen: Prefixes whose parameters stay as they are. They cost no state,
      and their gradient does not count in the norm.

  Raises:
    ValueError: Unknown name or option.
  """
  by_name.check('config.optimizer.name', name, OPTIMIZERS)
  make = muon if name == 'muon' else getattr(optax, name)
  for option in (*DECAY_OPTIONS, *MASK_OPTIONS):
    if option in options:
      raise UserError(
        f'config.optimizer.{option} is not a setting: config.weight_decay is '
        'the decay of every optimiser, and it is of kernels only.'
      )
  takes = inspect.signature(make).parameters
  # Said also where it is 0: adamw's own default would decay everything.
  own = {o: 0.0 for o in DECAY_OPTIONS if o in takes and takes[o].default}
  arguments: dict[str, Any] = {'learning_rate': schedule, **options, **own}
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
  """Muon of kernels, Adam of everything else (Jordan et al., 2024).

  The momentum of a convolution, as a matrix [height * width * in, out], is
  made orthogonal: every direction moves by the learning rate, whatever its
  gradient. Heads are Adam's, as they are no inner layers.

  Args:
    learning_rate: Of the kernels.
    others_share: Learning rate of the rest, relative to it.
    weight_decay, mask: Strength, and which of the kernels decay.
    **options: Of `optax.contrib.muon`, as `ns_steps`.
  """

  def matrices(params):
    def shape(path, p):
      if p.ndim < 2 or path_name(path).startswith('heads/'):
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
  """'backbone/layer1/...' of a jax key path."""
  return jax.tree_util.keystr(path, simple=True, separator='/')


def _kernels(params: Any) -> Any:
  return jax.tree.map(lambda p: p.ndim > 1, params)


def stop_frozen(params: Any, frozen: Sequence[str]) -> Any:
  """The same parameters, of which those under a prefix have no gradient.

  Nothing then goes backwards through what lies before the first parameter
  that is trained.

  Raises:
    ValueError: A prefix matches nothing.
  """
  if not frozen:
    return params
  return jax.tree.map(
    lambda x, prefix: jax.lax.stop_gradient(x) if prefix else x,
    params,
    _matches(params, frozen),
  )


def _labels(params: Any, *, frozen: Sequence[str]) -> Any:
  """'frozen' or 'trained' for each parameter."""
  found = _matches(params, frozen)
  return jax.tree.map(lambda prefix: 'frozen' if prefix else 'trained', found)


def _scale_by_prefix(
  factors: Mapping[str, float],
) -> optax.GradientTransformation:
  """Multiplies updates by the factor of their longest matching prefix."""

  def update(updates, state, params=None):
    del params
    found = _matches(updates, [*factors])
    scale = lambda value, prefix: value * factors[prefix] if prefix else value
    return jax.tree.map(scale, updates, found), state

  return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def _matches(tree: Any, prefixes: Sequence[str]) -> Any:
  """The longest prefix of each leaf's path, '' where there is none.

  Raises:
    ValueError: A prefix matches nothing.
  """
  matched = set()

  def match(path, _):
    name = path_name(path)
    own = [p for p in prefixes if name == p or name.startswith(p + '/')]
    matched.update(own)
    return max(own, key=len, default='')

  found = jax.tree_util.tree_map_with_path(match, tree)
  if unknown := set(prefixes) - matched:
    raise UserError(
      f'No parameter lies under {sorted(unknown)}; paths look like '
      "'backbone/layer1' or 'heads'."
    )
  return found


def _call(make: Any, name: str, arguments: dict[str, Any]) -> Any:
  try:
    return make(**arguments)
  except TypeError as error:
    raise UserError(
      f'optax.{name}{inspect.signature(make)} cannot be called with '
      f'{sorted(arguments)}: {error}'
    ) from error
