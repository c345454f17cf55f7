"""CMU-MOSI's arrays in miniature."""

import numpy as np


def arrays(videos=10, segments=3):
  """Videos v0, v1, ...; the last two are test; rows are not in order."""
  rng = np.random.default_rng(0)
  video = np.repeat([f'v{k}' for k in range(videos)], segments)
  segment = np.tile(np.arange(segments), videos)
  size = len(video)
  part = np.where(
    np.char.find('v%d v%d' % (videos - 2, videos - 1), video) < 0,
    'train',
    'test',
  )
  found = {
    'id': np.char.add(np.char.add(video, '_'), segment.astype(str)),
    'video': video,
    'segment': segment,
    'transcript': np.array([f'sentence {k}' for k in range(size)]),
    'text': rng.normal(size=(size, 4)).astype(np.float32),
    'audio': 300 * rng.normal(size=(size, 5)).astype(np.float32),
    'visual': rng.normal(size=(size, 6)).astype(np.float32),
    'sentiment': rng.uniform(-3, 3, size).astype(np.float32),
    'split_bclstm': part,
    'split_standard': np.where(video == 'v0', 'val', part),
  }
  order = rng.permutation(size)
  return {name: array[order] for name, array in found.items()}


def write(folder, data=None, **changes):
  np.savez(folder / 'mosi.npz', **((data or arrays()) | changes))
  return folder / 'mosi.npz'
