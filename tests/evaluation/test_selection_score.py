"""The score that chooses: a weighted sum, its parts by name, wrong names."""

import math

import pytest

from affect_jax import tasks
from affect_jax.errors import UserError
from affect_jax.evaluation import gains
from affect_jax.evaluation import seed_summary
from affect_jax.evaluation import selection_score

TASKS = [
  tasks.get_task('emotion', outputs=('anger', 'neutral')),
  tasks.get_task('sentiment'),
]
METRICS = {t.name: [*t.metrics, *t.tuned_metrics] for t in TASKS}
SCORES = {
  'mosi': {
    'headline': 0.5,
    'sentiment/ccc': 0.5,
    'sentiment/mae': 1.25,
    'emotion/weighted_f1': math.nan,
  },
  'meld': {
    'headline': 0.4,
    'sentiment/ccc': 0.1,
    'sentiment/mae': 0.75,
    'emotion/weighted_f1': 0.7,
    'emotion/f1/anger': 0.25,
  },
}


@pytest.mark.parametrize(
  ('settings', 'expected'),
  [
    (None, 0.45),
    ({}, 0.45),
    ({'mosi': 2.0, 'meld': 1}, 1.4),
    ({'emotion': 1.0}, 0.7),
    ({'sentiment': 1.0}, 0.3),
    ({'sentiment/mae': -1.0}, -1.0),
    ({'meld/emotion/f1/anger': 2.0, 'mosi/sentiment/mae': -0.5}, -0.125),
    ({'mosi/sentiment': 1.0}, 0.5),
    ({'mosi/emotion': 1.0, 'meld': 1.0}, None),
  ],
)
def test_it_is_the_weighted_sum_of_what_is_named(settings, expected):
  found = selection_score.score(settings, SCORES, TASKS)
  assert found == (expected if expected is None else pytest.approx(expected))


def check(settings, corpora=('mosi', 'meld'), without=('csd',)):
  selection_score.check(settings, corpora, METRICS, without)


@pytest.mark.parametrize(
  ('settings', 'message'),
  [
    (3, 'must be {name: weight}'),
    ({'emotoin': 1.0}, r"'emotoin'.*did you mean 'emotion'"),
    ({'mosy/sentiment': 1.0}, r"'mosy'.*did you mean 'mosi'"),
    ({'mosi/sentimnt': 1.0}, r"task 'sentimnt'.*did you mean 'sentiment'"),
    ({'mosi/sentiment/maee': -1.0}, r"'maee'.*did you mean 'mae'"),
    ({'sentiment/mae': 0.5}, 'negative weight'),
    ({'emotion': 0.0}, 'not 0'),
    ({'emotion': '1'}, 'must be a number'),
    ({'emotion': math.nan}, 'must be a number'),
    ({'csd/emotion': 1.0}, r"'csd' has no config\.data\.splits\.val"),
  ],
)
def test_wrong_names_and_weights_are_refused(settings, message):
  with pytest.raises(UserError, match=message):
    check(settings)


def test_a_corpus_may_be_called_like_a_task():
  corpora = ('sentiment', 'meld')
  with pytest.raises(UserError, match='is a task and a corpus'):
    check({'sentiment': 1.0}, corpora)
  settings = {'sentiment/emotion': 1.0, 'sentiment/mae': -1.0}
  check(settings, corpora)
  scores = {'sentiment': SCORES['meld'], 'meld': SCORES['mosi']}
  found = selection_score.score(settings, scores, TASKS)
  assert found == pytest.approx(0.7 - 1.0)


@pytest.mark.parametrize(
  ('settings', 'message'),
  [
    ({'emotion/f1/angry': 1.0}, r"'emotion/f1/angry'.*mean 'emotion/f1/anger'"),
    ({'emotion/f1': 1.0}, "Unknown score 'emotion/f1'"),
    ({'mosi/emotion': 1.0}, r"'mosi' does not label emotion.*\['meld'\]"),
  ],
)
def test_scores_that_no_split_will_have_are_refused(settings, message):
  known = {
    'mosi': {'sentiment': ['sentiment']},
    'meld': {'emotion': ['neutral', 'anger'], 'sentiment': ['sentiment']},
  }
  check(settings)
  with pytest.raises(UserError, match=message):
    selection_score.check_places(settings, known, TASKS)
  good = {'emotion/f1/anger': 1.0, 'meld': 1.0, 'sentiment': 1.0}
  selection_score.check_places(good, known, TASKS)


def test_results_of_older_runs_have_headlines_only():
  old = {'val/a': {'headline': 0.2}, 'val/b': {'headline': 0.4}, 'test/a': {}}
  assert selection_score.of_results(old) == pytest.approx(0.3)
  stated = {**old, 'val': {'step': 2.0, 'selection': 0.7}}
  assert selection_score.of_results(stated) == 0.7
  assert selection_score.of_results({'val/a': {'headline': None}}) is None


def test_rounds_compare_it_seed_by_seed():
  def summary(*values):
    of_seeds = [{'val': {'selection': x}, 'val/a': {}} for x in values]
    return seed_summary.summarise(dict(enumerate(of_seeds)))

  before, after = summary(0.1, 0.2, 0.3), summary(0.2, 0.4, 0.3)
  (row,) = gains.of_selection(before, after)
  assert row['metric'] == 'selection'
  assert row['gain'] == pytest.approx(0.1)
  assert row['low'] < 0.1 < row['high']
  # Seeds that an older version finished do not state it.
  old = seed_summary.summarise({0: {'val/a': {}}, 1: {'val/a': {}}})
  assert gains.of_selection(old, old) == []
  one = {0: {'val': {'selection': 0.1}, 'val/a': {}}, 1: {'val/a': {}}}
  values = seed_summary.summarise(one)['splits']['val']['selection']
  assert values['values'] == [0.1, None]
