"""CSVs of OpenFace and py-feat as the vision of a user's own utterances."""

import numpy as np
import pytest
from toys import face_features as toy_faces

from affect_jax.corpora import utterances_csv
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import records

OPENFACE, row = toy_faces.OPENFACE, toy_faces.openface


@pytest.fixture
def table(tmp_path):
  """Two utterances with a face, one without, and one that was nothing else."""

  def faces(name, *rows):
    toy_faces.write(tmp_path, OPENFACE, *rows).rename(tmp_path / name)

  faces('a.csv', row(1, 0.5), row(2, 9, success=0), row(3, 10))
  faces('b.csv', row(1, 2))
  faces('none.csv', row(1, 0, success=0), row(2, 0, success=0))
  lines = [
    'id,split,text,vision,sentiment',
    'none,train,nobody there,none.csv,1',
    'a,train,one,a.csv,2',
    'b,train,,b.csv,-1',
    'lost,train,,none.csv,-1',
    'c,val,two,b.csv,0',
  ]
  path = tmp_path / 'mine.csv'
  path.write_text('\n'.join(lines) + '\n')
  return path


def test_frames_with_a_face_are_the_vision(table):
  listing = utterances_csv.listing(table)
  assert listing.dims == {'vision': 7}
  items = list(listing.splits['train']())
  left_out = [i for i in items if isinstance(i, face_listing.LeftOut)]
  found = {i.id: i for i in items if i not in left_out}
  assert list(found) == ['none', 'a', 'b']
  assert not found['none'].sequences
  expected = np.array([1, 2, 4, 5, 6, 7, 8])
  np.testing.assert_array_equal(
    found['a'].sequences['vision'], [expected + 0.5, expected + 10]
  )
  total = {}
  for item in left_out:
    total[item.reason] = total.get(item.reason, 0) + item.count
  assert total == {
    'vision: frames without a face': 5,
    'utterances without a face or words': 1,
  }


def test_they_are_prepared(table, tmp_path):
  lines = table.read_text().splitlines(keepends=True)
  table.write_text(''.join(line for line in lines if 'nobody' not in line))
  builder = utterances_csv.UtterancesCsv(
    data_dir=tmp_path / 'data', path=str(table)
  )
  builder.download_and_prepare()
  found = builder.as_dataset(split='train').as_numpy_iterator()
  lengths = {row['id']: int(row['vision_length']) for row in found}
  assert lengths == {b'a': 2, b'b': 1}
  skipped = records.metadata(builder)['skipped']
  assert skipped['vision: frames without a face'] == 3


def test_a_file_with_other_columns_is_an_error(table):
  other = OPENFACE.replace(' AU12_r,', '')
  with open(table.parent / 'b.csv', 'w') as f:
    f.write(other + '\n' + row(1, 2).rsplit(',', 1)[0] + '\n')
  with pytest.raises(ValueError, match=r'mine\.csv:4: vision .b\.csv. has 6'):
    list(utterances_csv.listing(table).splits['train']())


def test_a_csv_of_another_tool_is_an_error(table):
  (table.parent / 'none.csv').write_text('frame,AU01\n1,2\n')
  with pytest.raises(ValueError, match=r'neither OpenFace .* nor LibreFace'):
    utterances_csv.listing(table)
