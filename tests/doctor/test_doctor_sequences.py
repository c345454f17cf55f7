"""What the doctor says of text, audio and vision as sequences."""

import itertools

import numpy as np
import pytest
from toys import doctor as toy_doctor

from affect_jax.doctor import counts
from affect_jax.doctor import examine
from affect_jax.doctor import sequences
from affect_jax.doctor import survey


def checked(*samples, **options):
  names = ('train', 'val', 'test')
  return examine.examine(
    [
      toy_doctor.spoken_part(n, s)
      for n, s in zip(names, samples, strict=False)
      if s
    ],
    **options,
  )


def give(record, modality, values):
  record[modality] = np.asarray(values, np.float32)
  record[modality + '_length'] = np.int32(len(values))


def take(record, modality):
  give(record, modality, np.zeros((0, toy_doctor.DIMS[modality])))


def test_zeros_that_the_length_counts():
  train = toy_doctor.talk('train', 12, 0)
  train[1]['audio'][:3] = 0
  train[2]['audio'][-4:] = 0
  train[3]['audio'][:2] = 0
  train[4]['vision'][0] = 0  # One step may be a pause.
  train[5]['vision'][:, 0] = 0  # One of two features.
  result = checked(train)
  assert toy_doctor.kinds(result) == {'zeros_at_begin', 'zeros_at_end'}
  total = sum(int(r['audio_length']) for r in train)
  begin = toy_doctor.only(result, 'zeros_at_begin')
  assert begin['level'] == 'warning'
  assert begin['data'] == {
    'modality': 'audio',
    'utterances': 2,
    'of': 12,
    'steps': 5,
    'longest': 3,
  }
  assert f'5 of {total} steps' in begin['text']
  assert 'train train1, train train3' in begin['text']
  end = toy_doctor.only(result, 'zeros_at_end')
  assert (end['data']['utterances'], end['data']['steps']) == (1, 4)
  assert result.report['exit_code'] == 0


def test_steps_beyond_the_length_are_not_looked_at():
  train = toy_doctor.talk('train', 12, 0)
  train[2]['audio'] = np.concatenate(
    [train[2]['audio'], np.zeros((5, 3), np.float32)]
  )
  assert toy_doctor.kinds(checked(train)) == set()


def test_sequences_of_zeros_and_values_that_are_not_finite():
  train = toy_doctor.talk('train', 12, 0)
  give(train[1], 'vision', np.zeros((7, 2)))
  take(train[2], 'vision')  # Missing: nothing wrong with it.
  train[3]['audio'][2, 1] = np.nan
  train[4]['audio'][:2, 0] = np.inf
  result = checked(train)
  assert result.report['exit_code'] == 1
  assert toy_doctor.kinds(result) == {'not_finite', 'zero_sequences'}
  bad = toy_doctor.only(result, 'not_finite')
  assert bad['level'] == 'error'
  assert bad['data'] == {'modality': 'audio', 'utterances': 2, 'values': 3}
  assert 'train train3' in bad['text']
  zero = toy_doctor.only(result, 'zero_sequences')
  assert zero['level'] == 'warning'
  assert zero['data'] == {'modality': 'vision', 'utterances': 1, 'of': 11}
  found = result.report['features']['toy']['audio']
  assert np.isfinite(found['largest'])


def test_features_that_never_vary_and_that_are_too_large():
  samples = toy_doctor.talk('train', 12, 0), [], toy_doctor.talk('test', 8, 500)
  for record in itertools.chain(*samples):
    record['audio'][:, 0] = 0.7
    record['vision'][:, 1] = 0
    record['text'][:, 2] *= 1000
  # What varies in one split only does vary.
  samples[2][0]['text'][:, 3] = 0
  result = checked(*samples)
  constant = {
    f['data']['modality']: (f['level'], f['data'])
    for f in result.report['findings']
    if f['kind'] == 'constant_features'
  }
  assert {m: level for m, (level, _) in constant.items()} == {
    'audio': 'warning',
    'vision': 'warning',
  }
  assert constant['audio'][1] == {
    'corpus': 'toy',
    'modality': 'audio',
    'features': 3,
    'constant': 1,
    'zero': 0,
    'indices': [0],
  }
  assert constant['vision'][1]['zero'] == 1
  assert constant['vision'][1]['indices'] == [1]
  large = toy_doctor.only(result, 'large_features')
  assert large['level'] == 'warning'
  expected = max(
    float(np.abs(r['text']).max()) for r in itertools.chain(*samples)
  )
  assert large['data']['largest'] == pytest.approx(expected)
  assert large['data']['large'] == 1
  scaled = checked(*samples, standardized=True)
  assert toy_doctor.only(scaled, 'large_features')['level'] == 'note'
  assert result.report['exit_code'] == 0


def test_tables_by_hand():
  train = toy_doctor.talk('train', 8, 0)
  names = list(toy_doctor.DIMS)
  kept = [
    ('text', 'audio', 'vision'),
    ('text', 'audio'),
    ('text', 'vision'),
    ('audio', 'vision'),
    ('text',),
    ('audio',),
    ('vision',),
    ('text', 'audio', 'vision'),
  ]
  for record, own in zip(train, kept, strict=True):
    for name in set(names) - set(own):
      take(record, name)
  train[0]['sarcasm_weights'][0] = 0
  give(train[0], 'audio', np.ones((100, 3)))
  test = toy_doctor.talk('test', 4, 500)
  for record in test:
    take(record, 'vision')
  read = survey.read(
    [
      toy_doctor.spoken_part('train', train),
      toy_doctor.spoken_part('test', test),
    ]
  )
  found = sequences.tables(read)
  assert found['modalities']['train'] == {
    'text + audio + vision': 2,
    'text + audio': 1,
    'text + vision': 1,
    'audio + vision': 1,
    'text': 1,
    'audio': 1,
    'vision': 1,
    'none': 0,
  }
  assert found['modalities']['test'] == {
    **dict.fromkeys(found['modalities']['train'], 0),
    'text + audio': 4,
  }
  assert found['modalities_of_tasks']['sarcasm'] == {
    'text': {'train': 4, 'test': 4},
    'audio': {'train': 4, 'test': 4},
    'vision': {'train': 4, 'test': 0},
  }
  steps = [r['audio_length'] for r in train if r['audio_length']]
  assert found['lengths']['audio']['train'] == {
    'there': 5,
    'min': 7,
    'median': float(np.median(steps)),
    'p95': pytest.approx(float(np.percentile(steps, 95))),
    'max': 100,
  }
  assert found['lengths']['vision']['test'] == {'there': 0}
  (finding,) = sequences.missing_modalities(found)
  assert finding.data == {'modality': 'vision', 'splits': ['test']}


def test_labels_by_hand():
  train = toy_doctor.talk('train', 6, 0)
  for record, value in zip(train, (-3, -2.6, -0.4, 0, 0.6, 2.5), strict=True):
    record['sentiment'][0] = value
  train[1]['emotion_weights'][:] = 0
  train[5]['sentiment_class_weights'] = np.float32(0)
  read = survey.read([toy_doctor.spoken_part('train', train)])
  found = counts.tables(read)
  sentiment = found['outputs']['sentiment']['sentiment']['train']
  # 2.5 is rounded to the even 2, as in the papers' code.
  assert sentiment['bins'] == {
    '-3': 2,
    '-2': 0,
    '-1': 0,
    '0': 2,
    '+1': 1,
    '+2': 1,
    '+3': 0,
  }
  assert found['outputs']['sentiment_class'] == {
    'negative': {'train': {'labelled': 5, 'count': 2}},
    'neutral': {'train': {'labelled': 5, 'count': 2}},
    'positive': {'train': {'labelled': 5, 'count': 1}},
  }
  assert found['outputs']['emotion'] == {
    'neutral': {'train': {'labelled': 5, 'count': 3}},
    'anger': {'train': {'labelled': 5, 'count': 2}},
  }
  assert found['outputs']['sarcasm']['sarcasm']['train'] == {
    'labelled': 6,
    'count': 3,
  }
  together = found['together']['train']
  assert list(together) == [
    'negative',
    'neutral (sentiment_class)',
    'positive',
    'neutral (emotion)',
    'anger',
    'sarcasm',
  ]
  # Samples 0 and 3 are negative, 1 and 4 neutral, 2 positive; odd ones angry.
  assert together['negative'] == {'neutral': 0.5, 'anger': 0.5}
  assert together['neutral (sentiment_class)'] == {'neutral': 1.0, 'anger': 0.0}
  assert together['sarcasm'] == {'neutral': 0.0, 'anger': 1.0}
  assert found['combinations']['train'] == {
    'emotion + sentiment + sentiment_class + sarcasm': 4,
    'sentiment + sentiment_class + sarcasm': 1,
    'emotion + sentiment + sarcasm': 1,
  }


def test_what_training_never_sees():
  train = toy_doctor.talk('train', 6, 0, sarcasm=0, emotion='')
  result = checked(train, toy_doctor.talk('val', 6, 500))
  found = toy_doctor.only(result, 'unlabelled_task')
  assert found['data'] == {'task': 'emotion'}
  found = toy_doctor.only(result, 'never_in_train')
  assert found['data'] == {'task': 'sarcasm', 'outputs': ['sarcasm']}


def test_sequences_that_were_cut_and_utterances_that_were_left_out():
  train = toy_doctor.talk('train', 12, 0)
  give(train[2], 'audio', np.random.default_rng(9).random((20, 3)))
  give(train[3], 'audio', np.random.default_rng(8).random((20, 3)))
  read_as = {"cells 'nan' (read as empty)": 3}
  skipped = {'audio steps beyond max_steps': 31, 'rows of noise': 2}
  skipped = {'toy': {**skipped, **read_as}}
  result = checked(train, skipped=skipped)
  found = toy_doctor.only(result, 'cut_sequences')
  assert found['data'] == {
    'corpus': 'toy',
    'modality': 'audio',
    'steps': 31,
    'utterances_at_most': 2,
    'longest': 20,
  }
  # Samples that are not read can be longer.
  flag = '--config.data.corpora.toy.max_steps'
  limited = checked(train, skipped=skipped, limits={'toy': (flag, 30)})
  found = toy_doctor.only(limited, 'cut_sequences')
  assert found['advice'].startswith(f'{flag}=60 keeps')
  assert found['data']['longest'] == 30
  assert found['data']['utterances_at_most'] == 0
  left = toy_doctor.only(result, 'left_out')
  assert left['data']['reasons'] == {'rows of noise': 2}
  # What was read as something else is not lost.
  read = toy_doctor.only(result, 'read_as')
  assert read['data']['reasons'] == read_as
  assert "toy: found when it was prepared: 3 cells 'nan'" in read['text']


def test_text_that_was_decoded_wrongly_is_counted():
  train = toy_doctor.talk('train', 6, 0)
  words = ('isnâ€™t it', 'isn’t it', 'lost \ufffd', 'café', 'oh', '我喜')
  for sample, text in zip(train, words, strict=True):
    sample['transcript'] = text.encode()
  found = toy_doctor.only(checked(train), 'garbled_text')
  assert found['level'] == 'warning'
  assert '2 transcripts hold' in found['text']
  assert list(found['data']['utterances'].values()) == [2]
  assert 'train0, ' in found['text']


def test_people_and_dialogues_are_compared_however_they_are_spelled():
  train = toy_doctor.talk('train', 4, 0, speaker='Ann', dialogue='7')
  val = toy_doctor.talk('val', 4, 9, speaker='ANN', dialogue='7.0')
  result = checked(train, val)
  found = toy_doctor.only(result, 'shared_speakers')
  assert found['data']['speakers'] == ['Ann = ANN']
  assert found['data']['samples'] == 4
  found = toy_doctor.only(result, 'shared_dialogues')
  assert found['data']['dialogues'] == ['7 = 7.0']
  val = toy_doctor.talk('val', 4, 9, speaker='aB1', dialogue='8')
  train = toy_doctor.talk('train', 4, 0, speaker='Ab1', dialogue='7')
  assert 'shared_speakers' not in toy_doctor.kinds(checked(train, val))


def test_token_ids_have_lengths_and_no_features():
  dims = {'text': 0}

  def talk(split, seed):
    r = np.random.default_rng(seed)
    return [
      toy_doctor.utterance(
        f'{split}{i}',
        {'text': r.integers(0, 1000, 5 + i).astype(np.int32)},
        transcript=f'{split} says the number {i} and more',
        speaker=split,
        sentiment=i - 2,
        dims=dims,
      )
      for i in range(5)
    ]

  train, test = talk('train', 0), talk('test', 1)
  train[0]['text'][:3] = 0  # An id like any other.
  result = examine.examine(
    [
      toy_doctor.spoken_part('train', train, dims=dims),
      toy_doctor.spoken_part('test', test, dims=dims),
    ]
  )
  assert toy_doctor.kinds(result) == {'unlabelled_task'}
  assert result.report['features'] == {'toy': {}}
  assert result.report['lengths']['text']['test'] == {
    'there': 5,
    'min': 5,
    'median': 7,
    'p95': pytest.approx(8.8),
    'max': 9,
  }
