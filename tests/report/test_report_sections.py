"""What sections say of predictions whose answers are known."""

import dataclasses

import numpy as np
from PIL import Image
import pytest
from sklearn import metrics as sklearn_metrics
from toys import reported

pytest.importorskip('matplotlib', reason="needs the extra 'report'")

from affect_jax.report import confusion
from affect_jax.report import contents
from affect_jax.report import cosines
from affect_jax.report import curves
from affect_jax.report import density
from affect_jax.report import differences
from affect_jax.report import folders
from affect_jax.report import mistakes
from affect_jax.report import predictions
from affect_jax.report import reliability
from affect_jax.report import scores
from affect_jax.report import subsets
from affect_jax.report import units
from affect_jax.report import weak_quality


@pytest.fixture(scope='module')
def run(tmp_path_factory):
  """Two seeds, with everything."""
  path = tmp_path_factory.mktemp('runs') / 'a'
  return folders.read([reported.with_all(path)])[0]


def predicted(kind, outputs, gold, said):
  return predictions.Predicted(
    kind,
    tuple(outputs),
    np.array([f's{i}' for i in range(len(gold))], object),
    np.array(gold, float),
    np.array(said, float),
  )


def classes():
  gold = np.eye(3)[[0, 0, 1, 1, 2, 2]]
  said = [
    *([0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.05, 0.9, 0.05]),
    *([0.9, 0.05, 0.05], [0.2, 0.2, 0.6], [0.1, 0.5, 0.4]),
  ]
  return predicted(predictions.CLASS, 'abc', gold, said)


def test_confusion_is_that_of_scikit_learn(run):
  (seed, _) = run.predicted('test', 'faces', 'expression')
  expected = sklearn_metrics.confusion_matrix(
    seed.gold.argmax(-1), seed.predicted.argmax(-1)
  )
  np.testing.assert_array_equal(confusion.count(seed), expected)
  assert confusion.count(classes()).tolist() == [
    [1, 1, 0],
    [1, 1, 0],
    [0, 1, 1],
  ]


def test_one_yes_or_no_label_has_two_classes():
  of = predicted(
    predictions.PRESENCE, 'x', [[1], [0], [0]], [[0.6], [0.6], [0.5]]
  )
  assert confusion.count(of).tolist() == [[1, 1], [0, 1]]


def test_a_matrix_shows_shares_of_its_rows_and_counts_of_all_seeds(run):
  section = confusion.section([run], 'test')
  (figure,) = (x for x in section.parts if isinstance(x, contents.Figure))
  (table,) = (x for x in section.parts if isinstance(x, contents.Table))
  counts = np.array([row[1:] for row in table.rows])
  assert counts.sum() == 2 * 64
  (image,) = figure.drawn.axes[0].images
  np.testing.assert_allclose(
    image.get_array(), counts / counts.sum(-1, keepdims=True)
  )
  text = figure.drawn.axes[0].texts[0].get_text()
  share = counts[0, 0] / counts[0].sum()
  assert text == f'{share:.2f}\n{counts[0, 0]}'


def test_f1_thresholds_and_what_always_present_would_reach(run):
  for k, output in enumerate(
    units.measure(run, 'test', 'faces', 'action_units')
  ):
    assert output.half == pytest.approx(
      run.scores('test', 'faces', f'action_units/f1/{output.name}')
    )
    gold = run.first.splits['test']['faces']['action_units'].gold[:, k]
    assert (output.samples, output.positives) == (80, gold.sum())
    assert output.always == pytest.approx(
      sklearn_metrics.f1_score(gold, np.ones(80))
    )
    # The threshold of the run reaches the run's own score.
    for seed, cut, score in zip(
      run.seeds.values(), output.thresholds, output.tuned, strict=True
    ):
      said = seed.splits['test']['faces']['action_units'].predicted[:, k]
      assert sklearn_metrics.f1_score(gold, said > cut) == pytest.approx(score)


def test_without_validation_there_is_no_threshold(tmp_path):
  folder = reported.write(tmp_path / 'a')
  (tmp_path / 'a' / 'predictions' / 'val.csv').unlink()
  (one,) = folders.read([folder])
  assert units.measure(one, 'test', 'faces', 'action_units')[0].thresholds == []
  assert units.section([one], 'test').parts


def test_reliability_counts_predictions_by_how_sure_they_are():
  sure, right = reliability.sure_and_right(classes())
  assert sure.tolist() == [0.8, 0.6, 0.9, 0.9, 0.6, 0.5]
  assert right.tolist() == [True, False, True, False, True, False]
  of = predicted(
    predictions.PRESENCE, 'xy', [[1, np.nan], [0, 1]], [[0.9, 0.5], [0.2, 0.4]]
  )
  sure, right = reliability.sure_and_right(of)
  assert sure.tolist() == [0.9, 0.2, 0.4]
  assert right.tolist() == [True, False, True]


def test_the_diagram_draws_shares_by_bins(run):
  section = reliability.section([run], 'test')
  figure = section.parts[0]
  line = figure.drawn.axes[0].lines[1]
  pooled = predictions.pooled(run.predicted('test', 'faces', 'expression'))
  sure, right = (
    pooled.predicted.max(-1),
    (pooled.predicted.argmax(-1) == pooled.gold.argmax(-1)),
  )
  last = (sure > 14 / 15) & (sure <= 1)
  x, y = line.get_xdata()[-1], line.get_ydata()[-1]
  assert (x, y) == pytest.approx((sure[last].mean(), right[last].mean()))
  table = section.parts[-1]
  assert [row[2] for row in table.rows] == ['expression', 'action_units']
  assert [row[4] for row in table.rows] == [128, 320]


def test_the_worst_mistakes_come_first():
  found = mistakes.worst(classes(), 2)
  assert [x.id for x in found] == ['s3', 's1']
  assert found[0].gold == 'b (0.05)'
  assert found[0].predicted == 'predicted a (0.90)'
  assert found[0].size == pytest.approx(0.85)
  of = predicted(
    predictions.PRESENCE, 'xy', [[1, np.nan], [0, 1]], [[0.9, 0.5], [0.7, 0.1]]
  )
  assert [(x.id, x.gold) for x in mistakes.worst(of)] == [
    ('s1', 'y present'),
    ('s1', 'x absent'),
  ]
  of = predicted(
    predictions.VALUE, 'v', [[0], [1], [np.nan]], [[0.5], [-1], [9]]
  )
  assert [x.size for x in mistakes.worst(of)] == [2, 0.5]


def test_seeds_are_averaged_by_sample():
  first = classes()
  order = np.arange(6)[::-1]
  second = dataclasses.replace(
    first, ids=first.ids[order], predicted=first.predicted[order] / 2
  )
  other = dataclasses.replace(first, ids=first.ids + 'x')
  found = predictions.averaged([first, second, other])
  np.testing.assert_allclose(found.predicted, 0.75 * first.predicted)


def test_pictures_come_only_from_allowed_folders(tmp_path):
  allowed, other = tmp_path / 'allowed', tmp_path / 'other'
  for folder in (allowed / 'a', other):
    folder.mkdir(parents=True)
    Image.new('RGB', (300, 200), 'red').save(folder / '1.png')
  (allowed / 'link').symlink_to(other)
  (allowed / 'broken.png').write_bytes(b'no picture')
  assert mistakes.picture('a/1', [allowed]).startswith(
    'data:image/jpeg;base64,'
  )
  assert mistakes.picture('a/1.png', [allowed])
  assert mistakes.picture(f'{allowed}/a/1.png', [allowed])
  for name in (
    '../other/1.png',
    f'{other}/1.png',
    'link/1',
    'broken',
    'a',
    'x',
  ):
    assert not mistakes.picture(name, [allowed]), name
  assert mistakes.picture('1', [allowed, other])
  assert not mistakes.picture('a/1', [])


def test_values_are_counted_where_they_lie(run):
  section = density.section([run], 'test')
  plane, valence, _ = section.parts
  pooled = predictions.pooled(run.predicted('test', 'faces', 'valence_arousal'))
  cells = plane.drawn.axes[0].collections[0].get_array()
  assert np.nansum(cells) == 160
  counts = valence.drawn.axes[0].collections[0].get_array()
  k = len(counts)
  place = lambda x: np.clip(
    ((np.clip(x, -1, 1) + 1) / 2 * k).astype(int), 0, k - 1
  )
  x, y = place(pooled.gold[:, 0]), place(pooled.predicted[:, 0])
  expected = np.zeros((k, k))
  np.add.at(expected, (y, x), 1)
  np.testing.assert_array_equal(
    np.ma.filled(np.ma.masked_invalid(counts), 0), expected
  )
  outside = (np.abs(pooled.predicted[:, 0]) > 1).sum()
  assert f'{outside} beyond the scale' in valence.caption


def test_scales():
  ends = lambda *x: density.scale(np.array(x), np.array([0.0, 7.0]))
  assert ends(-1, 0.3) == (-1, 1)
  assert ends(-1.1, 0.3) == (-3, 3)
  assert ends(0, 5) == (0, 7)


def test_curves_are_means_and_ranges_of_seeds(run):
  section = curves.section([run])
  assert [x.title for x in section.parts] == ['all tasks', *reported.TASKS]
  axes = section.parts[1].drawn.axes
  # Losses are those of the toy: the seed, plus 1 / step.
  np.testing.assert_allclose(axes[0].lines[0].get_ydata(), [0.6, 0.55])
  band = axes[0].collections[0].get_paths()[0].vertices[:, 1]
  assert (band.min(), band.max()) == pytest.approx((0.05, 1.1))
  expected = np.mean(run.scores('val', 'faces', 'expression/macro_f1'))
  np.testing.assert_allclose(axes[1].lines[0].get_ydata(), [expected] * 2)
  assert axes[1].get_ylabel() == 'macro F1 (0 to 1)'


def test_cosines(run):
  table = cosines.section([run]).parts[-1]
  # -.1 and -.5 in both seeds.
  assert table.rows == [
    ['a', 'expression and action_units', pytest.approx(-0.3), 1, 4]
  ]


def test_missing_modalities_and_weak_labels(run):
  _, table = subsets.section([run], 'test').parts
  heads, rows = table.columns, table.rows
  assert heads[:2] == ['modalities', 'expression, macro F1']
  both = np.mean(run.scores('test', 'faces', 'expression/macro_f1'))
  assert [row[0] for row in rows] == ['text', 'text+audio']
  assert [row[1] for row in rows] == pytest.approx([both / 2, both])
  assert subsets.section([run], 'val') is None
  (row,) = weak_quality.section([run]).parts[-1].rows
  assert row[1:6] == ['quality.json', 'faces', 'expression', 'teacher', 40]


def test_scores_are_means_and_deviations(run):
  table = scores.section([run], 'test').parts[0]
  assert table.columns[-2:] == ['a', 'std']
  values = run.scores('test', 'faces', 'expression/macro_f1')
  assert table.rows[0] == [
    *('test', 'expression', 'macro F1'),
    pytest.approx(np.mean(values)),
    pytest.approx(np.std(values, ddof=1)),
  ]


def test_settings_that_differ(tmp_path):
  paths = [
    reported.write(tmp_path / 'a', 0.5, 1),
    reported.seeds(tmp_path / 'b', 0.8),
  ]
  reported.change(tmp_path / 'b' / 'seed_1' / 'config.json', new=[1])
  runs = folders.read(paths)
  (table,) = differences.section(runs).parts
  # Seeds are not mentioned.
  assert table.rows == [
    ['learning_rate', '0.005', '0.008'],
    ['new', differences.ABSENT, f'by seed: {differences.ABSENT}; [1]'],
  ]
  assert differences.section(runs[:1]) is None
  assert differences.section([runs[0], runs[0]]) is None
