"""Hidden gold: the same samples everywhere, in training alone."""

import itertools

import numpy as np
import pytest
from toys import training as toy
from toys.configs import load_config

from affect_jax.data import gold_share
from affect_jax.data import sample_ids
from affect_jax.errors import UserError
from affect_jax.run import build
from affect_jax.run import trained_on

IDS = np.array([f'sample {i}' for i in range(4000)])


def test_shares_are_nested_and_about_right():
  masks = [
    gold_share.shown(IDS, 'expression', s).numpy() for s in (0, 0.05, 0.5, 1)
  ]
  np.testing.assert_allclose(
    [m.mean() for m in masks], (0, 0.05, 0.5, 1), atol=0.02
  )
  for smaller, larger in itertools.pairwise(masks):
    assert not np.any(smaller & ~larger)
  other = gold_share.shown(IDS, 'action_units', 0.5).numpy()
  assert 0.2 < np.mean(other & masks[2]) < 0.3  # Tasks are independent.


def faces(folder, **changes):
  c = load_config('faces_csv')
  c.data.path = str(toy.write_faces_csv(folder, counts=(24, 8, 8), pixels=16))
  c.data.data_dir = str(folder / 'data')
  c.image_size, c.batch_size = 16, 8
  c.expression.class_weights = ''
  c.data.gold_share = changes
  return c


def gold_in(batches, task):
  found = {}
  for batch in batches:
    has = batch['weights'][task].reshape(len(batch['id']), -1).any(-1)
    found |= dict(zip(batch['id'].tolist(), has.tolist(), strict=True))
  return {x.decode() for x, has in found.items() if has}


def test_training_and_what_describes_it_see_less_and_evaluation_all(tmp_path):
  shares = {'expression': 0.9, 'faces_csv/expression': 0.5}
  c = faces(tmp_path, **shares)
  c.num_train_steps, c.schedule.warmup_steps = 3, 1
  run, whole = build.build(c), build.build(faces(tmp_path))
  (corpus,) = run.corpora
  every = sample_ids.with_gold(corpus.builder, 'train', 'expression', {})
  shown = {x for x in every if gold_share.shown([x], 'expression', 0.5)[0]}
  assert 0 < len(shown) < len(every)
  seen = gold_in(run.samples.train_batches(0, 0), 'expression')
  assert seen == shown
  assert run.counts['expression']['labelled'] == len(shown)
  found = trained_on.collect(run.corpora, run.tasks)
  assert len(found['expression']) == len(shown)
  for task in ('action_units', 'valence_arousal'):
    a, b = (r.counts[task]['labelled'] for r in (run, whole))
    np.testing.assert_array_equal(a, b)
  for split in ('val', 'test'):
    a, b = (
      gold_in(r.samples.eval_batches(corpus.builder, split), 'expression')
      for r in (run, whole)
    )
    assert a == b


@pytest.mark.parametrize(
  ('shares', 'message'),
  [
    ({'expresion': 0.5}, "did you mean 'expression'"),
    ({'fer/expression': 0.5}, 'Unknown config.data.gold_share'),
    ({'expression': 1.5}, r'expression=1.5 must be in \[0, 1\]'),
  ],
)
def test_wrong_shares_are_named(tmp_path, shares, message):
  with pytest.raises(UserError, match=message):
    build.build(faces(tmp_path, **shares))
