"""Runs label what other corpora lack, and never what they have learned."""

import subprocess
import sys

import numpy as np
import pytest
from toys import voices
from toys.paths import ROOT

from affect_jax import train
from affect_jax.errors import UserError
from affect_jax.run import build
from affect_jax.run import label_report
from affect_jax.run import labelling
from affect_jax.run import trained_on
from affect_jax.weak import table

pytestmark = pytest.mark.usefixtures('quick_runs')
OLD = [f'old{i}' for i in range(16)]
NEW = [f'new{i}' for i in range(12)]


@pytest.fixture(scope='module')
def folder(tmp_path_factory, quick_runs):
  """A teacher of sentiment with two seeds, of other samples and of OLD[:4]."""
  path = tmp_path_factory.mktemp('label')
  csv = voices.write(
    path,
    'teacher',
    {'train': OLD, 'val': ['v1', 'v2', 'v3', 'v4']},
    'sentiment',
  )
  for seed in (0, 1):
    c = voices.config(csv, path, 'sentiment', seed=seed)
    c.data.splits.test = ''
    train.train_and_evaluate(c, str(path / 'teacher' / f'seed_{seed}'))
  (path / 'teacher' / 'config.json').write_text('{}')
  voices.write(
    path,
    'student',
    {'train': [*NEW, *OLD[:4]], 'val': ['x1', 'x2'], 'test': ['x3', 'x4']},
    'sarcasm',
  )
  return path


def student(folder, *tasks, **changes):
  return voices.config(folder / 'student.csv', folder, *tasks, **changes)


def test_teachers_are_averaged_and_what_they_learned_is_left_out(folder):
  (labels,), (report,) = labelling.label(
    student(folder, 'sarcasm', 'sentiment'), [str(folder / 'teacher')]
  )
  assert sorted(labels.ids) == sorted(NEW)
  assert (labels.task, labels.kind) == ('sentiment', 'value')
  assert labels.corpus == 'utterances_csv'
  assert labels.version.startswith('utterances_csv/')
  assert labels.teacher.count('seed_') == 2
  assert labels.step == '2+2'
  assert report.left_out == {label_report.SEEN: 4}
  assert report.labelled == len(NEW)
  each = [
    labelling.label(
      student(folder, 'sentiment', 'sarcasm'),
      [str(folder / 'teacher' / f'seed_{seed}')],
    )[0][0]
    for seed in (0, 1)
  ]
  assert each[0].config != each[1].config
  by_id = [dict(zip(x.ids, x.labels, strict=True)) for x in (*each, labels)]
  for x in NEW:
    mean = (by_id[0][x] + by_id[1][x]) / 2
    np.testing.assert_allclose(by_id[2][x], mean, rtol=1e-5)
  # How much a value can be trusted, validation says.
  assert (labels.confidence == labels.confidence[0]).all()
  assert 0 <= labels.confidence[0, 0] <= 1


def test_what_was_learned_is_labelled_if_asked(folder):
  (labels,), _ = labelling.label(
    student(folder, 'sentiment'),
    [str(folder / 'teacher')],
    label_seen=True,
  )
  assert len(labels.ids) == len(NEW) + 4


def test_samples_with_gold_need_no_label(folder):
  c = voices.config(folder / 'teacher.csv', folder, 'sentiment')
  c.data.splits.test = ''
  with pytest.raises(
    UserError,
    match=r'16 have gold.* there with --config\.data\.unlabelled=keep',
  ):
    labelling.label(c, [str(folder / 'teacher')], label_seen=True)
  with c.unlocked():
    c.data.corpora = {
      name: {'corpus': 'utterances_csv', 'path': c.data.path}
      for name in ('one', 'two')
    }
    c.data.corpora.two.unlabelled = 'keep'
  c.data.corpus = ''
  with pytest.raises(
    UserError,
    match=r'there with --config\.data\.corpora\.one'
    r'\.unlabelled=keep\.$',
  ):
    labelling.label(c, [str(folder / 'teacher')], label_seen=True)


def test_a_sample_of_val_in_another_corpus_is_not_labelled(folder):
  c = student(folder, 'sentiment')
  path = voices.write(
    folder, 'again', {'train': ['z1'], 'val': [*NEW[:3]]}, 'sarcasm'
  )
  c.data.corpus = ''
  c.data.corpora = {
    'student': {
      'corpus': 'utterances_csv',
      'path': str(folder / 'student.csv'),
    },
    'again': {
      'corpus': 'utterances_csv',
      'path': str(path),
      'splits': {'test': ''},
    },
  }
  del c.data.path
  _, reports = labelling.label(c, [str(folder / 'teacher')])
  by_corpus = {r.corpus: r for r in reports}
  assert by_corpus['student'].left_out == {
    label_report.HELD_OUT: 3,
    label_report.SEEN: 4,
  }
  _, reports = labelling.label(
    c, [str(folder / 'teacher')], label_held_out=True
  )
  by_corpus = {r.corpus: r for r in reports}
  assert by_corpus['student'].left_out == {label_report.SEEN: 4}


def test_a_teacher_that_learned_from_test_is_refused(folder):
  path = voices.write(
    folder, 'leaky', {'train': ['q1', 'q2'], 'test': OLD[:5]}, 'sarcasm'
  )
  c = voices.config(path, folder, 'sentiment')
  c.data.splits.val = ''
  with pytest.raises(UserError, match='sentiment of 5 samples'):
    labelling.label(c, [str(folder / 'teacher')])
  labelling.label(c, [str(folder / 'teacher')], label_seen=True)


def test_teachers_that_do_not_fit_are_refused(folder, tmp_path):
  teacher = str(folder / 'teacher')
  with pytest.raises(UserError, match=r"know \['sentiment'\].*\['emotion'\]"):
    labelling.label(student(folder, 'emotion'), [teacher])
  with pytest.raises(UserError, match='no run in'):
    labelling.label(student(folder, 'sentiment'), [str(tmp_path)])
  path = folder / 'wide.csv'
  np.save(folder / 'wide.npy', np.ones((2, 5), np.float32))
  path.write_text('id,split,audio,sarcasm\na,train,wide.npy,1\n')
  c = voices.config(path, folder, 'sentiment')
  c.data.splits.val = c.data.splits.test = ''
  with pytest.raises(UserError, match=r'reads 3 features of audio.*5 features'):
    labelling.label(c, [teacher])
  one = folder / 'teacher' / 'seed_1'
  (one / trained_on.FILE).rename(one / 'away')
  try:
    with pytest.raises(UserError, match='nothing tells which samples'):
      labelling.label(student(folder, 'sentiment'), [teacher])
  finally:
    (one / 'away').rename(one / trained_on.FILE)


def test_the_command_writes_the_table(folder):
  out = folder / 'weak.parquet'
  config = folder / 'student.py'
  config.write_text(
    'import sys\n'
    f'sys.path.append({str(ROOT / "tests")!r})\n'
    'import pathlib\n'
    'from toys import voices\n'
    'def get_config():\n'
    f'  folder = pathlib.Path({str(folder)!r})\n'
    "  return voices.config(folder / 'student.csv', folder, 'sarcasm',\n"
    "                       'sentiment')\n"
  )
  run = subprocess.run(
    [sys.executable, '-m', 'affect_jax.label', f'--config={config}']
    + [f'--output={out}', '--teachers', str(folder / 'teacher/seed_0')]
    + [str(folder / 'teacher/seed_1')],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=False,
  )
  assert run.returncode == 0, run.stderr[-2000:]
  (labels,) = table.read(out)
  assert len(labels.ids) == len(NEW)
  assert '4 learned by all teachers' in ' '.join(run.stdout.split())


def test_what_was_learned_is_written_down(folder):
  found = trained_on.read(str(folder / 'teacher' / 'seed_0'))
  assert found.keys() == {'sentiment'}
  assert len(found['sentiment']) == len(OLD)


def test_rules_label_from_gold_of_another_task(folder, tmp_path):
  np.save(tmp_path / 'x.npy', np.ones((2, 3), np.float32))
  rows = ['id,split,audio,emotion,sentiment_class']
  emotions = ('happiness', 'anger', 'surprise', 'neutral')
  for i in range(8):
    gold = 'negative' if i == 0 else ''
    rows.append(f't{i},train,x.npy,{emotions[i % 4]},{gold}')
  (tmp_path / 'emotions.csv').write_text('\n'.join(rows) + '\n')
  c = voices.config(tmp_path / 'emotions.csv', tmp_path, 'sentiment_class')
  c.data.splits.val = c.data.splits.test = ''
  rules = ['emotion_to_sentiment', 'expression_to_units']
  (labels,), (report,) = labelling.label(c, [], rules=rules)
  says = dict(zip(labels.ids, labels.labels.argmax(-1), strict=True))
  # t0 has gold, and surprise may be either.
  assert says == {'t1': 0, 't3': 1, 't4': 2, 't5': 0, 't7': 1}
  assert report.left_out == {
    label_report.HAS_GOLD: 1,
    'of which emotion_to_sentiment says nothing': 2,
  }
  with pytest.raises(UserError, match='emotion_to_mood'):
    labelling.label(c, [], rules=['emotion_to_mood'])


def test_rules_label_nothing_of_val_in_another_corpus(folder, tmp_path):
  np.save(tmp_path / 'x.npy', np.ones((2, 3), np.float32))
  texts = {
    'one': 'id,split,audio,emotion\nt0,train,x.npy,anger\nt1,train,x.npy,fear',
    'two': 'id,split,audio,sentiment_class\nz,train,x.npy,\n'
    't0,val,x.npy,negative\nz1,train,x.npy,positive',
  }
  c = voices.config(tmp_path / 'one.csv', tmp_path, 'sentiment_class')
  c.data.corpus = ''
  del c.data.path
  for name, text in texts.items():
    (tmp_path / f'{name}.csv').write_text(text + '\n')
    splits = {'test': ''} if name == 'two' else {'val': '', 'test': ''}
    c.data.corpora[name] = {
      'corpus': 'utterances_csv',
      'path': str(tmp_path / f'{name}.csv'),
      'splits': splits,
    }
  rules = ['emotion_to_sentiment']
  (labels,), (report,) = labelling.label(c, [], rules=rules)
  assert labels.ids.tolist() == ['t1']
  assert report.left_out == {label_report.HELD_OUT: 1}
  (labels,), _ = labelling.label(c, [], rules=rules, label_held_out=True)
  assert sorted(labels.ids) == ['t0', 't1']


def test_a_student_learns_from_the_table(folder):
  path = folder / 'own.parquet'
  labels, _ = labelling.label(
    student(folder, 'sarcasm', 'sentiment'), [str(folder / 'teacher')]
  )
  table.write(path, labels)
  changes = {'data.weak_labels': (str(path),), 'weak.weight': 0.5}
  c = student(folder, 'sarcasm', 'sentiment', **changes)
  train.train_and_evaluate(c, str(folder / 'student'))
  found = trained_on.read(str(folder / 'student'))
  # Gold only: a weak label is not learned by heart.
  assert len(found['sarcasm']) == len(NEW) + 4
  assert not len(found['sentiment'])


def test_a_corpus_without_any_gold_is_labelled_and_teaches(folder, caplog):
  lines = ['id,split,audio']
  lines += [f'{x},train,{x}.npy' for x in NEW]
  path = folder / 'unlabelled.csv'
  path.write_text('\n'.join(lines) + '\n')
  c = voices.config(path, folder, 'sentiment')
  c.data.splits.val = c.data.splits.test = ''
  with pytest.raises(
    UserError, match=r"no row of split train.*unlabelled='keep'"
  ):
    labelling.label(c, [str(folder / 'teacher')])
  c.data.unlabelled = 'keep'
  with caplog.at_level('INFO'):
    (labels,), _ = labelling.label(c, [str(folder / 'teacher')])
  assert '12 of 12 rows have no label and are kept' in caplog.text
  assert sorted(labels.ids) == sorted(NEW)
  table.write(folder / 'of_unlabelled.parquet', [labels])
  c.data.weak_labels = (str(folder / 'of_unlabelled.parquet'),)
  run = build.build(c)
  batch = next(run.samples.train_batches(0, 0))
  weights = batch['weights']['sentiment']
  assert ((weights > 0) & (weights < 1)).all()
  train.train_and_evaluate(c, str(folder / 'of_unlabelled'))
