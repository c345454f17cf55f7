"""Initialises a new run.

(A run that was stopped continues from its latest checkpoint instead.) A new run
is initialised at random. Then, in this order, weights are overwritten:

1. the text encoder's, from the folder that a model of utterances names,
2. the backbone's or all, from the best checkpoint of another run, or from a
   published model (config.init.checkpoint_workdir); or, if none is given, the
   backbone's from a torchvision or timm file (config.init.weights).

The log says what was and was not loaded, and warns of parts that were asked for
but stay random.
"""

from collections.abc import Callable, Sequence
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
  other_heads: Sequence[str] = (),
  weights: str = '',
) -> train_state.TrainState:
  """Returns a fresh state into which pretrained weights are loaded.

  Args:
    state: A freshly initialised state, with one sharding.
    pretrained: See `samples.Samples`.
    checkpoint_workdir: Folder of another run or of a published model, or ''.
    parts: What to load of that run: 'backbone', or 'all' (also heads, if their
      shapes fit).
    other_heads: Tasks whose outputs mean something else there: their heads are
      not loaded.
    weights: A .safetensors or .pth file, or ''.

  Raises:
    UserError: `parts` is unknown, or a file does not fit.
    FileNotFoundError: The checkpoint or file does not exist.
  """
  by_name.check('config.init.parts', parts, PARTS)
  if not (pretrained or checkpoint_workdir or weights):
    logging.info('Initialised from scratch.')
    return state
  fresh = {'params': state.params, **state.model_state}
  new = pretrained(fresh) if pretrained else fresh
  if checkpoint_workdir:
    other, step = checkpoint.read_variables(checkpoint_workdir)
    before = new
    new, report = overlay(before, other, parts, other_heads)
    source = f'step {step} of {checkpoint_workdir}'
    logging.info('Initialised from %s: %s', source, report)
    if random := still_random(fresh, new, parts):
      logging.warning('Initialised at random: %s.', ', '.join(random))
  elif weights:
    params, stats, report = pretrained_lib.load_resnet18(weights)
    params, stats, report = pretrained_lib.merge(
      new['params'], new['batch_stats'], params, stats, report
    )
    new = {**new, 'params': params, 'batch_stats': stats}
    logging.info('Initialised from foreign weights: %s', report)
  sharding = jax.tree.leaves(state.params)[0].sharding
  new = jax.device_put(new, sharding)
  params = new.pop('params')
  ema = train_state.copy_for_ema(params, new) if state.ema else {}
  return state.replace(params=params, model_state=new, ema=ema)


def overlay(
  own: Any, other: Any, parts: str, other_heads: Sequence[str] = ()
) -> tuple[Any, str]:
  """Returns `own` with the values of `other` where path and shape agree.

  Args:
    own: {'params': ..., 'batch_stats': ...}.
    other: The same of another run.
    parts: 'backbone', or 'all'.
    other_heads: See `from_elsewhere`.

  Returns:
    The joined tree, and a line that tells what was not loaded.

  Raises:
    UserError: Nothing fits.
  """
  theirs = {
    path_name(path): leaf
    for path, leaf in jax.tree_util.tree_leaves_with_path(other)
  }
  loaded, kept = [], []
  apart = tuple(f'params/heads/{task}/' for task in other_heads)

  def choose(path, leaf):
    name = path_name(path)
    is_apart = name.startswith(apart)
    wanted = _is_wanted(name, parts) and not is_apart
    fits = name in theirs and theirs[name].shape == leaf.shape
    (loaded if wanted and fits else kept).append(name)
    return theirs[name] if wanted and fits else leaf

  joined = jax.tree_util.tree_map_with_path(choose, own)
  if not loaded:
    raise UserError(
      'Nothing in the checkpoint of config.init.checkpoint_workdir fits this '
      f'model (config.init.parts={parts!r}). Name a run of the same backbone.'
    )
  total = len(loaded) + len(kept)
  report = f'{len(loaded)} of {total} arrays loaded'
  if kept:
    report += '; left as they were: ' + ', '.join(kept)
  return joined, report


def still_random(fresh: Any, new: Any, parts: str) -> list[str]:
  """Returns the parts that were asked for but of which nothing was loaded.

  A part lies below 'backbone', as 'params/backbone/text', or is a head. Arrays
  were not loaded if they are the same objects in both trees.
  """
  leaves = jax.tree_util.tree_leaves_with_path
  same: dict[str, bool] = {}
  pairs = zip(leaves(fresh), leaves(new), strict=True)
  for (path, before), (_, after) in pairs:
    name = path_name(path)
    if _is_wanted(name, parts):
      part = '/'.join(name.split('/')[:3])
      same[part] = same.get(part, True) and before is after
  return [part for part, is_same in same.items() if is_same]


def _is_wanted(name: str, parts: str) -> bool:
  """Returns whether `parts` asks for an array of another run."""
  # What belongs to the other run's samples, as Self-MM's bank, is not wanted.
  learned = name.partition('/')[0] in LEARNED
  return learned and (parts == 'all' or '/backbone/' in f'/{name}/')
