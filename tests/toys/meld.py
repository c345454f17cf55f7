"""MELD's tables in miniature."""

import csv

HEADER = [
  'Sr No.',
  'Utterance',
  'Speaker',
  'Emotion',
  'Sentiment',
  'Dialogue_ID',
  'Utterance_ID',
  'Season',
]


def row(text, dialogue, turn, emotion='neutral', sentiment='neutral', by='Ann'):
  return ['1', text, by, emotion, sentiment, str(dialogue), str(turn), '9']


def write(folder, train, val=None, test=None, header=HEADER):
  other = [row('The tea is ready.', 0, 0)]
  for name, rows in (('train', train), ('dev', val), ('test', test)):
    path = folder / f'{name}_sent_emo.csv'
    with open(path, 'w', newline='', encoding='utf-8') as f:
      csv.writer(f).writerows([header, *(rows or other)])
  return folder
