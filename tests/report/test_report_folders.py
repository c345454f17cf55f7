"""Reading folders of runs: as the strict reader does, and what is damaged."""

import json

import numpy as np
import pytest
from toys import compared
from toys import reported

from affect_jax import tasks as tasks_lib
from affect_jax.errors import UserError
from affect_jax.evaluation import prediction_csv
from affect_jax.report import folders
from affect_jax.report import predictions

KINDS = {
  'expression': predictions.CLASS,
  'action_units': predictions.PRESENCE,
  'valence_arousal': predictions.VALUE,
}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  return reported.write(tmp_path_factory.mktemp('runs') / 'a')


@pytest.fixture
def own(tmp_path):
  """A run to damage."""
  reported.write(tmp_path / 'run')
  return tmp_path / 'run'


def notes_of(folder):
  (run,) = folders.read([str(folder)])
  return run.notes


def test_predictions_are_those_of_the_strict_reader(folder):
  (run,) = folders.read([folder])
  assert run.notes == []
  tasks = [tasks_lib.get_task(k, **v) for k, v in compared.OPTIONS.items()]
  for split in ('val', 'test'):
    strict = prediction_csv.read(f'{folder}/predictions/{split}.csv', tasks)
    found = run.first.splits[split]['faces']
    assert {name: x.kind for name, x in found.items()} == KINDS
    for task in tasks:
      gold, said, weights = (
        strict['faces'][k][task.name]
        for k in ('labels', 'predictions', 'weights')
      )
      x = found[task.name]
      assert x.outputs == task.outputs
      kept = weights == 1 if weights.ndim == 1 else (weights == 1).any(-1)
      assert list(x.ids) == list(strict['faces']['id'][kept])
      np.testing.assert_allclose(x.predicted, said[kept], rtol=1e-6)
      np.testing.assert_allclose(x.gold, gold[kept], rtol=1e-6)
      assert x.num_gold() == weights.sum()
  # A fifth has no expression.
  assert len(run.first.splits['test']['faces']['expression'].ids) == 64


def test_gold_that_is_missing_is_nan_and_corpora_stay_apart(tmp_path):
  path = tmp_path / 'test.csv'
  path.write_text(
    'id,corpus,gold/x/a,predicted/x/a,gold/x/b,predicted/x/b\n'
    '"one, two",p,1,.5,,.25\n'
    'three,p,,.5,,.25\n'
    'three,q,0,1,1,0\n'
  )
  split = predictions.read(path)
  assert list(split) == ['p', 'q']
  np.testing.assert_array_equal(split['p']['x'].gold, [[1, np.nan]])
  assert list(split['p']['x'].ids) == ['one, two']
  assert split['q']['x'].kind == predictions.PRESENCE
  assert predictions.read(path, ['x'])['q']['x'].kind == predictions.VALUE


def test_numbers_that_are_no_probabilities_are_values(tmp_path):
  path = tmp_path / 'test.csv'
  path.write_text('id,corpus,gold/x/x,predicted/x/x\n1,p,1,-.25\n')
  assert predictions.read(path)['p']['x'].kind == predictions.VALUE


@pytest.mark.parametrize('name', tasks_lib.TASKS)
def test_the_first_metric_of_a_task_is_its_headline(name):
  """The report has no tasks, and takes the first metric for the headline."""
  for options in {'emotion': [{}, {'kind': 'multilabel'}]}.get(name, [{}]):
    task = tasks_lib.get_task(name, **options)
    assert next(iter(task.metrics)) == task.headline


def test_headlines_scores_and_curves(folder):
  (run,) = folders.read([folder])
  assert run.tasks == list(KINDS)
  assert run.headline('action_units') == 'mean_f1'
  assert run.headline('sarcasm') is None
  with open(f'{folder}/results.json') as file:
    expected = json.load(file)['test']['expression/macro_f1']
  assert run.scores('test', 'faces', 'expression/macro_f1') == [expected]
  assert run.first.curves['train/loss/expression'] == [(10, 0.1), (20, 0.05)]


def test_headlines_of_a_run_that_is_not_finished(own):
  (own / 'results.json').unlink()
  (run,) = folders.read([str(own)])
  assert run.headline('valence_arousal') == 'mean_ccc'
  assert run.first.splits  # Written before results.json.
  assert run.notes == [
    'results.json is missing: not finished; there are no scores.'
  ]


def test_scores_before_the_end_lie_in_a_folder_of_their_own(own):
  for step in (9, 10):
    earlier = own / f'evaluated_at_step_{step}'
    earlier.mkdir()
    reported.save(earlier / 'results.json', {'test': {'headline': step / 100}})
  (own / 'results.json').unlink()
  (run,) = folders.read([str(own)])
  assert run.first.results == {'test': {'headline': 0.1}}
  assert 'scores are those of evaluated_at_step_10' in run.notes[0]


def test_seeds_and_what_one_of_them_lacks(tmp_path):
  reported.seeds(tmp_path, numbers=(2, 10))
  (tmp_path / 'seed_3').mkdir()
  (tmp_path / 'seed_10' / 'metrics.jsonl').unlink()
  (run,) = folders.read([str(tmp_path)])
  assert list(run.seeds) == [2, 10]
  assert run.notes == [
    'seed_3 has no config.json: left out.',
    'seed_10/metrics.jsonl is missing: there are no curves.',
  ]


def truncate(path):
  path.write_text(path.read_text()[:-20])


def test_a_truncated_csv_is_left_out(own):
  truncate(own / 'predictions' / 'test.csv')
  (run,) = folders.read([str(own)])
  assert list(run.first.splits) == ['val']
  (note,) = run.notes
  assert note.startswith('predictions/test.csv is truncated')


def test_lost_rows_are_noticed(own):
  compared.edit(str(own), lambda lines: lines[:-2])
  assert [note.split(',')[0] for note in notes_of(own)] == [
    'predictions/test.csv has 62 gold labels of expression on faces',
    'predictions/test.csv has 156 gold labels of action_units on faces',
    'predictions/test.csv has 156 gold labels of valence_arousal on faces',
  ]


def cells(lines):
  lines[3] = lines[3][:-1]
  return lines


def word(lines):
  lines[3][-1] = 'much'
  return lines


def nan(lines):
  lines[3][-1] = 'nan'
  return lines


@pytest.mark.parametrize('damage', [cells, word, nan])
def test_damaged_rows_leave_out_the_file(own, damage):
  compared.edit(str(own), damage)
  (note,) = notes_of(own)
  assert note.startswith('predictions/test.csv')
  assert 'left out' in note
  assert '\n' not in note


@pytest.mark.parametrize(
  'name', ['config', 'results', 'signature', 'environment', 'subsets']
)
@pytest.mark.parametrize('text', ['{"a": ', '[1]'])
def test_damaged_json_is_noted(own, name, text):
  (own / f'{name}.json').write_text(text)
  (note,) = notes_of(own)
  assert note.startswith(f'{name}.json is damaged: ')


def test_damaged_lines_of_curves_are_left_out(own):
  path = own / 'metrics.jsonl'
  lines = path.read_text().splitlines()
  lines[1:3] = ['{"step": 10, "val/', '[]']
  path.write_text('\n'.join(lines))
  (run,) = folders.read([str(own)])
  assert run.notes == [
    'metrics.jsonl: 2 of 4 lines are damaged, the first is line 2: left out.'
  ]
  assert run.first.curves['train/loss/expression'] == [(10, 0.1)]


def test_without_a_signature_the_note_says_how_to_make_one(own):
  (own / 'signature.json').unlink()
  (note,) = notes_of(own)
  assert '--mode=evaluate' in note


def test_what_is_no_run_is_refused(tmp_path):
  reported.write(tmp_path / 'sweep' / 'point_0')
  with pytest.raises(UserError, match=r"no such folder .*mean 'sweep'"):
    folders.read([str(tmp_path / 'sweeps')])
  with pytest.raises(UserError, match=r'no config\.json.*inside: point_0'):
    folders.read([str(tmp_path / 'sweep')])
  (tmp_path / 'empty' / 'seed_0').mkdir(parents=True)
  with pytest.raises(UserError, match='none of its seeds'):
    folders.read([str(tmp_path / 'empty')])
  with pytest.raises(UserError, match='at most 26'):
    folders.read([str(tmp_path)] * 27)


def test_names_tell_runs_apart(tmp_path):
  paths = [reported.write(tmp_path / x / y) for x, y in ('ar', 'br', 'cs')]
  names = lambda some: [run.name for run in folders.read(some)]
  assert names(paths) == ['A', 'B', 'C: s']
  assert names(paths[:1]) == ['r']


@pytest.mark.parametrize(
  ('file', 'content', 'message'),
  [
    ('results.json', {'test': [1]}, r'test is \[1\]; it must be an object'),
    (
      'results.json',
      {'test': {'expression/macro_f1': 'high'}},
      "test.expression/macro_f1 is 'high'; it must be a number",
    ),
    ('results.json', {'val': {'step': True}}, 'val.step is True'),
    ('subsets.json', {'test': {'text': 3}}, 'test.text is 3'),
    ('signature.json', {'tasks': ['sarcasm']}, r"tasks is \['sarcasm'\]"),
    (
      'signature.json',
      {'tasks': {'x': {'outputs': [1]}}},
      r'tasks\.x\.outputs\[0\] is 1; it must be text',
    ),
    ('signature.json', {'data': {'faces': None}}, 'data.faces is None'),
    ('environment.json', {'starts': ['now']}, r"starts\[0\] is 'now'"),
    ('config.json', {'data': 'faces'}, "data is 'faces'"),
  ],
  ids=lambda x: x if isinstance(x, str) and x.endswith('.json') else '',
)
def test_json_of_another_shape_names_file_and_key(own, file, content, message):
  reported.save(own / file, content)
  with pytest.raises(UserError, match=f'{file}: {message}'):
    folders.read([str(own)])


def test_quality_of_another_shape_names_file_and_key(tmp_path):
  reported.with_all(tmp_path / 'run')
  path = tmp_path / 'run' / 'quality.json'
  whole = path.read_text()
  for change, message in (
    (('"score": 0.7', '"score": "0.7"'), r"labellers\[0\].score is '0.7'"),
    (('"score": 0.7, ', ''), r"results\[0\].labellers\[0\] has no 'score'"),
    (('"corpus": "faces", ', ''), r"results\[0\] has no 'corpus'"),
    (('"labellers": [', '"labellers": [3, '), r'labellers\[0\] is 3'),
  ):
    assert change[0] in whole
    path.write_text(whole.replace(*change))
    with pytest.raises(UserError, match=f'quality.json: .*{message}'):
      folders.read([str(tmp_path / 'run')])
