"""Invented utterances with exact labels of three tasks: no download.

Scores on them show that code works and that methods do what they claim, never
accuracy on people: report them apart from those of real corpora.
`synthetic.utterance_affect` defines what is drawn and the formula of each
label, `synthetic.utterance_streams` how text, audio and vision show it.

Three parts stand for three real corpora of unequal size. Each labels one task,
in every split, as they do; the tasks share one latent affect, so that they can
help each other. With `all_labels` every utterance has gold labels of all three:
the same inputs, and the upper bound for learning from partial labels.

Context helps, too: affect drifts from turn to turn of a dialogue.
"""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import functools
import json
from typing import Any

import numpy as np

from affect_jax import by_name
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.builders import utterances as utterances_lib
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.synthetic import utterance_affect
from affect_jax.synthetic import utterance_streams
from affect_jax.synthetic import utterances

PARTS = utterances.PARTS
OUTPUTS: dict[str, tuple[str, ...]] = {
  'emotion': utterance_affect.EMOTIONS,
  'sentiment': ('sentiment',),
  'sarcasm': ('sarcasm',),
}
NUM_TRAIN = {'emotion': 1500, 'sentiment': 900, 'sarcasm': 450}
NUM_VAL = {'emotion': 300, 'sentiment': 300, 'sarcasm': 300}
NUM_TEST = {'emotion': 600, 'sentiment': 600, 'sarcasm': 600}
# Sarcasm corpora are balanced by design; elsewhere sarcasm is an exception.
SARCASM_SHARE = {'emotion': 0.1, 'sentiment': 0.1, 'sarcasm': 0.5}
# Standard deviation of a wrong sentiment around the right one.
JITTER = 1.5


@dataclasses.dataclass(frozen=True)
class _Options:
  """Checked options; see `listing`."""

  counts: Mapping[str, Mapping[str, int]]
  all_labels: bool
  sarcasm_share: Mapping[str, float]
  drift: float
  turns: tuple[int, int]
  label_noise: float
  missing: Mapping[str, float]
  missing_in_eval: bool
  seed: int


def listing(
  *,
  parts: Sequence[str] = PARTS,
  num_train: Mapping[str, int] | None = None,
  num_val: Mapping[str, int] | None = None,
  num_test: Mapping[str, int] | None = None,
  all_labels: bool = False,
  sarcasm_share: Mapping[str, float] | None = None,
  drift: float = 0.8,
  turns: Sequence[int] = (4, 12),
  label_noise: float = 0.03,
  missing: Mapping[str, float] | None = None,
  missing_in_eval: bool = False,
  seed: int = 0,
) -> utterance_listing.Listing:
  """Lists utterances of one or more parts as train, val and test.

  An utterance's sequences depend only on seed, part, split, `sarcasm_share`,
  `drift` and `turns`: the other options change its labels or remove modalities.
  No speaker is in two splits or parts.

  Args:
    parts: Some of 'emotion', 'sentiment', 'sarcasm'. Name one to use it as a
      corpus of its own, next to others.
    num_train: {part: utterances of the training split}, at least 1; a part
      that is not named keeps NUM_TRAIN's.
    num_val: The same of the validation split; 0: none of that part.
    num_test: The same of the test split; 0: none of that part.
    all_labels: Label all three tasks everywhere, not only the part's own.
    sarcasm_share: {part: share of sarcastic utterances}; a part that is not
      named keeps SARCASM_SHARE's.
    drift: Correlation of the latent affect from turn to turn, in [0, 1); with
      0 context does not help.
    turns: Fewest and most turns of a dialogue; (1, 1): no dialogues.
    label_noise: Share of wrong labels of each task, in train only: another
      emotion, sentiment moved by noise of deviation JITTER, sarcasm flipped.
    missing: {modality: share of the utterances of train that lack it},
      independently; an utterance that would lack all three keeps its text.
      Text goes with its transcript.
    missing_in_eval: Modalities are missing in val and test, too.
    seed: Another seed gives another corpus with other people, in the same
      invented language.

  Raises:
    UserError: An option is out of its range, or names something unknown.
  """
  parts = (parts,) if isinstance(parts, str) else tuple(parts)
  if not parts or set(parts) - set(PARTS) or len(set(parts)) != len(parts):
    raise UserError(
      f'parts is {parts}; it must be one or more of {", ".join(PARTS)}.'
    )
  counts = {'train': num_train, 'val': num_val, 'test': num_test}
  defaults = {'train': NUM_TRAIN, 'val': NUM_VAL, 'test': NUM_TEST}
  options = _Options(
    counts={
      split: _numbers(f'num_{split}', number, defaults[split], split == 'train')
      for split, number in counts.items()
    },
    all_labels=bool(all_labels),
    sarcasm_share=_shares('sarcasm_share', sarcasm_share, SARCASM_SHARE),
    drift=float(drift),
    turns=_turns(turns),
    label_noise=_shares('label_noise', {'': label_noise}, {'': 0.0})[''],
    missing=_shares(
      'missing', missing, dict.fromkeys(utterance_listing.MODALITIES, 0.0)
    ),
    missing_in_eval=bool(missing_in_eval),
    seed=_whole_number('seed', seed, 0),
  )
  if not 0 <= options.drift < 1:
    raise UserError(f'drift is {drift}; it must be in [0, 1).')
  tasks = [t for t in OUTPUTS if options.all_labels or t in parts]
  return utterance_listing.Listing(
    outputs={task: OUTPUTS[task] for task in tasks},
    dims=utterance_streams.DIMS,
    splits={
      split: functools.partial(_stream, options, parts, split)
      for split, numbers in options.counts.items()
      if any(numbers[part] for part in parts)
    },
    sources={
      'generator': utterances.version(),
      'labels': sources.sha256(__file__),
      'parts': ', '.join(parts),
      **{k: json.dumps(v) for k, v in dataclasses.asdict(options).items()},
    },
  )


def _stream(
  options: _Options, parts: Sequence[str], split: str
) -> Iterator[utterance_listing.Utterance]:
  """Streams the utterances of a split, part by part, dialogue by dialogue."""
  for part in parts:
    drawn = utterances.stream(
      options.seed,
      part,
      split,
      options.counts[split][part],
      turns=options.turns,
      drift=options.drift,
      sarcasm_share=options.sarcasm_share[part],
    )
    rng = None
    for turn in drawn:
      if turn.turn == 0 or rng is None:
        rng = utterances.generator(
          utterances.LABELS, options.seed, part, split, turn.dialogue
        )
      yield _annotate(turn, rng, options, part, split)


def _annotate(
  turn: utterances.Turn,
  rng: np.random.Generator,
  options: _Options,
  part: str,
  split: str,
) -> utterance_listing.Utterance:
  """Makes an utterance of the corpus: labels with noise, some modalities gone.

  The same random numbers are drawn whatever the options, so a larger share of
  noise spoils the same labels as a smaller one, and more.
  """
  wrong, lacking = rng.random((2, 3))
  other = int(rng.integers(1, len(utterance_affect.EMOTIONS)))
  jitter = JITTER * rng.standard_normal()
  noisy = wrong < (options.label_noise if split == 'train' else 0.0)
  emotion = utterance_affect.EMOTIONS.index(turn.emotion)
  if noisy[0]:
    emotion = (emotion + other) % len(utterance_affect.EMOTIONS)
  sentiment = turn.sentiment
  if noisy[1]:
    sentiment = float(np.clip(sentiment + jitter, -3, 3))
  labels: dict[str, float] = {}
  if options.all_labels or part == 'emotion':
    for k, name in enumerate(utterance_affect.EMOTIONS):
      labels[name] = float(k == emotion)
  if options.all_labels or part == 'sentiment':
    labels['sentiment'] = sentiment
  if options.all_labels or part == 'sarcasm':
    labels['sarcasm'] = 1 - turn.sarcasm if noisy[2] else turn.sarcasm

  sequences = dict(turn.sequences)
  if split == 'train' or options.missing_in_eval:
    gone = [
      m
      for m, u in zip(sequences, lacking, strict=True)
      if u < options.missing[m]
    ]
    if len(gone) == len(sequences):
      gone.remove('text')
    for modality in gone:
      del sequences[modality]
  dialogue = f'{part}/{split}/{turn.dialogue:06d}'
  return utterance_listing.Utterance(
    id=f'{dialogue}/{turn.turn:02d}',
    labels=labels,
    sequences=sequences,
    transcript=turn.transcript if 'text' in sequences else '',
    dialogue='' if turn.alone else dialogue,
    turn=turn.turn,
    speaker=turn.speaker,
  )


def _whole_number(option: str, value: Any, least: int) -> int:
  if isinstance(value, bool) or value != int(value) or value < least:
    raise UserError(
      f'{option} is {value!r}; it must be a whole number >= {least}.'
    )
  return int(value)


def _named(
  option: str, values: Mapping[str, Any] | None, default: Mapping[str, Any]
) -> dict[str, Any]:
  """Returns the default, replaced by `values` where these have an entry."""
  values = dict(values or {})
  for name in values:
    by_name.check('name', name, default, of=option)
  return {**default, **values}


def _numbers(
  option: str,
  values: Mapping[str, int] | None,
  default: Mapping[str, int],
  needed: bool,
) -> dict[str, int]:
  return {
    part: _whole_number(f'{option}[{part!r}]', value, int(needed))
    for part, value in _named(option, values, default).items()
  }


def _shares(
  option: str,
  values: Mapping[str, float] | None,
  default: Mapping[str, float],
) -> dict[str, float]:
  shares = _named(option, values, default)
  for name, share in shares.items():
    if not 0 <= share <= 1:
      where = f'{option}[{name!r}]' if name else option
      raise UserError(f'{where} is {share}; a share must be in [0, 1].')
  return {name: float(share) for name, share in shares.items()}


def _turns(turns: Sequence[int]) -> tuple[int, int]:
  if len(tuple(turns)) != 2 or not 1 <= turns[0] <= turns[1]:
    raise UserError(
      f'turns is {turns!r}; it must be the fewest and the most turns of a '
      'dialogue, such as (4, 12).'
    )
  return (
    _whole_number('turns[0]', turns[0], 1),
    _whole_number('turns[1]', turns[1], 1),
  )


class SyntheticUtterances(utterances_lib.UtteranceCorpus):
  """Invented utterances; see `listing` and `UtteranceCorpus`."""

  LISTING = listing
