"""Small fusions, their inputs and variables; the size of one."""

import functools

import jax
import numpy as np

MOSI = {'text': 768, 'audio': 5, 'vision': 20}
DIMS = {'text': 4, 'audio': 3, 'vision': 2}
# How many steps are there, by row: all; fewer; no text; text only; nothing.
STEPS = {
  'text': [5, 2, 0, 3, 0],
  'audio': [8, 5, 6, 0, 0],
  'vision': [3, 1, 2, 0, 0],
}
SMALL = {
  'concat': {},
  'ef_lstm': {'width': 6},
  'lf_dnn': {'hidden': 16, 'width': 5, 'fused_width': 9},
  'lf_lstm': {'hidden': 6, 'width': 5, 'fused_width': 9},
  'lf_transformer': {
    'hidden': 8,
    'encoder_options': {'transformer': {'layers': 1}},
  },
  'tfn': {'encoder': 'dnn', 'hidden': 16, 'width': 3, 'fused_width': 9},
  'lmf': {'encoder': 'dnn', 'hidden': 16, 'width': 3, 'fused_width': 4},
  'mult': {
    'width': 4,
    'heads': 2,
    'layers': 1,
    'kernel': {'text': 1, 'audio': 3, 'vision': 2},
  },
  'misa': {
    'width': 8,
    'mlp_width': 9,
    'encoder': {'text': 'lstm', 'audio': 'mean', 'vision': 'mean'},
  },
  'self_mm': {'hidden': 6, 'unimodal_width': 5, 'fused_width': 9},
  'gated': {'encoder': 'dnn', 'hidden': 16, 'width': 5, 'fused_width': 4},
}


def batch(pad=0, fill=0.0, of=DIMS):
  """Sequences and masks; `pad` more steps, `fill` where nothing is."""
  rng = np.random.default_rng(0)
  sequences, masks = {}, {}
  for name, dim in DIMS.items():
    x = rng.normal(size=(5, 8, dim)).astype(np.float32)
    x = np.pad(x, [(0, 0), (0, pad), (0, 0)])
    mask = np.arange(8 + pad)[None] < np.array(STEPS[name])[:, None]
    if name == 'audio':
      mask[0, 1] = False  # A hole.
    sequences[name] = np.where(mask[..., None], x, np.float32(fill))
    masks[name] = mask
  return {k: sequences[k] for k in of}, {k: masks[k] for k in of}


def variables_of(module, sequences, masks):
  """Random ones everywhere: biases that are 0 would hide mistakes."""
  shapes = jax.eval_shape(
    functools.partial(module.init, train=False),
    jax.random.key(0),
    sequences,
    masks,
  )
  rng = np.random.default_rng(1)
  return jax.tree.map(
    lambda s: rng.normal(size=s.shape, scale=0.4).astype(np.float32), shapes
  )


def count(module, dims):
  """Parameters, without computing anything."""
  sequences = {k: np.zeros((1, 5, d), np.float32) for k, d in dims.items()}
  masks = {k: np.ones((1, 5), bool) for k in dims}
  shapes = jax.eval_shape(
    functools.partial(module.init, train=False),
    jax.random.key(0),
    sequences,
    masks,
  )
  return sum(np.prod(s.shape) for s in jax.tree.leaves(shapes['params']))
