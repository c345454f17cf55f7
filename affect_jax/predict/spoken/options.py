"""Flags of runs of utterances; tells these runs from those of faces.

It imports nothing slow: commands on faces use it, too.
"""

from collections.abc import Sequence
from typing import Any

from absl import flags

from affect_jax import user_path
from affect_jax.corpora.features import sequences
from affect_jax.errors import UserError
from affect_jax.run import hub

TABLES = ('.csv', '.tsv')
# Flags that runs of faces have, too.
SHARED = (
  *('workdir', 'input', 'output', 'format', 'threshold', 'corpus', 'step'),
  'batch_size',
)
OURS = ('subtitles', 'segment', 'split', 'reader', 'text_model', 'face_run')
# How --face_run finds faces.
OF_FACES = ('margin', 'detect_side', 'min_confidence', 'every')


def define_flags() -> dict[str, Any]:
  """Defines the flags that only runs of utterances have."""
  defined = (
    flags.DEFINE_string(
      'subtitles',
      '',
      "Of a recording: .srt, .vtt, or labels of Audacity (.txt); 'none': not "
      'those beside it.',
    ),
    flags.DEFINE_float(
      'segment', None, 'Cut recordings into so many seconds, not into cues.'
    ),
    flags.DEFINE_string(
      'split', '', "Of a corpus' files: train, val or test; otherwise all."
    ),
    flags.DEFINE_string(
      'reader', '', "Whose files a corpus' files are; otherwise the run's."
    ),
    flags.DEFINE_string(
      'face_run', '', 'Run of faces that features of faces were exported with.'
    ),
    flags.DEFINE_string(
      'text_model', '', 'Where the text model or the word vectors are now.'
    ),
  )
  return {flag.name: flag for flag in defined}


def is_run(workdir: str | None) -> bool:
  """Returns whether a run learned from utterances; None is no run.

  Args:
    workdir: Its folder, or the name of a published model, see `hub.local`.
  """
  if workdir is None:
    return False
  # Late: the signature needs JAX, which exported files do without.
  from affect_jax.run import signature as signature_lib

  signature = signature_lib.read(str(user_path.expand(hub.local(workdir))))
  return signature is not None and signature.kind == 'utterances'


def check_flags(names: Sequence[str], of_utterances: bool) -> None:
  """Raises UserError if a flag is given that is for the other kind of run.

  Args:
    names: All flags of the command.
    of_utterances: Whether the run learned from utterances.
  """
  shared = [*SHARED]
  if of_utterances and flags.FLAGS['face_run'].value:
    shared += OF_FACES
  for name in names:
    ours = name in OURS
    if name in shared or ours == of_utterances or not flags.FLAGS[name].present:
      continue
    kinds = ('utterances', 'faces') if ours else ('faces', 'utterances')
    raise UserError(
      f'--{name} is for runs of {kinds[0]}, and this one learned from '
      f'{kinds[1]}: leave it out.'
    )


def refuse_utterances(paths: Sequence[str]) -> None:
  """Raises UserError if inputs for a run of faces are tables or sound."""
  for path in paths:
    if path.lower().endswith((*TABLES, *sequences.RECORDINGS)):
      raise UserError(
        f'--input={path}: the run learned from faces, and reads pictures and '
        'videos. Tables of utterances and recordings need a run that learned '
        'from utterances, such as that of configs/utterances_csv.py.'
      )
