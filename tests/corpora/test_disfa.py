"""DISFA in miniature, and what may be wrong with it."""

import pytest
from toys import face_corpora

from affect_jax.corpora import disfa
from affect_jax.corpora.builders import face_listing

UNITS = face_corpora.DISFA_UNITS
write_labels = face_corpora.write_disfa_labels
write_frames = face_corpora.write_disfa_frames


def write(root):
  """SN001 and SN013 of the folds 2 and 1; the unit's last digit counts."""
  write_labels(
    root, 'SN001', 3, lambda unit, frame: unit % 5 if frame == 2 else 0
  )
  write_labels(root, 'SN013', 2, lambda unit, frame: 5 if unit == 25 else 1)
  write_frames(root, 'SN001', ['00001.jpg', '00002.jpg', '00003.jpg'])
  write_frames(root, 'SN013', ['1.png', '2.png'])
  return root


def read(found, split):
  rows = list(found.splits[split]())
  samples = {r.id: r for r in rows if isinstance(r, face_listing.Sample)}
  left_out = [r for r in rows if isinstance(r, face_listing.LeftOut)]
  absent = {r.group for r in left_out if r.reason == 'people without labels'}
  rest = {(r.group, r.reason): r.count for r in left_out}
  return samples, absent, {k: n for k, n in rest.items() if k[0] not in absent}


def present(sample):
  assert set(sample.labels.values()) <= {0.0, 1.0}
  return [unit for unit, value in sample.labels.items() if value]


def test_intensities_of_two_and_more_are_present(tmp_path):
  found = disfa.listing(write(tmp_path), fold=2)
  assert found.outputs == {'action_units': tuple(f'AU{n}' for n in UNITS)}
  val, _, left_out = read(found, 'val')
  assert left_out == {}
  assert list(val) == ['SN001/00001', 'SN001/00002', 'SN001/00003']
  assert all(len(s.labels) == 12 for s in val.values())
  assert present(val['SN001/00001']) == []
  # Units modulo 5: 1 2 4 0 1 4 2 0 2 0 0 1.
  assert present(val['SN001/00002']) == ['AU2', 'AU4', 'AU9', 'AU12', 'AU17']
  assert val['SN001/00002'].picture == 'SN001/00002.jpg'
  train, _, _ = read(found, 'train')
  assert list(train) == ['SN013/00001', 'SN013/00002']
  assert present(train['SN013/00001']) == ['AU25']
  for sample in [*val.values(), *train.values()]:
    assert sample.subject == sample.id.split('/')[0]
    assert (found.root / sample.picture).is_file()
    face_listing.to_record(sample.labels, found.outputs)


@pytest.mark.parametrize(
  ('threshold', 'units'),
  [
    (1, ['AU1', 'AU2', 'AU4', 'AU6', 'AU9', 'AU12', 'AU17', 'AU26']),
    (3, ['AU4', 'AU9']),
    (5, []),
  ],
)
def test_threshold(tmp_path, threshold, units):
  found = disfa.listing(write(tmp_path), fold=2, threshold=threshold)
  val, _, _ = read(found, 'val')
  assert present(val['SN001/00002']) == units


def test_units_are_chosen_by_number_or_name(tmp_path):
  found = disfa.listing(write(tmp_path), fold=2, action_units=8)
  eight = ('AU1', 'AU2', 'AU4', 'AU6', 'AU9', 'AU12', 'AU25', 'AU26')
  assert found.outputs == {'action_units': eight}
  val, _, _ = read(found, 'val')
  assert tuple(val['SN001/00001'].labels) == eight
  found = disfa.listing(tmp_path, fold=2, action_units=['AU12', 'AU1'])
  val, _, _ = read(found, 'val')
  assert val['SN001/00002'].labels == {'AU12': 1.0, 'AU1': 0.0}
  with pytest.raises(ValueError, match="action unit of DISFA 'AU7'"):
    disfa.listing(tmp_path, action_units=['AU7'])
  with pytest.raises(ValueError, match="number of action units '9'"):
    disfa.listing(tmp_path, action_units=9)


def test_folds_share_nobody_and_cover_all_27(tmp_path):
  people = [f'SN{n:03d}' for fold in disfa.FOLDS for n in fold]
  assert len(people) == len(set(people)) == 27
  for person in people:
    write_labels(tmp_path, person, 1)
    write_frames(tmp_path, person, ['1.jpg'])
  tested = []
  for fold in range(3):
    found = disfa.listing(tmp_path, fold=fold)
    train, val = (
      {s.subject for s in read(found, split)[0].values()}
      for split in ('train', 'val')
    )
    assert (len(train), len(val)) == (18, 9)
    assert not train & val
    tested += val
  assert sorted(tested) == sorted(people)
  # The first tested person of each fold in ME-GraphAU.
  for fold, person in enumerate(('SN003', 'SN013', 'SN002')):
    val = read(disfa.listing(tmp_path, fold=fold), 'val')[0]
    assert f'{person}/00001' in val


def test_what_has_no_partner_is_counted_by_person(tmp_path):
  write(tmp_path)
  (tmp_path / 'frames/SN001/00002.jpg').unlink()
  write_frames(tmp_path, 'SN001', ['00004.jpg', '5.PNG'])
  (tmp_path / 'frames/SN001/landmarks.csv').touch()
  (tmp_path / 'frames/SN001/.DS_Store').touch()
  found = disfa.listing(tmp_path, fold=2)
  val, absent, left_out = read(found, 'val')
  assert list(val) == ['SN001/00001', 'SN001/00003']
  assert left_out == {
    ('SN001', 'labels without a picture'): 1,
    ('SN001', 'pictures without any label'): 2,
    ('SN001', 'files that are not <frame>.jpg, .png or .bmp'): 1,
  }
  assert absent == {
    'SN002', 'SN010', 'SN026', 'SN027', 'SN032', 'SN030', 'SN009', 'SN016'
  }  # fmt: skip
  for picture in (tmp_path / 'frames/SN013').iterdir():
    picture.unlink()
  (tmp_path / 'frames/SN013').rmdir()
  train, _, left_out = read(disfa.listing(tmp_path, fold=2), 'train')
  assert (train, left_out) == ({}, {('SN013', 'labels without a picture'): 2})


def test_pictures_that_are_numbered_from_zero(tmp_path):
  write_labels(tmp_path, 'SN001', 2, lambda unit, frame: 2 * frame - 2)
  write_frames(tmp_path, 'SN001', ['0.png', '1.png'])
  with pytest.raises(ValueError, match=r'SN001/0.png: .* first_frame=0'):
    read(disfa.listing(tmp_path, fold=2), 'val')
  val, _, left_out = read(disfa.listing(tmp_path, fold=2, first_frame=0), 'val')
  assert left_out == {}
  assert {k: s.picture for k, s in val.items()} == {
    'SN001/00001': 'SN001/0.png',
    'SN001/00002': 'SN001/1.png',
  }
  assert present(val['SN001/00001']) == []
  assert len(present(val['SN001/00002'])) == 12


def test_two_pictures_of_one_frame(tmp_path):
  write(tmp_path)
  write_frames(tmp_path, 'SN001', ['1.jpg'])
  with pytest.raises(ValueError, match=r'00001.jpg has the same number 1'):
    read(disfa.listing(tmp_path, fold=2), 'val')


def test_a_frame_that_a_unit_does_not_list_has_no_label_of_it(tmp_path):
  write(tmp_path)
  file = tmp_path / 'ActionUnit_Labels/SN001/SN001_au9.txt'
  file.write_text('1,3\n 3 , 0 \n')
  val, _, _ = read(disfa.listing(tmp_path, fold=2), 'val')
  assert present(val['SN001/00001']) == ['AU9']
  assert 'AU9' not in val['SN001/00002'].labels
  assert len(val['SN001/00002'].labels) == 11
  assert val['SN001/00003'].labels['AU9'] == 0


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('1,0\n2,6\n', r"SN001_au1.txt:2: intensity '6' is not one of 0, 1, 2, 3"),
    ('1,0\n2,-1\n', r":2: intensity '-1' is not one of"),
    ('1,0\n2\n', r":2: '2' is not `frame,intensity`"),
    ('0,0\n', r":1: frame '0' is not a whole number"),
    ('x,0\n', r":1: frame 'x' is not a whole number"),
    ('1,0\n1,0\n', r':2: frame 1 appears twice'),
    ('', r'SN001_au1.txt is empty'),
  ],
)
def test_bad_labels_are_named(tmp_path, text, message):
  write(tmp_path)
  (tmp_path / 'ActionUnit_Labels/SN001/SN001_au1.txt').write_text(text)
  with pytest.raises(ValueError, match=message):
    read(disfa.listing(tmp_path, fold=2), 'val')


def test_what_is_not_there_is_named(tmp_path):
  with pytest.raises(FileNotFoundError, match='labels of DISFA are expected'):
    disfa.listing(tmp_path)
  write_labels(tmp_path, 'SN001', 1)
  with pytest.raises(FileNotFoundError, match=r'ffmpeg -i .*/%05d\.jpg'):
    disfa.listing(tmp_path)
  write_frames(tmp_path, 'SN001', ['1.jpg'], 'crops')
  val, _, _ = read(disfa.listing(tmp_path, fold=2, images='crops'), 'val')
  assert list(val) == ['SN001/00001']
  absolute = disfa.listing(tmp_path, fold=2, images=tmp_path / 'crops')
  assert list(read(absolute, 'val')[0]) == ['SN001/00001']
  (tmp_path / 'ActionUnit_Labels/SN001/SN001_au5.txt').unlink()
  with pytest.raises(FileNotFoundError, match='the labels of AU5 is expected'):
    disfa.listing(tmp_path, images='crops')
  disfa.listing(tmp_path, images='crops', action_units=8)
  (tmp_path / 'ActionUnit_Labels/SN014').mkdir()
  with pytest.raises(ValueError, match='SN014 is not in DISFA; known: SN001,'):
    disfa.listing(tmp_path, images='crops')


@pytest.mark.parametrize(
  'option', [{'fold': 3}, {'threshold': 0}, {'first_frame': 2}]
)
def test_options_out_of_range(tmp_path, option):
  with pytest.raises(ValueError, match=f'Unknown {next(iter(option))}'):
    disfa.listing(write(tmp_path), **option)


def test_labels_pictures_and_options_change_the_sources(tmp_path):
  before = disfa.listing(write(tmp_path)).sources
  assert before == disfa.listing(tmp_path).sources

  def changed(**options):
    now = disfa.listing(tmp_path, **options).sources
    return {k for k in before if now[k] != before[k]}

  assert changed(fold=1) == {'fold'}
  assert changed(threshold=3) == {'threshold'}
  assert changed(first_frame=0) == {'first_frame'}
  assert 'action_units' in changed(action_units=8)
  write_frames(tmp_path, 'SN001', ['4.jpg'])
  assert changed() == {'pictures'}
  file = tmp_path / 'ActionUnit_Labels/SN001/SN001_au9.txt'
  file.write_text('1,3\n')
  assert changed() == {'pictures', 'ActionUnit_Labels'}
