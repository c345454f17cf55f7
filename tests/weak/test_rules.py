"""Rules say what their tables say, and abstain elsewhere."""

import numpy as np
import pytest

from affect_jax import tasks as tasks_lib
from affect_jax.errors import UserError
from affect_jax.weak import lexicon
from affect_jax.weak import regions
from affect_jax.weak import rules
from affect_jax.weak import selection
from affect_jax.weak import table

CLASSES = ('neutral', 'surprise', 'happiness', 'sadness')


def apply(name, labels, weights=None, classes=CLASSES):
  labels = np.array(labels, np.float32)
  ids = np.array([str(i) for i in range(len(labels))], object)
  weights = np.ones(len(labels)) if weights is None else np.array(weights)
  return rules.apply(name, ids, classes, labels, weights, corpus='toy')


def test_polarity_abstains_on_surprise_and_where_there_is_no_gold():
  found = apply('emotion_to_sentiment', np.eye(4), [1, 1, 1, 0.5])
  assert found.ids.tolist() == ['0', '2']
  assert found.outputs == ('negative', 'neutral', 'positive')
  np.testing.assert_array_equal(found.labels, [[0, 1, 0], [0, 0, 1]])
  np.testing.assert_array_equal(found.confidence, [1, 1])
  # Of a mix it says the mean of what it knows, if that is most.
  mixed = apply('emotion_to_sentiment', [[0, 0.4, 0.4, 0.2], [0, 0.6, 0.4, 0]])
  assert mixed.ids.tolist() == ['0']
  np.testing.assert_allclose(mixed.labels, [[1 / 3, 0, 2 / 3]], rtol=1e-6)


def test_units_of_prototypes():
  found = apply('expression_to_units', np.eye(4)[[0, 2]])
  neutral, happy = (
    dict(zip(found.outputs, x, strict=True)) for x in found.labels
  )
  sure = dict(zip(found.outputs, found.confidence[1], strict=True))
  assert not any(neutral.values())
  assert (happy['AU12'], happy['AU25'], happy['AU6']) == (
    1,
    1,
    np.float32(0.51),
  )
  assert sure['AU12'] == 1
  # It does not say that a smile has no frown.
  assert sure['AU4'] == 0
  _, weights = selection.weigh(found, by_confidence=True)
  of_units = dict(zip(found.outputs, weights[1], strict=True))
  assert of_units['AU4'] == 0 < of_units['AU6'] < of_units['AU12'] < 1


def test_places_of_expressions():
  found = apply('expression_to_valence', np.eye(4)[[3]])
  np.testing.assert_allclose(found.labels, [[-0.63, -0.27]], rtol=1e-6)


@pytest.mark.parametrize('name', rules.RULES)
def test_what_a_rule_says_is_a_label_of_its_task(name, tmp_path):
  rule = rules.RULES[name]()
  annotation = tasks_lib.get_annotation(rule.target)
  for output in rule.outputs:
    assert annotation.name(output) == output
  classes = tuple(rule.says)
  found = apply(name, np.eye(len(classes)), classes=classes)
  assert len(found.ids) == len(classes)
  table.write(tmp_path / 'x.parquet', [found])
  (read,) = table.read(tmp_path / 'x.parquet')
  np.testing.assert_array_equal(read.labels, found.labels)


def test_unknown_rules_and_classes_are_refused():
  with pytest.raises(UserError, match=r'emotion_to_sentimant.*emotion_to_sent'):
    apply('emotion_to_sentimant', np.eye(4))
  with pytest.raises(UserError, match='speaks of'):
    apply('emotion_to_sentiment', np.eye(1), classes=('boredom',))


def test_words_have_a_sentiment_and_silence_has_none():
  pytest.importorskip('vaderSentiment', reason="pip install '[lexicon]'")
  texts = ['I love it!', 'He sat down.', 'A terrible mess', '', 'It is not bad']
  ids = np.array(list('abcde'), object)
  classes = lexicon.apply('sentiment_class', ids, np.array(texts, object))
  assert classes.ids.tolist() == ['a', 'c', 'e']
  assert [classes.outputs[k] for k in classes.labels.argmax(-1)] == [
    'positive',
    'negative',
    'positive',
  ]
  values = lexicon.apply('sentiment', ids, np.array(texts, object))
  # VADER's compound score of "I love it!": 3.2 of "love", .292 of "!".
  score = 3.2 + 0.292
  assert values.labels[0, 0] == pytest.approx(
    3 * score / np.sqrt(score**2 + 15), abs=1e-3
  )
  assert classes.confidence[0] == pytest.approx(values.labels[0, 0] / 3)
  assert (values.confidence == 1).all()
  assert (np.sign(values.labels[:, 0]) == [1, -1, 1]).all()


def test_regions_abstain_between_places():
  """Near a place it speaks; half way to another, and among anger, not."""
  places = np.array([*rules.PLACES.values()])
  happy, sad = (rules.PLACES[k] for k in ('happiness', 'sadness'))
  points = np.array(
    [
      *places,
      (np.array(happy) + sad) / 2,
      (np.array(rules.PLACES['anger']) + rules.PLACES['fear']) / 2,
      happy,
    ]
  )
  weights = np.ones_like(points)
  weights[-1, 0] = 0.5
  ids = np.array([str(i) for i in range(len(points))], object)
  found = regions.apply(ids, ('valence', 'arousal'), points, weights)
  turned = regions.apply(ids, ('arousal', 'valence'), points[:, ::-1], weights)
  assert '9' not in found.ids
  assert '8' not in found.ids
  says = dict(zip(found.ids, found.labels.argmax(-1), strict=True))
  assert [says[str(i)] for i in range(7)] == [*range(7)]
  np.testing.assert_array_equal(found.confidence[:7], 1)
  np.testing.assert_array_equal(found.labels, turned.labels)
  assert (found.confidence >= 0.5).all()
