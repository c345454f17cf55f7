"""The command compares runs on what they left, whatever is compared."""

import csv
import dataclasses
import io
import json

import numpy as np
import pytest
from toys import compared
from toys import tasks as toy_tasks

from affect_jax import compare as command
from affect_jax import tasks
from affect_jax.comparison import compare
from affect_jax.comparison import formats
from affect_jax.comparison import measures
from affect_jax.evaluation import score
from affect_jax.run import folder as run_folder

DRAWS = 120


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
  """Runs a and b (worse); folders of seeds: many 0, 1, 2, few 1, 2, 7."""
  folder = tmp_path_factory.mktemp('runs')
  made = {
    'a': compared.write(folder / 'a', 0.5, seed=1, clusters=20),
    'b': compared.write(folder / 'b', 0.9, seed=2, clusters=20),
  }
  for name, noise, seeds in (('many', 0.5, (0, 1, 2)), ('few', 0.9, (1, 2, 7))):
    for seed in seeds:
      compared.write(folder / name / f'seed_{seed}', noise, seed)
    made[name] = str(folder / name)
  return made


def by_metric(found):
  return {row.metric: row for row in found.rows}


def test_means_are_those_of_results_json(runs):
  names = ('expression', 'action_units', 'valence_arousal')
  found = compare.compare([runs['a'], runs['b']], metrics=names, draws=DRAWS)
  a, b = (run_folder.read_json(f'{runs[x]}/results.json')['test'] for x in 'ab')
  rows = by_metric(found)
  expected = {
    k
    for k in a
    if '/' in k and not any(x in k for x in ('num_gold', 'confusion'))
  }
  assert rows.keys() == expected
  assert any('tuned' in name for name in rows)
  for name, row in rows.items():
    assert row.mean_a == pytest.approx(a[name])
    assert row.mean_b == pytest.approx(b[name])
    assert row.difference == pytest.approx(b[name] - a[name])
    assert row.low <= row.difference <= row.high
    assert 0 < row.p <= row.holm <= 1
    assert row.better is None


def test_a_clear_difference_is_found_and_equal_predictions_are_none(
  runs, tmp_path
):
  found = by_metric(compare.compare([runs['a'], runs['b']], draws=400))
  row = found['valence_arousal/mean_ccc']
  assert row.high < 0
  assert row.p < 0.02
  again = compared.write(tmp_path / 'again', 0.5, seed=1, clusters=20)
  for row in compare.compare([runs['a'], again], draws=DRAWS).rows:
    assert (row.low, row.difference, row.high) == (0, 0, 0)
    assert row.p == row.holm == 1


def test_order_of_rows_and_outputs_does_not_matter(runs, tmp_path):
  options = {
    k: {'outputs': v['outputs'][::-1]} for k, v in compared.OPTIONS.items()
  }
  same = compared.write(tmp_path / 'same', 0.9, seed=2, clusters=20)
  # The same predictions, of a run whose outputs have another order.
  path = compared.write(tmp_path / 'b', 0.9, 2, clusters=20, options=options)
  for split in ('val', 'test'):
    with open(f'{same}/predictions/{split}.csv', newline='') as file:
      lines = list(csv.reader(file))
    compared.edit(path, lambda _, x=lines: [x[0], *x[:0:-1]], split)
  expected = compare.compare([runs['a'], runs['b']], draws=DRAWS)
  found = compare.compare([runs['a'], path], draws=DRAWS)
  assert found.rows == expected.rows


def test_draws_are_those_of_the_seed(runs):
  both = [runs['a'], runs['b']]
  first, again, other = (
    compare.compare(both, draws=DRAWS, seed=seed) for seed in (3, 3, 4)
  )
  assert first == again
  assert first.rows != other.rows


def test_clusters_are_drawn_together_and_named(runs, tmp_path):
  both = [runs['a'], runs['b']]
  found = compare.compare(both, draws=DRAWS)
  assert '20 clusters (subjects, videos or dialogues) of 80 samples' in (
    found.resampled
  )
  # Old files lack the column.
  old = [
    compared.write(tmp_path / x, noise, seed)
    for x, noise, seed in (('a', 0.5, 1), ('b', 0.9, 2))
  ]
  alone = compare.compare(old, draws=DRAWS)
  assert 'Resampled: 80 samples, drawn' in alone.resampled
  assert any('taken as independent' in note for note in alone.notes)
  assert alone.rows != found.rows
  # One of the two is enough.
  assert compare.compare([old[0], runs['b']], draws=DRAWS).rows == found.rows
  few = [
    compared.write(tmp_path / f'few{x}', 0.5, seed=x, clusters=4)
    for x in (0, 1)
  ]
  said = compare.compare(few, draws=DRAWS)
  assert any('as much as 4.0 clusters' in note for note in said.notes)
  assert 'swapped in all 16 ways' in said.resampled


def test_seeds_are_paired_by_number_and_others_named(runs):
  found = compare.compare([runs['many'], runs['few']], draws=DRAWS)
  assert any(
    note.endswith('many has seed 0, which ' + runs['few'] + ' lacks: left out.')
    for note in found.notes
  )
  assert any('few has seed 7, which' in note for note in found.notes)
  assert found.resampled.endswith('; 2 pairs of seeds.')
  results = [
    [
      run_folder.read_json(f'{runs[x]}/seed_{k}/results.json')['test']
      for k in (1, 2)
    ]
    for x in ('many', 'few')
  ]
  name = 'action_units/tuned_mean_f1'
  row = by_metric(found)[name]
  a, b = ([r[name] for r in x] for x in results)
  assert row.mean_a == pytest.approx(np.mean(a))
  assert row.mean_b == pytest.approx(np.mean(b))
  wins = np.mean([x > y for x in b for y in a])
  assert row.better == pytest.approx(wins)


def test_one_seed_has_no_interval_over_seeds_and_says_so(tmp_path):
  paths = [
    compared.write(tmp_path / x / 'seed_0', 0.5, seed)
    for seed, x in enumerate('ab')
  ]
  folders = [str(tmp_path / x) for x in 'ab']
  found = compare.compare(folders, draws=DRAWS)
  assert any('One seed each' in note for note in found.notes)
  assert found.rows == compare.compare(paths, draws=DRAWS).rows


def test_tasks_that_not_all_have_are_left_out_and_named(runs, tmp_path):
  options = {'expression': compared.OPTIONS['expression']}
  single = compared.write(tmp_path / 'x', 0.9, 3, clusters=20, options=options)
  found = compare.compare([runs['a'], single], draws=DRAWS)
  assert {row.metric.split('/')[0] for row in found.rows} == {'expression'}
  assert found.notes[0].endswith('it: action_units, valence_arousal.')


def test_several_runs_against_the_first_or_all_pairs(runs, tmp_path):
  third = compared.write(tmp_path / 'third', 0.5, seed=3, clusters=20)
  paths = [runs['a'], runs['b'], third]
  names = ['expression/uar']
  first = compare.compare(paths, metrics=names, draws=DRAWS)
  assert [(r.a, r.b) for r in first.rows] == [('A', 'B'), ('A', 'C')]
  every = compare.compare(paths, metrics=names, draws=DRAWS, pairs='all')
  assert [(r.a, r.b) for r in every.rows][2] == ('B', 'C')
  # Two more chances to be wrong.
  assert max(r.holm / r.p for r in every.rows) > 2
  assert 'difference from A' in formats.text(first)
  assert 'test: C against B' in formats.text(every)
  # One column cannot show A's mean over the seeds of both pairs.
  rows = [first.rows[0], dataclasses.replace(first.rows[1], mean_a=0.125)]
  text = formats.text(dataclasses.replace(first, rows=rows))
  assert 'test: C against A' in text
  assert '0.1250' in text


def test_gold_of_an_output_is_counted_apart():
  task = tasks.get_task('action_units', outputs=('AU1', 'AU12'))
  weights = np.array([[1, 1], [0, 1], [0, 1]], np.float32)
  rows = {
    'labels': {task.name: np.array([[1, 0], [0, 1], [0, 0]], np.float32)},
    'weights': {task.name: weights},
  }
  names = ('action_units/f1', 'action_units/mean_f1')
  found = measures.build([task], rows, thresholds={}, names=names)
  by_name = dict(zip(found.names, found.gold().T.tolist(), strict=True))
  assert by_name == {
    'action_units/f1/AU1': [1, 0, 0],
    'action_units/f1/AU12': [1, 1, 1],
    'action_units/mean_f1': [2, 1, 1],
  }


def test_text_and_files_say_the_same(runs, tmp_path, capsys):
  arguments = [runs['a'], runs['b'], f'--draws={DRAWS}']
  command.main([*arguments, '--metrics', 'valence_arousal/rmse'])
  text = capsys.readouterr().out
  assert f'A: {runs["a"]}' in text
  assert 'valence_arousal/rmse/arousal' in text
  for kind in ('json', 'csv', 'latex'):
    path = tmp_path / 'new' / f'found.{kind}'
    command.main([*arguments, f'--format={kind}', f'--output={path}'])
    assert f'Wrote {path}' in capsys.readouterr().out
  content = json.loads((tmp_path / 'new' / 'found.json').read_text())
  lines = (tmp_path / 'new' / 'found.csv').read_text()
  table = list(csv.DictReader(io.StringIO(lines)))
  assert [x['a'] for x in table] == [runs['a']] * len(table)
  for line, row in zip(table, content['rows'], strict=True):
    assert line['metric'] == row['metric']
    assert float(line['p']) == row['p']
    assert line['better'] == ''
    assert row['better'] is None
  latex = (tmp_path / 'new' / 'found.latex').read_text()
  assert r'action\_units/mean\_f1 & ' in latex
  assert latex.count(r'\\') == len(table) + 1


def test_metrics_that_are_undefined_have_no_numbers(tmp_path):
  def constant(lines):
    column = lines[0].index('predicted/valence_arousal/valence')
    for line in lines[1:]:
      line[column] = '0.5'
    return lines

  paths = []
  for seed in (0, 1):
    paths.append(compared.write(tmp_path / str(seed), 0.5, seed))
    compared.edit(paths[-1], constant)
  names = ('valence_arousal/pearson',)
  found = by_metric(compare.compare(paths, metrics=names, draws=DRAWS))
  row = found['valence_arousal/pearson/valence']
  assert (row.mean_a, row.difference, row.low, row.p, row.holm) == (None,) * 5
  assert found['valence_arousal/pearson/arousal'].holm is not None
  assert '–' in formats.text(compare.compare(paths, metrics=names, draws=DRAWS))


def test_a_corpus_has_no_rows_of_what_it_does_not_label(tmp_path):
  def split_in_two(lines):
    head = lines[0]
    blank = [i for i, h in enumerate(head) if h.startswith('gold/expression')]
    for line in lines[1::2]:
      line[head.index('corpus')] = 'a_corpus_with_a_long_name'
      for i in blank:
        line[i] = ''
    return lines

  paths = []
  for seed in (0, 1):
    paths.append(compared.write(tmp_path / str(seed), 0.5, seed, clusters=30))
    for split in ('val', 'test'):
      compared.edit(paths[-1], split_in_two, split)
    run_folder.write_json(f'{paths[-1]}/results.json', {})
  found = compare.compare(paths, draws=DRAWS)
  tasks_of = {'faces': set(), 'a_corpus_with_a_long_name': set()}
  for row in found.rows:
    corpus, task, _ = row.metric.split('/', 2)
    tasks_of[corpus].add(task)
  assert tasks_of == {
    'faces': {'expression', 'action_units', 'valence_arousal'},
    'a_corpus_with_a_long_name': {'action_units', 'valence_arousal'},
  }
  assert not [n for n in found.notes if '0.0 clusters' in n]
  assert '…' not in formats.text(found)  # No number is cut.


@pytest.mark.parametrize('name', tasks.TASKS)
def test_all_tasks_are_scored_as_in_results_json(name):
  task = tasks.get_task(name)
  predictions, labels, _ = toy_tasks.example(task, 40)
  shape = labels.shape if task.weight_per_output else labels.shape[:1]
  rows = {
    kind: {name: x}
    for kind, x in (
      ('predictions', predictions[:, : labels.shape[1]]),
      ('labels', labels),
      ('weights', np.ones(shape, np.float32)),
    )
  }
  thresholds = score.tune([task], rows)
  expected = score.score([task], rows, thresholds)
  of = measures.build([task], rows, thresholds=thresholds, names=[name])
  found = of(measures.predictions([task], rows, thresholds))
  assert len(of.names) > 2
  np.testing.assert_allclose(found, [expected[x] for x in of.names])
  # By default, those with one value; the headline is one.
  few = measures.build([task], rows, thresholds=thresholds).names
  assert f'{name}/{task.headline}' in few
  assert {x.count('/') for x in few} == {1}


def test_what_a_corpus_does_not_label_is_not_scored():
  of = [tasks.get_task(name, **x) for name, x in compared.OPTIONS.items()]
  rows = compared.rows('test', 0.5, 0, 40)
  rows['weights']['action_units'][:] = 0
  predictions = measures.predictions(of, rows, {})
  every = measures.build(of, rows, thresholds={})
  labelled = every.labelled()
  scores = dict(zip(every.names, every(predictions), strict=True))
  assert {n for n, x in scores.items() if np.isnan(x)} == {
    n for n in every.names if n.startswith('action_units/')
  }
  assert labelled.names == tuple(
    n for n in every.names if not n.startswith('action_units/')
  )
  np.testing.assert_array_equal(
    labelled(predictions), [scores[n] for n in labelled.names]
  )
  for weights in rows['weights'].values():
    weights[:] = 0
  nothing = measures.build(of, rows, thresholds={})
  assert nothing.labelled().names == nothing.names
