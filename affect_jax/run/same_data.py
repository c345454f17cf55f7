"""Whether a run goes on with, or is evaluated on, what it was trained on."""

from collections.abc import Mapping
from typing import Any

from affect_jax.errors import UserError
from affect_jax.run import folder as run_folder
from affect_jax.run import signature as signature_lib

# Sources made of sizes and times of many files, which copying changes.
TIMED = ('features', 'pictures', 'cropped_aligned')


def check_meaning(
  signature: signature_lib.Signature,
  outputs: Mapping[str, Any],
  kind: str,
  inputs: Mapping[str, Any],
) -> None:
  """Compares what the heads and the inputs of a run mean with those of now.

  Args:
    signature: Of the run.
    outputs: {task: names of its outputs}, as config and corpora give them now.
    kind: 'faces' or 'utterances', of the corpora.
    inputs: As in a signature, of now.

  Raises:
    ValueError: They differ; names every difference.
  """
  found: list[tuple[str, Any, Any]] = [
    ('kind of samples', signature.kind, kind)
  ]
  found += [
    (f'outputs of {task}', tuple(options['outputs']), tuple(outputs[task]))
    for task, options in signature.tasks.items()
    if task in outputs and 'outputs' in options
  ]
  if signature.kind == kind == 'utterances':
    found.append(
      ('features per step', dict(signature.inputs['dims']), inputs['dims'])
    )
  differences = [
    f'  {what}: {old} when the run began, {new} now'
    for what, old, new in found
    if old != new
  ]
  if differences:
    raise UserError(
      'These corpora do not fit this run. Give it those it began with, or '
      'train anew in another --workdir.\n' + '\n'.join(differences)
    )


def changes(
  workdir: str,
  signature: signature_lib.Signature | None,
  data: Mapping[str, Any],
) -> list[str]:
  """`differences` of a begun run's data and `data`, those of now.

  A run of before signatures has them in environment.json.
  """
  if signature is not None:
    return differences(signature.data, data)
  starts = run_folder.read_starts(workdir)
  return differences(starts[-1]['data'], data) if starts else []


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
  """What has changed in the data, a line each; [] if nothing has.

  Args:
    old: {corpus: {'sources': {file or option: checksum or value}, 'samples':
      {split: number}}} of the run; runs of before may lack 'samples'.
    new: The same of now.
  """
  lines = []
  for corpus in [*old, *(c for c in new if c not in old)]:
    if corpus not in old or corpus not in new:
      where = 'now' if corpus in new else 'when the run began'
      lines.append(f'  {corpus}: only {where}')
      continue
    for part in ('sources', 'samples'):
      before, now = (x[corpus].get(part, {}) for x in (old, new))
      lines += [
        f'  {corpus}, {key}: {value} when the run began, '
        f'{now.get(key, "absent")} now'
        for key, value in before.items()
        if now.get(key) != value and key not in TIMED
      ]
  return lines
