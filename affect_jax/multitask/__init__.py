"""Ways to balance tasks, by name: one file each.

To add a method, write a module with `build`, whose parameters are its options
in a config and which returns a `base.Method`; then name it in METHODS.
"""

from collections.abc import Callable
from typing import Any

from affect_jax import by_name
from affect_jax.multitask import aligned_mtl
from affect_jax.multitask import cagrad
from affect_jax.multitask import con_fig
from affect_jax.multitask import db_mtl
from affect_jax.multitask import dwa
from affect_jax.multitask import fairgrad
from affect_jax.multitask import famo
from affect_jax.multitask import fixed
from affect_jax.multitask import gls
from affect_jax.multitask import graddrop
from affect_jax.multitask import gradnorm
from affect_jax.multitask import gradvac
from affect_jax.multitask import imtl_g
from affect_jax.multitask import mgda
from affect_jax.multitask import nash_mtl
from affect_jax.multitask import pcgrad
from affect_jax.multitask import rlw
from affect_jax.multitask import stch
from affect_jax.multitask import uncertainty
from affect_jax.multitask import upgrad
from affect_jax.multitask.base import Method as Method
from affect_jax.multitask.base import Signals as Signals

METHODS: dict[str, Callable[..., Method]] = {
  'fixed': fixed.build,
  # They weight losses.
  'uncertainty': uncertainty.build,
  'dwa': dwa.build,
  'rlw': rlw.build,
  'gls': gls.build,
  'famo': famo.build,
  'stch': stch.build,
  # They read the gradient of each task.
  'pcgrad': pcgrad.build,
  'gradvac': gradvac.build,
  'graddrop': graddrop.build,
  'cagrad': cagrad.build,
  'gradnorm': gradnorm.build,
  'imtl_g': imtl_g.build,
  'mgda': mgda.build,
  'nash_mtl': nash_mtl.build,
  'fairgrad': fairgrad.build,
  'aligned_mtl': aligned_mtl.build,
  'config': con_fig.build,
  'upgrad': upgrad.build,
  'db_mtl': db_mtl.build,
}


def get_method(name: str, **options: Any) -> Method:
  """Builds a method by name; `options` are those of its module's `build`.

  Raises:
    UserError: Unknown name or option; the message lists the known ones.
  """
  return by_name.build('config.balancing.name', name, METHODS, options)
