"""The tables of EmotioNet in miniature, and what may be wrong with them."""

import hashlib

import pytest
from toys import face_corpora

from affect_jax.corpora import emotionet
from affect_jax.corpora.builders import face_listing

URL = 'http://cbcsl.ece.ohio-state.edu/Images/N_1'
# As in the published table: header cells and URLs in single quotes.
TABLE = f"""\
URL,URL orig,'AU 12',"'AU 1'",AU43
'{URL}/a.jpg','http://x/1',1,0,999
'{URL}/b.jpg','http://x/2',0,999,1.0
'{URL}/c.jpg','http://x/3',999,999,999
'{URL}/gone.jpg','http://x/4',1,1,1
,,,,
"""


def write(root, table=TABLE, *args, **kwargs):
  return face_corpora.write_emotionet(root, table, *args, **kwargs)


def read(found, split):
  rows = list(found.splits[split]())
  samples = {r.id: r for r in rows if isinstance(r, face_listing.Sample)}
  left_out = {}
  for r in rows:
    if isinstance(r, face_listing.LeftOut):
      left_out[r.reason] = left_out.get(r.reason, 0) + r.count
  return samples, left_out


def test_the_table_of_urls(tmp_path):
  found = emotionet.listing(write(tmp_path), val_share=0)
  assert list(found.splits) == ['train']
  # By number, whatever the order and spelling of the columns.
  assert found.outputs == {'action_units': ('AU1', 'AU12', 'AU43')}
  train, left_out = read(found, 'train')
  assert {k: dict(s.labels) for k, s in train.items()} == {
    'a.jpg': {'AU12': 1, 'AU1': 0},
    'b.jpg': {'AU12': 0, 'AU43': 1},
  }
  assert left_out == {
    'rows without any label': 1,
    'labels without a picture': 1,
  }
  for sample in train.values():
    assert (found.root / sample.picture).is_file()
    assert sample.subject == ''
    face_listing.to_record(sample.labels, found.outputs)


def test_units_are_in_the_order_of_their_numbers(tmp_path):
  found = emotionet.listing(write(tmp_path, 'name,AU12,au_02,AU 1\n'))
  assert found.outputs == {'action_units': ('AU1', 'AU2', 'AU12')}


def test_units_are_chosen_by_name(tmp_path):
  found = emotionet.listing(
    write(tmp_path), val_share=0, action_units=('AU43', 'AU1')
  )
  assert found.outputs == {'action_units': ('AU43', 'AU1')}
  train, left_out = read(found, 'train')
  assert {k: dict(s.labels) for k, s in train.items()} == {
    'a.jpg': {'AU1': 0},
    'b.jpg': {'AU43': 1},
  }
  assert left_out['rows without any label'] == 1
  with pytest.raises(ValueError, match=r"facs.csv 'AU2'.*; known: AU1, AU1"):
    emotionet.listing(tmp_path, action_units=('AU2',))
  with pytest.raises(ValueError, match='a sequence of different names'):
    emotionet.listing(tmp_path, action_units='AU1')


def test_the_partition_of_kollias(tmp_path):
  header = 'name,AU1,AU2,AU26,age,gender,race\n'
  for name, rows in {
    'train': '1.jpg,1,0,-1,20-29,Male,White\n2.jpg,-1,-1,-1,,,\n',
    'valid': '3.jpg,0,0,0,30-39,Female,Asian\n',
    'test': '4.jpg,0,1,,40-49,Female,Black\n',
  }.items():
    write(tmp_path, header + rows, f'annotations/{name}.csv', ())
  images = ('test/1.jpg', 'test/2.jpg', 'valid/3.jpg', '4.jpg', 'valid/5.jpg')
  write(tmp_path, 'not,a,table\n', 'other.csv', images)
  found = emotionet.listing(tmp_path)
  assert list(found.splits) == ['train', 'val', 'test']
  train, left_out = read(found, 'train')
  assert {k: dict(s.labels) for k, s in train.items()} == {
    'test/1.jpg': {'AU1': 1, 'AU2': 0}
  }
  assert left_out == {
    'rows without any label': 1,
    'pictures without any label': 1,
  }
  val, left_out = read(found, 'val')
  assert dict(val['valid/3.jpg'].labels) == {'AU1': 0, 'AU2': 0, 'AU26': 0}
  assert left_out == {}
  test, _ = read(found, 'test')
  assert dict(test['4.jpg'].labels) == {'AU1': 0, 'AU2': 1}


def test_a_column_of_splits(tmp_path):
  table = 'image,split,AU01\na.jpg,train,1\nb.jpg,validation,0\nc.jpg,train,0\n'
  found = emotionet.listing(write(tmp_path, table))
  assert list(found.splits) == ['train', 'val']
  assert list(read(found, 'train')[0]) == ['a.jpg', 'c.jpg']
  assert list(read(found, 'val')[0]) == ['b.jpg']
  write(tmp_path, table + 'd.jpg,eval,1\n')
  with pytest.raises(ValueError, match=r"facs.csv: split 'eval' is not one"):
    emotionet.listing(tmp_path)


def test_the_hash_splits_alike_on_every_machine(tmp_path):
  names = [f'{k}.jpg' for k in range(40)]
  rows = ''.join(f'http://x/y/{n},1\n' for n in names)
  found = emotionet.listing(
    write(tmp_path, 'URL,AU1\n' + rows, images=names), val_share=0.25
  )
  expected = {
    n
    for n in names
    if int(hashlib.sha256(n.encode()).hexdigest()[:8], 16) < 2**32 // 4
  }
  assert 2 < len(expected) < 20
  train, left_out = read(found, 'train')
  val, _ = read(found, 'val')
  assert set(val) == expected
  assert set(train) == set(names) - expected
  assert left_out == {}


def test_pictures_are_found_in_folders_and_by_their_own_path(tmp_path):
  table = (
    'name,AU1\nx/1.jpg,1\ny/1.jpg,0\n2.jpg,1\n'
    'http://h/a%20b.jpg?size=1,1\nhttp://h/c%20d.jpg,1\n'
  )
  images = ('x/1.jpg', 'y/1.jpg', 'y/deep/2.jpg', 'a b.jpg', 'c%20d.jpg')
  found = emotionet.listing(write(tmp_path, table, images=images), val_share=0)
  train, left_out = read(found, 'train')
  assert set(train) == set(images)
  assert train['y/1.jpg'].labels['AU1'] == 0
  assert left_out == {}
  write(tmp_path, table + '1.jpg,1\n')
  with pytest.raises(
    ValueError, match=r":7: '1.jpg' could be any of x/1.jpg, y"
  ):
    read(emotionet.listing(tmp_path, val_share=0), 'train')


def test_repeated_rows(tmp_path):
  same = f"'{URL}/a.jpg','http://x/1',1,0,999\n"
  found = emotionet.listing(write(tmp_path, TABLE + same), val_share=0)
  train, left_out = read(found, 'train')
  assert len(train) == 2
  assert left_out['repeated rows'] == 1
  write(tmp_path, TABLE + same.replace('1,0', '0,0'))
  with pytest.raises(ValueError, match=r":7: 'a.jpg' is already in .*csv:2"):
    read(emotionet.listing(tmp_path, val_share=0), 'train')


def test_one_picture_in_two_splits(tmp_path):
  write(tmp_path, 'name,AU1\na.jpg,1\n', 'annotations/train.csv')
  write(tmp_path, 'name,AU1\na.jpg,1\n', 'annotations/test.csv')
  with pytest.raises(
    ValueError, match=r"'a.jpg' is already in .*another split"
  ):
    read(emotionet.listing(tmp_path), 'test')


@pytest.mark.parametrize(
  ('rows', 'message'),
  [
    (',x,1,0,0\n', r":7: '' does not name a picture"),
    ('http://x/,x,1,0,0\n', r":7: 'http://x/' does not name a picture"),
    ('d.jpg,x,2,0,0\n', r":7: AU12 is '2'; allowed: 0, 1, or -1"),
    ('d.jpg,x,1,0,yes\n', r":7: AU43 is 'yes'; allowed"),
    ('d.jpg,x,1,0\n', r':7: 4 cells, not 5'),
  ],
)
def test_bad_rows_are_named(tmp_path, rows, message):
  found = emotionet.listing(write(tmp_path, TABLE + rows))
  with pytest.raises(ValueError, match=message):
    read(found, 'train')


@pytest.mark.parametrize(
  ('header', 'message'),
  [
    ('name,age', r':1: none of the columns .* is an action unit'),
    ('AU1,name', r":1: column 'AU1' is first, where the picture"),
    ("name,AU1,'AU 01'", r":1: column 'AU 01' appears twice"),
    ('name,AU1,AU12_r', r":1: Unknown action unit 'AU12_r'"),
  ],
)
def test_bad_headers_are_named(tmp_path, header, message):
  with pytest.raises(ValueError, match=message):
    emotionet.listing(write(tmp_path, header + '\n'))


def test_what_is_not_there_is_named(tmp_path):
  with pytest.raises(FileNotFoundError, match='images: no such folder'):
    emotionet.listing(tmp_path)
  (tmp_path / 'images').mkdir()
  with pytest.raises(FileNotFoundError, match='neither a CSV of EmotioNet'):
    emotionet.listing(tmp_path)
  (tmp_path / 'facs.xlsx').touch()
  with pytest.raises(ValueError, match=r'facs.xlsx: save this table as CSV'):
    emotionet.listing(tmp_path)
  with pytest.raises(ValueError, match=r'facs.xlsx: save this table as CSV'):
    emotionet.listing(tmp_path, table='facs.xlsx')
  write(tmp_path)
  write(tmp_path, name='facs2.csv')
  with pytest.raises(
    ValueError, match=r'`table` to one: facs\.csv, facs2\.csv'
  ):
    emotionet.listing(tmp_path)
  assert emotionet.listing(tmp_path, table='facs2.csv').splits
  with pytest.raises(ValueError, match='val_share must be in'):
    emotionet.listing(tmp_path, table='facs.csv', val_share=1.0)
  write(tmp_path, name='annotations/fold1.csv')
  with pytest.raises(ValueError, match="'fold1' is not one of train, val"):
    emotionet.listing(tmp_path)


def test_table_pictures_and_options_change_the_sources(tmp_path):
  before = emotionet.listing(write(tmp_path)).sources
  assert before == emotionet.listing(tmp_path).sources

  def changed(**options):
    now = emotionet.listing(tmp_path, **options).sources
    return {k for k in before if now[k] != before[k]}

  assert changed(val_share=0.2) == {'val_share'}
  assert changed(action_units=['AU1']) == {'action_units'}
  write(tmp_path, images=('gone.jpg',))
  assert changed() == {'pictures'}
  write(tmp_path, TABLE + 'd.jpg,x,1,0,0\n')
  assert changed() == {'pictures', 'facs.csv'}
