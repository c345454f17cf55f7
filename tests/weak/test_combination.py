"""Tables of several labellers become one, or are refused."""

import dataclasses

import numpy as np
import pytest

from affect_jax.errors import UserError
from affect_jax.weak import combination
from affect_jax.weak import table

pytest.importorskip('crowdkit', reason="pip install 'affect_jax[weak]'")
CLASSES = ('negative', 'neutral', 'positive')


def labels(says, *, outputs=CLASSES, **more):
  """Weak labels of {id: index of a class}."""
  p = np.eye(len(outputs), dtype=np.float32)[[*says.values()]]
  return table.WeakLabels(
    **{
      'task': 'sentiment_class',
      'kind': 'class',
      'outputs': outputs,
      'ids': np.array([*says], object),
      'labels': 0.8 * p + 0.2 / len(outputs),
      'confidence': np.full(len(p), 0.9, np.float32),
      'corpus': 'toy',
      'version': 'toy/1',
      **more,
    }
  )


def combine(*parts, model='majority', **options):
  tables = [(f'{i}.parquet', [p]) for i, p in enumerate(parts)]
  (of,) = combination.group(tables, **options)
  return combination.combine(of, model)


def test_classes_are_voted_on_by_name_and_silence_is_no_vote():
  turned = labels({'b': 0, 'c': 0}, outputs=CLASSES[::-1])  # Both positive.
  made = combine(labels({'a': 0, 'b': 1}), turned, labels({'b': 2}))
  assert made.labels.ids.tolist() == ['a', 'b', 'c']
  assert made.labels.outputs == CLASSES
  np.testing.assert_allclose(
    made.labels.labels, [[1, 0, 0], [0, 1 / 3, 2 / 3], [0, 0, 1]], rtol=1e-6
  )
  np.testing.assert_allclose(made.labels.confidence, [1, 2 / 3, 1], rtol=1e-6)
  assert made.met == 1
  assert made.labels.teacher == 'majority: 0.parquet + 1.parquet + 2.parquet'
  assert (made.labels.corpus, made.labels.version) == ('toy', 'toy/1')


def test_presence_is_voted_on_by_output_and_values_are_averaged():
  shared = {'ids': np.array(['a', 'b'], object), 'corpus': 'toy'}
  units = [
    table.WeakLabels(
      'action_units',
      'presence',
      outputs,
      labels=np.array(x, np.float32),
      confidence=np.array(c, np.float32),
      **shared,
    )
    for outputs, x, c in (
      (('AU1', 'AU2'), [[1, 0], [0.9, 0]], [[1, 1], [1, 0]]),
      (('AU2', 'AU4'), [[1, 0.3], [0, 0]], [[1, 1], [0, 0]]),
    )
  ]
  made = combine(*units).labels
  assert made.outputs == ('AU1', 'AU2', 'AU4')
  np.testing.assert_allclose(made.labels, [[1, 0.5, 0], [1, 0, 0]])
  # Of AU2 and AU4 of b, nobody says anything.
  np.testing.assert_allclose(made.confidence, [[1, 0.5, 1], [1, 0, 0]])
  values = [
    table.WeakLabels(
      'sentiment',
      'value',
      ('sentiment',),
      labels=np.array(x, np.float32),
      confidence=np.array(c, np.float32),
      **shared,
    )
    for x, c in (([[1], [2]], [[0.5], [1]]), ([[3], [0]], [[0.7], [0]]))
  ]
  made = combine(*values, model='dawid_skene')
  assert made.model == combination.MEAN
  np.testing.assert_allclose(made.labels.labels, [[2], [2]])
  np.testing.assert_allclose(made.labels.confidence, [[0.6], [1]])


def test_the_table_can_be_read_again(tmp_path):
  made = combine(labels({'a': 0, 'b': 1}), labels({'b': 2})).labels
  table.write(tmp_path / 'both.parquet', [made])
  (read,) = table.read(tmp_path / 'both.parquet')
  np.testing.assert_array_equal(read.labels, made.labels)
  np.testing.assert_array_equal(read.confidence, made.confidence)
  assert (read.kind, read.teacher) == ('class', made.teacher)


def test_what_one_labels_stays_as_it_is():
  alone = labels({'a': 0, 'b': 2})
  made = combine(alone, model='dawid_skene')
  assert made.model == combination.AS_IT_IS
  np.testing.assert_array_equal(made.labels.labels, alone.labels)
  np.testing.assert_array_equal(made.labels.confidence, alone.confidence)
  assert made.labels.teacher == '0.parquet'


def test_teachers_of_one_table_are_labellers_if_they_meet():
  both = [labels({'a': 0, 'b': 0}, teacher='x'), labels({'c': 1}, teacher='y')]
  (of,) = combination.group([('t', both)])
  assert of.labellers == ('t',)
  both.append(labels({'a': 1}, teacher='y'))
  (of,) = combination.group([('t', both)])
  assert of.labellers == ('t (x)', 't (y)')
  both.append(labels({'a': 1}, teacher='y', step='7'))
  with pytest.raises(UserError, match='two labels of sentiment_class for one'):
    combination.group([('t', both)])


def test_a_table_without_corpus_joins_the_only_one():
  theirs = labels({'a': 2}, corpus='', version='')
  made = combine(labels({'a': 2}), theirs)
  assert (made.labels.corpus, made.met) == ('toy', 1)
  with pytest.raises(UserError, match=r'2\.parquet does not say of which corp'):
    combine(labels({'a': 2}), labels({'a': 2}, corpus='other'), theirs)


def test_two_corpora_of_one_class_stay_apart():
  tables = [
    (name, [labels({'a': 2}), labels({'x': 0}, version='toy/2')])
    for name in 'st'
  ]
  assert [g.version for g in combination.group(tables)] == ['toy/1', 'toy/2']


def test_tables_that_do_not_fit_are_refused():
  one = labels({'a': 0})
  other = labels({'a': 0}, version='toy/2')
  with pytest.raises(UserError, match=r'toy/1 in 0\.parquet, toy/2 in 1\.par'):
    combine(one, other)
  assert combine(one, other, any_version=True).met == 1
  few = labels({'a': 0}, outputs=('negative', 'positive'))
  with pytest.raises(UserError, match=r"1\.parquet has the classes \['neg"):
    combine(one, few)
  odd = dataclasses.replace(one, kind='presence', confidence=one.labels)
  with pytest.raises(UserError, match='several kinds'):
    combine(one, odd)
  with pytest.raises(UserError, match=r'sentiment_class of toy: No sample'):
    combine(one, labels({'b': 0}), model='dawid_skene')
  with pytest.raises(UserError, match='every labeller abstains everywhere'):
    combination.group(
      [('x.csv', []), ('y.csv', [one.where(np.zeros(1, bool))])]
    )
