"""The doctor finds what was planted among utterances, and nothing else."""

import numpy as np
import pytest
from toys import doctor as toy_doctor

from affect_jax.doctor import examine
from affect_jax.doctor import utterances

LONG = 'It was, honestly, the BEST day I had.'
SAME = 'it was honestly  the best day I had'


def splits(seed=0):
  return toy_doctor.talk('train', 12, seed), toy_doctor.talk('test', 8, 500)


def checked(train, test, **options):
  return examine.examine(
    [
      toy_doctor.spoken_part('train', train),
      toy_doctor.spoken_part('test', test),
    ],
    **options,
  )


def say(record, transcript):
  record['transcript'] = transcript.encode()


def copy_features(source, target, *modalities):
  for m in modalities:
    target[m] = source[m].copy()
    target[m + '_length'] = source[m + '_length']


def test_clean_data_passes_without_findings():
  result = checked(*splits())
  assert toy_doctor.kinds(result) == set()
  assert result.report['verdict'] == 'PASSED'
  assert result.report['exit_code'] == 0
  assert result.near is None


def test_a_dialogue_in_two_splits_is_an_error_and_a_speaker_a_warning():
  train, test = splits()
  for record in test[2:5]:
    record['dialogue'] = b'train/1'
    record['turn'] += 10
  test[7]['subject'] = train[0]['subject']
  result = checked(train, test)
  assert result.report['exit_code'] == 1
  found = toy_doctor.only(result, 'shared_dialogues')
  assert found['level'] == 'error'
  assert found['data'] == {
    'splits': ['train', 'test'],
    'dialogues': ['train/1'],
    'count': 1,
    'samples': 3,
  }
  found = toy_doctor.only(result, 'shared_speakers')
  assert found['level'] == 'warning'
  assert found['data']['speakers'] == ['train person 0']
  # Names of another corpus are other people and other dialogues.
  apart = examine.examine(
    [
      toy_doctor.spoken_part('train', train),
      toy_doctor.spoken_part('test', test, corpus='other'),
    ]
  )
  assert toy_doctor.kinds(apart) == set()


def test_unknown_speakers_and_no_dialogues_are_no_leak():
  result = checked(
    toy_doctor.talk('train', 12, 0, speaker='', dialogue='', turn=0),
    toy_doctor.talk('test', 8, 500, speaker='', dialogue='', turn=0),
  )
  assert toy_doctor.kinds(result) == {'unknown_speakers'}
  assert result.report['exit_code'] == 0


def test_the_same_audio_and_vision_in_two_splits():
  train, test = splits()
  copy_features(train[3], test[5], 'audio', 'vision')
  copy_features(train[4], test[6], 'audio')  # Another video.
  copy_features(train[5], test[7], 'text')  # The same words, perhaps.
  copy_features(train[6], train[8], 'audio', 'vision')
  result = checked(train, test)
  assert result.report['exit_code'] == 1
  found = toy_doctor.only(result, 'same_features_across_splits')
  assert found['level'] == 'error'
  assert found['data'] == {
    'split': 'test',
    'utterances': 1,
    'in': {'train': 1},
  }
  found = toy_doctor.only(result, 'same_features_within_splits')
  assert found['data'] == {'utterances': {'train': 1}}
  pairs = {
    (result.survey.id(a), result.survey.id(b))
    for a, b in result.groups['features'].pairs()
  }
  assert pairs == {('train3', 'test5'), ('train6', 'train8')}
  assert not len(result.groups['transcript'].pairs())


def test_own_cut_of_a_split_is_a_warning():
  train, test = splits()
  val = toy_doctor.talk('val', 8, 900)
  copy_features(train[3], val[5], 'audio', 'vision')
  parts = [
    toy_doctor.spoken_part('train', train, 'train[:50%]'),
    toy_doctor.spoken_part('val', val, 'train[50%:]'),
    toy_doctor.spoken_part('test', test),
  ]
  kind = 'same_features_across_splits'
  result = examine.examine(parts)
  assert toy_doctor.only(result, kind)['level'] == 'warning'
  assert result.report['exit_code'] == 0
  strict = examine.examine(parts, strict=True)
  assert toy_doctor.only(strict, kind)['level'] == 'error'


def test_what_says_too_little_is_no_duplicate():
  train, test = splits()
  for record in (train[3], test[5]):
    record['audio'] = np.zeros((9, 3), np.float32)
    record['audio_length'] = np.int32(9)
    record['vision'] = np.ones((2, 2), np.float32)
    record['vision_length'] = np.int32(2)
  kinds = toy_doctor.kinds(checked(train, test))
  assert kinds == {'zero_sequences'}


def test_the_same_words_in_two_splits():
  train, test = splits()
  say(train[3], LONG)
  say(test[5], SAME)
  say(train[6], 'Oh, my God!')
  say(test[6], 'oh my god')
  result = checked(train, test)
  found = toy_doctor.only(result, 'same_transcript_across_splits')
  assert found['level'] == 'warning'
  assert found['data'] == {
    'split': 'test',
    'utterances': 1,
    'in': {'train': 1},
  }
  assert toy_doctor.only(result, 'common_phrases')['data'] == {
    'utterances': {'test': 1}
  }
  assert result.report['exit_code'] == 0
  assert checked(train, test, strict=True).report['exit_code'] == 1


@pytest.mark.parametrize(
  ('transcript', 'words'),
  [
    ('Don’t -- YOU?', ['dont', 'you']),
    ("don't you", ['dont', 'you']),
    ('', []),
    ('...', []),
    ('Straße ﬁne', ['strasse', 'fine']),
    ('我很高兴。 OK', ['我', '很', '高', '兴', 'ok']),
    ('2nd_try', ['2nd', 'try']),
  ],
)
def test_words(transcript, words):
  assert utterances.words_of(transcript) == words


def test_text_without_transcripts_is_compared_by_its_sequences():
  train = toy_doctor.talk('train', 12, 0, transcript='')
  test = toy_doctor.talk('test', 8, 500, transcript='')
  copy_features(train[3], test[5], 'text')
  result = checked(train, test)
  assert toy_doctor.only(result, 'no_transcript')['data']['utterances'] == {
    'train': 12,
    'test': 8,
  }
  found = toy_doctor.only(result, 'same_transcript_across_splits')
  assert found['data']['utterances'] == 1


def test_labels_out_of_range():
  train, test = splits()
  train[0]['sentiment'][0] = 3.5
  train[1]['sarcasm'][0] = -0.25
  train[2]['emotion'][1] = 2.0
  train[3]['sentiment_class'] *= 0.5
  train[4]['sentiment'][0] = 9.0  # Not annotated.
  train[4]['sentiment_weights'][0] = 0
  test[0]['sentiment'][0] = np.nan
  result = checked(train, test)
  assert result.report['exit_code'] == 1
  found = toy_doctor.only(result, 'bad_labels')
  assert found['data']['samples'] == 5
  for words in (
    'train train0: sentiment sentiment: label 3.5 is not in [-3, 3]',
    'train train1: sarcasm sarcasm: label -0.25 is not in [0, 1]',
    'train train2: emotion anger: label 2 is not in [0, 1]',
    'train train3: sentiment_class: shares sum to 0.5, not to 1',
    'test test0: sentiment sentiment: label nan',
  ):
    assert words in ' '.join(found['data']['examples'])


def test_a_class_against_the_sign_of_the_sentiment():
  train, test = splits()
  # Negative, neutral, positive, ...: -2, 0, 1.5, ...
  train[0]['sentiment'][0] = 0.5
  train[1]['sentiment'][0] = -1.0
  train[4]['sentiment'][0] = -0.3  # Weak enough to be neutral.
  train[2]['sentiment'][0] = 0.0
  train[5]['sentiment'][0] = -0.1
  train[8]['sentiment_weights'][0] = 0
  train[8]['sentiment'][0] = -3.0
  result = checked(train, test)
  found = toy_doctor.only(result, 'class_against_sign')
  assert found['level'] == 'warning'
  assert found['data']['utterances'] == 3
  assert found['data']['of'] == 19
  assert found['data']['examples'] == [
    'train train0: +0.50',
    'train train1: -1.00',
    'train train5: -0.10',
  ]


def test_contradictions():
  def speaker(name, seed, transcript, **labels):
    return toy_doctor.utterance(
      name,
      toy_doctor.sequences(seed),
      transcript=transcript,
      speaker='ann',
      **labels,
    )

  train = [
    *toy_doctor.talk('train', 6, 0),
    speaker('a', 50, LONG, sentiment=1.0, sarcasm=0),
    speaker('b', 51, SAME, sentiment=-1.0, sarcasm=0),
    speaker('c', 52, 'one two three four five six', sentiment=1.0),
    speaker('d', 53, 'One two three, four five six.', sentiment=3.0),
    speaker('e', 54, 'well', emotion='anger'),
    speaker('f', 55, 'well', emotion='neutral'),
    speaker('g', 60, 'here are some words of mine', emotion='anger'),
    speaker('h', 60, 'and there are others of hers', emotion='neutral'),
    speaker('i', 61, 'seven eight nine ten eleven twelve', sarcasm=1),
    speaker('j', 62, 'seven eight nine ten eleven twelve', sarcasm=0),
    speaker('k', 63, 'this is neither good nor bad', sentiment_class='neutral'),
    speaker(
      'l', 64, 'this is neither good nor bad', sentiment_class='positive'
    ),
  ]
  result = examine.examine([toy_doctor.spoken_part('train', train)])
  found = toy_doctor.only(result, 'same_transcript_contradictions')
  assert found['level'] == 'warning'
  assert found['data'] == {
    'sets': 2,
    'utterances': 4,
    'tasks': {'sentiment': 1, 'sarcasm': 1},
  }
  found = toy_doctor.only(result, 'same_features_contradictions')
  assert found['data'] == {
    'sets': 1,
    'utterances': 2,
    'tasks': {'emotion': 1},
  }
  assert result.report['exit_code'] == 0


def test_turns_that_are_there_twice():
  train, test = splits()
  train[5]['turn'] = np.int32(0)  # As train4, in train/1.
  result = checked(train, test)
  found = toy_doctor.only(result, 'doubled_turns')
  assert found['level'] == 'warning'
  assert found['data'] == {'utterances': 2, 'turns': ['train/1 turn 0']}


def test_overlapping_slices_are_told_of_once():
  rows = toy_doctor.talk('train', 12, 0, dialogue='')
  result = examine.examine(
    [
      toy_doctor.spoken_part('train', rows[:9], 'train[:9]'),
      toy_doctor.spoken_part('val', rows[8:], 'train[8:]'),
    ]
  )
  assert toy_doctor.only(result, 'shared_samples')['data']['samples'] == 1
  assert toy_doctor.kinds(result, 'error') == {'shared_samples'}


def test_pictures_and_utterances_do_not_mix():
  with pytest.raises(ValueError, match=r"utterances are in \['toy'\]"):
    examine.examine(
      [
        toy_doctor.spoken_part('train', splits()[0]),
        toy_doctor.part('train', [], corpus='faces'),
      ]
    )
