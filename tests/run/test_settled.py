"""What follows from data and device: chosen once, and kept."""

import pytest
from toys.configs import load_config

from affect_jax import defaults
from affect_jax import seeds
from affect_jax import sweep
from affect_jax.errors import UserError
from affect_jax.run import check
from affect_jax.run import config_flag
from affect_jax.run import folder as run_folder
from affect_jax.run import settled


@pytest.fixture
def rows(monkeypatch):
  """Has a corpus of as many training rows as [0] says."""
  number = [1700]
  monkeypatch.setattr(settled.load, 'build', lambda config, say: [])
  monkeypatch.setattr(settled.streams, 'train_size', lambda _: number[0])
  return number


def faces(**changes):
  c = load_config('faces_csv')
  c.image_size, c.model.stem = 0, ''
  c.update_from_flattened_dict(changes)
  return c


@pytest.mark.parametrize(
  ('device', 'changes', 'size', 'stem'),
  [
    ('cpu', {}, 48, 'imagenet'),
    ('gpu', {}, 112, 'imagenet'),
    ('gpu', {'image_size': 64}, 64, 'small'),
    ('tpu', {'image_size': 65}, 65, 'imagenet'),
    ('gpu', {'image_size': 48, 'init.weights': 'x.pth'}, 48, 'imagenet'),
    ('cpu', {'image_size': 16, 'model.stem': 'small'}, 16, 'small'),
  ],
)
def test_size_and_stem_follow_from_the_device(
  monkeypatch, device, changes, size, stem
):
  monkeypatch.setattr(settled.jax, 'default_backend', lambda: device)
  before = faces(**changes)
  c = settled.by_device(before)
  assert (c.image_size, c.model.stem) == (size, stem)
  assert before.image_size == changes.get('image_size', 0)
  assert settled.by_device(c) is c


def test_a_stem_is_that_of_the_run_to_start_from(tmp_path):
  other = load_config('fer2013')
  run_folder.claim(str(tmp_path), other)
  c = settled.by_device(faces(**{'init.checkpoint_workdir': str(tmp_path)}))
  assert c.model.stem == other.model.stem == 'small'


@pytest.mark.parametrize(
  ('epochs', 'steps', 'warmup'), [(15, 399, 39), (0.5, 14, 1), (40, 1063, 50)]
)
def test_steps_are_epochs_of_rows(rows, tmp_path, epochs, steps, warmup):
  c = settled.settle(faces(num_epochs=epochs), str(tmp_path))
  assert c.batch_size == 64
  assert c.num_train_steps == steps  # ceil(epochs * 1700 / 64)
  assert c.schedule.warmup_steps == warmup


def test_without_epochs_no_data_are_touched(tmp_path, monkeypatch):
  monkeypatch.setattr(settled.load, 'build', None)
  c = defaults.get_config()
  assert settled.settle(c, str(tmp_path)) is c


def test_a_run_that_began_keeps_what_it_began_with(rows, tmp_path, monkeypatch):
  workdir = str(tmp_path)
  first = settled.settle(faces(num_epochs=15), workdir)
  run_folder.claim(workdir, first)
  rows[0] = 5000
  # Nothing came of that one.
  again = settled.settle(faces(num_epochs=15), workdir)
  assert again.num_train_steps == 1172
  (tmp_path / 'checkpoints' / '7').mkdir(parents=True)
  monkeypatch.setattr(settled.jax, 'default_backend', lambda: 'gpu')
  again = settled.settle(faces(num_epochs=15), workdir)
  assert again.to_dict() == first.to_dict()
  assert settled.settle(again, workdir).to_dict() == first.to_dict()
  run_folder.claim(workdir, again)
  other = settled.settle(faces(num_epochs=16), workdir)
  with pytest.raises(UserError, match=r'num_epochs: 15\.0 there, 16\.0 now'):
    run_folder.claim(workdir, other)


def test_all_seeds_have_the_same_length(rows, tmp_path, monkeypatch):
  seen = {}

  def train_together(runs, program, splits):
    seen.update(runs)
    return {w: {'val': {'step': 1.0, 'headline': 0.5}} for w in runs}, None

  monkeypatch.setattr(seeds.train, 'train_together', train_together)
  c = faces(num_epochs=15, seeds=(0, 3), **{'data.path': 'x.csv'})
  seeds.train_and_evaluate(c, str(tmp_path))
  assert {w[-6:]: r.num_train_steps for w, r in seen.items()} == {
    'seed_0': 399,
    'seed_3': 399,
  }
  claimed = run_folder.read_json(str(tmp_path / 'config.json'))
  assert claimed['num_train_steps'] == 399


def test_flags_decide_over_what_a_file_leaves_open():
  raw = faces(num_epochs=15, drop_unlabelled_tasks=True)
  config_flag.give_way(raw, {'learning_rate': '1'})
  assert (raw.num_epochs, raw.drop_unlabelled_tasks) == (15, True)
  config_flag.give_way(raw, {'num_train_steps', 'num_epochs'})
  config_flag.give_way(raw, {'tasks', 'drop_unlabelled_tasks'})
  assert (raw.num_epochs, raw.drop_unlabelled_tasks) == (15, True)
  config_flag.give_way(raw, {'num_train_steps'})
  assert (raw.num_epochs, raw.drop_unlabelled_tasks) == (0, True)
  config_flag.give_way(raw, {'tasks[0]'})
  assert not raw.drop_unlabelled_tasks


def test_steps_cannot_be_swept_where_epochs_decide():
  c = faces(num_epochs=15, **{'data.path': 'x.csv'})
  c.sweep = {'num_train_steps': (100, 200)}
  with pytest.raises(UserError, match='num_epochs=15 decides'):
    sweep.points_of(c)
  c.sweep = {'batch_size': (16, 64), 'num_epochs': (5.0, 15.0)}
  assert len(sweep.points_of(c)) == 4


@pytest.mark.parametrize('epochs', [-1.0, float('inf'), float('nan')])
def test_epochs_are_a_number(epochs):
  with pytest.raises(UserError, match=r'config\.num_epochs='):
    check.check(faces(num_epochs=epochs, **{'data.path': 'x.csv'}))
