"""Loads the weights of torchvision's or timm's ResNet-18 from their files."""

from collections.abc import Mapping
import dataclasses
import functools
import hashlib
import pathlib
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.models import resnet
from affect_jax.models import tensor_file

# {(whether blocks have a third convolution, number of blocks by stage): name}.
_ARCHITECTURES: dict[tuple[bool, tuple[int, ...]], str] = {
  (False, (2, 2, 2, 2)): 'ResNet-18',
  (False, (3, 4, 6, 3)): 'ResNet-34',
  (True, (3, 4, 6, 3)): 'ResNet-50',
  (True, (3, 4, 23, 3)): 'ResNet-101',
  (True, (3, 8, 36, 3)): 'ResNet-152',
}


@dataclasses.dataclass(frozen=True)
class Report:
  """Which tensors of a file were loaded into which of a model.

  Attributes:
    file: The file that was read.
    sha256: Its checksum.
    loaded: Names in the file of the tensors that were loaded.
    ignored: The file's tensors that have no counterpart by design: the
      classifier `fc`, counters of batches.
    unexpected: The file's other tensors, outside the ResNet-18.
    mismatched: Tensors whose shapes differ between file and model, with both
      shapes, and the tensors that depend on them; the model keeps its own.
    missing: Paths of the model's tensors that keep their initial values.
  """

  file: str
  sha256: str
  loaded: tuple[str, ...]
  ignored: tuple[str, ...] = ()
  unexpected: tuple[str, ...] = ()
  mismatched: tuple[str, ...] = ()
  missing: tuple[str, ...] = ()

  def __str__(self) -> str:
    total = sum(
      map(len, (self.loaded, self.ignored, self.unexpected, self.mismatched))
    )
    counters = [n for n in self.ignored if n.endswith('num_batches_tracked')]
    ignored = sorted(set(self.ignored) - set(counters))
    if counters:
      ignored.append(f'{len(counters)} x num_batches_tracked')
    lines = [f'{len(self.loaded)} of {total} tensors loaded from {self.file}']
    for title, names in (
      ('ignored', ignored),
      ('not loaded, unexpected', self.unexpected),
      ('not loaded, does not fit', self.mismatched),
      ('kept as initialized', self.missing),
    ):
      if names:
        lines.append(f'{title}: {", ".join(names)}')
    return '; '.join(lines)


@functools.cache
def tensor_places() -> dict[str, tuple[tuple[str, ...], tuple[int, ...]]]:
  """Returns {torchvision's name: (path in our variables, shape in them)}."""
  model = resnet.ResNet18()
  shapes = jax.eval_shape(
    lambda: model.init(
      jax.random.key(0), jnp.zeros((1, 32, 32, 3)), train=False
    )
  )
  leaves = {
    'kernel': 'weight',
    'scale': 'weight',
    'bias': 'bias',
    'mean': 'running_mean',
    'var': 'running_var',
  }
  modules = {
    'downsample_conv': ('downsample', '0'),
    'downsample_bn': ('downsample', '1'),
  }
  places = {}
  for path, leaf in jax.tree_util.tree_flatten_with_path(shapes)[0]:
    keys = tuple(entry.key for entry in path)
    parts = [p for k in keys[1:-1] for p in modules.get(k, (k,))]
    places['.'.join((*parts, leaves[keys[-1]]))] = (keys, leaf.shape)
  return places


def _find_prefix(path: pathlib.Path, names: list[str]) -> str:
  """Returns the prefix of the tensors' names, such as 'module.backbone.'."""
  landmark = 'layer1.0.conv1.weight'
  prefixes = sorted(
    name.removesuffix(landmark)
    for name in names
    if name == landmark or name.endswith('.' + landmark)
  )
  if not prefixes:
    raise UserError(
      f"{path}: no ResNet with torchvision's or timm's names ({landmark}); "
      f'the file has {names[:5]}.'
    )
  if len(prefixes) > 1:
    raise UserError(
      f'{path}: the file holds several networks, with the prefixes {prefixes}; '
      'save one of them to a file of its own, or choose it in Python: '
      'load_resnet18(path, prefix=...).'
    )
  return prefixes[0]


def _check_architecture(path: pathlib.Path, shapes: dict[str, tuple]) -> None:
  """Raises UserError unless these are the tensors of a ResNet-18.

  The kernel of the stem may have any shape.
  """
  blocks = {m[0] for m in (re.match(r'layer\d+\.\d+', n) for n in shapes) if m}
  counts = tuple(
    sum(b.startswith(f'layer{i}.') for b in blocks) for i in range(1, 5)
  )
  kind = (any(re.match(r'layer.*\.conv3\.', n) for n in shapes), counts)
  name = _ARCHITECTURES.get(kind, f'a network with {counts} blocks')
  places = tensor_places()
  problems = [
    f'{n} is unknown'
    for n in sorted(shapes)
    if n.startswith(('conv1.', 'bn1.', 'layer'))
    and n not in places
    and not n.endswith('num_batches_tracked')
  ]
  problems += [f'{n} is missing' for n in places if n not in shapes]
  problems += [
    f'{n} has shape {shapes[n]}, not {shape}'
    for n, (_, shape) in places.items()
    if n in shapes and n != 'conv1.weight' and shapes[n] != shape
  ]
  if name != 'ResNet-18' or problems:
    raise UserError(
      f'{path}: not a plain ResNet-18 but '
      + (f'{name}; ' if name != 'ResNet-18' else 'a variant; ')
      + '; '.join(problems[:3])
      + (f'; and {len(problems) - 3} more.' if len(problems) > 3 else '.')
    )


def load_resnet18(
  path: str | pathlib.Path, prefix: str | None = None
) -> tuple[dict, dict, Report]:
  """Loads parameters and statistics of `resnet.ResNet18` from another library.

  Reads the names of torchvision and of timm's `resnet18` (they are the same),
  behind any prefix ('module.', 'backbone.', 'encoder.', ...). The classifier
  `fc` and `num_batches_tracked` are ignored and reported.

  Args:
    path: A .safetensors file, or a .pth, .pt or .bin of torch.save.
    prefix: The prefix of the names to read, if a file holds several networks;
      None finds it.

  Returns:
    (params, batch_stats, report): float32 numpy arrays, nested like the
    model's.

  Raises:
    FileNotFoundError: The file does not exist.
    UserError: The file is unreadable (see `tensor_file.read`), has another
      architecture or several networks, or a tensor is not finite; the message
      names the file.
  """
  path = user_path.expand(path)
  tensors = tensor_file.read(path)
  if prefix is None:
    prefix = _find_prefix(path, list(tensors))
  inner = {
    name.removeprefix(prefix): _to_flax(x)
    for name, x in tensors.items()
    if name.startswith(prefix) and isinstance(x, np.ndarray)
  }
  _check_architecture(path, {name: x.shape for name, x in inner.items()})
  variables: dict[str, Any] = {'params': {}, 'batch_stats': {}}
  for name, (keys, _) in tensor_places().items():
    x = inner[name].astype(np.float32)
    if not np.all(np.isfinite(x)):
      raise UserError(f'{path}: {prefix}{name} is not finite.')
    node: dict[str, Any] = variables
    for key in keys[:-1]:
      node = node.setdefault(key, {})
    node[keys[-1]] = x
  loaded = tuple(prefix + name for name in tensor_places())
  rest = sorted(set(tensors) - set(loaded))
  by_design = re.compile(r'fc\.(weight|bias)|.*num_batches_tracked')
  ignored = [
    name
    for name in rest
    if name.startswith(prefix)
    and by_design.fullmatch(name.removeprefix(prefix))
  ]
  with path.open('rb') as f:
    sha256 = hashlib.file_digest(f, 'sha256').hexdigest()
  report = Report(
    file=str(path),
    sha256=sha256,
    loaded=loaded,
    ignored=tuple(ignored),
    unexpected=tuple(name for name in rest if name not in ignored),
  )
  return variables['params'], variables['batch_stats'], report


def _to_flax(x: np.ndarray) -> np.ndarray:
  # PyTorch's kernels are [out, in, height, width], flax's [height, width, in,
  # out].
  return x.transpose(2, 3, 1, 0) if x.ndim == 4 else x


def merge(
  params: Mapping[str, Any],
  batch_stats: Mapping[str, Any],
  loaded_params: Mapping[str, Any],
  loaded_stats: Mapping[str, Any],
  report: Report,
  into: str = 'backbone',
) -> tuple[dict, dict, Report]:
  """Returns an initialized model's variables, replaced by loaded ones.

  Kernels of another shape are left out and reported: a 7x7 stem does not fit
  the stem 'small'. The BatchNorm behind the stem is then left out too, since
  its statistics are those of the other kernel's outputs.

  Args:
    params: Of an initialized `affect_model.AffectModel`; not changed.
    batch_stats: Likewise.
    loaded_params: From `load_resnet18`, as the next two.
    loaded_stats: ...
    report: ...
    into: Key of the encoder in `params` and `batch_stats`.

  Returns:
    (params, batch_stats, report), with the dtypes of the model's arrays.

  Raises:
    UserError: The model has no such encoder, or it is not a ResNet-18.
  """
  loaded: dict[str, Any] = {
    'params': loaded_params,
    'batch_stats': loaded_stats,
  }
  model: dict[str, Any] = {'params': params, 'batch_stats': batch_stats}
  for tree in model.values():
    if into not in tree:
      raise UserError(f'The model has no {into!r}, only {sorted(tree)}.')
  prefix = report.loaded[0].removesuffix(next(iter(tensor_places())))
  stem_fits = params[into]['conv1']['kernel'].shape == np.shape(
    loaded_params['conv1']['kernel']
  )
  names = {
    (keys[0], into, *keys[1:]): prefix + name
    for name, (keys, _) in tensor_places().items()
  }
  used, missing, mismatched = [], [], []

  def choose(entries: Any, old: Any) -> Any:
    keys = tuple(entry.key for entry in entries)
    if keys not in names:
      missing.append('/'.join(keys))
      return old
    new = loaded[keys[0]]
    for key in keys[2:]:
      new = new[key]
    if new.shape != old.shape:
      mismatched.append(
        f'{names[keys]} ({new.shape} in the file, {old.shape} in the model)'
      )
    elif keys[2] == 'bn1' and not stem_fits:
      mismatched.append(f'{names[keys]} (belongs to the stem)')
    else:
      used.append(names[keys])
      return jnp.array(new, old.dtype)
    missing.append('/'.join(keys))
    return old

  merged = jax.tree_util.tree_map_with_path(choose, model)
  lost = set(names.values()) - set(used) - {m.split()[0] for m in mismatched}
  if lost:
    raise UserError(
      f'{report.file}: the model has no tensors for {sorted(lost)[:3]}.'
    )
  new_report = dataclasses.replace(
    report,
    loaded=tuple(used),
    mismatched=tuple(mismatched),
    missing=tuple(missing),
  )
  return merged['params'], merged['batch_stats'], new_report
