"""Seeds of one command: each as by itself, resumed, summed up."""

import contextlib
import csv
import json
import shutil

import jax
import numpy as np
import pytest
from scipy import stats
from toys import training as toy
from toys.configs import load_config
from toys.configs import two_steps_of_faces

from affect_jax import seeds
from affect_jax import train
from affect_jax.comparison import run_folders
from affect_jax.data import label_counts
from affect_jax.errors import UserError
from affect_jax.evaluation import seed_summary
from affect_jax.run import folder as run_folder
from affect_jax.training import interrupt

pytestmark = pytest.mark.usefixtures('quick_runs')
FILES = ('results.json', 'metrics.jsonl', 'predictions/test.csv')


def config(folder, **changes):
  return two_steps_of_faces(
    folder,
    **{'tasks': ('expression', 'valence_arousal'), 'balancing.name': 'dwa'},
    **changes,
  )


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  path = tmp_path_factory.mktemp('seeds')
  toy.write_faces_csv(path)
  return path


@pytest.fixture(scope='module')
def both(folder, quick_runs):
  """A folder of seeds 3 and 1, how often labels were counted, the summary."""
  counted = []
  count = label_counts.of_training
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(
      label_counts,
      'of_training',
      lambda *a: counted.append(1) or count(*a),
    )
    summary = seeds.train_and_evaluate(
      config(folder, seeds=(3, 1)), str(folder / 'both')
    )
  assert len(counted) == 1  # Data are read once for all seeds.
  return folder / 'both', summary


def test_each_seed_is_the_run_that_it_is_by_itself(both, folder):
  alone = folder / 'alone'
  train.train_and_evaluate(config(folder, seed=1), str(alone))
  for name in FILES:
    found = (both[0] / 'seed_1' / name).read_bytes()
    assert found == (alone / name).read_bytes()
    assert found != (both[0] / 'seed_3' / name).read_bytes()
  # An ordinary folder: the config of the single run goes on with it.
  train.train_and_evaluate(config(folder, seed=1), str(both[0] / 'seed_1'))


def test_seeds_side_by_side_are_those_of_one_after_another(
  both, folder, monkeypatch
):
  """To 1e-3 of what they log and predict, after two updates."""
  workdir = folder / 'together'
  # Seed 1 is a step ahead of the others, which start together.
  with monkeypatch.context() as patch:
    stopped = contextlib.nullcontext([15])
    patch.setattr(seeds.train.interrupt, 'catch', lambda: stopped)
    with pytest.raises(interrupt.Interrupted):
      train.train_and_evaluate(config(folder, seed=1), str(workdir / 'seed_1'))
  sizes = []
  of_seeds = seeds.train._train
  monkeypatch.setattr(
    seeds.train,
    '_train',
    lambda runs, *rest: sizes.append(len(runs)) or of_seeds(runs, *rest),
  )
  summary = seeds.train_and_evaluate(
    config(folder, seeds=(3, 1, 2), seeds_together=True), str(workdir)
  )
  assert sizes == [2, 1]
  assert summary['seeds'] == [3, 1, 2]
  for seed in ('seed_3', 'seed_1'):
    found, expected = (f / seed / 'metrics.jsonl' for f in (workdir, both[0]))
    lines = [map(json.loads, path.open()) for path in (found, expected)]
    for one, other in zip(*lines, strict=True):
      assert one == pytest.approx(other, rel=1e-3, abs=1e-3)
    found, expected = (
      [*csv.DictReader((f / seed / 'predictions/test.csv').open())]
      for f in (workdir, both[0])
    )
    for one, other in zip(found, expected, strict=True):
      assert one['id'] == other['id']
      values = [
        [
          float(row[k])
          for k in row
          if k.startswith('predicted/valence_arousal')
        ]
        for row in (one, other)
      ]
      assert values[0]
      assert values[0] == pytest.approx(values[1], abs=1e-3)
  assert (workdir / 'seed_2' / 'results.json').exists()


def test_too_little_memory_for_all_says_what_to_do(monkeypatch):
  def train_together(runs, *_):
    raise jax.errors.JaxRuntimeError('RESOURCE_EXHAUSTED: out of memory')

  monkeypatch.setattr(seeds.train, 'train_together', train_together)
  with pytest.raises(UserError, match=r'2 seeds .*seeds_together=False'):
    seeds._train({'a': 1, 'b': 2}, None, ())
  with pytest.raises(jax.errors.JaxRuntimeError):
    seeds._train({'a': 1}, None, ())


def test_seeds_side_by_side_need_jit(tmp_path):
  settings = {'seeds': (0, 1), 'seeds_together': True, 'parallel': 'pmap'}
  with pytest.raises(UserError, match=r"needs config\.parallel='jit'"):
    seeds.train_and_evaluate(config(tmp_path, **settings), str(tmp_path / 'x'))
  assert not (tmp_path / 'x').exists()


def test_the_summary_is_that_of_scipy(both):
  workdir, summary = both
  assert json.loads((workdir / 'results.json').read_text()) == summary
  assert summary['seeds'] == [3, 1]
  found = summary['splits']['test']['expression/macro_f1']
  values = [
    json.loads((workdir / f'seed_{s}' / 'results.json').read_text())['test'][
      'expression/macro_f1'
    ]
    for s in (3, 1)
  ]
  assert found['values'] == values
  assert found['mean'] == pytest.approx(np.mean(values))
  assert found['std'] == pytest.approx(np.std(values, ddof=1))
  interval = stats.t.interval(
    0.95, 1, loc=np.mean(values), scale=stats.sem(values)
  )
  assert found['interval'] == pytest.approx(interval)


def test_a_stopped_command_goes_on_and_seeds_can_be_added(
  both, folder, monkeypatch
):
  workdir = folder / 'again'
  shutil.copytree(both[0], workdir)
  before = (workdir / 'results.json').read_bytes()
  shutil.rmtree(workdir / 'seed_1')
  (workdir / 'results.json').unlink()
  trained = []
  of_seeds = seeds.train._train
  monkeypatch.setattr(
    seeds.train,
    '_train',
    lambda runs, *rest: (
      trained.extend(c.seed for c in runs.values()) or of_seeds(runs, *rest)
    ),
  )
  seeds.train_and_evaluate(config(folder, seeds=(3, 1)), str(workdir))
  assert trained == [1]
  assert (workdir / 'results.json').read_bytes() == before
  with pytest.raises(UserError, match=r'config.seeds: \[3, 1\] there, \[3\]'):
    seeds.train_and_evaluate(config(folder, seeds=(3,)), str(workdir))
  with pytest.raises(UserError, match=r'config.learning_rate: '):
    seeds.train_and_evaluate(
      config(folder, seeds=(3, 1), learning_rate=0.5), str(workdir)
    )
  new = seeds.train_and_evaluate(config(folder, seeds=(3, 1, 2)), str(workdir))
  assert trained == [1, 2]
  assert new['seeds'] == [3, 1, 2]
  # Stopped while a sweep or rounds tested its choice: a seed is without test.
  path = workdir / 'seed_3' / 'results.json'
  results = json.loads(path.read_text())
  del results['test']
  path.write_text(json.dumps(results))
  c = config(folder, seeds=(3, 1, 2))
  some = seeds.train_and_evaluate(c, str(workdir))['splits']['test']
  assert some['expression/macro_f1']['seeds_without'] == 1
  assert seeds.evaluate_once(c, str(workdir)) == new
  monkeypatch.setattr(seeds, 'evaluate_best', None)
  assert seeds.evaluate_once(c, str(workdir)) == new


def test_evaluating_again_changes_nothing(both, folder):
  workdir, summary = both
  assert (
    seeds.evaluate_best(config(folder, seeds=(3, 1)), str(workdir)) == summary
  )
  before = (workdir / 'config.json').read_text()
  with pytest.raises(UserError, match='seed_2'):
    seeds.evaluate_best(config(folder, seeds=(3, 1, 2)), str(workdir))
  assert (workdir / 'config.json').read_text() == before


def test_compare_reads_the_folder(both):
  found = run_folders.read(str(both[0]), 'test')
  assert sorted(found.seeds) == [1, 3]
  assert [*run_folders.read(str(both[0] / 'seed_1'), 'test').seeds] == [None]


def test_one_seed_has_no_interval(capsys):
  summary = seed_summary.summarise({4: {'test': {'expression/macro_f1': 0.5}}})
  values = summary['splits']['test']['expression/macro_f1']
  assert values['std'] is values['interval'] is None
  seed_summary.show(summary, 'runs/x')
  assert 'no interval' in capsys.readouterr().out


def test_scores_that_some_seeds_lack_are_counted():
  scores = {s: {'test': {'auc': x}} for s, x in enumerate((0.5, None, 0.7))}
  found = seed_summary.summarise(scores)['splits']['test']['auc']
  assert found['seeds_without'] == 1
  assert found['mean'] == pytest.approx(0.6)


@pytest.mark.parametrize(
  ('given', 'message'),
  [((0, 1, 0), 'has 0 twice'), ((0, -1), 'has -1'), ((0.5,), 'has 0.5')],
)
def test_wrong_seeds_are_refused_before_anything_is_written(
  tmp_path, given, message
):
  c = load_config('faces_csv')
  c.seeds = given
  with pytest.raises(UserError, match=message):
    seeds.train_and_evaluate(c, str(tmp_path / 'run'))
  assert not (tmp_path / 'run').exists()


def test_a_folder_of_one_run_takes_no_seeds(both, folder):
  with pytest.raises(UserError, match=r'config.seeds: \[\] there'):
    seeds.train_and_evaluate(
      config(folder, seed=1, seeds=(1, 2)), str(both[0] / 'seed_1')
    )
  assert run_folder.is_started(str(both[0]))
