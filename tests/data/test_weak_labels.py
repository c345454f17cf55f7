"""Weak labels fill what has no gold, and nothing but training sees them."""

import itertools

import numpy as np
import pytest
from toys import utterances as toy_utterances
from toys import voices

from affect_jax import evaluate
from affect_jax import tasks as tasks_lib
from affect_jax import train
from affect_jax.data import label_counts
from affect_jax.data import sample_ids
from affect_jax.data import streams
from affect_jax.data import utterance_batches
from affect_jax.data import weak_labels
from affect_jax.data import weak_tables
from affect_jax.errors import UserError
from affect_jax.run import build
from affect_jax.weak import table

UNLABELLED = [f'train{i}' for i in range(40) if i % 7 == 6]
SETTINGS = {
  'rule': 'all',
  'threshold': 0.95,
  'weight': 0.5,
  'warmup_steps': 0,
  'any_version': False,
  'by_task': {},
  'by_corpus': {},
}


def sentiment(ids, value=2.5, **changes):
  return table.WeakLabels(
    **{
      'task': 'sentiment',
      'kind': 'value',
      'outputs': ('sentiment',),
      'ids': np.array(ids, object),
      'labels': np.full((len(ids), 1), value, np.float32),
      'confidence': np.ones((len(ids), 1), np.float32),
      **changes,
    }
  )


def emotion(ids, **changes):
  """Of a class more, in another order."""
  labels = np.tile(np.float32([0.2, 0.3, 0.5]), (len(ids), 1))
  return sentiment(
    ids,
    task='emotion',
    kind='class',
    outputs=('fear', 'neutral', 'anger'),
    labels=labels,
    confidence=labels.max(-1),
    **changes,
  )


@pytest.fixture(scope='module', params=[0, 3])
def corpus(request, tmp_path_factory):
  """Single utterances, and dialogues."""
  folder = tmp_path_factory.mktemp('weak')
  builder = toy_utterances.Toy(data_dir=folder, window=request.param)
  builder.download_and_prepare()
  path = folder / 'weak.parquet'
  names = [f'train{i}' for i in range(40)]
  table.write(path, [sentiment(names), emotion(names[:20])])
  parts = weak_tables.read(
    [(str(path), table.read(path))], SETTINGS, 'toy', builder
  )
  return streams.Corpus(
    'toy', builder, {'train': 'train', 'val': 'val'}, lambda: parts
  )


def all_tasks():
  return [
    tasks_lib.get_task('emotion', outputs=('anger', 'neutral')),
    tasks_lib.get_task('sentiment'),
    tasks_lib.get_task('sarcasm'),
  ]


def rows(corpus, weak=True, batches=utterance_batches.train_batches):
  """{id: {task: (labels, weights)}} of an epoch of training."""
  window = 3 if corpus.builder.info.features['id'].shape else 0
  if not weak:
    corpus = streams.Corpus(corpus.name, corpus.builder, corpus.splits)
  found = {}
  for batch in batches(
    [corpus],
    all_tasks(),
    dims=toy_utterances.DIMS,
    batch_size=4,
    seed=0,
    first_step=0,
    num_steps=16,
    boundaries=(32,),
    window=window,
    shares={'toy': 1.0},
  ):
    ids = batch['id'].ravel()
    for i, x in enumerate(ids):
      if x:
        found[x.decode()] = {
          t: tuple(
            batch[kind][t].reshape(
              len(ids), *batch[kind][t].shape[batch['id'].ndim :]
            )[i]
            for kind in ('labels', 'weights')
          )
          for t in batch['labels']
        }
  return found


def test_gold_stays_and_gaps_are_filled_by_name(corpus):
  joined, plain = rows(corpus), rows(corpus, weak=False)
  assert len(joined) == 40
  for x, by_task in joined.items():
    gold = x not in UNLABELLED
    for task in ('emotion', 'sentiment', 'sarcasm'):
      label, weight = by_task[task]
      weak = not gold and (task == 'sentiment' or int(x[5:]) < 20)
      if task == 'sarcasm' or not weak:
        np.testing.assert_array_equal(label, plain[x][task][0])
        np.testing.assert_array_equal(weight, plain[x][task][1])
      elif task == 'sentiment':
        assert (label, weight) == ([2.5], [0.5])
      else:
        np.testing.assert_allclose(label, [0.625, 0.375], rtol=1e-6)
        assert weight == 0.5


def test_counts_are_of_gold_unless_weak_ones_are_wanted(corpus):
  count = lambda **options: label_counts.of_training(
    [corpus], all_tasks(), {'toy': 1.0}, **options
  )[0]
  gold, both = count(), count(weak=True)
  plain = streams.Corpus('toy', corpus.builder, corpus.splits)
  assert str(gold) == str(
    label_counts.of_training([plain], all_tasks(), {'toy': 1.0})[0]
  )
  more = both['sentiment']['labelled'] - gold['sentiment']['labelled']
  np.testing.assert_allclose(more, [len(UNLABELLED) / 2])
  few = sum(int(x[5:]) < 20 for x in UNLABELLED)
  more = both['emotion']['mass'] - gold['emotion']['mass']
  np.testing.assert_allclose(more, [few * 0.3125, few * 0.1875], rtol=1e-6)


def test_weights_of_weak_labels_grow_from_0():
  weights = {'sentiment': np.float32([[1], [0], [0.5]])}
  batches = itertools.repeat({'id': 1, 'weights': weights}, 4)
  found = [
    b['weights']['sentiment'].ravel().tolist()
    for b in weak_labels.warmed_up(batches, 1, 4)
  ]
  assert found == [[1, 0, 0.125], [1, 0, 0.25], [1, 0, 0.375], [1, 0, 0.5]]


def test_settings_of_tasks_and_corpora_come_before_general_ones():
  settings = {
    **SETTINGS,
    'by_task': {'emotion': {'weight': 0.2, 'rule': 'fixed'}},
    'by_corpus': {'meld': {'weight': 0.1}},
  }
  options = lambda *of: weak_tables.options_of(settings, *of)
  assert options('sentiment', 'mosi')['weight'] == 0.5
  assert options('emotion', 'mosi')['weight'] == 0.2
  assert options('emotion', 'meld')['weight'] == 0.1
  assert options('emotion', 'meld')['rule'] == 'fixed'


def test_what_does_not_fit_the_corpus_is_refused(corpus, tmp_path):
  path = tmp_path / 'weak.parquet'

  def read(labels, **settings):
    table.write(path, labels)
    tables = [(str(path), table.read(path))]
    return weak_tables.read(tables, SETTINGS | settings, 'toy', corpus.builder)

  ids = UNLABELLED[:2]
  assert read([sentiment(ids, corpus='meld')]) == {}
  assert read([sentiment(ids, corpus='toy')])
  old = sentiment(ids, corpus='toy', version='toy/before/1.0.0')
  with pytest.raises(UserError, match=r'toy/before/1\.0\.0, but toy is toy/'):
    read([old])
  assert read([old], any_version=True)
  unsure = emotion(ids)
  with pytest.raises(UserError, match=r'0 at 0.6, 2 at 0.5, of 2'):
    read([unsure], rule='fixed')
  strangers = read([sentiment(['elsewhere', 'nowhere'])])
  known = sample_ids.ids_of(corpus.builder, 'train')
  with pytest.raises(UserError, match=r"None of the 2 .*'elsewhere'.*'train"):
    weak_tables.check_ids({'toy': strangers}, known)
  some = read([sentiment(['elsewhere', *ids])])
  # A table that names no corpus is read for each: they are all here.
  both = {'toy': some, 'other': some}
  assert weak_tables.check_ids(both, known) == {'sentiment': (2, 1)}
  (part,) = read([emotion(ids)])['emotion']
  other = tasks_lib.get_task('emotion', outputs=('disgust', 'surprise'))
  with pytest.raises(UserError, match='nothing in common'):
    weak_labels.to_task(part, other)


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'weak.weight': -1.0}, 'weight=-1.0 must be in'),
    ({'weak.rule': 'flexmach'}, r"'flexmach'.*flexmatch"),
    ({'weak.warmup_steps': -1}, 'must be at least 0'),
    ({'weak.by_task': {'sarcams': {}}}, r"'sarcams'.*sarcasm"),
    ({'weak.by_corpus': {'meld': {}}}, r"'meld'.*utterances_csv"),
    ({'weak.by_task': {'sarcasm': {'wieght': 1.0}}}, r"'wieght'.*weight"),
    ({'weak.by_task': {'sarcasm': {'weight': 2.0}}}, r'weight=2\.0 must'),
    ({'data.weak_labels': ('gone.parquet',)}, 'no such file'),
  ],
)
def test_wrong_settings_are_said_before_data_are_touched(
  tmp_path, changes, message
):
  c = voices.config('nowhere.csv', tmp_path, 'sarcasm')
  c.weak.update(
    {k.removeprefix('weak.'): v for k, v in changes.items() if 'weak.' in k}
  )
  c.data.weak_labels = changes.get('data.weak_labels', ())
  with pytest.raises((UserError, FileNotFoundError), match=message):
    build.build(c)


def test_evaluation_needs_no_table(student, tmp_path):
  """Also of a task that has weak labels alone."""
  path = tmp_path / 'weak.csv'
  lines = ['id,sentiment_class/positive,sentiment_class/negative']
  lines += [f'a{i},{i % 9 / 10},{1 - i % 9 / 10}' for i in range(24)]
  path.write_text('\n'.join(lines) + '\n')
  c = voices.config(
    student / 'student.csv', student, 'sarcasm', 'sentiment_class'
  )
  c.data.weak_labels = (str(path),)
  workdir = tmp_path / 'run'
  results = train.train_and_evaluate(c, str(workdir))
  assert 'sentiment_class/weighted_f1' in results['test']
  path.unlink()
  assert evaluate.evaluate_best(c, str(workdir)) == results


@pytest.fixture(scope='module')
def student(tmp_path_factory, quick_runs):
  """A corpus of sarcasm, and a table of sentiment that is all wrong."""
  folder = tmp_path_factory.mktemp('student')
  ids = {
    'train': [f'a{i}' for i in range(24)],
    'val': [f'b{i}' for i in range(8)],
    'test': [f'c{i}' for i in range(8)],
  }
  path = voices.write(folder, 'student', ids, 'sarcasm')
  text = path.read_text().splitlines()
  # Some have gold of sentiment alone, which is not learned. All have a weak
  # label, also those of val and test, and all of these are wrong.
  lines = [text[0] + ',sentiment']
  weak = ['id,sarcasm/sarcasm']
  for i, line in enumerate(text[1:]):
    x, split, audio, gold = line.split(',')
    missing = split == 'train' and i % 2
    lines.append(f'{x},{split},{audio},{"" if missing else gold},1')
    weak.append(f'{x},{1 - int(gold)}')
  path.write_text('\n'.join(lines) + '\n')
  (folder / 'weak.csv').write_text('\n'.join(weak) + '\n')
  return folder


FILES = ('results.json', 'predictions/val.csv', 'predictions/test.csv')


def test_evaluation_never_sees_a_weak_label(student):
  """All of them are wrong. With λ = 0 every byte is that of a run without."""

  def run(name, **changes):
    c = voices.config(student / 'student.csv', student, 'sarcasm', **changes)
    c.num_train_steps, c.eval_every, c.learning_rate = 6, 2, 0.05
    train.train_and_evaluate(c, str(student / name))
    return [(student / name / f).read_bytes() for f in FILES]

  weak = {'data.weak_labels': (str(student / 'weak.csv'),)}
  without = run('without')
  assert run('zero', **weak, **{'weak.weight': 0.0}) == without
  assert run('one', **weak) != without
