"""What is drawn for invented utterances: formulas, words, voices, faces."""

import functools

import numpy as np
import pytest

from affect_jax.synthetic import utterance_affect
from affect_jax.synthetic import utterance_lexicon
from affect_jax.synthetic import utterance_streams
from affect_jax.synthetic import utterances


@functools.cache
def drawn(count):
  return list(utterances.stream(0, 'sentiment', 'train', count))


def feelings(drift=0.0, sarcasm_share=0.0, turns=5000):
  rng = np.random.default_rng(0)
  return utterance_affect.draw(rng, turns, drift, sarcasm_share)


def test_formulas_by_hand():
  # 3 x .5 x (3 - 1) / 4, 3 x -1 x (3 + 1) / 4, and nothing of nothing.
  np.testing.assert_allclose(
    utterance_affect.sentiment(
      np.array([0.5, -1.0, 0.0]), np.array([-1.0, 1.0, 0.7])
    ),
    [0.75, -3.0, 0.0],
  )
  # .3 + .7 |v|, with the sign.
  np.testing.assert_allclose(
    utterance_affect.polarity(np.array([0.0, 0.5, -1.0])), [0.3, 0.65, -1.0]
  )
  np.testing.assert_array_equal(
    utterance_affect.sarcasm(
      np.array([-0.3, -0.9, 0.9, 0.2, 0.9]),
      np.array([0.3, 0.8, 0.4, -0.2, -0.9]),
    ),
    [1, 1, 0, 0, 1],
  )


def test_labels_follow_from_what_was_drawn():
  for turn in drawn(1000):
    expected = 3 * turn.valence * (3 + turn.arousal) / 4
    assert turn.sentiment == pytest.approx(expected)
    apart = abs(turn.said - turn.shown) > 0.6 - 1e-9
    assert turn.sarcasm == float(turn.said * turn.shown < 0 and apart)
    assert np.sign(turn.shown) == np.sign(turn.valence)
    assert 0.3 <= abs(turn.shown) <= 1


def test_every_emotion_is_there_and_nearest_to_its_anchor():
  found = feelings()
  place = np.stack([found.valence, found.arousal], axis=1)
  for k, name in enumerate(utterance_affect.EMOTIONS):
    own = found.emotion == k
    assert 0.05 < own.mean() < 0.35, name
    gaps = np.linalg.norm(utterance_affect.ANCHORS - place[own].mean(0), axis=1)
    assert np.argmin(gaps) == k, (name, gaps)


def test_tasks_are_correlated():
  found = feelings()
  sentiment = utterance_affect.sentiment(found.valence, found.arousal)
  mean = {
    name: sentiment[found.emotion == k].mean()
    for k, name in enumerate(utterance_affect.EMOTIONS)
  }
  assert mean['happiness'] > 1.5
  assert max(mean['anger'], mean['disgust'], mean['sadness']) < -0.8
  assert mean['sadness'] < mean['neutral'] < mean['happiness']


@pytest.mark.parametrize('drift', [0.0, 0.5, 0.9])
def test_affect_drifts(drift):
  found = feelings(drift=drift)
  for state in (found.valence, found.arousal):
    latent = np.arctanh(state)
    assert latent.std() == pytest.approx(1, abs=0.1)
    lag_1 = np.corrcoef(latent[1:], latent[:-1])[0, 1]
    lag_2 = np.corrcoef(latent[2:], latent[:-2])[0, 1]
    assert lag_1 == pytest.approx(drift, abs=0.04)
    assert lag_2 == pytest.approx(drift**2, abs=0.06)


@pytest.mark.parametrize('share', [0.0, 0.2, 0.5])
def test_share_of_sarcasm(share):
  found = feelings(sarcasm_share=share)
  said = utterance_affect.said(found)
  shown = utterance_affect.polarity(found.valence)
  sarcasm = utterance_affect.sarcasm(said, shown)
  np.testing.assert_array_equal(sarcasm, found.flipped)
  assert sarcasm.mean() == pytest.approx(share, abs=0.03)


def test_sarcasm_leaves_no_trace_in_either_polarity():
  found = feelings(sarcasm_share=0.5, turns=20000)
  said = utterance_affect.said(found)
  shown = utterance_affect.polarity(found.valence)
  for polarity in (said, shown):
    for power in (1, 2):
      apart = [
        np.mean(polarity[f] ** power) for f in (found.flipped, ~found.flipped)
      ]
      assert abs(apart[0] - apart[1]) < 0.03
  # Together they tell it, always.
  np.testing.assert_array_equal(said * shown < 0, found.flipped)


def test_lengths_differ_by_modality():
  for turn in drawn(1000):
    words, frames, pictures = (
      len(turn.sequences[m]) for m in ('text', 'audio', 'vision')
    )
    assert 3 <= words <= 42
    assert 3 * words - 1 <= frames <= 5 * words + 1
    assert 1.5 * words - 1 <= pictures <= 2.5 * words + 1


def test_the_lexicon():
  lexicon = utterance_lexicon.load()
  assert len(set(lexicon.words)) == len(lexicon.words) == len(lexicon.vectors)
  assert all(w.isalpha() and w.islower() for w in lexicon.words)
  place = {w: k for k, w in enumerate(lexicon.words)}
  for turn in drawn(1000)[:50]:
    rows = [place[w] for w in turn.transcript.split()]
    np.testing.assert_array_equal(turn.sequences['text'], lexicon.vectors[rows])
  # The direction of valence is read off the vectors.
  affect = lexicon.kind == 0
  slopes = np.linalg.lstsq(lexicon.vectors, lexicon.valence, rcond=None)[0]
  fitted = (lexicon.vectors @ slopes)[affect]
  assert np.corrcoef(fitted, lexicon.valence[affect])[0, 1] > 0.95
  word = utterance_lexicon.affect_word(
    np.array([-2.0, 0.04, 0.5]), np.array([0.0, 0.3, 9.0]), np.array([0, 1, 2])
  )
  np.testing.assert_allclose(lexicon.valence[word], [-1, 0, 0.5], atol=1e-9)
  np.testing.assert_allclose(lexicon.arousal[word], [0, 0.25, 1])


def meaning(transcript, rules):
  """Mean valence of the affect words, with or without what modifies them."""
  lexicon = utterance_lexicon.load()
  place = {w: k for k, w in enumerate(lexicon.words)}
  factor, values = 1.0, []
  for word in transcript.split():
    kind = utterance_lexicon.KINDS[lexicon.kind[place[word]]]
    if kind == 'affect':
      values.append(factor * lexicon.valence[place[word]])
      factor = 1.0
    elif rules and kind != 'function':
      factor *= -1 if kind == 'negation' else 1.5
  return np.mean(values)


def test_negations_and_intensifiers_matter():
  turns = drawn(1000)
  said = [t.said for t in turns]
  read_right = [meaning(t.transcript, True) for t in turns]
  read_flat = [meaning(t.transcript, False) for t in turns]
  right = np.corrcoef(said, read_right)[0, 1]
  assert right > 0.93
  assert np.corrcoef(said, read_flat)[0, 1] < right - 0.1


def test_faces_show_their_emotion():
  found = {}
  for turn in drawn(1000):
    shown = turn.sequences['vision'].mean(0)
    found.setdefault(turn.emotion, []).append(shown)
  mean = {k: np.mean(v, axis=0) for k, v in found.items()}
  units = utterance_streams.affect_lib.RENDERED
  for emotion, unit in {
    'happiness': 'AU12',
    'surprise': 'AU2',
    'anger': 'AU4',
    'disgust': 'AU9',
    'fear': 'AU20',
    'sadness': 'AU15',
  }.items():
    column = units.index(unit)
    assert mean[emotion][column] > mean['neutral'][column] + 0.08, unit
