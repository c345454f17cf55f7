"""Scores of ABAW submissions, by the rules of each edition."""

import json

import numpy as np
import pytest
from sklearn import metrics as sk
from toys.abaw import AU_NAMES
from toys.abaw import EIGHT
from toys.abaw import EXPR_NAMES
from toys.abaw import ids_of
from toys.abaw import make_run
from toys.abaw import MTL_HEADER
from toys.abaw import put
from toys.abaw import run_cli

from affect_jax.abaw import files
from affect_jax.abaw import scoring


def concordance(x, y):
  """Lin's CCC, by hand."""
  gap = (x.mean() - y.mean()) ** 2
  return (
    2 * np.mean((x - x.mean()) * (y - y.mean())) / (x.var() + y.var() + gap)
  )


def make_labels(rng, n, layout):
  """Values [n, K] with NaN, and their text, -5 and -1 in its place."""
  values = np.zeros((n, len(layout.columns)))
  text = [[''] * values.shape[1] for _ in range(n)]
  for j, column in enumerate(layout.columns):
    if column in ('valence', 'arousal'):
      values[:, j], none = np.round(rng.uniform(-1, 1, n), 3), '-5'
    else:
      k = len(layout.classes) if column == 'expression' else 2
      values[:, j], none = rng.integers(0, k, n), '-1'
    for i in range(n):
      if rng.uniform() < 0.2:
        values[i, j] = np.nan
        text[i][j] = none
      else:
        text[i][j] = f'{values[i, j]:g}'
  return values, text


def expected(layout, predicted, gold, f1_expr=1.0, f1_au=1.0):
  """P_* of [N, K] by scikit-learn, one column after the other."""
  there = ~np.isnan(gold)
  column = lambda j: (gold[there[:, j], j], predicted[there[:, j], j])
  result, f1s, pairs = {}, [], []
  for j, name in enumerate(layout.columns):
    y, p = column(j)
    if name in ('valence', 'arousal'):
      result[f'{name}/ccc'] = concordance(p, y)
    elif name == 'expression':
      labels = range(len(layout.classes))
      f1 = sk.f1_score(y, p, labels=labels, average='macro', zero_division=0)
      result['P_EXPR'] = f1_expr * f1 + (1 - f1_expr) * sk.accuracy_score(y, p)
    else:
      f1s.append(sk.f1_score(y, p, zero_division=0))
      pairs.append((y, p))
      result[f'action_units/f1/{name}'] = f1s[-1]
  if 'valence/ccc' in result:
    result['P_VA'] = (result['valence/ccc'] + result['arousal/ccc']) / 2
  if f1s:
    y, p = (np.concatenate(x) for x in zip(*pairs, strict=True))
    result['P_AU'] = f1_au * np.mean(f1s)
    result['P_AU'] += (1 - f1_au) * sk.accuracy_score(y, p)
  if len(layout.columns) == 15:
    result['P_MTL'] = sum(result[f'P_{x}'] for x in ('VA', 'EXPR', 'AU'))
  return result


@pytest.mark.parametrize('task', ['va', 'expr', 'au', 'mtl'])
def test_a_round_trip_scores_as_the_arrays_do(tmp_path, task):
  rng = np.random.default_rng(3)
  ids = ids_of('a', range(1, 201)) + ids_of('b', range(1, 101))
  path, expr, au, va = make_run(tmp_path, ids, seed=4)
  columns = {
    'va': va,
    'expr': expr.argmax(axis=1)[:, None],
    'au': au > 0.5,
  }
  parts = list(columns.values()) if task == 'mtl' else [columns[task]]
  arrays = np.concatenate(parts, axis=1).astype(float)
  layout = scoring.get_layout('abaw7', task)
  gold, text = make_labels(rng, 300, layout)
  if task == 'mtl':
    labels = tmp_path / 'validation_set_annotations.txt'
    rows = [','.join([i, *r]) for i, r in zip(ids, text, strict=True)]
    put(labels, MTL_HEADER + '\n'.join(rows))
  else:
    labels = tmp_path / 'Validation_Set'
    header = {'va': 'valence,arousal', 'expr': EXPR_NAMES, 'au': AU_NAMES}
    rows = [','.join(r) for r in text]
    for video, part in (('a', rows[:200]), ('b', rows[200:])):
      put(labels / f'{video}.txt', '\n'.join([header[task], *part]))
  out, report = tmp_path / 'out.txt', tmp_path / 'deep' / 'scores.json'
  run_cli(
    'submit',
    f'--predictions={path}',
    f'--sample_list={labels}',
    f'--task={task}',
    '--edition=abaw7',
    f'--out={out}',
  )
  run_cli(
    'score',
    f'--submission={out}',
    f'--labels={labels}',
    '--edition=abaw7',
    f'--json={report}',
  )
  scores = json.loads(report.read_text())
  wanted = expected(layout, arrays, gold)
  assert {k for k in scores if k.startswith('P_')} == {
    k for k in wanted if k.startswith('P_')
  }
  assert {k: scores[k] for k in wanted} == pytest.approx(wanted, abs=1e-7)
  annotated = ~np.isnan(gold)
  assert scores['frames'] == annotated.any(axis=1).sum()
  assert scores['extra_frames'] == 300 - scores['frames']
  for j, column in enumerate(layout.columns):
    assert scores[f'labels/{column}'] == annotated[:, j].sum()


def random_frames(seed, layout, n=400):
  gold, _ = make_labels(np.random.default_rng(seed), n, layout)
  predicted, _ = make_labels(np.random.default_rng(seed + 1), n, layout)
  names = ids_of('v', range(1, n + 1))
  predicted = np.nan_to_num(predicted)
  return (
    files.Frames(layout, names, predicted),
    files.Frames(layout, names, gold),
  )


@pytest.mark.parametrize('edition', [f'abaw{n}' for n in range(1, 9)])
def test_each_edition_has_its_rules(edition):
  old = edition in ('abaw1', 'abaw2')
  classes = 7 if old else 8
  units = {'abaw1': '1 2 4 6 12 15 20 25'}.get(
    edition, '1 2 4 6 7 10 12 15 23 24 25 26'
  )
  shares = {'f1_expr': 0.67, 'f1_au': 0.5} if old else {}
  for task in ('va', 'expr', 'au') if old else ('va', 'expr', 'au', 'mtl'):
    layout = scoring.get_layout(edition, task)
    if task == 'expr':
      assert layout.classes == tuple(EIGHT[:classes])
    if task == 'au':
      assert layout.columns == tuple(f'AU{n}' for n in units.split())
    predicted, gold = random_frames(5, layout)
    scores = scoring.score(predicted, gold, edition)
    wanted = expected(layout, predicted.values, gold.values, **shares)
    assert {k: scores[k] for k in wanted} == pytest.approx(wanted)
  if old:
    with pytest.raises(ValueError, match=f"Unknown task 'mtl' of {edition}"):
      scoring.get_layout(edition, 'mtl')


def test_the_order_of_a_submission_and_extra_frames_change_nothing():
  predicted, gold = random_frames(6, files.MTL, 60)
  order = np.random.default_rng(7).permutation(60)
  more = files.Frames(
    files.MTL,
    ['w/00009.jpg'] + [predicted.names[i].replace('v/0', 'v/') for i in order],
    np.concatenate([np.zeros((1, 15)), predicted.values[order]]),
  )
  before = scoring.score(predicted, gold, 'abaw4')
  after = scoring.score(more, gold, 'abaw4')
  assert after.pop('extra_frames') == before.pop('extra_frames') + 1
  assert after == pytest.approx(before)


def test_unannotated_frames_need_no_prediction_but_annotated_ones_do():
  predicted, gold = random_frames(8, files.VA, 20)
  gold.values[:] = 0.5
  gold.values[3] = np.nan
  keep = [i for i in range(20) if i != 3]
  part = files.Frames(
    files.VA, [predicted.names[i] for i in keep], predicted.values[keep]
  )
  scores = scoring.score(part, gold, 'abaw5')
  assert scores['frames'] == 19
  assert scores['extra_frames'] == 0
  gold.values[3, 1] = 0.1
  with pytest.raises(ValueError, match=r'lacks 1 of 20 .* is v/00004\.jpg'):
    scoring.score(part, gold, 'abaw5')
  gold.values[:] = np.nan
  with pytest.raises(ValueError, match='No frame is annotated'):
    scoring.score(part, gold, 'abaw5')


def test_only_common_tasks_are_scored_and_editions_must_fit():
  predicted, gold = random_frames(9, files.MTL)
  va = files.Frames(files.VA, predicted.names, predicted.values[:, :2])
  scores = scoring.score(va, gold, 'abaw7')
  assert {k for k in scores if k.startswith('P_')} == {'P_VA'}
  whole = scoring.score(predicted, gold, 'abaw7')
  assert scores['P_VA'] == pytest.approx(whole['P_VA'])
  expr, _ = random_frames(9, files.EXPR_8)
  with pytest.raises(ValueError, match='nothing to score'):
    scoring.score(va, expr, 'abaw7')
  with pytest.raises(ValueError, match='columns Neutral'):
    scoring.score(expr, expr, 'abaw2')
  with pytest.raises(ValueError, match=r"Unknown edition 'abaw99'.*; known"):
    scoring.score(va, va, 'abaw99')


def test_an_output_without_labels_is_said_and_left_out_of_the_mean(
  tmp_path, capsys
):
  header = f'{AU_NAMES}\n'
  labels = put(tmp_path / 'l' / 'a.txt', header + '1,-1' + ',0' * 10 + '\n')
  out = put(
    tmp_path / 'out.txt',
    f'image_location,{AU_NAMES}\na/00001.jpg,1,1' + ',0' * 10 + '\n',
  )
  run_cli(
    'score',
    f'--submission={out}',
    f'--labels={labels.parent}',
    '--edition=abaw3',
    f'--json={tmp_path}/s.json',
  )
  scores = json.loads((tmp_path / 's.json').read_text())
  assert scores['action_units/f1/AU2'] is None
  assert scores['labels/AU2'] == 0
  # AU1 is right; nine or ten others have no positives, hence an F1 of 0.
  assert scores['P_AU'] == pytest.approx(1 / 11)
  said = capsys.readouterr().out
  rows = {
    cells[1]: cells[2:4]
    for cells in (
      [c.strip() for c in line.split('│')] for line in said.splitlines()
    )
    if len(cells) > 3
  }
  assert rows['action_units/f1/AU1'] == ['1.0000', '1']
  assert rows['action_units/f1/AU2'] == ['–', '0']
  assert '1 annotated frames' in said
