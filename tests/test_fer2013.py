"""FER2013 and FER+ on tables that the tests write, and how corpora are kept."""

import csv
import errno
import io
import os
import pathlib
import signal
import subprocess
import sys
import threading

from absl import logging
import numpy as np
from PIL import Image
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from affect_jax import corpora
from affect_jax.corpora import fer2013
from affect_jax.corpora import fer_plus
from affect_jax.corpora import prepare


def picture(seed):
  return np.random.default_rng(seed).integers(0, 256, 2304)


def write_fer(path, rows, header=('emotion', 'pixels', 'Usage')):
  with open(path, 'w', newline='') as f:
    table = csv.writer(f)
    table.writerow(header)
    for emotion, pixels, *usage in rows:
      text = pixels if isinstance(pixels, str) else ' '.join(map(str, pixels))
      table.writerow([emotion, text, *usage])
  return path


def small(path, test=False):
  rows = [(k, picture(k), 'Training') for k in range(7)]
  rows += [(3, picture(10), 'PublicTest'), (0, picture(2), 'PublicTest')]
  if test:
    rows += [(6, picture(11), 'PrivateTest'), (6, picture(4), 'PrivateTest')]
  return write_fer(path, rows)


def load(builder, split):
  data = builder.as_dataset(
    split=split,
    shuffle_files=False,
    decoders={'image': tfds.decode.SkipDecoding()},
  )
  return {row['id'].decode(): row for row in data.as_numpy_iterator()}


def prepared(tmp_path, path, **options):
  builder = corpora.get_corpus('fer2013')(
    data_dir=tmp_path / 'data', path=path, **options
  )
  builder.download_and_prepare()
  return builder


def test_pictures_labels_ids_and_splits_are_those_of_the_file(tmp_path):
  builder = prepared(tmp_path, small(tmp_path / 'fer.csv', test=True))
  sizes = {n: s.num_examples for n, s in builder.info.splits.items()}
  assert sizes == {'train': 7, 'val': 2, 'test': 2}
  names = builder.info.metadata['outputs']['expression']
  assert names == (
    ['anger', 'disgust', 'fear', 'happiness', 'sadness', 'surprise', 'neutral']
  )
  rows = load(builder, 'train')
  assert sorted(rows) == [f'Training_{k:05d}' for k in range(7)]
  for k in range(7):
    row = rows[f'Training_{k:05d}']
    np.testing.assert_array_equal(row['expression'], np.eye(7)[k])
    assert row['expression_weights'] == 1
    assert row['subject'] == b''
    stored = Image.open(io.BytesIO(row['image']))
    assert stored.format == 'PNG'
    np.testing.assert_array_equal(
      np.asarray(stored), picture(k).reshape(48, 48)
    )
  assert sorted(load(builder, 'val')) == [
    'PublicTest_00007',
    'PublicTest_00008',
  ]


def test_without_private_test_there_is_no_test_split(tmp_path):
  builder = prepared(tmp_path, small(tmp_path / 'fer.csv'))
  assert set(builder.info.splits) == {'train', 'val'}


def test_duplicates_of_train_are_left_out_counted_and_logged(
  tmp_path, monkeypatch
):
  lines = []
  monkeypatch.setattr(logging, 'info', lambda m, *a: lines.append(m % a))
  path = small(tmp_path / 'fer.csv', test=True)
  kept = prepared(tmp_path, path)
  assert kept.info.metadata['skipped'] == {}
  builder = prepared(tmp_path, path, exclude_duplicates=True)
  assert sorted(load(builder, 'val')) == ['PublicTest_00007']
  assert sorted(load(builder, 'test')) == ['PrivateTest_00009']
  assert builder.info.metadata['skipped'] == {fer2013.DUPLICATE: 2}
  ours = [line for line in lines if line.startswith('fer2013: ')]
  assert ours == [
    'fer2013: train 7, val 2, test 2; left out: nothing.',
    'fer2013: train 7, val 1, test 1; left out: 2 pixel-identical to a '
    'picture of train.',
  ]


def test_metadata_comes_back_and_nothing_is_prepared_twice(
  tmp_path, monkeypatch
):
  path = small(tmp_path / 'fer.csv')
  first = prepared(tmp_path, path, exclude_duplicates=True)
  monkeypatch.setattr(fer2013, 'read', None)  # preparing would call it
  again = prepared(tmp_path, path, exclude_duplicates=True)
  assert again.data_dir == first.data_dir
  for key in ('outputs', 'sources', 'skipped'):
    assert again.info.metadata[key] == first.info.metadata[key]
  assert again.info.metadata['skipped'] == {fer2013.DUPLICATE: 1}
  assert len(load(again, 'train')) == 7


def test_an_edited_file_is_prepared_anew(tmp_path):
  path = small(tmp_path / 'fer.csv')
  first = prepared(tmp_path, path)
  text = path.read_text().replace('3,', '4,', 1)
  path.write_text(text)
  second = prepared(tmp_path, path)
  assert second.data_dir != first.data_dir
  assert load(second, 'train')['Training_00003']['expression'][4] == 1
  assert load(first, 'train')['Training_00003']['expression'][3] == 1


@pytest.mark.parametrize(
  ('row', 'message'),
  [
    ((7, picture(0), 'Training'), "fer.csv:3: emotion '7' is none of 0 anger"),
    (('sad', picture(0), 'Training'), "fer.csv:3: emotion 'sad'"),
    ((0, picture(0)[1:], 'Training'), 'fer.csv:3: 2303 pixels, not 48x48'),
    ((0, [300] * 2304, 'Training'), "fer.csv:3: pixel '300'"),
    ((0, [-1] * 2304, 'Training'), "fer.csv:3: pixel '-1'"),
    ((0, '', 'Training'), 'fer.csv:3: 0 pixels'),
    ((0, picture(0), 'Test'), "fer.csv:3: Usage 'Test' is none of Training"),
    ((0, picture(0)), 'fer.csv:3: 2 cells, not 3'),
  ],
)
def test_malformed_rows_name_line_and_value(tmp_path, row, message):
  path = write_fer(tmp_path / 'fer.csv', [(0, picture(1), 'Training'), row])
  with pytest.raises(ValueError, match='cannot be used') as e:
    prepared(tmp_path, path)
  assert message in str(e.value)
  assert not list((tmp_path / 'data').rglob('*.tfrecord*'))


def test_all_problems_are_told_at_once_up_to_twenty(tmp_path):
  path = write_fer(
    tmp_path / 'fer.csv', [(9, picture(0), 'Training') for _ in range(50)]
  )
  with pytest.raises(ValueError, match='stopped after 20') as e:
    prepared(tmp_path, path)
  assert str(e.value).count("emotion '9'") == 20


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    ('', 'the file is empty'),
    ('emotion,pixels,Usage\n', 'no rows below the header'),
    ('emotion,image,Usage\n', "'image'"),
    ('emotion,pixels,Usage\n0,"1 2', 'fer.csv:2: not valid CSV'),
  ],
)
def test_unusable_files(tmp_path, content, message):
  path = tmp_path / 'fer.csv'
  path.write_text(content)
  with pytest.raises(ValueError, match=message):
    prepared(tmp_path, path)


def test_no_training_rows_is_an_error(tmp_path):
  path = write_fer(tmp_path / 'fer.csv', [(0, picture(0), 'PublicTest')])
  with pytest.raises(ValueError, match='no usable row with Usage Training'):
    prepared(tmp_path, path)


def test_missing_file_and_unknown_names(tmp_path):
  with pytest.raises(FileNotFoundError, match=r'fer2013\.csv of Kaggle'):
    prepared(tmp_path, tmp_path / 'nowhere.csv')
  with pytest.raises(ValueError, match=r"'fer'; known: .*fer2013"):
    corpora.get_corpus('fer')
  path = small(tmp_path / 'fer.csv')
  with pytest.raises(ValueError, match="'mode'; known: published, votes"):
    prepared(tmp_path, path, fer_plus_rule='mode')


# FER+: neutral happiness surprise sadness anger disgust fear contempt
#       unknown NF
@pytest.mark.parametrize(
  ('votes', 'published', 'plain'),
  [
    # A single vote is an outlier.
    ([9, 1, 0, 0, 0, 0, 0, 0, 0, 0], {0: 1.0}, {0: 0.9, 1: 0.1}),
    (
      [3, 1, 1, 1, 1, 1, 1, 1, 0, 0],
      {0: 1.0},
      {0: 0.3, **dict.fromkeys(range(1, 8), 0.1)},
    ),
    # 5 + 3 of 10 are more than 75 %: the third is not taken.
    (
      [5, 3, 2, 0, 0, 0, 0, 0, 0, 0],
      {0: 5 / 8, 1: 3 / 8},
      {0: 0.5, 1: 0.3, 2: 0.2},
    ),
    # 5 of 10 are not: the tied next two are both taken.
    (
      [4, 3, 3, 0, 0, 0, 0, 0, 0, 0],
      {0: 0.4, 1: 0.3, 2: 0.3},
      {0: 0.4, 1: 0.3, 2: 0.3},
    ),
    # Half unknown: dropped.
    ([2, 3, 0, 0, 0, 0, 0, 0, 5, 0], None, None),
    # Not a face.
    ([0, 0, 0, 0, 0, 0, 0, 0, 0, 10], None, None),
    # Five expressions of two votes each: more than three tie.
    ([2, 2, 2, 2, 2, 0, 0, 0, 0, 0], None, {k: 0.2 for k in range(5)}),
    # Nobody agrees with anybody.
    ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], None, {k: 0.125 for k in range(8)}),
    # Unknown has its turn second and ends it, its votes are not counted.
    ([0, 0, 0, 0, 0, 0, 6, 0, 4, 0], {6: 1.0}, {6: 1.0}),
  ],
)  # fmt: skip
def test_votes_become_distributions(votes, published, plain):
  for rule, expected in (('published', published), ('votes', plain)):
    found = fer_plus.distribution(np.array(votes), rule)
    if expected is None:
      assert found is None
    else:
      want = np.zeros(8)
      want[list(expected)] = list(expected.values())
      np.testing.assert_allclose(found, want, atol=1e-6)


def write_votes(path, rows, header=None):
  header = header or (
    'Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,'
    'contempt,unknown,NF'
  )
  path.write_text('\n'.join([header, *rows]) + '\n')
  return path


VOTES = [
  'Training,fer0.png,0,0,0,0,8,0,0,2,0,0',
  'Training,,0,0,0,0,0,0,0,0,0,10',
  'Training,fer2.png,0,0,0,0,0,0,0,0,10,0',
  *(f'Training,fer{k}.png,10,0,0,0,0,0,0,0,0,0' for k in range(3, 7)),
  'PublicTest,fer7.png,0,10,0,0,0,0,0,0,0,0',
  'PublicTest,fer8.png,0,10,0,0,0,0,0,0,0,0',
]


def test_fer_plus_gives_soft_labels_and_counts_what_it_drops(tmp_path):
  # Votes for a part that fer2013.csv does not have are passed over.
  rest = ['PrivateTest,fer9.png,0,10,0,0,0,0,0,0,0,0']
  builder = prepared(
    tmp_path,
    small(tmp_path / 'fer.csv'),
    fer_plus=write_votes(tmp_path / 'plus.csv', VOTES + rest),
  )
  names = builder.info.metadata['outputs']['expression']
  rows = load(builder, 'train')
  assert sorted(rows) == [f'Training_{k:05d}' for k in (0, 3, 4, 5, 6)]
  label = dict(zip(names, rows['Training_00000']['expression'], strict=True))
  assert label['anger'] == 1  # 8 of 10 are enough: contempt is not taken
  label = dict(zip(names, rows['Training_00004']['expression'], strict=True))
  assert label['neutral'] == 1
  assert set(builder.info.splits) == {'train', 'val'}
  assert builder.info.metadata['skipped'] == {
    fer_plus.UNNAMED: 1,
    fer_plus.UNDECIDED: 1,
  }
  assert 'fer2013new.csv' in builder.info.metadata['sources']


@pytest.mark.parametrize(
  ('rows', 'message'),
  [
    (VOTES[:-1], '8 rows for the 9 of fer2013.csv'),
    (VOTES + VOTES[-1:], '10 rows for the 9 of fer2013.csv'),
    (VOTES[::-1], "plus.csv:2: Usage is 'PublicTest', but 'Training'"),
    ([VOTES[0].replace('8', 'x')] + VOTES[1:], "plus.csv:2: anger 'x'"),
    ([VOTES[0] + ',1'] + VOTES[1:], 'plus.csv:2: 13 cells, not 12'),
  ],
)
def test_fer_plus_of_another_table_is_an_error(tmp_path, rows, message):
  with pytest.raises(ValueError, match=r'rows|cannot be used') as e:
    prepared(
      tmp_path,
      small(tmp_path / 'fer.csv'),
      fer_plus=write_votes(tmp_path / 'plus.csv', rows),
    )
  assert message in str(e.value)


def test_fer_plus_in_another_order_is_an_error(tmp_path):
  order = np.random.default_rng(0).permutation(210)
  emotion = np.arange(210) % 7
  columns = [4, 5, 6, 1, 3, 2, 0]  # of the votes, for emotions 0-6
  votes = []
  for k in emotion:
    cells = ['0'] * 10
    cells[columns[k]] = '10'
    votes.append(f'Training,a.png,{",".join(cells)}')
  plus = write_votes(tmp_path / 'plus.csv', votes)
  same = [picture(0)] * 210
  right = write_fer(
    tmp_path / 'right.csv',
    [(k, p, 'Training') for k, p in zip(emotion, same, strict=True)],
  )
  prepared(tmp_path, right, fer_plus=plus)
  wrong = write_fer(
    tmp_path / 'wrong.csv',
    [(k, p, 'Training') for k, p in zip(emotion[order], same, strict=True)],
  )
  with pytest.raises(ValueError, match='not in the original order'):
    prepared(tmp_path, wrong, fer_plus=plus)


def leftovers(tmp_path):
  return [p.name for p in (tmp_path / 'data').rglob('incomplete*')]


@pytest.mark.parametrize(
  'error',
  [
    OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    tf.errors.ResourceExhaustedError(None, None, 'No space left on device'),
  ],
)
def test_a_full_disk_is_explained_and_leaves_nothing(
  tmp_path, monkeypatch, error
):
  path = small(tmp_path / 'fer.csv')
  with monkeypatch.context() as m:

    def write(self, record):
      raise error

    m.setattr(tf.io.TFRecordWriter, 'write', write)
    with pytest.raises(OSError, match=r'is full.*Free some space') as e:
      prepared(tmp_path, path)
  assert e.value.errno == errno.ENOSPC
  assert str(tmp_path / 'data') in str(e.value)
  assert leftovers(tmp_path) == []
  builder = corpora.get_corpus('fer2013')(data_dir=tmp_path / 'data', path=path)
  assert not pathlib.Path(builder.data_dir).exists()
  builder.download_and_prepare()
  assert len(load(builder, 'train')) == 7


def test_other_errors_are_left_alone(tmp_path, monkeypatch):
  def write(self, record):
    raise OSError(errno.EIO, 'broken disk')

  monkeypatch.setattr(tf.io.TFRecordWriter, 'write', write)
  with pytest.raises(OSError, match='broken disk') as e:
    prepared(tmp_path, small(tmp_path / 'fer.csv'))
  assert 'is full' not in str(e.value)


KILLED = """
import os, signal, sys
import tensorflow as tf
from affect_jax import corpora
def write(self, record):
  os.kill(os.getpid(), signal.SIGKILL)
tf.io.TFRecordWriter.write = write
corpora.get_corpus('fer2013')(
  data_dir=sys.argv[1], path=sys.argv[2]
).download_and_prepare()
"""


def test_a_killed_process_leaves_nothing_that_looks_complete(tmp_path):
  path = small(tmp_path / 'fer.csv')
  root = pathlib.Path(corpora.__file__).parents[2]
  process = subprocess.run(
    [sys.executable, '-c', KILLED, str(tmp_path / 'data'), str(path)],
    cwd=root,
    capture_output=True,
    check=False,
  )
  assert process.returncode == -signal.SIGKILL, process.stderr[-2000:]
  assert len(leftovers(tmp_path)) == 1  # so the next line tests something
  builder = prepared(tmp_path, path)
  assert len(load(builder, 'train')) == 7
  assert leftovers(tmp_path) == []


def test_two_at_once_prepare_once(tmp_path, monkeypatch):
  path = small(tmp_path / 'fer.csv')
  calls, gate = [], threading.Event()
  read = fer2013.read

  def slow_read(path):
    calls.append(path)
    gate.wait(1)
    return read(path)

  monkeypatch.setattr(fer2013, 'read', slow_read)
  builders = [
    corpora.get_corpus('fer2013')(data_dir=tmp_path / 'data', path=path)
    for _ in range(2)
  ]
  threads = [threading.Thread(target=b.download_and_prepare) for b in builders]
  for thread in threads:
    thread.start()
  for thread in threads:
    thread.join()
  assert len(calls) == 1
  for builder in builders:
    assert len(load(builder, 'train')) == 7
    assert (pathlib.Path(builder.data_dir).parent / prepare.LOCK).exists()
