"""Writes what PyTorch computes and saves: the references of the tests.

  python tests/golden/make_resnet18.py    (needs torch, numpy)

The tests read the recipes at the top, which need numpy only; they make the
same weights and pictures, so that none have to be stored.
"""

import hashlib
import pathlib

import numpy as np

GOLDEN = pathlib.Path(__file__).parent
WIDTHS = (64, 128, 256, 512)
# Parameters whose gradient is stored: first, last, and one in a shortcut.
PROBED = ('conv1.weight', 'bn1.weight', 'layer3.0.downsample.0.weight')


def shapes():
  """{torchvision's name: shape} of a ResNet-18 without its classifier."""
  result = {'conv1.weight': (64, 3, 7, 7)}

  def norm(name, width):
    for leaf in ('weight', 'bias', 'running_mean', 'running_var'):
      result[f'{name}.{leaf}'] = (width,)

  norm('bn1', 64)
  below = 64
  for stage, width in enumerate(WIDTHS, 1):
    for block in range(2):
      name = f'layer{stage}.{block}'
      result[f'{name}.conv1.weight'] = (width, below, 3, 3)
      norm(f'{name}.bn1', width)
      result[f'{name}.conv2.weight'] = (width, width, 3, 3)
      norm(f'{name}.bn2', width)
      if below != width:
        result[f'{name}.downsample.0.weight'] = (width, below, 1, 1)
        norm(f'{name}.downsample.1', width)
      below = width
  return result


def weights():
  """{name: float32 array}, such that activations stay near 1."""
  rng = np.random.default_rng(18)
  result = {}
  for name, shape in sorted(shapes().items()):
    x = rng.uniform(-1, 1, shape)
    if len(shape) == 4:
      x *= (6 / np.prod(shape[1:])) ** 0.5
    elif name.endswith('running_var'):
      x = 1.5 + x
    elif name.endswith('weight'):
      x = 0.6 + 0.4 * x
    else:
      x *= 0.3
    result[name] = x.astype(np.float32)
  return result


def checksum(arrays):
  """Tells a changed recipe from a wrong network."""
  digest = hashlib.sha256()
  for name in sorted(arrays):
    digest.update(arrays[name].tobytes())
  return digest.hexdigest()


def images(size, batch=2):
  """Normalized pictures [B, 3, size, size], smooth and noisy."""
  rng = np.random.default_rng(size)
  noise = rng.uniform(-2, 2, (batch, 3, size, size))
  slope = np.linspace(-1, 1, size)[:, None] * rng.uniform(
    -1, 1, (batch, 3, 1, 1)
  )
  return (noise + slope).astype(np.float32)


def probe(batch=4):
  """[B, 512]: the gradient of (features * probe).sum() is stored."""
  return np.random.default_rng(4).uniform(-1, 1, (batch, 512)).astype('f4')


def main():
  """Writes resnet18_features.npz, tensors.pth, tensors.npz, legacy.pth."""
  import torch
  from torch.nn import functional

  torch.manual_seed(0)

  def features(state, x, train):
    def norm(name, x):
      return functional.batch_norm(
        x,
        state[f'{name}.running_mean'],
        state[f'{name}.running_var'],
        state[f'{name}.weight'],
        state[f'{name}.bias'],
        training=train,
        momentum=0.1,
        eps=1e-5,
      )

    def conv(name, x, stride=1):
      kernel = state[f'{name}.weight']
      pad = kernel.shape[-1] // 2
      return functional.conv2d(x, kernel, stride=stride, padding=pad)

    x = functional.relu(norm('bn1', conv('conv1', x, 2)))
    x = functional.max_pool2d(x, 3, stride=2, padding=1)
    for stage in range(1, 5):
      for block in range(2):
        name = f'layer{stage}.{block}'
        stride = 2 if stage > 1 and block == 0 else 1
        y = conv(f'{name}.conv1', x, stride)
        y = functional.relu(norm(f'{name}.bn1', y))
        y = norm(f'{name}.bn2', conv(f'{name}.conv2', y))
        if f'{name}.downsample.0.weight' in state:
          x = conv(f'{name}.downsample.0', x, stride)
          x = norm(f'{name}.downsample.1', x)
        x = functional.relu(x + y)
    return functional.adaptive_avg_pool2d(x, 1).flatten(1)

  def fresh():
    return {k: torch.from_numpy(v.copy()) for k, v in weights().items()}

  stored = {'checksum': np.array(checksum(weights()))}
  with torch.no_grad():
    for size in (224, 64, 75):
      x = torch.from_numpy(images(size))
      stored[f'features_{size}'] = features(fresh(), x, False).numpy()
  state = fresh()
  for name in PROBED:
    state[name].requires_grad_()
  out = features(state, torch.from_numpy(images(64, 4)), True)
  (out * torch.from_numpy(probe())).sum().backward()
  stored['train_features'] = out.detach().numpy()
  for name in PROBED:
    stored[f'grad_{name}'] = state[name].grad.numpy()[:16]
  for name in ('bn1.running_mean', 'bn1.running_var'):
    stored[name] = state[name].numpy()
  np.savez_compressed(GOLDEN / 'resnet18_features.npz', **stored)

  base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 7
  tensors = {
    'plain': base,
    'transposed': base.t(),
    'column': base[1:, 2],
    'half': base.half(),
    'bfloat16': base.bfloat16(),
    'long': torch.tensor([1, -(2**40)]),
    'bool': torch.tensor([True, False, True]),
    'scalar': torch.tensor(2.5, dtype=torch.float64),
    'empty': torch.zeros(0, 3),
    'parameter': torch.nn.Parameter(base[:2] + 1),
  }
  torch.save(
    {
      'epoch': 3,
      'state_dict': tensors,
      'module': torch.nn.BatchNorm1d(2).state_dict(),
    },
    GOLDEN / 'tensors.pth',
  )
  torch.save(
    {'plain': base},
    GOLDEN / 'legacy.pth',
    _use_new_zipfile_serialization=False,
  )
  np.savez_compressed(
    GOLDEN / 'tensors.npz',
    **{
      k: (v.float() if k == 'bfloat16' else v).detach().numpy()
      for k, v in tensors.items()
    },
  )


if __name__ == '__main__':
  main()
