"""Runs as teachers: of longer windows, of fewer modalities, of what began."""

import json
import shutil

import numpy as np
import pytest
from toys import utterances as toy_utterances
from toys import voices
from toys.paths import TINY_BERT

from affect_jax import corpora as corpora_lib
from affect_jax import defaults
from affect_jax import train
from affect_jax.data import load
from affect_jax.errors import UserError
from affect_jax.run import build
from affect_jax.run import label_report
from affect_jax.run import labelling
from affect_jax.run import teachers
from affect_jax.run import trained_on

pytestmark = pytest.mark.usefixtures('quick_runs', 'toy_corpus')


@pytest.fixture(scope='module')
def toy_corpus():
  with pytest.MonkeyPatch.context() as patch:
    patch.setitem(corpora_lib.CORPORA, 'toy', toy_utterances.Toy)
    yield


def config(folder, window, *, seed=0, without=(), **changes):
  """Dialogues of five utterances, whose words are tokens."""
  c = defaults.get_config()
  c.tasks = ('sentiment',)
  c.data.data_dir = str(folder / 'data')
  c.data.corpus = 'toy'
  options = {'text': 'tokens', 'text_model': str(TINY_BERT), 'max_tokens': 8}
  options |= {'window': window, 'seed': seed, 'without': without}
  for name, value in options.items():
    c.data[name] = value
  c.utterance.fusion, c.utterance.boundaries = 'concat', (8, 32)
  c.utterance.context = 'gru'
  c.batch_size, c.num_train_steps, c.eval_every = 8, 2, 2
  c.schedule.warmup_steps = 1
  c.update_from_flattened_dict(changes)
  return c


@pytest.fixture(scope='module')
def folder(tmp_path_factory, quick_runs, toy_corpus):
  """A teacher of windows of two utterances, with all three modalities."""
  path = tmp_path_factory.mktemp('teachers')
  train.train_and_evaluate(config(path, 2), str(path / 'teacher'))
  return path


def together(folder):
  """The same teacher, as if it read dialogues as one sequence."""
  path = folder / 'together'
  if not path.exists():
    shutil.copytree(folder / 'teacher', path)
    signature = json.loads((path / 'signature.json').read_text())
    signature['inputs']['together'] = [40]
    (path / 'signature.json').write_text(json.dumps(signature))
  return path


def test_all_of_a_longer_window_is_labelled(folder):
  (corpus,) = load.build(config(folder, 5, seed=7))
  (teacher,) = teachers.load([str(folder / 'teacher')])
  rows = teachers.predict(teacher, corpus, 'train', 4)
  assert sorted(rows['id']) == sorted(f'train{i}' for i in range(40))
  (teacher,) = teachers.load([str(together(folder))])
  with pytest.raises(UserError, match=r'at most 2 .*config\.data\.window=2'):
    teachers.check_fits(teacher, corpus)


TEXT_ALONE = {'seed': 7, 'without': ('audio', 'vision')}


def distilled(folder, teacher, **changes):
  changes |= {
    'distillation.teachers': (str(teacher),),
    'distillation.weight': 0.5,
  }
  c = config(folder, changes.pop('window', 5), **changes)
  return next(build.build(c).samples.train_batches(0, 0))


def test_a_student_of_text_alone_gets_the_labels_of_a_table(folder):
  """Also if it reads dialogues as one sequence, and its teacher does not."""
  options = {**TEXT_ALONE, 'utterance.together': (40,)}
  batch = distilled(folder, folder / 'teacher', **options)
  assert 'packed_text_shape' in batch['inputs']
  (corpus,) = load.build(config(folder, 5, **options))
  (teacher,) = teachers.load([str(folder / 'teacher')])
  rows = teachers.predict(teacher, corpus, 'train', 4)
  predictions = rows['predictions']['sentiment']
  by_id = dict(zip(rows['id'], predictions, strict=True))
  weights = batch['weights']['sentiment'][..., 0]
  found = weights == 0.5
  assert found.sum() == 5  # Every seventh of forty has no gold.
  np.testing.assert_allclose(
    batch['labels']['sentiment'][found],
    [by_id[x.decode()] for x in batch['id'][found]],
    atol=1e-5,
  )


def test_what_the_student_leaves_out_is_said(folder):
  changes = {'seed': 7, 'utterance.modalities': ('text', 'vision')}
  with pytest.raises(UserError, match='reads audio, which the student leaves'):
    distilled(folder, folder / 'teacher', **changes)
  with pytest.raises(UserError, match=r'set config\.utterance\.together=\(40,'):
    distilled(folder, together(folder), window=2, **TEXT_ALONE)


def test_what_the_weights_of_the_start_learned_counts(tmp_path, caplog):
  old, new = (['a', 'b', 'c'], ['d', 'e', 'f'])

  def voiced(name, rows, task, start=''):
    path = voices.write(tmp_path, name, {'train': rows, 'val': ['v']}, task)
    c = voices.config(path, tmp_path, 'sentiment')
    c.data.splits.test = ''
    c.init.checkpoint_workdir = start
    return c

  first, second = str(tmp_path / 'first'), str(tmp_path / 'second')
  train.train_and_evaluate(voiced('old', old, 'sentiment'), first)
  c = voiced('new', new, 'sentiment', first)
  train.train_and_evaluate(c, second)
  assert len(trained_on.read(second)['sentiment']) == 6
  student = voiced('student', [*old, 'g'], 'sarcasm')
  student.data.splits.val = ''
  (labels,), (report,) = labelling.label(student, [second])
  assert report.left_out == {label_report.SEEN: 3}
  assert list(labels.ids) == ['g']
  # As of a published model: what it learned from cannot be told.
  (tmp_path / 'first' / trained_on.FILE).unlink()
  corpora, tasks = load.build(c), teachers.load([second])[0].trained.tasks
  with caplog.at_level('WARNING'):
    trained_on.ensure(second, c, corpora, tasks)
    assert trained_on.FILE not in caplog.text
    trained_on.ensure(second, c, corpora, tasks, anew=True)
  assert f'{first}, from which this run starts, has no' in caplog.text
  assert len(trained_on.read(second)['sentiment']) == 3
