"""MELD on tables that the tests write, and the real ones where they are."""

import collections
import hashlib
import itertools

from absl import logging
import pytest
from toys import real_data
from toys.meld import HEADER
from toys.meld import row
from toys.meld import write

from affect_jax.corpora import meld
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.files import mojibake


def read(folder, split='train'):
  items = list(meld.listing(folder).splits[split]())
  kept = [i for i in items if not isinstance(i, face_listing.LeftOut)]
  left_out = [i for i in items if isinstance(i, face_listing.LeftOut)]
  return kept, left_out


def refusal(folder, *rows):
  write(folder, rows)
  with pytest.raises(ValueError, match=r'train_sent_emo\.csv') as e:
    read(folder)
  return str(e.value)


def test_an_utterance_has_words_speaker_place_and_both_labels(tmp_path):
  write(tmp_path, [row('My kite flew!', 3, 5, 'joy', 'positive', ' Bo ')])
  [item], left_out = read(tmp_path)
  assert not left_out
  assert item.id == 'train/dia3_utt5'
  assert (item.dialogue, item.turn, item.speaker) == ('train/dia3', 5, 'Bo')
  assert item.transcript == 'My kite flew!'
  assert item.labels == {
    'neutral': 0,
    'surprise': 0,
    'fear': 0,
    'sadness': 0,
    'happiness': 1,
    'disgust': 0,
    'anger': 0,
    'sentiment_class': 'positive',
  }
  assert (item.sequences, item.context) == ({}, ())


def test_outputs_are_the_names_that_labels_have(tmp_path):
  listing = meld.listing(write(tmp_path, [row('Fine.', 0, 0)]))
  [item] = listing.splits['train']()
  assert set(listing.outputs) == {'emotion', 'sentiment_class'}
  assert set(item.labels) == {*listing.outputs['emotion'], 'sentiment_class'}
  assert listing.outputs['sentiment_class'] == (
    ('negative', 'neutral', 'positive')
  )
  assert listing.dims == {}


@pytest.mark.parametrize(
  ('name', 'ours'),
  [
    ('anger', 'anger'),
    ('disgust', 'disgust'),
    ('fear', 'fear'),
    ('joy', 'happiness'),
    ('neutral', 'neutral'),
    ('sadness', 'sadness'),
    ('surprise', 'surprise'),
  ],
)
def test_emotions_have_our_names(tmp_path, name, ours):
  [item], _ = read(write(tmp_path, [row('So it goes.', 0, 0, name)]))
  assert [k for k, v in item.labels.items() if v == 1] == [ours]


def test_dialogues_come_whole_and_in_order_of_turn(tmp_path):
  rows = [row('d', 10, 0), row('b', 2, 11), row('c', 2, 20), row('a', 2, 3)]
  kept, _ = read(write(tmp_path, rows))
  assert [i.transcript for i in kept] == ['a', 'b', 'c', 'd']


def test_splits_are_three_files_and_share_no_id(tmp_path):
  listing = meld.listing(
    write(
      tmp_path,
      [row('One.', 0, 0)],
      [row('Two.', 0, 0)],
      [row('Three.', 0, 0), row('Four.', 0, 1)],
    )
  )
  words = {s: [i.transcript for i in f()] for s, f in listing.splits.items()}
  assert words == {
    'train': ['One.'],
    'val': ['Two.'],
    'test': ['Three.', 'Four.'],
  }
  ids = [i.id for f in listing.splits.values() for i in f()]
  assert len(set(ids)) == 4


def test_a_listing_streams_the_same_again_and_knows_its_files(tmp_path):
  listing = meld.listing(write(tmp_path, [row('One.', 0, 0)]))
  assert list(listing.splits['train']()) == list(listing.splits['train']())
  for name in ('train', 'dev', 'test'):
    file = tmp_path / f'{name}_sent_emo.csv'
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert listing.sources[file.name] == digest


def test_repeated_and_wordless_rows_are_left_out_and_counted(tmp_path):
  rows = [row('Hm.', 0, 0), row('Hm.', 0, 0), row(' ', 0, 1), row('Hm.', 0, 2)]
  kept, left_out = read(write(tmp_path, rows))
  assert [i.turn for i in kept] == [0, 2]
  assert sorted((i.reason, i.count) for i in left_out) == [
    ('repeated rows', 1),
    ('rows without words', 1),
  ]


def test_bad_rows_are_named_by_line_with_the_choices(tmp_path):
  message = refusal(
    tmp_path,
    row('a', 0, 0, 'happy'),
    row('b', 0, 1, sentiment='good'),
    row('c', 'x', 2),
    row('d', 0, '-3'),
    row('e', 0, 4)[:-1],
    row('f', 0, 5),
    row('f', 0, 5, 'anger'),
    row('g', 0, '9' * 5000),
  )
  for part in (
    ":2: Emotion 'happy' is not one of neutral, surprise, fear",
    ":3: Sentiment 'good' is not one of negative, neutral, positive",
    ":4: Dialogue_ID 'x' is not a whole number",
    ":5: Utterance_ID '-3' is not a whole number",
    ':6: 7 cells, not 8',
    ':8: utterance 5 of dialogue 0 is already in line 7',
    ":9: Utterance_ID '99999",
  ):
    assert part in message


def test_columns_are_found_by_name(tmp_path):
  names = [' utterance_id', *HEADER[1:5], HEADER[5].upper()]
  cells = ['2', 'Fine.', 'Ann', 'fear', 'negative', '4']
  [item], _ = read(write(tmp_path, [cells], header=names))
  assert item.id == 'train/dia4_utt2'
  assert item.labels['fear'] == 1


@pytest.mark.parametrize(
  ('header', 'count'), [(HEADER[:3] + ['Mood'] + HEADER[4:], 0), (None, 2)]
)
def test_a_missing_or_doubled_column_is_an_error(tmp_path, header, count):
  header = header or [*HEADER[:7], 'Emotion']
  write(tmp_path, [row('a', 0, 0)], header=header)
  with pytest.raises(ValueError, match=f"'Emotion' appears {count} times"):
    read(tmp_path)


def test_a_missing_or_empty_table_is_an_error(tmp_path):
  write(tmp_path, [row('a', 0, 0)])
  (tmp_path / 'dev_sent_emo.csv').write_text(','.join(HEADER) + '\n')
  with pytest.raises(ValueError, match=r'dev_sent_emo\.csv: no rows'):
    read(tmp_path, 'val')
  (tmp_path / 'dev_sent_emo.csv').unlink()
  with pytest.raises(FileNotFoundError, match='the val split of MELD'):
    meld.listing(tmp_path)


def test_words_for_missing_are_no_words_and_no_speaker(tmp_path):
  plain = meld.listing(write(tmp_path, [row('Hi.', 0, 0)])).sources
  rows = [row('nan', 0, 0), row('Nan?', 0, 1, by='NA'), row('Hi.', 0, 2)]
  kept, left_out = read(write(tmp_path, rows))
  assert [(i.transcript, i.speaker) for i in kept] == [
    ('Nan?', ''),
    ('Hi.', 'Ann'),
  ]
  assert [i.reason for i in left_out] == ['rows without words']
  # Prepared anew, as nan was text before; other tables are not.
  assert set(meld.listing(tmp_path).sources) - set(plain) == {'reading'}


@pytest.mark.parametrize(
  ('broken', 'text'),
  [
    ('our company\x92s', 'our company’s'),
    ('well\x85 so \x96 no\x97', 'well… so – no—'),
    ('itâ€™s', 'it’s'),
    ('itâ\x80\x99s', 'it’s'),
    ('oh!â€\x9d', 'oh!”'),
    ('cafÃ©', 'café'),
    ('isnÕt', 'isn’t'),
  ],
)
def test_broken_characters_are_mended_where_it_is_certain(broken, text):
  assert mojibake.mended(broken) == text
  assert mojibake.mended(text) == text


@pytest.mark.parametrize(
  'text', ['“café…” — naïve ‘Åse’ £5', 'voilâ…”', 'Õun', 'odd \x81', 'ÀÕA', '']
)
def test_what_may_be_right_is_left_alone(text):
  assert mojibake.mended(text) == text


def test_mended_rows_are_logged(tmp_path, monkeypatch):
  lines = []
  monkeypatch.setattr(logging, 'info', lambda m, *a: lines.append(m % a))
  rows = [row('It\x92s late.', 0, 0), row('It’s late.', 0, 1)]
  kept, _ = read(write(tmp_path, rows))
  assert [i.transcript for i in kept] == ['It’s late.'] * 2
  assert len(lines) == 1
  assert 'characters in 1 rows' in lines[0]


@pytest.mark.parametrize(
  ('split', 'rows', 'dialogues', 'joy', 'negative'),
  [
    ('train', 9989, 1038, 1743, 2945),
    ('val', 1109, 114, 163, 406),
    ('test', 2610, 280, 402, 833),
  ],
)
def test_the_real_tables(split, rows, dialogues, joy, negative):
  kept, left_out = read(real_data.path('meld'), split)
  assert not left_out
  assert len(kept) == len({i.id for i in kept}) == rows
  # A dialogue is in one piece, and ascends.
  order = [i.dialogue for i in kept]
  changes = sum(a != b for a, b in itertools.pairwise(order))
  assert changes + 1 == len(set(order)) == dialogues
  for a, b in itertools.pairwise(kept):
    assert a.dialogue != b.dialogue or a.turn < b.turn
  assert sum(i.labels['happiness'] for i in kept) == joy
  classes = collections.Counter(i.labels['sentiment_class'] for i in kept)
  assert classes['negative'] == negative
  for item in kept:
    neutral = item.labels['sentiment_class'] == 'neutral'
    assert item.labels['neutral'] == float(neutral)
