"""Rows of .csd files in any order, aligned, damaged, in another unit."""

import collections

import numpy as np
import pytest
from toys import files as toy_files

from affect_jax.corpora import csd
from affect_jax.corpora import csd_labels
from affect_jax.corpora.files import csd_file
from affect_jax.errors import UserError

h5py = pytest.importorskip('h5py')

WORDS = ['i', 'really', 'did', 'not', 'like', 'it', 'at', 'all']
FOLDS = """standard_train_fold=['v']
standard_valid_fold=['w']
standard_test_fold=['x']
"""


def entries(rows_by_key, values, times):
  return {
    key: ([[values[r]] for r in rows], [times[r] for r in rows])
    for key, rows in rows_by_key.items()
  }


def write(path, content):
  """{stream: {video: (features, intervals)}}, intervals in float64."""
  with h5py.File(path, 'w') as file:
    for stream, videos in content.items():
      for key, (features, intervals) in videos.items():
        group = file.create_group(f'{stream}/data/{key}')
        group['features'] = np.array(features)
        group['intervals'] = np.array(intervals, float)
  return path


def listing(tmp_path, rows, times=None, **options):
  """A corpus of two segments that share one of eight words."""
  times = times or [[i, i + 1] for i in range(8)]
  rows = {**rows, 'w': range(8), 'x': range(8)}
  labels = {
    'v': ([[-2.0], [-1.0]], [[0, 5], [4, 8]]),
    'w': ([[1.0]], [[0, 8]]),
    'x': ([[1.0]], [[0, 8]]),
  }
  (tmp_path / 'folds.py').write_text(FOLDS)
  return csd.listing(
    write(tmp_path / 'labels.csd', {'Opinion Labels': labels}),
    tmp_path / 'folds.py',
    words=write(
      tmp_path / 'words.csd',
      {'words': entries(rows, [w.encode() for w in WORDS], times)},
    ),
    audio=write(
      tmp_path / 'audio.csd',
      {'audio': entries(rows, np.arange(1.0, 9.0), times)},
    ),
    **options,
  )


@pytest.mark.parametrize(
  ('rows', 'repeated'),
  [
    ({'v': range(8)}, 0),
    ({'v': [3, 0, 2, 1, 7, 6, 5, 4]}, 0),
    ({'v': [0, 1, 1, 2, 3, 4, 5, 6, 7]}, 1),
    ({'v[0]': range(5), 'v[1]': range(4, 8)}, 1),
    ({'v[0]': range(4, 8), 'v[1]': range(5)}, 1),
    ({'v[2]': [4, 5, 6, 7], 'v[10]': [0, 1, 2, 3]}, 0),
    ({'v[0][0]': range(5), 'v[1][0]': range(4, 8)}, 1),
    ({'v': range(4), 'v[1]': range(4, 8)}, 0),
  ],
)
def test_rows_in_any_order(tmp_path, rows, repeated):
  found, left = toy_files.consumed(listing(tmp_path, rows), 'train')
  first, second = found.values()
  assert first.transcript == 'i really did not like'
  assert second.transcript == 'like it at all'
  np.testing.assert_array_equal(first.sequences['audio'].T, [[1, 2, 3, 4, 5]])
  np.testing.assert_array_equal(second.sequences['audio'].T, [[5, 6, 7, 8]])
  assert left == (
    {
      'audio rows that appear twice': repeated,
      'words rows that appear twice': repeated,
    }
    if repeated
    else {}
  )


def test_pieces_of_a_row_that_align_cut():
  """align cuts [4, 5] at the end of one segment, and at the start of a next."""
  counts = collections.Counter()
  features, spans = csd_file.in_time(
    [
      (np.array([[1.0], [7.0]]), np.array([[3, 4], [4, 4.6]])),
      (np.array([[7.0], [2.0]]), np.array([[4.3, 5], [5, 6]])),
    ],
    counts,
  )
  np.testing.assert_array_equal(features, [[1], [7], [2]])
  np.testing.assert_array_equal(spans, [[3, 4], [4, 5], [5, 6]])
  assert counts[csd_file.REPEATED] == 1


def test_equal_rows_that_follow_one_another_are_kept():
  rows = np.array([[b'no'], [b'no'], [b'no']])
  spans = np.array([[0, 1], [1, 2], [1.5, 3]])
  counts = collections.Counter()
  features, _ = csd_file.in_time([(rows, spans)], counts)
  assert len(features) == 3
  features, _ = csd_file.in_time(
    [(rows[:1], spans[:1]), (rows[1:], spans[1:])], counts
  )
  assert len(features) == 3
  assert not +counts


def test_intervals_that_are_none():
  counts = collections.Counter()
  features, spans = csd_file.in_time(
    [
      (np.arange(4.0)[:, None], np.array([[2, 3], [0, np.nan], [1, 0], [0, 1]]))
    ],
    counts,
  )
  np.testing.assert_array_equal(features, [[3], [0]])
  np.testing.assert_array_equal(spans, [[0, 1], [2, 3]])
  assert counts == {csd_file.NOT_FINITE: 1, csd_file.BACKWARDS: 1}


def test_an_entry_of_one_row(tmp_path):
  path = write(tmp_path / 'a.csd', {'s': {'v': ([1.0, 2.0], [0.0, 1.0])}})
  ((_, features, spans),) = csd_file.entries(path)
  np.testing.assert_array_equal(features, [[1, 2]])
  np.testing.assert_array_equal(spans, [[0, 1]])


def test_another_unit_of_time(tmp_path):
  times = [[1000 * i, 1000 * i + 1000] for i in range(8)]
  of_milliseconds = listing(tmp_path, {'v': range(8)}, times)
  with pytest.raises(
    UserError, match=r"words of 'v' end at 8000, .* at 8: .*\{'words': 0\.001\}"
  ):
    toy_files.consumed(of_milliseconds, 'train')
  corpus = listing(
    tmp_path,
    {'v': range(8)},
    times,
    seconds={'words': 0.001, 'audio': 0.001},
  )
  found, left = toy_files.consumed(corpus, 'train')
  assert [u.transcript for u in found.values()] == [
    'i really did not like',
    'like it at all',
  ]
  assert not left
  assert corpus.sources != of_milliseconds.sources
  with pytest.raises(UserError, match=r"'sound'.*known: .*audio"):
    listing(tmp_path, {'v': range(8)}, seconds={'sound': 1})


def test_a_split_that_loses_most_of_its_rows(tmp_path):
  elsewhere = listing(tmp_path, {'other': range(8)})
  with pytest.raises(
    UserError, match=r'words\.csd: 2 of 2 segments of train have no row'
  ):
    toy_files.consumed(elsewhere, 'train')
  (tmp_path / 'folds.py').write_text(FOLDS.replace("'v'", "'v', 'a', 'b'"))
  other_folds = csd.listing(
    tmp_path / 'labels.csd',
    tmp_path / 'folds.py',
    audio=tmp_path / 'audio.csd',
  )
  with pytest.raises(
    UserError, match=r"labels of only 1 of 3 videos of train.*'v'.*'v'"
  ):
    toy_files.consumed(other_folds, 'train')


def test_labels_that_were_aligned(tmp_path):
  """To themselves: the same segments; to words: pieces, which are refused."""
  labels = {
    'v[0]': ([[-2.0]], [[0, 5]]),
    'v[1]': ([[-1.0], [-1.0]], [[4, 8], [4, 8]]),
  }
  path = write(tmp_path / 'labels.csd', {'Opinion Labels': labels})
  counts = collections.Counter()
  ((first, second),) = csd_labels.read(path, counts=counts).values()
  assert (first[:3], second[:3]) == ((0, 5, 0), (4, 8, 1))
  assert counts == {csd_labels.REPEATED: 1}
  words = {f'v[{k}]': ([[k // 8]], [[k, k + 1]]) for k in range(24)}
  write(path, {'Opinion Labels': words})
  with pytest.raises(UserError, match=r'21 of 23 segments .*aligned to words'):
    csd_labels.read(path)
  write(path, {'Opinion Labels': {'v': ([[1.0]], [[0, np.nan]])}})
  with pytest.raises(UserError, match=r'v, row 0: the interval is \[0\.0, nan'):
    csd_labels.read(path)


def read_all(path):
  """Reads a file in all ways; returns the message of what went wrong."""
  try:
    list(csd_file.entries(path))
    with csd_file.opened(path) as get:
      get('a')
  except UserError as error:
    return str(error)
  return ''


def test_a_file_that_is_damaged_inside(tmp_path):
  """Whatever the bytes that flipped, an error names the file."""
  videos = {v: (np.ones((2, 2)), np.ones((2, 2))) for v in 'abc'}
  path = write(tmp_path / 'a.csd', {'s': videos})
  whole = path.read_bytes()
  rng = np.random.default_rng(0)
  messages = []
  for begin in range(0, len(whole), len(whole) // 16):
    content = bytearray(whole)
    content[begin : begin + 16] = rng.bytes(len(content[begin : begin + 16]))
    path.write_bytes(content)
    messages.append(read_all(path))
  assert all(str(path) in message for message in messages if message)
  assert sum('damaged (' in message for message in messages) > 2
