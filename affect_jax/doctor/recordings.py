"""Recordings that were silent, clipped or cut when a corpus was prepared."""

from collections.abc import Mapping, Sequence

from affect_jax.corpora.features import recordings
from affect_jax.doctor import findings

# As `utterances_csv` counts them.
OF_AUDIO = 'audio: '
_KINDS = {
  recordings.CUT: (
    'cut_recordings',
    'recordings are shorter than their files say',
    'The download or the copy broke off: fetch the files again.',
  ),
  recordings.SILENT: (
    'silent_recordings',
    'recordings are silent',
    'Was the microphone off, or the wrong channel saved? Export them again, or '
    'empty their cells of the column audio: then the modality is missing, and '
    'the model knows.',
  ),
  recordings.CLIPPED: (
    'clipped_recordings',
    'recordings are clipped: their loudest samples were cut off',
    'Their loudness and timbre are not those of the voice: export them again '
    'with less gain, or leave them out.',
  ),
  recordings.LOUD: (
    'loud_recordings',
    'recordings have samples beyond full scale',
    'They are read as they are; export them again with less gain, so that all '
    'recordings have one scale.',
  ),
  recordings.CANCELLING: (
    'cancelling_recordings',
    'recordings have channels that cancel each other out',
    'The loudest channel is read instead of their mean; one cable was '
    'connected the wrong way round: invert a channel, or save only one.',
  ),
  recordings.INTEGERS: (
    'recordings_of_integers',
    'recordings hold floats on the scale of integers',
    'They were divided by full scale; write them in [-1, 1] if that is wrong.',
  ),
}
REASONS = frozenset(OF_AUDIO + reason for reason in _KINDS)
_NOTES = ('recordings_of_integers', 'loud_recordings')


def find(
  skipped: Mapping[str, Mapping[str, int]],
  examples: Mapping[str, Mapping[str, Sequence[str]]],
) -> list[findings.Finding]:
  """Finds them in what preparing a corpus counted.

  Args:
    skipped: {corpus: {reason: recordings}}.
    examples: {corpus: {reason: ids of some of their utterances}}.
  """
  result = []
  for corpus, reasons in skipped.items():
    for reason, (kind, what, advice) in _KINDS.items():
      count = reasons.get(OF_AUDIO + reason, 0)
      if not count:
        continue
      names = list(examples.get(corpus, {}).get(OF_AUDIO + reason, ()))
      shown = f' ({findings.some_of(names, 5, count)})' if names else ''
      result.append(
        findings.Finding(
          findings.NOTE if kind in _NOTES else findings.WARNING,
          kind,
          f'{corpus}: {count:,} {what}{shown}.',
          advice,
          {'corpus': corpus, 'recordings': count, 'ids': names},
        )
      )
  return result
