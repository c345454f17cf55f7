"""Tables are compared with the gold of a config's corpora."""

import json

import numpy as np
import pytest
from toys import utterances as toy_utterances

from affect_jax import corpora
from affect_jax import defaults
from affect_jax.errors import UserError
from affect_jax.label import gold
from affect_jax.label import quality
from affect_jax.label import report
from affect_jax.label import tables as tables_lib
from affect_jax.weak import combination
from affect_jax.weak import table

CLASSES = ('negative', 'neutral', 'positive')


@pytest.fixture
def config(tmp_path, monkeypatch):
  monkeypatch.setitem(corpora.CORPORA, 'toy', toy_utterances.Toy)
  c = defaults.get_config()
  c.data.corpus = 'toy'
  c.data.data_dir = str(tmp_path / 'data')
  return c


def classes(says, **more):
  """Weak labels of {id: class}."""
  p = np.eye(3, dtype=np.float32)[[CLASSES.index(v) for v in says.values()]]
  ids = np.array([*says], object)
  return table.WeakLabels(
    'sentiment_class', 'class', CLASSES, ids, p, p.max(-1), corpus='toy', **more
  )


def of_split(split, wrong=0):
  """What gold says, or the opposite of it for the first samples."""
  found = {}
  for i in toy_utterances.utterances(split, toy_utterances.COUNTS[split]):
    if i.labels:
      says = i.labels['sentiment_class']
      if len(found) < wrong:
        says = 'negative' if says == 'positive' else 'positive'
      found[i.id] = says
  return found


def compare(config, *parts, split='train', **options):
  tables = [(f'{i}', [p]) for i, p in enumerate(parts)]
  groups = combination.group(tables)
  return gold.compare(config, groups, [{}] * len(groups), split, **options)


def test_each_split_has_its_gold(config, capsys):
  train, val = of_split('train', wrong=7), of_split('val')
  part = classes({**train, **val, 'stranger': 'neutral'})
  (one,) = compare(config, part, classes(dict([*train.items()][:10])))
  first, second = one['labellers']
  assert one['gold'] == first['scored'] == len(train)
  assert first['coverage'] == 1
  assert first['score'] == pytest.approx(1 - 7 / len(train))
  assert (second['scored'], second['score']) == (10, pytest.approx(0.3))
  # The two are equal where both speak; val is not counted.
  assert one['agreement'][0][1] == 1
  assert one['both'] == [[len(train), 10], [10, 10]]
  report.show([one], 'train')
  assert 'Same label by two' in capsys.readouterr().out
  (one,) = compare(config, part, split='val')
  assert (one['gold'], one['labellers'][0]['score']) == (len(val), 1)


def test_what_cannot_be_compared_is_refused(config):
  with pytest.raises(UserError, match=r'None of the labels.*--label_gold'):
    compare(config, classes({'stranger': 'neutral'}))
  old = classes(of_split('train'), version='toy/old/1.0.0')
  with pytest.raises(UserError, match=r'are of toy/old/1\.0\.0, but toy is'):
    compare(config, old)
  (one,) = compare(config, old, any_version=True)
  assert one['labellers'][0]['score'] == 1
  config.data.splits.val = ''
  with pytest.raises(UserError, match=r'set config\.data\.splits\.val'):
    compare(config, old, split='val')


def test_copies_are_named():
  r = np.random.default_rng(0)
  says = {f's{i}': CLASSES[k] for i, k in enumerate(r.integers(3, size=100))}
  other = {
    x: v if i > 4 else 'neutral' for i, (x, v) in enumerate(says.items())
  }
  tables = [('a', classes(says)), ('b', classes(other)), ('c', classes(says))]
  (of,) = combination.group([(name, [part]) for name, part in tables])
  assert tables_lib.alike(of) == [('a', 'c', 1.0, 100)]


def test_a_table_votes_once(tmp_path, capsys):
  path = str(tmp_path / 'a.csv')
  (tmp_path / 'a.csv').write_text('id,sarcasm/sarcasm\nx,0.9\ny,0.2\n')
  with pytest.raises(UserError, match=r'a\.csv twice'):
    tables_lib.read([path, path])
  groups = combination.group(tables_lib.read([path]))
  tables_lib.show(
    groups, [combination.combine(g) for g in groups], 'out.parquet'
  )
  assert 'as it is' in ' '.join(capsys.readouterr().out.split())
  two = [(x, [classes({x: 'neutral'})]) for x in 'ab']
  tables_lib.check_shared(combination.group(two))
  with pytest.raises(UserError, match=r'nothing to combine: .*sarcasm of any'):
    tables_lib.check_shared(groups)


def test_files_are_read_combined_and_compared(config, tmp_path):
  pytest.importorskip('crowdkit', reason="pip install 'affect_jax[weak]'")
  np.save(tmp_path / 'x.npy', np.ones((2, 3), np.float32))
  for name, says in (('a', '1,1,0,'), ('b', '1,0,0,1'), ('c', '0,1,,1')):
    cells = zip('pqrs', says.split(','), strict=True)
    rows = ''.join(f'{x},{v}\n' for x, v in cells)
    (tmp_path / f'{name}.csv').write_text('id,sarcasm/sarcasm\n' + rows)
  cells = zip('pqrs', '1101', strict=True)
  rows = ''.join(f'{x},train,x.npy,{v}\n' for x, v in cells)
  (tmp_path / 'gold.csv').write_text('id,split,audio,sarcasm\n' + rows)
  config.data.corpus = 'utterances_csv'
  config.data.path = str(tmp_path / 'gold.csv')
  config.data.splits.val = config.data.splits.test = ''
  tables = [str(tmp_path / f'{x}.csv') for x in 'abc']
  (one,) = quality.measure(config, tables)
  assert (one['task'], one['gold']) == ('sarcasm', 4)
  scores = {x['name'].split('/')[-1]: x for x in one['labellers']}
  assert scores['a.csv']['score'] == 1
  assert scores['b.csv']['score'] == 0.75
  assert scores['majority']['score'] == 1
  assert scores['majority']['coverage'] == 1
  assert json.loads(json.dumps(one)) == one
  (one,) = quality.measure(config, tables, models=('',))
  assert len(one['labellers']) == 3
  with pytest.raises(UserError, match='snorkel'):
    quality.measure(config, tables, models=('snorkel',))
