"""Tables of weak labels: written and read, foreign ones, damaged ones."""

import numpy as np
import pyarrow as pa
from pyarrow import parquet
import pytest

from affect_jax.errors import UserError
from affect_jax.weak import table

CLASSES = ('negative', 'neutral', 'positive')


def sentiment(rows=4, **changes):
  r = np.random.default_rng(0)
  labels = r.dirichlet(np.ones(3), rows).astype(np.float32)
  return table.WeakLabels(
    **{
      'task': 'sentiment_class',
      'kind': 'class',
      'outputs': CLASSES,
      'ids': np.array([f'a/{i}' for i in range(rows)], object),
      'labels': labels,
      'confidence': labels.max(-1),
      'corpus': 'meld',
      'version': 'meld/1/1.0.0',
      'teacher': 'runs/x+runs/y',
      'step': '10+20',
      'config': 'abc+def',
      'temperature': 1.5,
      'right': np.array([0.5, 0.25, 0.75], np.float32),
      **changes,
    }
  )


def units():
  labels = np.array([[0.9, 0.2], [0.1, 0.5]], np.float32)
  return table.WeakLabels(
    task='action_units',
    kind='presence',
    outputs=('AU1', 'AU12'),
    ids=np.array(['x', 'ü'], object),
    labels=labels,
    confidence=np.maximum(labels, 1 - labels),
  )


def test_what_was_written_is_read(tmp_path):
  path = tmp_path / 'new' / 'weak.parquet'
  written = [sentiment(), units()]
  table.write(path, written)
  for one, other in zip(table.read(path), written, strict=True):
    for name, value in vars(other).items():
      if isinstance(value, np.ndarray):
        np.testing.assert_array_equal(vars(one)[name], value)
      else:
        assert vars(one)[name] == value, name


def by_rows(path):
  """Reads a table row by row: {(shared columns): [(id, label, sure)]}."""
  found = {}
  for row in parquet.read_table(path).to_pylist():
    shared = [*table.SHARED, 'outputs', 'temperature', 'right']
    key = tuple(str(row[k]) for k in shared)
    numbers = (row['id'], row['label'], row['confidence'])
    found.setdefault(key, []).append(numbers)
  return found


def test_rows_in_any_order_are_read_as_they_are(tmp_path):
  """Parts whose rows are mixed, in several chunks, with lists of all kinds."""
  path = tmp_path / 'weak.parquet'
  parts = [
    sentiment(50),
    sentiment(30, teacher='runs/z', right=None),
    sentiment(20, teacher='runs/z', temperature=2.0, right=None),
    sentiment(40, teacher='ü', right=np.float32([0.5, 0.25, 0.5])),
    units(),
  ]
  table.write(path, parts)
  content = parquet.read_table(path)
  order = np.random.default_rng(1).permutation(len(content))
  mixed = content.take(order)
  large = pa.large_list(pa.float32())
  place = mixed.column_names.index('label')
  mixed = mixed.set_column(place, 'label', mixed['label'].cast(large))
  parquet.write_table(mixed, path, row_group_size=17)
  want = by_rows(path)
  found = table.read(path)
  assert len(found) == len(want) == len(parts)
  for part, rows in zip(found, want.values(), strict=True):
    ids, labels, confidence = zip(*rows, strict=True)
    assert [*part.ids] == [*ids]
    np.testing.assert_array_equal(part.labels, np.float32(labels))
    given = part.confidence.reshape(len(ids), -1)
    np.testing.assert_array_equal(given, np.float32(confidence))
  assert [p.right is None for p in found].count(True) == 3
  assert {(p.teacher, p.temperature) for p in found} == {
    (p.teacher, p.temperature) for p in parts
  }


def test_tables_of_other_programs_may_be_shorter(tmp_path):
  path = tmp_path / 'x.parquet'
  labels = np.float32([[0.25, 0.75], [0.5, 0.5]])
  flat = pa.array(labels.ravel())
  columns = {
    'id': pa.array([7, 8]),
    'task': ['emotion', 'emotion'],
    'outputs': [['anger', 'fear']] * 2,
    'label': pa.FixedSizeListArray.from_arrays(flat, 2),
    'temperature': pa.array([None, 1.0]),
    'step': pa.array([10, 10]),
    'right': pa.nulls(2),
  }
  parquet.write_table(pa.table(columns), path)
  (part,) = table.read(path)
  assert [*part.ids] == ['7', '8']
  assert (part.kind, part.step, part.temperature) == ('class', '10', 1.0)
  np.testing.assert_array_equal(part.labels, labels)
  np.testing.assert_array_equal(part.confidence, [0.75, 0.5])


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    ({'label': [[0.5, 0.5], None, [1, 0]]}, 'row 2: id, outputs or label is'),
    ({'id': ['a', 'b', None]}, 'row 3: id, outputs or label is missing'),
    (
      {'label': [[0.5, 0.5], [0.2, 0.2, 0.6], [1.0, 0.0]]},
      r'row 2: label of emotion is \[0\.2, 0\.2, 0\.6\], not 2 number',
    ),
    ({'confidence': [[0.5], [0.5], None]}, 'row 3: confidence of emotion'),
    (
      {'label': [[0.5, 0.5], [0.5, None], [1, 0]]},
      "row 2: .*'b' is not fin",
    ),
    (
      {'label': [0.5, 0.5, 1.0]},
      "'label' has double in each row, not",
    ),
    ({'outputs': [['anger', 'feer']] * 3}, 'feer'),
  ],
)
def test_rows_that_are_wrong_are_named(tmp_path, change, message):
  columns = {
    'id': ['a', 'b', 'c'],
    'task': ['emotion'] * 3,
    'outputs': [['anger', 'fear']] * 3,
    'label': [[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]],
    'confidence': [[0.5]] * 3,
    **change,
  }
  path = tmp_path / 'x.parquet'
  parquet.write_table(pa.table(columns), path)
  with pytest.raises(UserError, match=message):
    table.read(path)


def test_predictions_of_a_run_and_of_others_are_tables(tmp_path):
  path = tmp_path / 'theirs.csv'
  path.write_text(
    'id,corpus,predicted/emotion/neutral,predicted/emotion/anger,'
    'gold/sarcasm/sarcasm,predicted/sarcasm/sarcasm,note\n'
    'a,meld,0.25,0.75,,0.1,x\n'
    'b,meld,,,1,0.9,\n'
  )
  emotion, sarcasm = table.read(path)
  assert (emotion.task, emotion.kind) == ('emotion', 'class')
  np.testing.assert_allclose(emotion.labels, [[0.25, 0.75]])
  np.testing.assert_allclose(emotion.confidence, [0.75])
  assert [*sarcasm.ids] == ['a', 'b']
  np.testing.assert_allclose(sarcasm.confidence, [[0.9], [0.9]])
  assert sarcasm.corpus == 'meld'
  columns = {'id': ['a'], 'valence_arousal/valence': [0.5]}
  parquet.write_table(pa.table(columns), tmp_path / 'one.parquet')
  (value,) = table.read(tmp_path / 'one.parquet')
  assert value.kind == 'value'
  np.testing.assert_array_equal(value.confidence, [[1]])


def test_emotions_that_do_not_sum_to_1_are_several_at_once(tmp_path):
  path = tmp_path / 'x.csv'
  path.write_text('id,emotion/anger,emotion/fear\na,.9,.8\nb,.1,.1\n')
  (found,) = table.read(path)
  assert found.kind == 'presence'
  assert found.confidence.shape == (2, 2)


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    (
      {'labels': np.full((4, 3), 0.3, np.float32)},
      r"row 1: sentiment_class of 'a/0' has probabilities that do not sum to 1",
    ),
    ({'labels': np.full((4, 3), np.nan, np.float32)}, 'is not finite'),
    (
      {'labels': np.tile(np.float32([1.5, -0.5, 0]), (4, 1))},
      r'is not in \[0, 1\]',
    ),
    (
      {'confidence': np.float32([0.5, np.nan, 0.5, 0.5])},
      r"row 2: .*'a/1' has a confidence outside of \[0, 1\]: nan. 1 of 4",
    ),
    ({'outputs': ('negative', 'joyful', 'positive')}, 'joyful'),
    ({'task': 'mood'}, "Unknown task 'mood'"),
    ({'ids': np.array(['a', 'b', 'a', 'c'], object)}, "'a' appears 2 times"),
  ],
)
def test_what_cannot_be_a_label_is_named(tmp_path, changes, message):
  path = tmp_path / 'weak.parquet'
  table.write(path, [sentiment(**changes)])
  with pytest.raises(UserError, match=message):
    table.read(path)


@pytest.mark.parametrize(
  ('old', 'new'), [(b'a/1', b'\xff/1'), (b'outputs', b'\xff\xfetputs')]
)
def test_text_that_is_not_utf_8_is_named(tmp_path, old, new):
  path = tmp_path / 'weak.parquet'
  table.write(path, [sentiment()])
  content = parquet.read_table(path)
  parquet.write_table(content, path, compression='none')
  assert len(table.read(path)[0].ids) == 4
  path.write_bytes(path.read_bytes().replace(old, new))
  with pytest.raises(UserError, match=r'weak\.parquet is'):
    table.read(path)


def test_damaged_files_are_named(tmp_path):
  path = tmp_path / 'weak.parquet'
  table.write(path, [sentiment(400)])
  data = path.read_bytes()
  path.write_bytes(data[: len(data) // 2])
  with pytest.raises(UserError, match='no whole parquet file'):
    table.read(path)
  with pytest.raises(FileNotFoundError, match='weak labels is expected'):
    table.read(tmp_path / 'gone.parquet')
  path = tmp_path / 'cut.csv'
  path.write_text('id,sarcasm/sarcasm\na,0.5\nb\n')
  with pytest.raises(UserError, match=r'cut\.csv:3: 1 cells'):
    table.read(path)
  path.write_text('id,sarcasm/sarcasm\na,high\n')
  with pytest.raises(UserError, match=r"cut\.csv:2: .*'high'.*not numbers"):
    table.read(path)
  path.write_text('name,sarcasm\na,1\n')
  with pytest.raises(UserError, match='no table of weak labels'):
    table.read(path)
