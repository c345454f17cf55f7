"""Utterances of two corpora, of which one has no text."""

import numpy as np
import pytest
from toys.paths import TINY_BERT

from affect_jax import defaults
from affect_jax import train

pytestmark = pytest.mark.usefixtures('quick_runs')


def write(folder, name, header, row):
  lines = [f'id,split,sarcasm,{header}']
  for split, count in (('train', 8), ('val', 4), ('test', 4)):
    lines += [
      f'{split}{i},{split},{i % 2},{row(split, i)}' for i in range(count)
    ]
  (folder / name).write_text('\n'.join(lines) + '\n')
  return str(folder / name)


@pytest.mark.parametrize('window', [0, 3])
def test_token_ids_of_one_corpus_are_of_one_model(tmp_path, window):
  def voice(split, i):
    np.save(tmp_path / f'{split}{i}.npy', np.full((4, 3), 1 + i, np.float32))
    return f'{split}{i}.npy'

  words = write(tmp_path, 'words.csv', 'text', lambda s, i: f'tea is cup {i}')
  voices = write(tmp_path, 'voices.csv', 'audio', voice)
  c = defaults.get_config()
  c.data.corpora = {
    'words': {
      'corpus': 'utterances_csv',
      'path': words,
      'text': 'tokens',
      'text_model': str(TINY_BERT),
      'max_tokens': 24,
    },
    'voices': {'corpus': 'utterances_csv', 'path': voices},
  }
  if window:
    for options in c.data.corpora.values():
      options['window'] = window
  c.data.data_dir = str(tmp_path / 'data')
  c.tasks = ('sarcasm',)
  c.utterance.fusion, c.utterance.boundaries = 'concat', (24,)
  c.batch_size, c.num_train_steps, c.schedule.warmup_steps = 8, 2, 1
  results = train.train_and_evaluate(c, str(tmp_path / 'run'))
  for corpus in ('words', 'voices'):
    assert results[f'test/{corpus}']['sarcasm/num_gold'] == 4
