"""Aff-Wild2 in miniature: both layouts and what real trees do to them.

Every expectation is counted by hand from the lines written here.
"""

import pytest
from toys.aff_wild2 import AU
from toys.aff_wild2 import AU_8
from toys.aff_wild2 import AU_12
from toys.aff_wild2 import challenges
from toys.aff_wild2 import crops
from toys.aff_wild2 import EXPR
from toys.aff_wild2 import EXPR_7
from toys.aff_wild2 import EXPR_8
from toys.aff_wild2 import labels
from toys.aff_wild2 import NAMES_7
from toys.aff_wild2 import stream
from toys.aff_wild2 import TRAIN
from toys.aff_wild2 import VA
from toys.aff_wild2 import VAL
from toys.aff_wild2 import write

from affect_jax.corpora import aff_wild2
from affect_jax.corpora.builders import face_listing


def test_three_challenges_become_one_sample_per_frame(tmp_path):
  samples, left_out = stream(challenges(tmp_path), 'train')
  units = dict.fromkeys(AU_12.split(','), 0.0) | {'AU1': 1.0, 'AU26': 1.0}
  del units['AU12']  # -1 hides this unit, and no other.
  assert labels(samples) == {
    'a/00001.jpg': {
      'valence': 0.5,
      'arousal': -0.25,
      'expression': 'happiness',
      **units,
    },
    'a/00002.jpg': {'arousal': 0.75},
    'a/00004.jpg': {'valence': 1, 'arousal': -1, 'expression': 'other'},
  }
  # Frame 5 has labels only, 3 has sentinels only, 6 is beyond the last line.
  assert left_out == {
    ('labels without a frame', 'a'): 1,
    ('frames without any label', 'a'): 2,
  }
  sample = samples['a/00001.jpg']
  assert (sample.picture, sample.subject) == ('a/00001.jpg', 'a')
  samples, left_out = stream(tmp_path, 'val')
  assert labels(samples) == {
    'b/00001.jpg': {'expression': 'surprise'},
    'b/00002.jpg': {'expression': 'sadness'},
  }
  assert left_out == {}


def test_outputs_root_and_splits(tmp_path):
  found = aff_wild2.listing(challenges(tmp_path))
  assert dict(found.outputs) == {
    'valence_arousal': ('valence', 'arousal'),
    'expression': (*NAMES_7, 'other'),
    'action_units': tuple(AU_12.split(',')),
  }
  assert found.root == tmp_path / 'cropped_aligned'
  assert list(found.splits) == ['train', 'val']
  first = list(found.splits['train']())
  assert first == list(found.splits['train']())
  for sample in first[:3]:
    assert (found.root / sample.picture).is_file()
    face_listing.to_record(sample.labels, found.outputs)


@pytest.mark.parametrize(
  ('va', 'expr', 'au', 'train', 'val'),
  [
    ('VA_Set', 'EXPR_Set', 'AU_Set', 'Training_Set', 'Validation_Set'),
    ('VA_Set', 'EXPR_Set', 'AU_Set', 'Train_Set', 'Val_Set'),
    (VA, 'EXPR_Recognition_Challenge', AU, 'Train_Set', 'Validation_Set'),
    (VA.lower(), EXPR.lower(), 'AU Detection Challenge', 'train', 'validation'),
  ],
)
@pytest.mark.parametrize('place', ['', '6th ABAW Annotations/'])
def test_folders_of_all_editions(tmp_path, va, expr, au, train, val, place):
  write(tmp_path, f'{place}{va}/{train}/a.txt', ' Valence , Arousal ', '0,1')
  write(tmp_path, f'{place}{expr}/{val}/b.txt', EXPR_7.upper(), '1')
  write(
    tmp_path, f'{place}{au}/{train}/a.txt', AU_8.replace(',', ', '), '0,' * 8
  )
  (tmp_path / f'{place}{au}' / 'Test_Set').mkdir()
  crops(tmp_path, 'a', 1)
  crops(tmp_path, 'b', 1)
  found = aff_wild2.listing(tmp_path)
  assert found.outputs['expression'] == NAMES_7
  assert found.outputs['action_units'] == tuple(AU_8.split(','))
  assert labels(stream(tmp_path, 'train')[0]) == {
    'a/00001.jpg': {
      'valence': 0,
      'arousal': 1,
      **dict.fromkeys(AU_8.split(','), 0),
    }
  }
  assert labels(stream(tmp_path, 'val')[0]) == {
    'b/00001.jpg': {'expression': 'anger'}
  }


def test_columns_go_by_name_not_by_position(tmp_path):
  write(tmp_path, f'{VA}/{TRAIN}/a.txt', 'arousal,valence', '0.25,-0.5')
  header = ','.join(reversed(AU_8.split(',')))
  write(tmp_path, f'{AU}/{TRAIN}/a.txt', header, '1,0,0,0,0,0,0,-1')
  header = 'Happy,Neutral,Anger,Disgust,Fear,Sadness,Surprise'
  write(tmp_path, f'{EXPR}/{TRAIN}/a.txt', header, '0')
  crops(tmp_path, 'a', 1)
  found = labels(stream(tmp_path, 'train')[0])['a/00001.jpg']
  assert (found['valence'], found['arousal']) == (-0.5, 0.25)
  assert (found['AU25'], found['AU2']) == (1, 0)
  assert 'AU1' not in found
  assert found['expression'] == 'happiness'


def test_train_of_one_challenge_and_validation_of_another_is_validation(
  tmp_path,
):
  challenges(tmp_path)
  write(tmp_path, f'{VA}/{TRAIN}/b.txt', 'valence,arousal', '0,0', '-5,-5')
  write(tmp_path, f'{AU}/{TRAIN}/b.txt', AU_12, *['0,' * 12] * 2)
  before = labels(stream(challenges(tmp_path), 'val')[0])
  samples, left_out = stream(tmp_path, 'train')
  assert {sample.subject for sample in samples.values()} == {'a'}
  reason = 'labels of a video that another challenge validates on'
  assert left_out[reason, 'b'] == 2  # Frame 1 of two tasks, frame 2 of one.
  assert labels(stream(tmp_path, 'val')[0]) == before


def test_two_persons_of_a_video_are_one_subject(tmp_path):
  challenges(tmp_path)
  write(tmp_path, f'{VA}/{VAL}/a_right.txt', 'valence,arousal', '0,0')
  write(tmp_path, f'{VA}/{VAL}/c_left.txt', 'valence,arousal', '0,0')
  crops(tmp_path, 'a_right', 1)
  crops(tmp_path, 'c_left', 1)
  samples, _ = stream(tmp_path, 'val')
  assert samples['a_right/00001.jpg'].subject == 'a'
  assert samples['c_left/00001.jpg'].subject == 'c'
  samples, left_out = stream(tmp_path, 'train')
  assert samples == {}
  assert sum(left_out.values()) == 4  # Labelled frames of a: 1, 2, 4, 5.


def test_stride_counts_lines_and_no_damage(tmp_path):
  lines = ['0,0'] * 7
  write(tmp_path, f'{VA}/{TRAIN}/a.txt', 'valence,arousal', *lines)
  crops(tmp_path, 'a', 1, 2, 3, 4, 5, 6, 8, 9)
  samples, left_out = stream(tmp_path, 'train', stride=3)
  assert list(samples) == ['a/00001.jpg', 'a/00004.jpg']
  assert left_out == {
    ('frames that the stride skips', 'a'): 4,
    ('labels without a frame', 'a'): 1,
    ('frames without any label', 'a'): 2,
  }


def test_a_video_without_folder_a_folder_without_labels_other_files(tmp_path):
  challenges(tmp_path)
  write(tmp_path, f'{VA}/{TRAIN}/gone.txt', 'valence,arousal', '0,0', '-5,-5')
  crops(tmp_path, 'new', 1, 2, 3)
  for name in ('.DS_Store', '._00001.jpg', 'Thumbs.db', '0000001.jpg', '1.png'):
    (tmp_path / 'cropped_aligned/new' / name).write_bytes(b'')
  (tmp_path / 'cropped_aligned/readme.txt').write_text('')
  write(tmp_path, f'{VA}/{TRAIN}/._a.txt', 'of macOS')
  _, left_out = stream(tmp_path, 'train')
  assert left_out['labels without a frame', 'gone'] == 1
  assert left_out['frames without any label', 'new'] == 3
  assert left_out['files that are not frames', 'new'] == 3
  assert not [group for _, group in stream(tmp_path, 'val')[1]]


def test_text_files_of_every_make(tmp_path):
  path = f'{VA}/{TRAIN}/a.txt'
  expected = {'a/00001.jpg': {'valence': 0.5, 'arousal': 0.25}}
  crops(tmp_path, 'a', 1)
  for end, encoding, line in (
    ('\n', 'utf-8', '0.5,0.25'),
    ('\r\n', 'utf-8-sig', '0.5,0.25'),
    ('\n\n', 'utf-8', '0.5 , 0.25,'),
    ('\n', 'latin-1', '0.5,0.25\xa0'),
  ):
    head = 'valence,arousal' + (',' if line.endswith(',') else '')
    write(tmp_path, path, head + '\n' + line, end=end, encoding=encoding)
    assert labels(stream(tmp_path, 'train')[0]) == expected
  write(tmp_path, path, 'valence,arousal', '', '0.5,0.25')
  with pytest.raises(ValueError, match=r'a\.txt:2: the line is empty'):
    stream(tmp_path, 'train')


def test_sources_change_with_labels_crops_and_options(tmp_path):
  challenges(tmp_path)
  before = dict(aff_wild2.listing(tmp_path).sources)
  assert set(before) == {
    *(f'{VA}/{TRAIN}/*.txt', f'{EXPR}/{TRAIN}/*.txt', f'{AU}/{TRAIN}/*.txt'),
    *(f'{EXPR}/{VAL}/*.txt', 'cropped_aligned', 'layout', 'stride'),
    'test_list',
  }
  assert all(isinstance(value, str) for value in before.values())
  assert before == aff_wild2.listing(tmp_path, layout='challenges').sources

  def changed(**options):
    after = aff_wild2.listing(tmp_path, **options).sources
    return {key for key in after if after[key] != before[key]}

  assert changed(stride=2) == {'stride'}
  path = write(tmp_path, 'test.txt', 'b')
  assert changed(test_list=path) == {'test_list'}
  write(tmp_path, f'{EXPR}/{VAL}/b.txt', EXPR_8, '6', '6')
  assert changed() == {f'{EXPR}/{VAL}/*.txt'}
  crops(tmp_path, 'fresh', 1)
  assert changed() == {f'{EXPR}/{VAL}/*.txt', 'cropped_aligned'}
