"""Utterances that are read from the middle on, and dialogues in one piece."""

import numpy as np
import pytest

from affect_jax.corpora.builders import text_inputs
from affect_jax.corpora.builders import utterance_listing
from affect_jax.predict.spoken import batches
from affect_jax.predict.spoken import segment

LAYOUT = batches.Layout(
  dims={'text': 1},
  own={'text': 1},
  spaces={},
  without={},
  max_steps=3,
  window=0,
  hop=1,
  boundaries=(4,),
  together=(),
)
# (dialogue, what is said); two dialogues, and two that are alone.
SAID = (
  *(('a', 'one'), ('a', ''), ('a', 'two'), ('a', 'three'), ('b', 'four')),
  *(('', 'five'), ('', 'six'), ('b', None), ('b', 'seven'), ('b', 'eight')),
)


def segments():
  for place, (dialogue, words) in enumerate(SAID):
    utterance = None
    if words is not None:
      utterance = utterance_listing.Utterance(
        id='x',
        labels={},
        transcript=words,
        context=('before',) if words == 'two' else (),
        dialogue=dialogue,
        speaker=f'speaker{place}',
      )
    yield segment.Segment(place, 'in', 'x', utterance=utterance)


def pairs(done, told):
  """Text that keeps what was said before: the tests' own `seen`."""
  seen = {}

  def read(items):
    for item, before in text_inputs._with_context(items, 3, speakers=True):
      seen[int(item.id)] = before
      yield item, np.ones((1, 1), np.float32)

  text = text_inputs.TextInputs('features', 1, {}, read)
  tell = lambda part, used, reason: told.append(part.place)
  found = list(batches.pairs(segments(), LAYOUT, text, tell, done))
  assert [int(item.id) for item, _ in found] == [*seen]
  return seen


@pytest.mark.parametrize('done', range(len(SAID)))
def test_words_that_are_passed_over_are_still_said_before(done):
  whole = pairs(0, [])
  assert whole[3] == ['speaker0: one', 'speaker2: two']
  told = []
  assert pairs(done, told) == {k: x for k, x in whole.items() if k >= done}
  assert sorted(told) == list(range(done, len(SAID)))


def test_dialogues_stay_together_where_a_run_reads_them_so():
  of = lambda *names: iter(
    [(utterance_listing.Utterance('x', {}, dialogue=x), {}) for x in names]
  )
  sizes = lambda whole: [
    len(group) for group in batches.together(of(*'aaabb', '', ''), 2, whole)
  ]
  assert sizes(False) == [2, 2, 2, 1]
  assert sizes(True) == [3, 2, 2]
