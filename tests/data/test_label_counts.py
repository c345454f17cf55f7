"""Counts behind class weights: those of the labels that training draws."""

import itertools

import numpy as np
import pytest
from toys import faces_csv
from toys import training as toy
from toys.configs import load_config

from affect_jax import train
from affect_jax.data import face_batches
from affect_jax.data import label_counts
from affect_jax.data import sampling
from affect_jax.data import streams
from affect_jax.run import tasks as run_tasks

# (expression, valence, AU1, AU12), times how many rows have these cells.
CELLS = {
  # 10 rows: 6 neutral, 2 happiness, 2 without; AU1 positive 3 of 10.
  'a': [
    (('neutral', '', '0', ''), 5),
    (('neutral', '.5', '1', ''), 1),
    (('happiness', '', '1', '1'), 2),
    (('', '-.5', '0', '1'), 2),
  ],
  # 30 rows: 24 neutral, 3 happiness, 3 anger; AU1 positive 3 of 27.
  'b': [
    (('neutral', '', '0', '0'), 24),
    (('happiness', '', '1', '1'), 3),
    (('anger', '.1', '', ''), 3),
  ],
}


@pytest.fixture(scope='module')
def corpora(tmp_path_factory):
  found = []
  for name, groups in CELLS.items():
    folder = tmp_path_factory.mktemp(name)
    rows = []
    for cells, times in groups:
      for _ in range(times):
        file = f'{len(rows)}.png'
        faces_csv.save(folder / file, len(rows))
        rows.append(','.join((file, 'train', *cells)))
    header = 'image,split,expression,valence,AU1,AU12'
    faces_csv.write(folder, *rows, header=header)
    builder = faces_csv.prepared(folder)
    found.append(streams.Corpus(name, builder, {'train': 'train'}))
  return found


def counted(corpora, shares, balance=''):
  return label_counts.of_training(corpora, toy.all_tasks(), shares, balance)


def test_rows_drawn_as_they_come_are_counted_as_they_are(corpora):
  present, drawn = counted(corpora, {'a': 0.25, 'b': 0.75})
  for counts in (present, drawn):
    np.testing.assert_allclose(counts['expression']['mass'], [30, 5, 3])
    assert counts['expression']['labelled'] == pytest.approx(38)
    np.testing.assert_allclose(counts['action_units']['mass'], [6, 7])
    np.testing.assert_allclose(counts['action_units']['labelled'], [37, 31])


def test_shares_of_corpora_by_hand(corpora):
  present, drawn = counted(corpora, {'a': 0.5, 'b': 0.5})
  np.testing.assert_allclose(present['expression']['mass'], [30, 5, 3])
  # 40 rows: a's 10 as if they were 20, b's 30 as if they were 20.
  np.testing.assert_allclose(
    drawn['expression']['mass'], [2 * 6 + 24 * 2 / 3, 2 * 2 + 2, 2]
  )
  np.testing.assert_allclose(
    drawn['action_units']['labelled'], [2 * 10 + 18, 2 * 4 + 18]
  )


def test_balanced_classes_by_hand(corpora):
  present, drawn = counted(corpora[:1], {'a': 1.0}, 'expression')
  np.testing.assert_allclose(present['expression']['mass'], [6, 2, 0])
  # 8 of 10 rows are labelled: 4 for each class that occurs. The 2 others stay.
  np.testing.assert_allclose(drawn['expression']['mass'], [4, 4, 0])
  # AU1: 1 of the 6 neutral, both happy; none of the rows without.
  np.testing.assert_allclose(drawn['action_units']['mass'], [4 / 6 + 4, 4 + 2])
  np.testing.assert_allclose(drawn['action_units']['labelled'], [10, 6])


@pytest.mark.parametrize(
  ('how', 'balance'),
  [('proportional', 'expression'), ('uniform', ''), ('shares', 'expression')],
)
def test_counts_are_those_of_the_batches(corpora, how, balance):
  sizes = {c.name: streams.train_size([c]) for c in corpora}
  shares = sampling.shares(sizes, how, fixed={'a': 0.9, 'b': 0.1})
  _, drawn = counted(corpora, shares, balance)
  batches = face_batches.train_batches(
    corpora,
    toy.all_tasks(),
    batch_size=100,
    seed=0,
    first_step=0,
    num_steps=40,  # 4000 rows.
    image_size=8,
    shares=shares,
    balance=balance,
  )
  seen = {t: {'labelled': 0.0, 'mass': 0.0} for t in drawn}
  for batch, task in itertools.product(batches, toy.all_tasks()):
    labels, weights = batch['labels'][task.name], batch['weights'][task.name]
    seen[task.name]['labelled'] += weights.sum(0)
    if not task.weight_per_output:
      weights = weights[:, None]
    seen[task.name]['mass'] += (weights * labels).sum(0)
  for task, own in drawn.items():
    for key, value in own.items():
      # Shares of rows: four standard deviations of 4000 draws are .032.
      np.testing.assert_allclose(
        seen[task][key] / 4000, value / 40, atol=0.032, err_msg=f'{task} {key}'
      )


def config_of(corpora, **overrides):
  c = load_config('faces_csv')
  c.data.path = 'none.csv'
  c.update_from_flattened_dict(overrides)
  return c


def test_weights_of_classes_are_those_of_what_is_drawn(corpora):
  config = config_of(
    corpora,
    **{
      'expression.class_weights': 'balanced',
      'action_units.pos_weight': 'balanced',
    },
  )
  built = []
  for share in (0.25, 0.5):
    shares = {'a': share, 'b': 1 - share}
    options, _ = run_tasks.build(config, corpora, shares)
    built.append(options['expression']['counts'])
    positives, labelled = options['action_units']['counts']
    assert len(positives) == len(labelled) == 2
  np.testing.assert_allclose(built, [[30, 5, 3], [28, 6, 2]])


@pytest.mark.parametrize(
  ('overrides', 'message'),
  [
    (
      {'expression.class_weights': 'balanced'},
      r"config\.expression\.class_weights='balanced'.*config\.data\.balance",
    ),
    (
      {'expression.class_weights': 'effective'},
      r"config\.expression\.class_weights='effective'",
    ),
    (
      {'expression.logit_adjustment': 1.0},
      r'config\.expression\.logit_adjustment=1\.0',
    ),
  ],
)
def test_balancing_twice_is_refused_before_data(tmp_path, overrides, message):
  config = config_of([], **{'data.balance': 'expression'}, **overrides)
  with pytest.raises(ValueError, match=message):
    train.train_and_evaluate(config, str(tmp_path / 'run'))


def test_weights_of_another_task_do_not_contradict():
  config = config_of(
    [],
    **{
      'data.balance': 'expression',
      'action_units.pos_weight': 'balanced',
      'expression.class_weights': '1, 2, 3',
    },
  )
  run_tasks.check_balance(config)
