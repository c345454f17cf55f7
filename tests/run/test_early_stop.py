"""Runs end where validation finds nothing better, however they got there."""

import json
import os
import types

import pytest
from toys import training as toy
from toys.configs import two_steps_of_faces

from affect_jax import seeds
from affect_jax import train
from affect_jax.errors import UserError
from affect_jax.run import check
from affect_jax.run import early_stop
from affect_jax.run import folder as run_folder
from affect_jax.training import checkpoint

SCORES = {2: 0.4, 4: 0.5, 6: 0.3, 8: 0.45}


def manager(best, latest):
  return types.SimpleNamespace(
    best_step=lambda: best,
    latest_step=lambda: latest,
    wait_until_finished=lambda: None,
  )


@pytest.mark.parametrize(
  ('best', 'latest', 'expected'),
  [
    (None, None, False),
    (None, 900, False),  # Nothing was judged.
    (100, 300, False),
    (100, 399, False),
    (100, 400, True),
    (400, 400, False),
  ],
)
def test_the_age_of_the_best_checkpoint_decides(
  tmp_path, best, latest, expected
):
  c = types.SimpleNamespace(eval_every=100, num_train_steps=1000)
  c.get = lambda name, default: 3
  workdir = str(tmp_path)
  assert early_stop.ends(c, workdir, manager(best, latest)) is expected
  stop = run_folder.stopped(workdir)
  assert (stop or {}).get('step') == (400 if expected else None)


@pytest.mark.usefixtures('quick_runs')
def test_a_run_that_ends_early_is_finished(tmp_path, monkeypatch):
  toy.write_faces_csv(tmp_path, counts=(16, 8, 8), pixels=16)
  c = two_steps_of_faces(
    tmp_path, num_train_steps=40, early_stop=2, tasks=('expression',)
  )
  save = checkpoint.save
  monkeypatch.setattr(
    train.checkpoint,
    'save',
    lambda manager, step, state, **kwargs: save(
      manager, step, state, **kwargs | {'headline': SCORES[step]}
    ),
  )
  workdir = str(tmp_path / 'run')
  results = train.train_and_evaluate(c, workdir)
  # Neither the step that was the best, nor 6, one validation later.
  assert run_folder.saved_steps(workdir) == [4, 8]
  assert {r['step'] for r in results.values()} == {4.0}
  stop = json.loads((tmp_path / 'run' / 'stopped.json').read_text())
  assert (stop['step'], stop['best_step']) == (8, 4)
  assert '2 validations' in stop['why']
  assert run_folder.is_finished(workdir, 40)
  assert not list((tmp_path / 'run').glob('evaluated_at*'))
  # The same command once more, and after a kill before it said so.
  monkeypatch.setattr(train.program_lib, 'compile_program', lambda *_: 1 / 0)
  assert train.train_and_evaluate(c, workdir) == results
  monkeypatch.undo()
  for name in ('stopped.json', 'results.json'):
    os.remove(tmp_path / 'run' / name)
  assert not run_folder.is_finished(workdir, 40)
  assert train.train_and_evaluate(c, workdir) == results
  assert run_folder.is_finished(workdir, 40)
  # A checkpoint of another step is that of another run.
  (tmp_path / 'run' / 'checkpoints' / '9').mkdir()
  assert not run_folder.is_finished(workdir, 40)


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'early_stop': -1}, r'config\.early_stop=-1'),
    ({'early_stop': 3, 'data.splits.val': ''}, 'needs validation'),
    (
      {'early_stop': 3, 'seeds': (0, 1), 'seeds_together': True},
      'seeds_together=True',
    ),
  ],
)
def test_refusals(tmp_path, changes, message):
  with pytest.raises(UserError, match=message):
    check.check(two_steps_of_faces(tmp_path, **changes))


def test_seeds_that_end_early_train_one_after_another(tmp_path, monkeypatch):
  monkeypatch.setattr(seeds.jax, 'default_backend', lambda: 'gpu')
  c = two_steps_of_faces(tmp_path, seeds=(0, 1))
  assert seeds.are_together(c)
  c.early_stop = 3
  assert not seeds.are_together(c)
