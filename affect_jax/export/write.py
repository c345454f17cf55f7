"""Writes a run in several formats, into one folder, whole or not at all."""

from collections.abc import Sequence
import json
import pathlib
from typing import Any, NamedTuple

from absl import logging
import jax
import numpy as np

from affect_jax import by_name
from affect_jax import export
from affect_jax import whole_file
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.export import check
from affect_jax.export import onnx_graph
from affect_jax.export import program
from affect_jax.export import runtime
from affect_jax.export import sequences
from affect_jax.export import stablehlo
from affect_jax.export import web
from affect_jax.export import weights
from affect_jax.run import folder as run_folder
from affect_jax.run import signature


class Row(NamedTuple):
  """A line of the table: one file.

  Attributes:
    file: Its name.
    megabytes: Its size, in 10^6 bytes.
    difference: The largest difference from the run: of predictions, or, for
      safetensors, of weights.
    one, many: Median milliseconds of a call with 1 and with 32 pictures; None
      for weights alone.
  """

  file: str
  megabytes: float
  difference: float
  one: float | None = None
  many: float | None = None


def write(
  workdir: str,
  output: pathlib.Path,
  formats: Sequence[str],
  precision: str = 'float32',
  *,
  step: int | None = None,
  pictures: Sequence[np.ndarray] = (),
  measure: bool = True,
  onnxruntime_web: str = '',
) -> list[Row]:
  """Writes output/model.*, and output/model.json; returns a row for each.

  Args:
    workdir: Folder of a face run.
    output: A new folder.
    formats: Keys of export.PRECISIONS.
    precision: Type of the numbers, which all formats must have.
    step: Step of a checkpoint; None: the best one.
    pictures: Batches f32 [B, S, S, 3] that 'int8' learns ranges from.
    measure: Whether to measure the time of calls.
    onnxruntime_web: For 'web', see `web.write`.

  Raises:
    FileExistsError: The folder exists.
    MissingExtra: A package is missing.
    UserError: A format lacks the precision, the run cannot be exported (see
      `program.load`), or what was written does not predict what the run does.
  """
  for name in formats:
    by_name.check('format', name, export.PRECISIONS)
    if precision not in export.PRECISIONS[name]:
      raise UserError(
        f'--precision={precision}: {name} has only '
        f'{", ".join(export.PRECISIONS[name])}.'
      )
  if precision == 'int8' and not len(pictures):
    raise UserError(
      '--precision=int8 learns the range of each feature map from pictures: '
      'give --pictures=FOLDER with some that are like those to be predicted.'
    )
  trained = program.load(workdir, step, formats)
  if program.reads_pictures(trained):
    about = program.describe(trained, workdir)
  else:
    about = {
      'schema_version': 1,
      'kind': trained.signature.kind,
      'inputs': sequences.describe(trained),
      **program.describe_outputs(trained),
    }
  rows = []
  with whole_file.writing_folder(output) as partial:
    folder = pathlib.Path(partial)
    for name in formats:
      row = _write(name, folder, trained, about, precision, pictures, measure)
      if name == 'web':
        web.write(folder / name, folder / row.file, about, onnxruntime_web)
        row = row._replace(file=f'{name}/model.onnx')
      rows.append(row)
      logging.info('%s: written and checked', rows[-1].file)
    about['files'] = {
      row.file: {
        'precision': precision,
        'sha256': sources.sha256(folder / row.file),
        'largest_difference': row.difference,
      }
      for row in rows
    }
    run_folder.write_json(str(folder / 'model.json'), about)
  return rows


def _write(
  name: str,
  folder: pathlib.Path,
  trained: signature.Trained,
  about: dict[str, Any],
  precision: str,
  pictures: Sequence[np.ndarray],
  measure: bool,
) -> Row:
  is_of_pictures = program.reads_pictures(trained)
  if name == 'safetensors':
    path = folder / 'model.safetensors'
    if not is_of_pictures:
      apart = sequences.write_weights(path, trained)
    else:
      weights.write(path, trained.variables, about, precision)
      apart = weights.difference(path, trained.variables)
    return Row(path.name, _megabytes(path), apart)
  # That of 'web' moves on.
  names = {'stablehlo': 'model.jax', 'onnx': 'model.onnx', 'web': 'web.onnx'}
  path = folder / names[name]
  if not is_of_pictures:
    run, wanted, inputs = sequences.write_stablehlo(path, trained)
  else:
    size = about['input']['image_size']
    predict = program.make_predict(trained)
    if name == 'stablehlo':
      stablehlo.write(path, predict, size)
      run = stablehlo.load(path)
    else:
      _write_onnx(path, trained, about, precision, pictures)
      run = runtime.load(path)
    compiled = jax.jit(predict)
    wanted = lambda image: jax.tree.map(np.asarray, compiled(image))
    inputs = lambda count: check.pictures(count, size)
  apart = check.compare(path.name, run, wanted, inputs(check.COUNT), precision)
  counts = (1, 32) if measure else ()
  times = (check.latency(run, inputs(count)) for count in counts)
  return Row(path.name, _megabytes(path), apart, *times)


def _write_onnx(
  path: pathlib.Path,
  trained: Any,
  about: dict[str, Any],
  precision: str,
  pictures: Sequence[np.ndarray],
) -> None:
  graph = onnx_graph.build(
    trained.model,
    trained.variables,
    trained.tasks,
    about['input']['image_size'],
    'float16' if precision == 'float16' else 'float32',
  )
  whole = path.with_name('float32.onnx') if precision == 'int8' else path
  whole.write_bytes(graph.SerializeToString())
  if precision == 'int8':
    runtime.quantize(whole, path, pictures)
    whole.unlink()
  onnx_graph.describe(path, json.dumps(run_folder.plain(about)))


def _megabytes(path: pathlib.Path) -> float:
  return path.stat().st_size / 1e6
