"""What the fusions of both sides read."""

import numpy as np

# Word vectors, COVAREP, FACET: the widths of CMU-MOSI's usual features.
WIDTHS = {'text': 300, 'audio': 74, 'vision': 35}


def random(work):
  """Returns {modality: f32 [B, T, D]} and labels f32 [B, 1]."""
  r = np.random.default_rng(0)
  size = work['batch'], work['steps']
  given = {
    name: r.normal(size=(*size, width)).astype(np.float32)
    for name, width in WIDTHS.items()
  }
  return given, r.normal(size=(work['batch'], 1)).astype(np.float32)
