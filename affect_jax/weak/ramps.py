"""How weak supervision grows from 0 to its weight in the first updates."""

import jax
import jax.numpy as jnp


def linear(step: jax.Array, steps: int) -> jax.Array:
  """Returns min(1, step / steps); 1 if `steps` is 0."""
  return jnp.minimum(1.0, step / steps) if steps else jnp.ones(())


def sigmoid(step: jax.Array, steps: int) -> jax.Array:
  """Returns exp(-5 (1 - t)^2), t = min(1, step / steps); 1 if `steps` is 0.

  The ramp of the mean teacher (Tarvainen and Valpola, 2017).
  """
  return jnp.exp(-5 * (1 - linear(step, steps)) ** 2)
