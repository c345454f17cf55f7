"""Data parallelism: one 1-D mesh, the same step under jit or pmap.

Under 'jit' a step sees global arrays, split on the batch axis: means, BatchNorm
and CCC over the batch are global without extra code. Under 'pmap' it sees one
device's part: it must gather outputs and labels, and average gradients and
statistics, over `axis_name`, which is None under jit.

Every device holds the whole state, or, with `shard_parameters`, a part of each
large array of it (parameters, the optimiser's moments, moving averages): the
compiler gathers an array where a step needs it, and scatters its gradient. This
is what others call FSDP, or ZeRO-3.
"""

from collections.abc import Callable
import dataclasses
import functools
from typing import Any

import jax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec
import numpy as np

from affect_jax import by_name
from affect_jax.errors import UserError

AXIS = 'data'
MODES = ('jit', 'pmap')
# Numbers from which an array is worth sharding: a smaller one costs more in
# messages than it saves in memory.
SHARDED_FROM = 2**14


@dataclasses.dataclass(frozen=True)
class Parallel:
  """How a run is spread over devices; see `build`."""

  mode: str
  mesh: jax.sharding.Mesh
  shard_parameters: bool = False

  @property
  def axis_name(self) -> str | None:
    """The axis name that a step gives to collectives."""
    return AXIS if self.mode == 'pmap' else None

  @property
  def replicated(self) -> NamedSharding:
    """Sharding of arrays that every device holds whole."""
    return NamedSharding(self.mesh, PartitionSpec())

  @property
  def num_devices(self) -> int:
    """Number of devices of all processes."""
    return self.mesh.devices.size

  def state_shardings(self, state: Any) -> Any:
    """Returns how each array of a state from `get_state` lies on the devices.

    With `shard_parameters`, arrays of at least `SHARDED_FROM` numbers are split
    along their longest axis that the number of devices divides; an array
    without such an axis stays whole on every device.
    """
    return jax.tree.map(self._sharding, state)

  def constrain(self, state: Any) -> Any:
    """Makes a compiled function return a state as `state_shardings`."""
    shardings = self.state_shardings(state)
    return jax.lax.with_sharding_constraint(state, shardings)

  def _sharding(self, x: Any) -> NamedSharding:
    lengths = [
      0 if n % self.num_devices else n
      for n in np.shape(x)
      if self.shard_parameters and np.size(x) >= SHARDED_FROM
    ]
    if not any(lengths):
      return self.replicated
    before = [None] * int(np.argmax(lengths))
    return NamedSharding(self.mesh, PartitionSpec(*before, AXIS))

  def put_global(self, batch: Any, axis: int = 0) -> Any:
    """Makes this process' rows global arrays, split on their axis."""
    spec = PartitionSpec(*[None] * axis, AXIS)
    sharding = NamedSharding(self.mesh, spec)
    return jax.tree.map(
      lambda x: jax.make_array_from_process_local_data(sharding, x), batch
    )

  def put_batch(self, batch: Any) -> Any:
    """Makes this process' rows the batch that the compiled step takes."""
    if self.mode == 'jit':
      return self.put_global(batch)
    local = len(self.mesh.local_devices)
    return jax.tree.map(lambda x: x.reshape(local, -1, *x.shape[1:]), batch)

  def put_state(self, state: Any) -> Any:
    """Makes a state from `get_state` the state that the step takes."""
    if self.mode == 'jit':
      return jax.device_put(state, self.state_shardings(state))
    local = len(self.mesh.local_devices)
    return jax.tree.map(lambda x: np.stack([np.asarray(x)] * local), state)

  def get_state(self, state: Any) -> Any:
    """Makes the training step's state plain arrays, as `state_shardings`."""
    if self.mode == 'jit':
      return state
    return jax.tree.map(self._replicate, state)

  def _replicate(self, x: jax.Array) -> jax.Array:
    """Makes equal rows of devices one array, without asking other processes."""
    one = np.asarray(x.addressable_data(0)[0])
    return jax.make_array_from_callback(
      one.shape, self.replicated, lambda index: one[index]
    )

  def compile_step(self, step: Callable) -> Callable:
    """Compiles (state, batch, rng) -> (state, logs); the state is donated."""
    if self.mode == 'jit':
      return jax.jit(self._spread(step), donate_argnums=0)
    mapped = jax.pmap(
      step,
      AXIS,
      in_axes=(0, 0, None),
      donate_argnums=0,
      devices=list(self.mesh.devices.flat),
    )

    def call(state, batch, rng):
      state, logs = mapped(state, batch, rng)
      return state, jax.tree.map(lambda x: x.addressable_data(0)[0], logs)

    return call

  def _spread(self, step: Callable) -> Callable:
    """Makes a step keep the state as `state_shardings`, and logs whole."""

    @functools.wraps(step)  # Profiles name it.
    def spread(state, batch, rng):
      state, logs = step(state, batch, rng)
      logs = jax.lax.with_sharding_constraint(logs, self.replicated)
      return self.constrain(state), logs

    return spread

  def compile_report(self, report: Callable) -> Callable:
    """Compiles (state, batch, rng) -> {name: scalar}; the state is kept."""
    if self.mode == 'jit':
      return jax.jit(report, out_shardings=self.replicated)
    mapped = jax.pmap(
      report,
      AXIS,
      in_axes=(0, 0, None),
      devices=list(self.mesh.devices.flat),
    )
    first = lambda x: x.addressable_data(0)[0]
    return lambda *args: jax.tree.map(first, mapped(*args))


def build(
  mode: str = 'jit', devices: Any = None, *, shard_parameters: bool = False
) -> Parallel:
  """Spreads a run over `devices` (by default all) under 'jit' or 'pmap'.

  Args:
    mode: See this module.
    devices: All by default.
    shard_parameters: Whether each device holds a part of large arrays only.

  Raises:
    UserError: Unknown mode, or one that cannot shard parameters.
  """
  by_name.check('config.parallel', mode, MODES)
  if shard_parameters and mode != 'jit':
    raise UserError(
      f'config.shard_parameters needs config.parallel=jit, not {mode}: under '
      f'{mode} every device holds the whole model.'
    )
  devices = jax.devices() if devices is None else devices
  # Auto: with the Explicit default, batch-sharded gathers and sorts fail.
  mesh = jax.make_mesh(
    (len(devices),),
    (AXIS,),
    axis_types=(jax.sharding.AxisType.Auto,),
    devices=devices,
  )
  return Parallel(mode, mesh, shard_parameters)


def check_batch_size(batch_size: int, accumulate: int, devices: int) -> None:
  """Raises UserError if a batch cannot be split evenly."""
  if batch_size < 1 or batch_size % (devices * accumulate):
    raise UserError(
      f'config.batch_size={batch_size} must be a multiple of {devices} '
      f'device(s) × config.accumulate={accumulate}.'
    )
