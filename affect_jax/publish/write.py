"""Writes a run as a published model, or refuses to."""

import copy
import dataclasses
import json
import os
import pathlib
import shutil
import tempfile
from typing import Any

from absl import logging

from affect_jax import user_path
from affect_jax import whole_file
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.publish import card
from affect_jax.publish import kept_options
from affect_jax.publish import scores as scores_lib
from affect_jax.run import folder as run_folder
from affect_jax.run import hub
from affect_jax.run import picture_rules
from affect_jax.run import signature as signature_lib
from affect_jax.training import published


def write(
  workdir: str,
  output: pathlib.Path,
  *,
  repository: str = '',
  license_name: str = 'other',
) -> dict[str, Any]:
  """Writes hub.FILES into a folder; returns what model.json says.

  A folder that has a published model already gets new files, each whole, if no
  score on validation is below. Other files in it stay. model.json comes last,
  with checksums of the others: what was cut short is refused when it is read.

  Args:
    workdir: A finished run.
    output: A folder: new, empty, or of a published model.
    repository: OWNER/NAME on the Hub, which gets the files, too; '': none.
    license_name: Identifier of a licence, as the Hub knows it.

  Raises:
    FileExistsError: The folder holds something else.
    MissingExtra: A package is missing.
    UserError: The run is not finished, its corpora brought pictures into shape
      differently, a score is below what is published, or the Hub cannot be
      reached.
  """
  workdir = str(user_path.expand(workdir))
  run_folder.require(workdir)
  if not (pathlib.Path(workdir) / 'results.json').exists():
    raise UserError(
      f'{workdir} has no results.json: give a single run that is finished.'
    )
  if seeds := sorted(pathlib.Path(workdir).glob('seed_*')):
    raise UserError(f'{workdir} holds several runs: give one, as {seeds[0]}.')
  old = published.about(output)
  if (
    old is None
    and output.exists()
    and (not output.is_dir() or any(output.iterdir()))
  ):
    raise FileExistsError(
      f'{output} exists and is no published model; give another name.'
    )
  scores = scores_lib.of_validation(workdir)
  if old:
    scores_lib.check(scores, old['scores'], str(output))
  if repository and (file := hub.read_file(repository, published.ABOUT)):
    there = published.about(file.parent)
    scores_lib.check(scores, (there or {}).get('scores', {}), repository)
  trained = signature_lib.load(workdir)
  config = run_folder.read_json(os.path.join(workdir, 'config.json'))
  rules = dataclasses.asdict(picture_rules.read(workdir))
  about = {
    'is': published.KIND,
    'schema_version': 1,
    'kind': trained.signature.kind,
    'step': trained.step,
    'tasks': {t.name: list(t.outputs) for t in trained.tasks},
    'thresholds': trained.thresholds,
    'preprocessing': {**trained.signature.inputs, **rules},
    'scores': scores,
  }
  about['preprocessing'] = _without_folders(about['preprocessing'])
  output.parent.mkdir(parents=True, exist_ok=True)
  with tempfile.TemporaryDirectory(dir=output.parent) as partial:
    folder = pathlib.Path(partial)
    _fill(folder, trained, config, rules, about)
    text = card.write(workdir, repository or output.name, license_name, scores)
    (folder / 'README.md').write_text(text, encoding='utf-8')
    output.mkdir(exist_ok=True)
    for name in sorted(hub.FILES, key=lambda x: x == published.ABOUT):
      with whole_file.writing(output / name) as path:
        shutil.copyfile(folder / name, path)
  if repository:
    hub.upload(output, repository)
    logging.info('Uploaded to https://huggingface.co/%s.', repository)
  return about


def _fill(
  folder: pathlib.Path,
  trained: signature_lib.Trained,
  config: dict[str, Any],
  rules: dict[str, Any],
  about: dict[str, Any],
) -> None:
  """Writes all but the card; adds checksums to `about`."""
  signature = dataclasses.replace(
    trained.signature, inputs=_without_folders(trained.signature.inputs)
  )
  signature_lib.write(str(folder), signature)
  published.write_weights(folder / published.WEIGHTS, trained.variables)
  of_data = rules
  if trained.signature.kind == 'utterances':
    of_data = kept_options.of_data(config.get('data', {}))
  kept = {'model': config.get('model', {}), 'data': of_data}
  run_folder.write_json(str(folder / 'config.json'), kept)
  about['sha256'] = {
    name: sources.sha256(folder / name) for name in published.CHECKED
  }
  run_folder.write_json(str(folder / published.ABOUT), about)


def _without_folders(inputs: Any) -> dict[str, Any]:
  """Returns inputs of a signature without where text models lie here."""
  inputs = copy.deepcopy(json.loads(json.dumps(run_folder.plain(dict(inputs)))))
  name = lambda path: pathlib.PurePath(path).name
  if inputs.get('text_model'):
    inputs['text_model'] = name(inputs['text_model'])
  for of in (inputs.get('text') or {}).values():
    if isinstance(of, dict) and of.get('model'):
      of['model'] = name(of['model'])
  return inputs
