"""Checks that a run resumes, or is evaluated, on the data it was trained on."""

from collections.abc import Mapping
from typing import Any

from absl import logging

from affect_jax.corpora.files import sources
from affect_jax.data import load
from affect_jax.errors import UserError
from affect_jax.run import folder as run_folder
from affect_jax.run import signature as signature_lib
from affect_jax.weak import table

# Sources that can change while the samples stay the same: digests of sizes and
# times of many files, which copying changes, and of this package's code, whose
# next version may generate the same samples. The numbers of samples and bytes
# prepared from them tell more.
VOLATILE = (
  *('features', 'pictures', 'cropped_aligned'),
  *('generator', 'labels', 'renderer'),
)


def check_meaning(
  signature: signature_lib.Signature,
  outputs: Mapping[str, Any],
  kind: str,
  inputs: Mapping[str, Any],
) -> None:
  """Checks that a run's heads and inputs still mean what they meant.

  Args:
    signature: The run's signature.
    outputs: {task: names of its outputs}, as config and corpora give them now.
    kind: Kind of samples the corpora have now, 'faces' or 'utterances'.
    inputs: The inputs of a signature, as the corpora give them now.

  Raises:
    UserError: They differ; the message names every difference.
  """
  compared: list[tuple[str, Any, Any]] = [
    ('kind of samples', signature.kind, kind)
  ]
  compared += [
    (f'outputs of {task}', tuple(options['outputs']), tuple(outputs[task]))
    for task, options in signature.tasks.items()
    if task in outputs and 'outputs' in options
  ]
  if signature.kind == kind == 'utterances':
    compared.append(
      ('features per step', dict(signature.inputs['dims']), inputs['dims'])
    )
    # Older signatures know one space only.
    compared.append(
      ('feature spaces', signature.inputs.get('spaces', {}), inputs['spaces'])
    )
    # The model that made token ids or features of text; older signatures lack
    # it.
    compared += [
      (f'text of {corpus}', dict(made), inputs['text'].get(corpus))
      for corpus, made in signature.inputs.get('text', {}).items()
    ]
  differences = [
    f'  {what}: {old} when the run began, {new} now'
    for what, old, new in compared
    if old != new
  ]
  if differences:
    raise UserError(
      'These corpora do not fit this run. Give it the corpora it began with, '
      'or train anew in another --workdir.\n' + '\n'.join(differences)
    )


def changes(
  workdir: str,
  signature: signature_lib.Signature | None,
  data: Mapping[str, Any],
) -> list[str]:
  """Returns `differences` between the data a run began with and `data` of now.

  A run without a signature has its data in environment.json. Sources that are
  VOLATILE only lead to a warning in the log.
  """
  if signature is not None:
    began = signature.data
  else:
    starts = run_folder.read_starts(workdir)
    began = starts[-1]['data'] if starts else {}
    if not starts:
      logging.warning(
        'Nothing in %s tells which data the run began with, so they cannot be '
        'compared with those of now.',
        workdir,
      )
      return []
  if touched := _touched(began, data):
    logging.warning(
      'Copied or made anew since the run began: %s. Whether their content is '
      'the same cannot be told.',
      ', '.join(touched),
    )
  return differences(began, data)


def weak_labels(config: Any) -> dict[str, str]:
  """Returns {table of config.data.weak_labels: its sha256}."""
  return {
    path: sources.sha256(table.check_file(path))
    for path in load.weak_paths(config)
  }


def changed_weak_labels(workdir: str, tables: Mapping[str, str]) -> list[str]:
  """Returns a line for each table that changed since the run's last start.

  Args:
    workdir: Folder of the run.
    tables: See `weak_labels`.
  """
  starts = run_folder.read_starts(workdir)
  # Older runs do not know them.
  before = starts[-1].get('weak_labels', {}) if starts else {}
  return [
    f'  weak labels {path}: {digest} when the run began, {tables[path]} now'
    for path, digest in before.items()
    if tables.get(path, digest) != digest
  ]


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
  """Returns a line for each change of the data; VOLATILE sources are not told.

  Args:
    old: {corpus: {'sources': {file or option: checksum or value}, 'samples' and
      'bytes': {split: number}}} of the run; older runs may have only 'sources'.
    new: The same of now.
  """
  lines = []
  for corpus in [*old, *(c for c in new if c not in old)]:
    if corpus not in old or corpus not in new:
      where = 'now' if corpus in new else 'when the run began'
      lines.append(f'  {corpus}: only {where}')
      continue
    for part in ('sources', 'samples', 'bytes'):
      before, now = (x[corpus].get(part, {}) for x in (old, new))
      of = '' if part == 'sources' else f'{part} of '
      lines += [
        f'  {corpus}, {of}{key}: {value} when the run began, '
        f'{now.get(key, "absent")} now'
        for key, value in before.items()
        if now.get(key) != value and key not in VOLATILE
      ]
  return lines


def _touched(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
  """Returns the names of VOLATILE sources that differ."""
  return [
    f'{key} of {corpus}'
    for corpus in old
    if corpus in new
    for key, value in old[corpus]['sources'].items()
    if key in VOLATILE and new[corpus]['sources'].get(key) != value
  ]
