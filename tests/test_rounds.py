"""Rounds: gold alone, then gold and what the round before labels."""

import json

import numpy as np
import pytest
from scipy import stats
from toys import voices

from affect_jax import tasks as tasks_lib
from affect_jax.errors import UserError
from affect_jax.evaluation import gains
from affect_jax.evaluation import seed_summary
from affect_jax.rounds import train as rounds
from affect_jax.run import settled
from affect_jax.run import signature
from affect_jax.weak import table

pytestmark = pytest.mark.usefixtures('quick_runs')


@pytest.fixture(scope='module')
def config(tmp_path_factory):
  """A corpus of sentiment and one of sarcasm."""
  folder = tmp_path_factory.mktemp('rounds')
  for task in ('sentiment', 'sarcasm'):
    ids = {
      split: [f'{task}{split}{i}' for i in range(n)]
      for split, n in (('train', 16), ('val', 8), ('test', 8))
    }
    voices.write(folder, task, ids, task)
  c = voices.config('', folder, 'sentiment', 'sarcasm', seeds=(0, 1))
  c.data.corpus = ''
  del c.data.path
  c.data.corpora = {
    task: {'corpus': 'utterances_csv', 'path': str(folder / f'{task}.csv')}
    for task in ('sentiment', 'sarcasm')
  }
  return c


def test_a_round_learns_from_what_the_round_before_labels(
  config, tmp_path, capsys, monkeypatch
):
  results = rounds.train(config, str(tmp_path), anyway=True)
  labels = table.read(tmp_path / 'round_1.parquet')
  # Each corpus gets the other's task, from both seeds of round 0.
  assert {x.task for x in labels} == {'sentiment', 'sarcasm'}
  for part in labels:
    other = {'sentiment': 'sarcasm', 'sarcasm': 'sentiment'}[part.task]
    assert sorted(part.ids) == sorted(f'{other}train{i}' for i in range(16))
    assert part.teacher.count('round_0/seed_') == 2
  given = json.loads((tmp_path / 'round_1/seed_1/config.json').read_text())
  assert given['data']['weak_labels'] == [str(tmp_path / 'round_1.parquet')]
  (rows,) = results['rounds']
  names = ['sentiment/ccc', 'sarcasm/weighted_f1', 'headline']
  assert [r['metric'] for r in rows] == names
  # Test is computed for the chosen round, and for round 0 if it is another.
  first, last = (
    json.loads((tmp_path / f'round_{n}/results.json').read_text())['splits']
    for n in (0, 1)
  )
  chosen = int(rows[-1]['gain'] > 0)
  assert results['chosen'] == chosen
  for splits in (first, last):
    assert ('test/sarcasm' in splits) == bool(chosen)
  assert bool(results['test']) == bool(chosen)
  # The same command does nothing anew, and says the same.
  monkeypatch.setattr(rounds.seeds, 'evaluate_best', None)
  before = (tmp_path / 'round_1.parquet').stat().st_mtime_ns
  assert rounds.train(config, str(tmp_path), anyway=True) == results
  assert (tmp_path / 'round_1.parquet').stat().st_mtime_ns == before
  assert 'Round 1 on validation' in capsys.readouterr().out
  # Others do not label in the place of those that did.
  with pytest.raises(UserError, match=r'labelled by .*round_0, not by .*other'):
    rounds.train(config, str(tmp_path), anyway=True, teachers=['runs/other'])
  (tmp_path / 'round_1.json').unlink()  # An older table.
  assert rounds.train(config, str(tmp_path), anyway=True) == results


def test_a_round_that_does_not_gain_is_the_last(config, tmp_path, monkeypatch):
  trained = []

  def train(config, workdir, number, tables):
    trained.append(number)
    tasks = {'sentiment': {}, 'sarcasm': {}}
    folder = tmp_path / f'round_{number}' / 'seed_0'
    folder.mkdir(parents=True, exist_ok=True)
    signature.write(
      str(folder), signature.Signature('utterances', tasks, {}, {}, {})
    )
    value = [0.5, 0.4, 0.9][number]
    scores = {'sarcasm/weighted_f1': value, 'sentiment/ccc': value}
    return seed_summary.summarise({s: {'val/x': scores} for s in (0, 1)})

  monkeypatch.setattr(rounds, '_train', train)
  monkeypatch.setattr(rounds, '_label', lambda *_: 'weak.parquet')
  assert rounds.train(config, str(tmp_path), rounds=2)['chosen'] == 0
  assert trained == [0, 1]
  # Unless told otherwise; then validation chooses the best of all.
  monkeypatch.setattr(
    rounds.seeds, 'evaluate_once', lambda *_: train(*_, 0, ())
  )
  found = rounds.train(config, str(tmp_path), rounds=2, anyway=True)
  assert found['chosen'] == 2


def test_rounds_need_seeds(config, tmp_path):
  alone = settled.changed(config, {'seeds': ()})
  with pytest.raises(UserError, match='Give several seeds'):
    rounds.train(alone, str(tmp_path))


def test_gains_are_those_of_paired_seeds():
  """Against scipy; a task's score is the mean over corpora that have gold."""
  r = np.random.default_rng(0)
  one, other = r.random((2, 5)), r.random((2, 5))

  def summary(values):
    return seed_summary.summarise(
      {
        s: {
          'val/a': {'sarcasm/weighted_f1': values[0, s], 'sentiment/ccc': None},
          'val/b': {'sarcasm/weighted_f1': values[1, s], 'sentiment/ccc': None},
          'test/a': {'sarcasm/weighted_f1': 0.0},
        }
        for s in range(5)
      }
    )

  tasks = [tasks_lib.get_task(t) for t in ('sarcasm', 'sentiment')]
  row, headline = gains.of_tasks(summary(one), summary(other), tasks, 'val')
  found = stats.ttest_rel(other.mean(0), one.mean(0))
  low, high = found.confidence_interval(0.95)
  assert row['gain'] == pytest.approx((other - one).mean())
  assert (row['low'], row['high']) == pytest.approx((low, high))
  assert row['metric'] == 'sarcasm/weighted_f1'
  assert headline == {**row, 'metric': 'headline'}
  single = seed_summary.summarise({0: {'val': {'sarcasm/weighted_f1': 0.5}}})
  row, _ = gains.of_tasks(single, single, tasks[:1], 'val')
  assert row['low'] is row['high'] is None
