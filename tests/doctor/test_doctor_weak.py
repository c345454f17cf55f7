"""What the doctor says of tables of weak labels."""

import numpy as np
import pytest
from toys import doctor as toy_doctor
from toys import utterances as toy_utterances

from affect_jax import corpora
from affect_jax import defaults
from affect_jax.doctor import visit
from affect_jax.weak import table


@pytest.fixture
def config(tmp_path, monkeypatch):
  monkeypatch.setitem(corpora.CORPORA, 'toy', toy_utterances.Toy)
  c = defaults.get_config()
  c.data.corpus = 'toy'
  c.data.data_dir = str(tmp_path / 'data')
  c.data.weak_labels = (str(tmp_path / 'weak.parquet'),)
  return c


def test_coverage_confidence_and_agreement(config, tmp_path):
  items = list(toy_utterances.utterances('train', 40))
  labelled = [i for i in items if i.labels]
  gaps = [i for i in items if not i.labels]
  # Right for half of the labelled, and for strangers whatever they are.
  says = {
    i.id: i.labels['sentiment'] * (1 if k % 2 else -1)
    for k, i in enumerate(labelled)
  } | {gaps[0].id: 1.0, 'stranger': 0.0, 'val0': 0.0}
  p = np.array([[0.95, 0.02, 0.03]] * 8, np.float32)
  ids = [i.id for i in labelled[:8]]
  table.write(
    tmp_path / 'weak.parquet',
    [
      table.WeakLabels(
        'sentiment',
        'value',
        ('sentiment',),
        np.array(list(says), object),
        np.array(list(says.values()), np.float32)[:, np.newaxis],
        np.full((len(says), 1), 0.25, np.float32),
      ),
      table.WeakLabels(
        'sentiment_class',
        'class',
        ('positive', 'neutral', 'negative'),  # In another order.
        np.array(ids, object),
        p,
        p.max(-1),
      ),
    ],
  )
  result = visit.visit(config, out=str(tmp_path / 'out'))
  value, classes = result.report['weak_labels']
  assert value['labels'] == len(labelled) + 3
  assert value['train'] == len(labelled) + 1
  assert (value['val or test'], value['strangers']) == (1, 1)
  assert (value['without_gold'], value['covered']) == (len(gaps), 1)
  assert value['confidence'][2] == len(says)
  assert value['with_gold'] == len(labelled) + 1
  gold = {i.id: i.labels['sentiment'] for i in labelled}
  gold['val0'] = next(toy_utterances.utterances('val', 1)).labels['sentiment']
  both = [(says[x], y) for x, y in gold.items()]
  expected = np.corrcoef(np.array(both).T)[0, 1]
  assert value['agreement'] == pytest.approx(expected, abs=1e-3)
  positive = [i.labels['sentiment_class'] == 'positive' for i in labelled[:8]]
  assert classes['agreement'] == pytest.approx(np.mean(positive))
  assert classes['outputs'] == {'positive': 8, 'neutral': 0, 'negative': 0}
  assert classes['confidence'] == [0] * 9 + [8]
  warnings = toy_doctor.kinds(result, 'warning')
  assert 'weak_without_sample' in warnings
  assert ('weak_against_gold' in warnings) == (
    min(expected, np.mean(positive)) < 0.5
  )
  text = (tmp_path / 'out' / 'report.txt').read_text()
  assert 'Weak labels by confidence' in text
  assert "'stranger'" in text


def test_a_table_that_names_no_corpus_is_shared_out(config, tmp_path):
  """Each sample counts with its corpus, a stranger once."""
  path = tmp_path / 'theirs.csv'
  ids = ['train0', 'train1', 'stranger', 'b0']
  path.write_text('id,sarcasm/sarcasm\n' + ''.join(f'{x},1\n' for x in ids))
  np.save(tmp_path / 'x.npy', np.ones((2, 3), np.float32))
  other = tmp_path / 'other.csv'
  other.write_text('id,split,audio,sarcasm\nb0,train,x.npy,1\n')
  c = config
  c.data.weak_labels = (str(path),)
  c.data.corpora = {
    'toy': {'corpus': 'toy'},
    'mine': {
      'corpus': 'utterances_csv',
      'path': str(other),
      'splits': {'val': '', 'test': ''},
    },
  }
  c.data.corpus = ''
  described = visit.visit(c).report['weak_labels']
  assert {x['corpus']: x['train'] for x in described} == {'toy': 2, 'mine': 1}
  assert sum(x['strangers'] for x in described) == 1


def test_a_table_of_other_samples_is_an_error(config, tmp_path):
  table.write(
    tmp_path / 'weak.parquet',
    [
      table.WeakLabels(
        'sarcasm',
        'presence',
        ('sarcasm',),
        np.array(['a', 'b'], object),
        np.full((2, 1), 0.9, np.float32),
        np.full((2, 1), 0.9, np.float32),
      )
    ],
  )
  result = visit.visit(config)
  assert 'weak_without_sample' in toy_doctor.kinds(result, 'error')
  assert result.report['exit_code'] == 1


def test_what_a_sample_cannot_tell_is_not_told(config, tmp_path, capsys):
  """Labels of samples that were not read are not called strange."""
  path = tmp_path / 'theirs.csv'
  # Read are the first three in their stored order, whichever they are.
  ids = [f'train{i}' for i in range(40)]
  path.write_text('id,sarcasm/sarcasm\n' + ''.join(f'{x},1\n' for x in ids))
  config.data.weak_labels = (str(path),)
  result = visit.visit(config, sample=3)
  (described,) = result.report['weak_labels']
  assert (described['train'], described['strangers']) == (3, None)
  for level in ('error', 'warning'):
    assert 'weak_without_sample' not in toy_doctor.kinds(result, level)
  assert 'labels of the others look like' in capsys.readouterr().out
