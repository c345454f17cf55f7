"""Where a run starts from, in this order, the first that applies:

1. resume: the latest checkpoint of the run's own folder,
2. checkpoint: the best checkpoint of another run, its backbone or all of it,
3. weights: a torchvision or timm file, for the backbone,
4. the text encoder's folder that a model of utterances names, for it,
5. scratch.

What was and what was not loaded is logged.
"""

from collections.abc import Callable
from typing import Any

from absl import logging
import jax

from affect_jax import by_name
from affect_jax.errors import UserError
from affect_jax.models import pretrained as pretrained_lib
from affect_jax.training import checkpoint
from affect_jax.training import train_state
from affect_jax.training.optimizer import path_name

PARTS = ('backbone', 'all')
# Collections of variables that other runs can start from.
LEARNED = ('params', 'batch_stats')


def from_elsewhere(
  state: train_state.TrainState,
  *,
  pretrained: Callable[[Any], Any] | None = None,
  checkpoint_workdir: str = '',
  parts: str = 'backbone',
  weights: str = '',
) -> train_state.TrainState:
  """Cases 2 to 5: a fresh state with others' weights in it.

  Args:
    state: Freshly initialised, on one sharding.
    pretrained: See `branch.Branch`.
    checkpoint_workdir: Folder of another run, or ''.
    parts: Of that run: 'backbone', or 'all' (heads whose shapes fit too).
    weights: A .safetensors or .pth file, or ''.

  Raises:
    ValueError: Unknown parts, or a file that does not fit.
    FileNotFoundError: No such checkpoint or file.
  """
  by_name.check('config.init.parts', parts, PARTS)
  own = {'params': state.params, **state.model_state}
  if checkpoint_workdir:
    other, step = checkpoint.read_variables(checkpoint_workdir)
    new, report = overlay(own, other, parts)
    source = f'step {step} of {checkpoint_workdir}'
    logging.info('Initialised from %s: %s', source, report)
  elif weights:
    params, stats, report = pretrained_lib.load_resnet18(weights)
    params, stats, report = pretrained_lib.merge(
      state.params, state.model_state['batch_stats'], params, stats, report
    )
    new = {'params': params, 'batch_stats': stats}
    logging.info('Initialised from foreign weights: %s', report)
  elif pretrained:
    new = pretrained(own)
  else:
    logging.info('Initialised from scratch.')
    return state
  sharding = jax.tree.leaves(state.params)[0].sharding
  new = jax.device_put(new, sharding)
  params = new.pop('params')
  ema = train_state.copy_for_ema(params, new) if state.ema else {}
  return state.replace(params=params, model_state=new, ema=ema)


def overlay(own: Any, other: Any, parts: str) -> tuple[Any, str]:
  """`own` with the values of `other` wherever path and shape agree.

  Args:
    own: {'params': ..., 'batch_stats': ...}.
    other: The same of another run.
    parts: 'backbone', or 'all'.

  Returns:
    The joined tree, and a line that tells what was not loaded.

  Raises:
    ValueError: Nothing fits.
  """
  theirs = {
    path_name(path): leaf
    for path, leaf in jax.tree_util.tree_leaves_with_path(other)
  }
  loaded, kept = [], []

  def choose(path, leaf):
    name = path_name(path)
    # Not what belongs to the other run's samples, as the bank of Self-MM.
    learned = name.partition('/')[0] in LEARNED
    wanted = learned and (parts == 'all' or '/backbone/' in f'/{name}/')
    fits = name in theirs and theirs[name].shape == leaf.shape
    (loaded if wanted and fits else kept).append(name)
    return theirs[name] if wanted and fits else leaf

  joined = jax.tree_util.tree_map_with_path(choose, own)
  if not loaded:
    raise UserError('Nothing in that checkpoint fits this model.')
  total = len(loaded) + len(kept)
  report = f'{len(loaded)} of {total} arrays loaded'
  if kept:
    report += '; initialised afresh: ' + ', '.join(kept)
  return joined, report
