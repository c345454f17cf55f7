"""A folder whose page runs the model in a browser, and sends nothing anywhere.

The page needs three files of onnxruntime-web (MIT, Microsoft), which are in no
Python package: they come from a folder, or once from the npm registry.
"""

import base64
from collections.abc import Mapping
import hashlib
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
from typing import Any

from absl import logging

from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.evaluation import thresholds
from affect_jax.run import folder as run_folder

VERSION = '1.30.0'
# Of the package in the registry, as `npm view onnxruntime-web dist.integrity`.
SHA512 = (
  'q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1Sig'
  'qR4CXAfKYQ=='
)
FILES = (
  'ort.wasm.min.js',
  'ort-wasm-simd-threaded.mjs',
  'ort-wasm-simd-threaded.wasm',
)
_PAGE = pathlib.Path(__file__).parent / 'page'


def write(
  folder: pathlib.Path,
  model: pathlib.Path,
  about: Mapping[str, Any],
  runtime: str = '',
) -> None:
  """Writes the page, model.json and onnxruntime-web beside a model.

  Args:
    folder: Where to; it has nothing of these names.
    model: An ONNX file, which becomes the folder's model.onnx.
    about: The content of model.json.
    runtime: Folder with FILES, or with dist/ that has them; '': they are
      fetched by npm, which keeps its own copy for later.

  Raises:
    UserError: The files are not there, or npm cannot fetch them.
  """
  folder.mkdir()
  if runtime:
    _copy(user_path.expand(runtime), folder)
  else:
    _fetch(folder)
  for page in _PAGE.iterdir():
    shutil.copy(page, folder)
  outputs = {task: of['outputs'] for task, of in about['tasks'].items()}
  cuts = thresholds.of_units(outputs, about['thresholds'], thresholds.TUNED)
  run_folder.write_json(str(folder / 'model.json'), {**about, 'cuts': cuts})
  model.replace(folder / 'model.onnx')


def _copy(source: pathlib.Path, folder: pathlib.Path) -> None:
  inside = source / 'dist' if (source / 'dist').is_dir() else source
  for name in FILES:
    if not (inside / name).is_file():
      raise UserError(
        f'--onnxruntime_web={source} has no {name}: give the folder of the npm '
        f'package onnxruntime-web {VERSION}.'
      )
    shutil.copy(inside / name, folder)


def _fetch(folder: pathlib.Path) -> None:
  logging.info('Fetching onnxruntime-web %s by npm.', VERSION)
  with tempfile.TemporaryDirectory() as scratch:
    command = ['npm', 'pack', '--silent', f'onnxruntime-web@{VERSION}']
    try:
      subprocess.run(
        command, cwd=scratch, check=True, capture_output=True, text=True
      )
    except (OSError, subprocess.CalledProcessError) as error:
      said = getattr(error, 'stderr', '') or str(error)
      raise UserError(
        f'--format=web needs onnxruntime-web, and `{" ".join(command)}` failed '
        f'({said.strip().splitlines()[0][:150]}). Give its folder by '
        '--onnxruntime_web=DIR.'
      ) from error
    [packed] = pathlib.Path(scratch).glob('*.tgz')
    found = hashlib.sha512(packed.read_bytes()).digest()
    if base64.b64encode(found).decode() != SHA512:
      raise UserError(
        f'onnxruntime-web {VERSION} from npm has another checksum than '
        'expected: it was changed on the way. Nothing was written.'
      )
    with tarfile.open(packed) as archive:
      for name in FILES:
        content = archive.extractfile(f'package/dist/{name}')
        assert content is not None
        (folder / name).write_bytes(content.read())
