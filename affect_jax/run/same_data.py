"""Whether a run goes on with, or is evaluated on, what it was trained on."""

from collections.abc import Mapping
from typing import Any

from absl import logging

from affect_jax.errors import UserError
from affect_jax.run import folder as run_folder
from affect_jax.run import signature as signature_lib

# Sources that can change while samples stay the same: digests of the sizes and
# times of many files, which copying changes, and of code of this package, whose
# next version may invent the same samples. How many samples and bytes were
# prepared from them tells more.
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
    # Which model's token ids or features text is; older signatures lack it.
    found += [
      (f'text of {corpus}', dict(made), inputs['text'].get(corpus))
      for corpus, made in signature.inputs.get('text', {}).items()
    ]
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

  A run of before signatures has its data in environment.json. What is VOLATILE
  is a warning in the log.
  """
  if signature is not None:
    began = signature.data
  else:
    starts = run_folder.read_starts(workdir)
    began = starts[-1]['data'] if starts else {}
    if not starts:
      logging.warning(
        'Nothing in %s says which data the run began with: they cannot be '
        'compared with those of now.',
        workdir,
      )
      return []
  if touched := _touched(began, data):
    logging.warning(
      'Copied, or made anew, since the run began: %s. Nothing else tells '
      'whether their content is the same.',
      ', '.join(touched),
    )
  return differences(began, data)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
  """What has changed in the data, a line each; [] if nothing has.

  Args:
    old: {corpus: {'sources': {file or option: checksum or value}, 'samples' and
      'bytes': {split: number}}} of the run; runs of before may have only
      'sources'.
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
  """Names of VOLATILE sources that differ."""
  return [
    f'{key} of {corpus}'
    for corpus in old
    if corpus in new
    for key, value in old[corpus]['sources'].items()
    if key in VOLATILE and new[corpus]['sources'].get(key) != value
  ]
