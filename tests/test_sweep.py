"""A sweep trains its points, chooses on validation, and tests one of them."""

import json

import pytest
from toys import training as toy
from toys.configs import two_steps_of_faces

from affect_jax import evaluate
from affect_jax import seeds
from affect_jax import sweep
from affect_jax.errors import UserError
from affect_jax.evaluation import seed_summary

pytestmark = pytest.mark.usefixtures('quick_runs')


def config(folder, points, **changes):
  c = two_steps_of_faces(folder, tasks=('expression',), clip_norm=0.0)
  c.optimizer = {'name': 'sgd'}
  c.sweep = points
  c.update_from_flattened_dict(changes)
  return c


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  path = tmp_path_factory.mktemp('sweep')
  toy.write_faces_csv(path)
  return path


def test_validation_chooses_and_one_point_is_tested(
  folder, monkeypatch, capsys
):
  tested = []
  predict = evaluate._predict_split

  def counted(run, predict_fn, state, corpus, split, kept=None):
    tested.append(split)
    return predict(run, predict_fn, state, corpus, split, kept)

  monkeypatch.setattr(evaluate, '_predict_split', counted)
  # The first diverges.
  points = {'learning_rate': (1e30, 1e-3, 1e-2), 'expression.loss': ('focal',)}
  c = config(folder, points, seeds=(0, 1))
  workdir = folder / 'sweep'
  results = sweep.train_and_evaluate(c, str(workdir))
  assert json.loads((workdir / 'results.json').read_text()) == results
  diverged, *others = results['points']
  assert diverged['val'] is None
  assert 'not finite' in diverged['error']
  assert [p['settings']['learning_rate'] for p in others] == [1e-3, 1e-2]
  for i, point in enumerate(others, 1):
    path = workdir / f'point_{i}' / 'results.json'
    splits = json.loads(path.read_text())['splits']
    assert ('test' in splits) == (i == results['chosen'])
    assert splits['val']['headline']['mean'] == pytest.approx(point['val'])
  best = max(others, key=lambda p: p['val'])
  assert results['points'][results['chosen']]['val'] == best['val']
  assert results['scores']['splits']['test']['headline']['values']
  # Of both seeds of the chosen point, once.
  assert tested.count('test') == 2
  shown = capsys.readouterr().out
  assert '(chosen)' in shown
  assert 'Validation alone chose' in shown
  # The same command again tests nothing again.
  assert sweep.train_and_evaluate(c, str(workdir)) == results
  assert tested.count('test') == 2
  # A point is an ordinary folder.
  chosen = results['chosen']
  point = sweep.of_point(c, results['points'][chosen]['settings'])
  seeds.train_and_evaluate(point, str(workdir / f'point_{chosen}'))


def test_draws_are_different_points_of_the_grid(folder):
  points = {'learning_rate': (1e-3, 1e-2), 'balancing.name': ('fixed', 'rlw')}
  everything = sweep.points_of(config(folder, points))
  assert len(everything) == 4
  some = sweep.points_of(config(folder, points, sweep_draws=3))
  assert len(some) == 3
  assert all(p in everything for p in some)
  assert len({str(p) for p in some}) == 3
  assert some == sweep.points_of(config(folder, points, sweep_draws=3))
  others = [
    sweep.points_of(config(folder, points, sweep_draws=3, seed=s))
    for s in range(9)
  ]
  assert len({str(p) for p in others}) > 1


@pytest.mark.parametrize(
  ('points', 'message'),
  [
    ({'learning_rat': (1,)}, "'learning_rat'.*did you mean 'learning_rate'"),
    ({'balancing.nam': ('a',)}, "'nam' of config.sweep.balancing.*'name'"),
    ({'balancing.name': ('pcgrd',)}, 'config.balancing.name'),
    ({'learning_rate': ()}, 'tuple of values'),
    ({'optimizer.name': 'adam'}, 'tuple of values'),
    ({'learning_rate': ('fast',)}, "has 'fast'"),
    ({'seed': (1, 2)}, "'seed'"),
    ((1, 2), 'must be'),
  ],
)
def test_wrong_sweeps_are_refused_before_anything_is_written(
  folder, tmp_path, points, message
):
  c = config(folder, points)
  with pytest.raises(UserError, match=message):
    sweep.train_and_evaluate(c, str(tmp_path / 'run'))
  assert not (tmp_path / 'run').exists()


def test_a_point_has_no_score_if_one_of_its_seeds_has_none(folder, monkeypatch):
  scores = {s: {'val': {'headline': x}} for s, x in enumerate((0.75, None))}
  summary = seed_summary.summarise(scores)
  monkeypatch.setattr(seeds, 'train_and_evaluate', lambda *_, **__: summary)
  c = config(folder, {}, seeds=(0, 1))
  assert sweep._train(c, 'nowhere') is None
  scores[1]['val']['headline'] = 0.25
  summary |= seed_summary.summarise(scores)
  assert sweep._train(c, 'nowhere') == 0.5


def test_what_cannot_be_chosen_is_refused(folder):
  points = {'learning_rate': (1e-3,)}
  with pytest.raises(UserError, match='chooses on validation'):
    sweep.points_of(config(folder, points, **{'data.splits.val': ''}))
  with pytest.raises(UserError, match='has 1 combinations'):
    sweep.points_of(config(folder, points, sweep_draws=2))
  assert sweep.best([None, 0.25, 0.5, 0.5]) == 2
  assert sweep.best([None, None]) is None
