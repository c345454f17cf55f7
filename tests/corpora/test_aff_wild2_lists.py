"""The lists of s-Aff-Wild2 in miniature, and lists of test frames.

Every expectation is counted by hand from the lines written here.
"""

import pytest
from toys.aff_wild2 import AU_12
from toys.aff_wild2 import challenges
from toys.aff_wild2 import crops
from toys.aff_wild2 import EXPR_8
from toys.aff_wild2 import labels
from toys.aff_wild2 import lists
from toys.aff_wild2 import MTL
from toys.aff_wild2 import NAMES_7
from toys.aff_wild2 import row
from toys.aff_wild2 import stream
from toys.aff_wild2 import write

from affect_jax.corpora import aff_wild2


@pytest.mark.parametrize(
  ('train', 'val'),
  [
    ('train_set.txt', 'validation_set.txt'),
    ('MTL_Challenge/train_set.txt', 'MTL_Challenge/validation_set.txt'),
    ('training_set_annotations.txt', 'validation_set_annotations.txt'),
    ('training_set_annotations_22.txt', 'validation_set_annotations_22.txt'),
    (
      '7th ABAW Annotations/MTL_Challenge/train_set.txt',
      '7th ABAW Annotations/MTL_Challenge/validation_set.txt',
    ),
  ],
)
def test_lists(tmp_path, train, val):
  lists(tmp_path, train, val)
  samples, left_out = stream(tmp_path, 'train')
  assert labels(samples) == {
    'a/00001.jpg': {'valence': 0.5, 'expression': 'other'},
    'b_left/00002.jpg': {'arousal': 0.25, 'AU1': 1, 'AU26': 0},
    'a/00004.jpg': {'expression': 'anger'},
  }
  assert samples['b_left/00002.jpg'].subject == 'b'
  # 3 has sentinels, 5 has no row.
  assert left_out == {
    ('labels without a frame', 'a'): 1,
    ('frames without any label', 'a'): 2,
  }
  samples, left_out = stream(tmp_path, 'val')
  assert labels(samples) == {'c/00001.jpg': {'expression': 'disgust'}}
  assert left_out == {}
  outputs = aff_wild2.listing(tmp_path).outputs
  assert outputs['action_units'] == tuple(AU_12.split(','))
  assert outputs['expression'] == (*NAMES_7, 'other')
  assert {train, val} < set(aff_wild2.listing(tmp_path).sources)


def test_list_whose_header_sums_the_units_up(tmp_path):
  header = 'image,valence,arousal,expression,aus'
  write(tmp_path, 'train_set.txt', header, row('a/00001.jpg', 0, aus=range(12)))
  crops(tmp_path, 'a', 1)
  with pytest.raises(ValueError, match="AU4 is '2'"):
    stream(tmp_path, 'train')
  aus = (0, 1, *[-1] * 10)
  write(tmp_path, 'train_set.txt', header, row('a/00001.jpg', 0, aus=aus))
  found = labels(stream(tmp_path, 'train')[0])
  assert found == {'a/00001.jpg': {'valence': 0, 'AU1': 0, 'AU2': 1}}
  header = 'image,valence,arousal,expression,' + ','.join(
    f'AU{i}' for i in range(1, 13)
  )
  write(tmp_path, 'train_set.txt', header, row('a/00001.jpg', 0))
  with pytest.raises(ValueError, match='the header is'):
    aff_wild2.listing(tmp_path)


def test_stride_of_a_list_counts_rows_of_a_video(tmp_path):
  pictures = [f'{v}/{n:05d}.jpg' for n in range(2, 12, 2) for v in 'ab']
  rows = [row(picture, expression=0) for picture in pictures]
  write(tmp_path, 'train_set.txt', MTL, *rows)
  crops(tmp_path, 'a', 2, 4, 6, 8)
  crops(tmp_path, 'b', *range(1, 11))
  samples, left_out = stream(tmp_path, 'train', stride=2)
  assert list(samples) == [
    *('a/00002.jpg', 'b/00002.jpg', 'a/00006.jpg', 'b/00006.jpg'),
    'b/00010.jpg',
  ]
  assert left_out == {
    ('frames that the stride skips', 'a'): 2,
    ('frames that the stride skips', 'b'): 2,
    ('labels without a frame', 'a'): 1,
    ('frames without any label', 'b'): 5,
  }


def test_pictures_listed_twice(tmp_path):
  lists(tmp_path)
  write(
    tmp_path,
    'validation_set.txt',
    MTL,
    row('c/00001.jpg', 0),
    row('a/00004.jpg', 0),
    row('c/00001.jpg', 0),
    row('c\\00001.jpg', 0),
  )
  with pytest.raises(ValueError, match='cannot be used') as e:
    aff_wild2.listing(tmp_path)
  told = str(e.value)
  assert f'{tmp_path}/validation_set.txt:3: a/00004.jpg is in train_set' in told
  assert 'validation_set.txt:4: c/00001.jpg is in validation_set.txt' in told
  assert "validation_set.txt:5: the picture is 'c\\\\00001.jpg'" in told


def test_a_video_of_both_lists_is_validation(tmp_path):
  lists(tmp_path)
  write(tmp_path, 'validation_set.txt', MTL, row('a/00005.jpg', 0))
  samples, left_out = stream(tmp_path, 'train')
  assert list(samples) == ['b_left/00002.jpg']
  assert left_out == {
    ('labels of a video that is in the validation list', 'a'): 3,
    ('frames without any label', 'c'): 1,
  }
  samples, left_out = stream(tmp_path, 'val')
  assert list(samples) == ['a/00005.jpg']
  assert left_out == {('frames without any label', 'a'): 3}


@pytest.mark.parametrize(
  ('bad', 'told'),
  [
    ('a/00005.jpg,3.2' + ',0' * 14, "valence is '3.2'; allowed"),
    (row('a/00005.jpg', expression=8), "expression is '8'; allowed"),
    (row('a/00005.jpg', aus=[0] * 11 + [2]), "AU26 is '2'; allowed"),
    (row('a/00005.jpg', aus=[0] * 11), '14 values'),
  ],
)
def test_bad_rows_are_told_by_file_and_line(tmp_path, bad, told):
  lists(tmp_path)
  with open(tmp_path / 'train_set.txt', 'a') as f:
    f.write(bad + '\n')
  with pytest.raises(ValueError, match=r'train_set\.txt:7: ') as e:
    stream(tmp_path, 'train')
  assert told in str(e.value)


def test_two_layouts_or_two_lists_are_ambiguous(tmp_path):
  challenges(tmp_path)
  lists(tmp_path)
  with pytest.raises(ValueError, match="choose layout='challenges' or"):
    aff_wild2.listing(tmp_path)
  assert 'c/00001.jpg' in stream(tmp_path, 'val', layout='mtl')[0]
  assert 'b/00001.jpg' in stream(tmp_path, 'val', layout='challenges')[0]
  write(tmp_path, 'training_set_annotations_22.txt', MTL)
  with pytest.raises(ValueError, match=r'Two lists of train.*train_set'):
    aff_wild2.listing(tmp_path, layout='mtl')


@pytest.mark.parametrize(
  'header',
  [
    ['image_location,valence,arousal'],
    ['image_location,' + EXPR_8],
    ['image'],
    [],
  ],
)
def test_a_test_list_of_frames(tmp_path, header):
  challenges(tmp_path)
  rest = ',0.5,0.5' if header and ',' in header[0] else ''
  frames = [f't/{n:05d}.jpg{rest}' for n in (1, 2, 3)] + ['u/00001.jpg' + rest]
  path = write(tmp_path, 'test.txt', *header, *frames)
  crops(tmp_path, 't', 1, 3, 4)
  samples, left_out = stream(tmp_path, 'test', test_list=path, stride=2)
  assert labels(samples) == {'t/00001.jpg': {}, 't/00003.jpg': {}}
  assert left_out == {
    ('test frames without a crop', 't'): 1,
    ('test frames without a crop', 'u'): 1,
    ('frames that the test list does not name', 't'): 1,
  }
  _, left_out = stream(tmp_path, 'train', test_list=path)
  assert 't' not in {group for _, group in left_out}
  _, left_out = stream(tmp_path, 'train')
  assert left_out['frames without any label', 't'] == 3


def test_a_test_list_of_videos(tmp_path):
  challenges(tmp_path)
  path = write(tmp_path, 'test.txt', 't_left', 'gone')
  crops(tmp_path, 't_left', 9, 2)
  samples, left_out = stream(tmp_path, 'test', test_list=path)
  assert list(samples) == ['t_left/00002.jpg', 't_left/00009.jpg']
  assert samples['t_left/00002.jpg'].subject == 't'
  assert left_out == {('test videos without any crop', 'gone'): 1}


def test_labelled_videos_of_the_test_list_are_test(tmp_path):
  lists(tmp_path)
  path = write(tmp_path, 'test.txt', 'c', 'b_left/00002.jpg')
  reason = 'labels of a video that is in the test list'
  assert stream(tmp_path, 'val', test_list=path) == ({}, {(reason, 'c'): 1})
  samples, left_out = stream(tmp_path, 'train', test_list=path)
  assert list(samples) == ['a/00001.jpg', 'a/00004.jpg']
  assert left_out[reason, 'b_left'] == 1
  assert list(stream(tmp_path, 'test', test_list=path)[0]) == [
    *('c/00001.jpg', 'b_left/00002.jpg'),
  ]


def test_a_test_list_with_repeats_or_other_rows(tmp_path):
  lists(tmp_path)
  path = write(
    tmp_path, 'test.txt', 't/00001.jpg', 't/00001.jpg', 't/1.jpg', 't', 'u', 'u'
  )
  with pytest.raises(ValueError, match='cannot be used') as e:
    aff_wild2.listing(tmp_path, test_list=path)
  told = str(e.value)
  assert 'test.txt:2: t/00001.jpg is in test.txt already' in told
  assert "test.txt:3: the picture is 't/1.jpg'" in told
  assert 'test.txt:4: t is in test.txt already' in told
  assert 'test.txt:6: u is in test.txt already' in told
