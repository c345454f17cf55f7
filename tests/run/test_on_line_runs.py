"""Settings of weak supervision on line, and runs that use all of it."""

import json
import shutil

import jax
import numpy as np
import pytest
from toys import training as toy
from toys import voices
from toys.configs import load_config

from affect_jax import train
from affect_jax.errors import UserError
from affect_jax.run import build
from affect_jax.training import checkpoint


def faces(folder, **changes):
  path = folder / 'faces.csv'
  if not path.exists():
    toy.write_faces_csv(folder, counts=(24, 8, 8), pixels=16)
  c = load_config('faces_csv')
  c.data.path = str(path)
  c.data.data_dir = str(folder / 'data')
  c.image_size = 16
  c.augment = ('flip', 'colour')
  c.model.stem = 'small'
  c.expression.class_weights = ''
  c.batch_size, c.num_train_steps, c.eval_every = 8, 4, 2
  c.schedule.warmup_steps = 1
  c.log_gradients = False
  c.ema_decay = 0.5
  c.update_from_flattened_dict(changes)
  return c


ALL = {
  'pseudo_labels.weight': 0.5,
  'pseudo_labels.rule': 'freematch',
  'mean_teacher.weight': 1.0,
  'mean_teacher.ramp_steps': 4,
  'coupling.co_annotation': 0.5,
  'coupling.distribution_matching': 0.1,
}


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'pseudo_labels.tasks': ('expresion',)}, "did you mean 'expression'"),
    ({'pseudo_labels.teacher': 'ema'}, 'known: model, average'),
    ({'pseudo_labels.weight': 1.5}, r'weight=1.5 must be in \[0, 1\]'),
    ({'mean_teacher.weight': -1.0}, 'mean_teacher.weight=-1.0 must be at'),
    ({'mean_teacher.weight': 1.0, 'ema_decay': 0.0}, 'set config.ema_decay'),
    ({'distillation.temperature': 0.0}, 'temperature=0.0 must be positive'),
    (
      {'coupling.co_annotation': 0.5, 'tasks': ('expression',)},
      "lacks 'action_units'",
    ),
    ({'coupling.co_annotation': 2.0}, r'co_annotation=2.0 must be in \[0, 1\]'),
    (
      {'mean_teacher.weight': 1.0, 'mixing.kind': 'mixup'},
      "mixing.kind='mixup' mixes samples",
    ),
    ({'distillation.teachers': ('no/such',)}, 'no/such'),
  ],
)
def test_wrong_settings_are_named_before_training(tmp_path, changes, message):
  with pytest.raises((UserError, FileNotFoundError), match=message):
    build.build(faces(tmp_path, **changes))


@pytest.fixture(scope='module')
def folder(tmp_path_factory, quick_runs):
  return tmp_path_factory.mktemp('on_line')


def test_a_run_with_all_of_it_resumes_bit_equal(folder):
  config = faces(folder, **ALL)
  train.train_and_evaluate(config, str(folder / 'whole'))
  logs = [json.loads(line) for line in (folder / 'whole/metrics.jsonl').open()]
  shares = [v for log in logs for k, v in log.items() if 'pseudo_labels' in k]
  assert shares
  assert all(0 <= v <= 1 for v in shares)
  assert max(shares) > 0
  stopped = folder / 'stopped'
  shutil.copytree(folder / 'whole', stopped)
  shutil.rmtree(stopped / 'checkpoints/4')
  (stopped / 'results.json').unlink()
  train.train_and_evaluate(config, str(stopped))
  states = [
    checkpoint.read(str(folder / n), 4)[0] for n in ('whole', 'stopped')
  ]
  jax.tree.map(np.testing.assert_array_equal, *states)
  for name in ('predictions/test.csv', 'results.json'):
    assert (folder / 'whole' / name).read_bytes() == (
      stopped / name
    ).read_bytes()


def test_co_annotation_adds_labels_that_are_not_gold(folder):
  c = faces(folder, **{'coupling.co_annotation': 1.0, 'batch_size': 24})
  run = build.build(c)
  plain = build.build(faces(folder, batch_size=24))
  new, old = (next(r.samples.train_batches(0, 0)) for r in (run, plain))
  count = 0
  for task in ('expression', 'action_units'):
    gold = old['weights'][task] == 1
    np.testing.assert_array_equal(new['weights'][task][gold], 1)
    np.testing.assert_array_equal(
      new['labels'][task][gold], old['labels'][task][gold]
    )
    added = new['weights'][task][old['weights'][task] == 0]
    assert (added < 1).all()
    count += np.sum(added > 0)
  assert count


def teacher_and_student(folder):
  path = voices.write(
    folder,
    'heard',
    {'train': ['a', 'b', 'c'], 'val': ['d'], 'test': ['e']},
    'sarcasm',
  )
  c = voices.config(path, folder, 'sarcasm')
  train.train_and_evaluate(c, str(folder / 'teacher'))
  rows = {'train': ['a', 'p', 'q', 'r'], 'val': ['s'], 'test': ['t']}
  path = voices.write(folder, 'student', rows, 'sentiment')
  changes = {
    'distillation.teachers': (str(folder / 'teacher'),),
    'distillation.weight': 0.5,
    'batch_size': 4,
  }
  return voices.config(path, folder, 'sentiment', 'sarcasm', **changes)


def test_teachers_label_what_they_have_not_learned(tmp_path):
  student = teacher_and_student(tmp_path)
  run = build.build(student)
  assert [t.name for t in run.tasks] == ['sentiment', 'sarcasm']
  batch = next(run.samples.train_batches(0, 0))
  by_id = dict(
    zip(batch['id'].tolist(), batch['weights']['sarcasm'], strict=True)
  )
  assert by_id.pop(b'a') == 0  # The teacher learned its gold.
  assert {float(w[0]) for w in by_id.values()} == {0.5}
  labels = batch['labels']['sarcasm']
  assert ((labels > 0) & (labels < 1)).sum() == 3
  results = train.train_and_evaluate(student, str(tmp_path / 'run'))
  assert 'sentiment/mae' in results['test']


def test_a_teacher_of_the_students_test_is_refused(tmp_path):
  student = teacher_and_student(tmp_path)
  rows = {'train': ['p'], 'val': ['d'], 'test': ['a']}
  path = voices.write(tmp_path, 'other', rows, 'sentiment')
  student.data.path = str(path)
  run = build.build(student)
  with pytest.raises(UserError, match='learned from sarcasm of 1 samples'):
    next(run.samples.train_batches(0, 0))


def test_pseudo_labels_of_utterances(tmp_path):
  rows = {'train': ['a', 'b', 'c', 'd'], 'val': ['e'], 'test': ['f']}
  path = voices.write(tmp_path, 'voices', rows, 'sarcasm')
  changes = {
    'pseudo_labels.weight': 1.0,
    'pseudo_labels.threshold': 0.0,
    'utterance.modality_dropout': 0.3,
    'mean_teacher.weight': 1.0,
    'ema_decay': 0.9,
    'batch_size': 4,
  }
  c = voices.config(path, tmp_path, 'sarcasm', **changes)
  results = train.train_and_evaluate(c, str(tmp_path / 'run'))
  assert np.isfinite(results['test']['sarcasm/accuracy'])
