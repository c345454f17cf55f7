"""What preparing a corpus counted has names, and becomes findings."""

import csv

import numpy as np
import pytest
import scipy.io.wavfile
from toys import doctor as toy_doctor

from affect_jax.corpora import utterances_csv
from affect_jax.corpora.builders import records
from affect_jax.corpora.features import recordings
from affect_jax.corpora.features import wav_features
from affect_jax.doctor import examine
from affect_jax.doctor import recordings as doctor_recordings

RATE = 16000
TONE = 0.5 * np.sin(2 * np.pi * 100 * np.arange(RATE // 4) / RATE)


@pytest.fixture(scope='module')
def corpus(tmp_path_factory):
  """A silent, a clipped, a cut and a good recording; Ann in two spellings."""
  pytest.importorskip('soundfile', reason="needs the extra 'audio'")
  folder = tmp_path_factory.mktemp('corpus')

  def quick(path, counts):
    """In place of features, which take long."""
    size = len(wav_features.names())
    sound, _ = recordings.read(path, counts)
    return np.full((1 + len(sound) // 160, size), 0.5, np.float32)

  sounds = {
    'good': TONE,
    'silent': 0 * TONE,
    'clipped': np.clip(3 * TONE, -1, 1),
    'cut': TONE,
  }
  rows = [['id', 'split', 'audio', 'text', 'speaker', 'sarcasm']]
  for i, (name, sound) in enumerate(sounds.items()):
    path = folder / f'{name}.wav'
    scipy.io.wavfile.write(path, RATE, (32767 * sound).astype(np.int16))
    speaker = ('Ann', 'ANN', 'ann', 'Bob')[i]
    rows.append(
      [name, 'train', path.name, f'isnâ€™t it {name}', speaker, i % 2]
    )
  whole = (folder / 'cut.wav').read_bytes()
  (folder / 'cut.wav').write_bytes(whole[: len(whole) * 2 // 3])
  with open(folder / 'mine.csv', 'w', newline='', encoding='utf-8') as file:
    csv.writer(file).writerows(rows)
  builder = utterances_csv.UtterancesCsv(
    path=str(folder / 'mine.csv'), data_dir=str(folder / 'data'), max_steps=20
  )
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(wav_features, 'features', quick)
    builder.download_and_prepare()
  return builder


def test_odd_recordings_are_named(corpus):
  metadata = records.metadata(corpus)
  counts = {'toy': metadata['skipped']}
  names = {'toy': metadata['examples']}
  found = {f.kind: f for f in doctor_recordings.find(counts, names)}
  assert {k: f.data['ids'] for k, f in found.items()} == {
    'silent_recordings': ['silent'],
    'clipped_recordings': ['clipped'],
    'cut_recordings': ['cut'],
  }
  assert found['clipped_recordings'].text.startswith('toy: 1 recordings are')
  assert '(clipped)' in found['clipped_recordings'].text
  # Corpora that were prepared before names were kept.
  old = {f.kind: f for f in doctor_recordings.find(counts, {})}
  assert old.keys() == found.keys()
  assert metadata['examples']['audio steps beyond max_steps'] == [
    *('good', 'silent', 'clipped')
  ]


def test_what_was_mended_and_joined_is_named_by_the_doctor(corpus):
  metadata = records.metadata(corpus)
  result = examine.examine(
    [toy_doctor.spoken_part('train', toy_doctor.talk('train', 8, 0))],
    skipped={'toy': metadata['skipped']},
    examples={'toy': metadata['examples']},
  )
  joined = toy_doctor.only(result, 'joined_names')
  assert joined['data']['names'] == ["'ANN' is 'Ann'", "'ann' is 'Ann'"]
  assert 'toy: 2 speaker names' in joined['text']
  kinds = toy_doctor.kinds(result, 'warning')
  assert kinds == {
    'silent_recordings',
    'clipped_recordings',
    'cut_recordings',
  }
  # Each is told of once.
  read = toy_doctor.only(result, 'read_as')
  assert 'recordings' not in read['text']
  assert 'names' not in read['text']


@pytest.mark.parametrize(
  ('sound', 'clipped'),
  [
    (np.clip(1.3 * TONE / 0.5, -1, 1), True),
    (TONE / 0.5, False),  # Full scale, but not beyond.
    (np.clip(1.3 * TONE, -0.5, 0.5), False),  # A choice of the programmer.
    (np.where(np.arange(4000) == 7, 1, TONE), False),
  ],
)
def test_clipped_is_flat_at_full_scale(tmp_path, sound, clipped):
  pytest.importorskip('soundfile', reason="needs the extra 'audio'")
  path = tmp_path / 'a.wav'
  scipy.io.wavfile.write(path, RATE, (32767 * sound).astype(np.int16))
  counts = {recordings.CLIPPED: 0}
  recordings.read(path, counts)
  assert counts == {recordings.CLIPPED: int(clipped)}


def test_transcripts_without_words_are_named():
  train = toy_doctor.talk('train', 8, 0)
  for record, text in zip(train, ('...', '-', ' ', '7', '我'), strict=False):
    record['transcript'] = text.encode()
  result = examine.examine([toy_doctor.spoken_part('train', train)])
  found = toy_doctor.only(result, 'empty_words')
  assert found['data']['ids'] == ['train train0', 'train train1']
  missing = toy_doctor.only(result, 'no_transcript')
  assert missing['data']['ids'] == ['train train2']
