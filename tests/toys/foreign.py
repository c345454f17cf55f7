"""Files of foreign networks with random weights, in the layout of the real."""

import json
import zlib

import h5py
import numpy as np


def random(shape, seed):
  """Weights that keep activations near 1."""
  r = np.random.default_rng(zlib.crc32(repr((shape, seed)).encode()))
  fan = max(np.prod(shape[:-1], dtype=int), 1)
  return (r.normal(size=shape) * (2 / fan) ** 0.5).astype(np.float32)


def write_mini_xception(path, seed=0, **changes):
  """emotion_model.hdf5 as Keras 2 wrote it.

  Args:
    path: The file.
    seed: Of the weights.
    **changes: {layer: {array: value}}, or None to leave the layer out.
  """
  layers = {}

  def conv(number, *shape, bias=False):
    arrays = {'kernel': random(shape, (seed, number))}
    if bias:
      arrays['bias'] = random(shape[-1:], (seed, number))
    layers[f'conv2d_{number}'] = arrays

  def norm(number, width):
    r = np.random.default_rng((seed, number))
    layers[f'batch_normalization_{number}'] = {
      'gamma': r.uniform(0.5, 1.5, width),
      'beta': r.normal(size=width) / 4,
      'moving_mean': r.normal(size=width) / 4,
      'moving_variance': r.uniform(0.5, 1.5, width),
    }

  conv(1, 3, 3, 1, 8)
  norm(1, 8)
  conv(2, 3, 3, 8, 8)
  norm(2, 8)
  before = 8
  for i, width in enumerate((16, 32, 64, 128)):
    conv(3 + i, 1, 1, before, width)
    norm(3 + 3 * i, width)
    for j, channels in enumerate((before, width)):
      layers[f'separable_conv2d_{2 * i + j + 1}'] = {
        'depthwise_kernel': random((3, 3, channels, 1), (seed, i, j)) / 2,
        'pointwise_kernel': random((1, 1, channels, width), (seed, i, j)),
      }
      norm(4 + 3 * i + j, width)
    before = width
  conv(7, 3, 3, 128, 7, bias=True)
  for name, change in changes.items():
    layers[name] = None if change is None else {**layers[name], **change}
  with h5py.File(path, 'w') as file:
    for layer, arrays in layers.items():
      for name, array in (arrays or {}).items():
        place = f'model_weights/{layer}/{layer}_1/{name}:0'
        file.create_dataset(place, data=np.asarray(array, np.float32))
  return path


def face_api_weights(seed=0):
  """{name: f32 array} of face_expression_model."""
  found = {}

  def add(name, *shape):
    found[name] = random(shape, (seed, name))

  before = 3
  for i, width in enumerate((32, 64, 128, 256)):
    for j in range(4):
      layer = f'dense{i}/conv{j}'
      channels = width if j else before
      if i == j == 0:
        add(f'{layer}/filters', 3, 3, 3, width)
      else:
        add(f'{layer}/depthwise_filter', 3, 3, channels, 1)
        add(f'{layer}/pointwise_filter', 1, 1, channels, width)
      add(f'{layer}/bias', width)
    before = width
  add('fc/weights', 256, 7)
  add('fc/bias', 7)
  return found


def write_face_api(folder, weights, file='face_expression_model.bin'):
  """Writes a manifest, and weights in 8 bits; returns what these stand for."""
  folder.mkdir(parents=True, exist_ok=True)
  entries, data, meant = [], b'', {}
  for name, array in weights.items():
    entry = {'name': name, 'shape': list(array.shape), 'dtype': 'float32'}
    if name.endswith('bias'):
      data += array.tobytes()
      meant[name] = array
    else:
      low, scale = float(array.min()), float(np.ptp(array)) / 255
      q = np.round((array - low) / scale).astype(np.uint8)
      entry['quantization'] = {'dtype': 'uint8', 'scale': scale, 'min': low}
      data += q.tobytes()
      meant[name] = np.float32(q.astype(np.float64) * scale + low)
    entries.append(entry)
  (folder / file).write_bytes(data)
  manifest = folder / 'face_expression_model-weights_manifest.json'
  manifest.write_text(json.dumps([{'weights': entries, 'paths': [file]}]))
  return meant
