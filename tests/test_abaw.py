"""Submissions to the ABAW challenges, written, read back and scored."""

import json

import numpy as np
import pytest
from sklearn import metrics as sk

from affect_jax import checkpoint
from affect_jax import predictions as run_predictions
from affect_jax import tasks
from affect_jax.abaw import __main__ as abaw
from affect_jax.abaw import files
from affect_jax.abaw import predictions
from affect_jax.abaw import scoring
from affect_jax.abaw import submission

EXPR_NAMES = 'Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other'
AU_NAMES = 'AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU15,AU23,AU24,AU25,AU26'
EIGHT = EXPR_NAMES.lower().split(',')
AUS = AU_NAMES.split(',')
VA_HEADER = 'image_location,valence,arousal\n'
MTL_HEADER = 'image,valence,arousal,expression,aus\n'


def concordance(x, y):
  """Lin's CCC, by hand."""
  gap = (x.mean() - y.mean()) ** 2
  return (
    2 * np.mean((x - x.mean()) * (y - y.mean())) / (x.var() + y.var() + gap)
  )


def put(path, text):
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_text(text)
  return path


def make_run(folder, ids, seed=0, expressions=EIGHT, units=AUS):
  """RUN/predictions/test.csv as a run writes it, and what it predicts."""
  rng = np.random.default_rng(seed)
  # Other orders than ABAW's: outputs are found by name.
  kinds = (
    tasks.get_task('expression', outputs=expressions[::-1]),
    tasks.get_task('action_units', outputs=units[::-1]),
    tasks.get_task('valence_arousal', outputs=('arousal', 'valence')),
  )
  n = len(ids)
  expr = rng.dirichlet(np.ones(len(expressions)), n).astype(np.float32)
  au = rng.uniform(0, 1, (n, len(units))).astype(np.float32)
  va = rng.uniform(-1, 1, (n, 2)).astype(np.float32)
  rows = {
    'id': ids,
    'predictions': {
      'expression': expr[:, ::-1],
      'action_units': au[:, ::-1],
      'valence_arousal': va[:, ::-1],
    },
    'labels': {'expression': expr, 'action_units': au, 'valence_arousal': va},
    'weights': {
      'expression': np.zeros(n),
      'action_units': np.zeros((n, len(units))),
      'valence_arousal': np.zeros((n, 2)),
    },
  }
  path = folder / 'predictions' / 'test.csv'
  run_predictions.write(str(path), kinds, {'faces': rows})
  return path, expr, au, va


def ids_of(video, numbers):
  return [f'{video}/{i:05d}.jpg' for i in numbers]


def run_cli(*arguments):
  abaw.main([str(x) for x in arguments])


# Submissions.


def test_every_task_has_the_organisers_header_and_rows(tmp_path):
  ids = ids_of('a', (1, 2)) + ids_of('b_left', (1,))
  path, expr, au, va = make_run(tmp_path, ids)
  order = [2, 0, 1]
  sample = put(
    tmp_path / 'sample.txt',
    'image_location,x\n' + ''.join(f'{ids[i]},0\n' for i in order),
  )
  written = {}
  for task in ('va', 'expr', 'au', 'mtl'):
    out = tmp_path / f'{task}.txt'
    run_cli(
      'submit',
      f'--predictions={path}',
      f'--sample_list={sample}',
      f'--task={task}',
      f'--out={out}',
    )
    written[task] = out.read_text().splitlines(keepends=True)
    assert not list(tmp_path.glob('*.tmp'))
  assert written['va'][0] == VA_HEADER
  assert written['expr'][0] == f'image_location,{EXPR_NAMES}\n'
  assert written['au'][0] == f'image_location,{AU_NAMES}\n'
  assert written['mtl'][0] == MTL_HEADER
  for row, i in enumerate(order, 1):
    numbers = ','.join(str(x) for x in va[i])
    number = str(int(np.argmax(expr[i])))
    units = ','.join('1' if x > 0.5 else '0' for x in au[i])
    assert written['va'][row] == f'{ids[i]},{numbers}\n'
    assert written['expr'][row] == f'{ids[i]},{number}\n'
    assert written['au'][row] == f'{ids[i]},{units}\n'
    assert written['mtl'][row] == f'{ids[i]},{numbers},{number},{units}\n'
  assert written['mtl'][1].count(',') == 15


def test_frames_without_a_crop_take_the_nearest_the_earlier_of_two(
  tmp_path, capsys
):
  path, _, _, va = make_run(
    tmp_path, ids_of('a', (3, 7)) + ids_of('b', (2,)), seed=1
  )
  sample = put(
    tmp_path / 'sample.txt',
    '\n'.join(ids_of('a', range(1, 11)) + ids_of('b', (900,))),
  )
  out = tmp_path / 'out.txt'
  run_cli(
    'submit',
    f'--predictions={path}',
    f'--sample_list={sample}',
    '--task=va',
    f'--out={out}',
  )
  got = [float(x.split(',')[1]) for x in out.read_text().splitlines()[1:]]
  # Frame 5 is two away from both 3 and 7.
  source = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2]
  np.testing.assert_allclose(got, va[source, 0], rtol=1e-6)
  said = capsys.readouterr().out
  assert '11 frames of 2 videos' in said
  assert '9 frames without a prediction' in said
  assert 'at most 898 frames away' in said


def test_a_video_without_any_prediction_is_an_error_or_neutral(
  tmp_path, capsys
):
  path, *_ = make_run(tmp_path, ids_of('a', (1,)))
  names = ids_of('a', (1,)) + ids_of('lost', (1, 2))
  sample = put(tmp_path / 'sample.txt', '\n'.join(names))
  flags = [
    'submit',
    f'--predictions={path}',
    f'--sample_list={sample}',
    '--task=mtl',
    f'--out={tmp_path}/out.txt',
  ]
  with pytest.raises(SystemExit, match=r'1 of 2 videos: lost\.'):
    run_cli(*flags)
  assert not (tmp_path / 'out.txt').exists()
  run_cli(*flags, '--fill_missing_videos')
  lines = (tmp_path / 'out.txt').read_text().splitlines()
  assert lines[2] == 'lost/00001.jpg,0.0,0.0' + ',0' * 13
  assert '1 videos without any prediction (2 frames)' in capsys.readouterr().out


def test_missing_and_foreign_outputs(tmp_path, caplog):
  ids = ids_of('a', range(1, 40))
  path, expr, *_ = make_run(tmp_path, ids, expressions=EIGHT[:7])
  frames = predictions.read(path, files.EXPR_8)
  assert "no class 'other'" in caplog.text
  np.testing.assert_array_equal(frames.values[:, 0], expr.argmax(axis=1))
  path, *_ = make_run(tmp_path, ids, expressions=EIGHT[:6], units=AUS[1:])
  with pytest.raises(ValueError, match='expression/surprise, expression/other'):
    predictions.read(path, files.EXPR_8)
  with pytest.raises(ValueError, match='no predictions of action_units/AU1;'):
    predictions.read(path, files.AU_12)
  # Contempt is none of theirs, and may well be the likeliest.
  nine = [*EIGHT, 'contempt']
  path, expr, *_ = make_run(tmp_path, ids, expressions=nine)
  assert (expr.argmax(axis=1) == 8).any()
  frames = predictions.read(path, files.EXPR_8)
  assert 'contempt is none' in caplog.text
  np.testing.assert_array_equal(frames.values[:, 0], expr[:, :8].argmax(axis=1))


def test_predictions_that_cannot_be_used_name_their_line(tmp_path):
  header = 'id,corpus,predicted/valence_arousal/valence,'
  header += 'predicted/valence_arousal/arousal\n'
  file = tmp_path / 'p.csv'
  for rows, message in (
    ('a/1.jpg,x,0,nan\n', 'p.csv:2: valence_arousal/arousal is nan'),
    ('a/1.jpg,x,0,0\na/1.jpg,x,0,0\n', 'p.csv:3: .*twice; .*p.csv:2'),
    ('a/1.jpg,x,0\n', 'p.csv:2: 3 cells'),
    ('a/1.jpg,x,0,high\n', "p.csv:2: .*'high'"),
    ('test/face.jpg,x,0,0\n', "p.csv:2: 'test/face.jpg' is not the name"),
  ):
    file.write_text(header + rows)
    with pytest.raises(ValueError, match=message):
      predictions.read(file, files.VA)
  file.write_text(header + 'a/1.jpg,x,-1.25,3\n')
  assert predictions.read(file, files.VA).values.tolist() == [[-1.0, 1.0]]
  with pytest.raises(FileNotFoundError, match='predictions of a run'):
    predictions.read(tmp_path / 'none.csv', files.VA)


@pytest.mark.parametrize('corpora', [['faces'], ['drawn', 'faces']])
def test_thresholds_are_a_number_or_those_of_the_best_checkpoint(
  tmp_path, corpora
):
  path, _, au, _ = make_run(tmp_path, ids_of('a', range(1, 30)))
  tuned = {name: 0.05 + 0.07 * i for i, name in enumerate(AUS)}
  with checkpoint.build_manager(str(tmp_path), 1) as manager:
    for step, headline, factor in ((1, 0.9, 1.0), (2, 0.1, 0.0)):
      checkpoint.save(
        manager,
        step,
        {'w': np.zeros(1)},
        thresholds={
          corpus: {'action_units': {k: v * factor for k, v in tuned.items()}}
          for corpus in corpora
        },
        headline=headline,
      )
  if len(corpora) > 1:
    with pytest.raises(ValueError, match=r'is of drawn, faces\. Say which'):
      predictions.read_thresholds(path, files.AU_12)
  read = lambda layout: predictions.read_thresholds(path, layout, 'faces')
  assert read(files.AU_12) == pytest.approx(tuned)
  assert read(files.VA) == {}
  with pytest.raises(ValueError, match='no tuned thresholds of AU20'):
    read(files.AU_8)
  sample = put(tmp_path / 'sample.txt', 'a/00003.jpg\n')
  for flag, cut in (('tuned', list(tuned.values())), ('0.9', 0.9)):
    out = tmp_path / f'{flag}.txt'
    run_cli(
      'submit',
      f'--predictions={path}',
      f'--sample_list={sample}',
      '--task=au',
      f'--thresholds={flag}',
      '--corpus=faces',
      f'--out={out}',
    )
    np.testing.assert_array_equal(
      files.read_submission(out).values[0], au[2] > cut
    )
  elsewhere, *_ = make_run(tmp_path / 'other', ids_of('a', (1,)))
  with pytest.raises(FileNotFoundError, match='checkpoints'):
    predictions.read_thresholds(elsewhere, files.AU_12)


def test_a_file_of_several_corpora_needs_a_choice(tmp_path):
  file = tmp_path / 'p.csv'
  file.write_text(
    'id,corpus,predicted/valence_arousal/valence,'
    'predicted/valence_arousal/arousal\n'
    'test/face,drawn,.1,.1\na/00001.jpg,aff_wild2,.2,.2\n'
  )
  frames = predictions.read(file, files.VA, corpus='aff_wild2')
  assert frames.names == ['a/00001.jpg']
  assert frames.values.tolist() == [[0.2, 0.2]]
  with pytest.raises(ValueError, match=r'drawn, aff_wild2\. Say which'):
    predictions.read(file, files.VA)
  with pytest.raises(ValueError, match="Not of 'fer'"):
    predictions.read(file, files.VA, corpus='fer')


def test_files_per_video_have_a_row_for_every_frame(tmp_path):
  path, expr, *_ = make_run(
    tmp_path,
    ids_of('a', (2, 4)) + ids_of('b_right', (1,)),
    seed=2,
    expressions=EIGHT[:7],
  )
  sample = put(
    tmp_path / 'sample.txt', '\n'.join(ids_of('b_right', (2,)) + ['a/00005'])
  )
  out = tmp_path / 'out'
  flags = [
    'submit',
    f'--predictions={path}',
    f'--sample_list={sample}',
    '--per_video',
    '--edition=abaw2',
    f'--out={out}',
  ]
  run_cli(*flags, '--task=expr')
  first, second, third = (int(np.argmax(row)) for row in expr)
  header = EXPR_NAMES.removesuffix(',Other')
  assert (out / 'a.txt').read_text() == (
    f'{header}\n{first}\n{first}\n{first}\n{second}\n{second}\n'
  )
  assert (out / 'b_right.txt').read_text() == f'{header}\n{third}\n{third}\n'
  assert sorted(p.name for p in tmp_path.iterdir()) == [
    'out',
    'predictions',
    'sample.txt',
  ]
  back = files.read_submission(out)
  assert back.layout == files.EXPR_7
  assert back.names == ids_of('a', range(1, 6)) + ids_of('b_right', (1, 2))
  with pytest.raises(SystemExit, match='there already'):
    run_cli(*flags, '--task=expr')
  with pytest.raises(SystemExit, match="abaw2 has no task 'mtl'"):
    run_cli(*flags, '--task=mtl')


def test_what_is_written_is_checked_before_anything_is_there(tmp_path):
  out = tmp_path / 'out.txt'
  names = ids_of('a', (1, 2))
  bad = files.Frames(files.VA, names, np.array([[0, 0], [0, np.nan]]))
  with pytest.raises(ValueError, match=r'a/00002\.jpg: arousal is nan'):
    submission.write(out, bad)
  gap = files.Frames(files.VA, ids_of('a', (1, 3)), np.zeros((2, 2)))
  with pytest.raises(ValueError, match='a: frame 2 is absent'):
    submission.write_per_video(out, gap)
  mtl = files.Frames(files.MTL, names, np.zeros((2, 15)))
  with pytest.raises(ValueError, match='no files per video'):
    submission.write_per_video(out, mtl)
  assert not list(tmp_path.iterdir())


def test_numbers_read_back_equal_and_without_exponents(tmp_path):
  values = np.array([[1e-7, -1.0], [np.float32(0.1), -0.0], [1 / 3, 1.0]])
  out = tmp_path / 'out.txt'
  submission.write(out, files.Frames(files.VA, ids_of('a', (1, 2, 3)), values))
  text = out.read_text()
  assert 'a/00001.jpg,0.0000001,-1.0\n' in text
  assert 'e' not in text.partition('\n')[2]
  assert ',-0.0' not in text
  np.testing.assert_array_equal(files.read_submission(out).values, values)


# Reading.


def test_sample_lists(tmp_path):
  file = tmp_path / 'list.txt'
  file.write_bytes(b'\xef\xbb\xbfimage\r\na/00002.jpg,1\r\nb/00001.jpg\r\n')
  assert files.read_sample_list(file) == ['a/00002.jpg', 'b/00001.jpg']
  put(tmp_path / 'labels' / 'v.txt', 'valence,arousal\n-5,-5\n0,0\n')
  assert files.read_sample_list(tmp_path / 'labels') == ids_of('v', (1, 2))
  for text, message in (
    ('image\n', 'no frames'),
    ('image\na/1.jpg\na/00001.jpg\n', 'list.txt:3: a/00001.jpg is there twice'),
    ('name\na/1.jpg\n', "list.txt:1: 'name' is not the name of a frame"),
    ('a/one.jpg\n', "list.txt:1: 'a/one.jpg'"),
  ):
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
      files.read_sample_list(file)
  with pytest.raises(FileNotFoundError, match='a sample list is expected'):
    files.read_sample_list(tmp_path / 'none.txt')


def test_labels_lose_their_sentinels_one_by_one(tmp_path):
  row = 'a/00001.jpg,-5,.5,-1,-1,1' + ',0' * 10
  whole = 'image,valence,arousal,expression,' + AU_NAMES
  for header in (MTL_HEADER.strip(), whole):
    file = put(tmp_path / 'mtl.txt', f'{header}\n{row}\n')
    labels = files.read_labels(file)
    assert labels.layout == files.MTL
    np.testing.assert_array_equal(
      labels.values, [[np.nan, 0.5, np.nan, np.nan, 1] + [0] * 10]
    )
    with pytest.raises(ValueError, match=r'mtl\.txt:2: valence is -5, not'):
      files.read_submission(file)


def test_files_that_cannot_be_read_name_their_line(tmp_path):
  file = tmp_path / 'f.txt'
  expr = f'image_location,{EXPR_NAMES}\n'
  au = f'image_location,{AU_NAMES}\n'
  for text, message in (
    ('a/1.jpg,0,0\n', r'f.txt:1: unknown header'),
    ('valence,arousal\n0,0\n', r'f.txt:1: unknown header'),
    ('image_location\na/1.jpg\n', r'f.txt:1: unknown header'),
    (VA_HEADER + 'a/1.jpg,0,\n', "f.txt:2: could not convert .* ''"),
    (VA_HEADER + 'a/1.jpg,0\n', 'f.txt:2: 2 cells; va has a name and 2'),
    (VA_HEADER + 'a/1.jpg,0,1.5\n', 'f.txt:2: arousal is 1.5, not in'),
    (VA_HEADER + 'a/1.jpg,0,0\n\na/2.jpg,nan,0\n', 'f.txt:4: valence is nan'),
    (VA_HEADER + 'a/1.jpg,0,x\n', "f.txt:2: .*'x'"),
    (VA_HEADER + 'a/1.jpg,0,0\na/1.jpg,0,0\n', 'f.txt:3: .*at .*f.txt:2'),
    (expr + 'a/1.jpg,8\n', 'expression is 8, not a whole number from 0 to 7'),
    (expr + 'a/1.jpg,.5\n', 'expression is 0.5'),
    (expr + 'a/1.jpg' + ',0' * 8 + '\n', '9 cells; expr has a name and 1'),
    (au + 'a/1.jpg,2' + ',0' * 11 + '\n', 'AU1 is 2, not a whole .* 0 to 1'),
    (MTL_HEADER + 'a/1.jpg,0,0,0,0\n', 'f.txt:2: 5 cells; mtl has .* 15'),
  ):
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
      files.read_submission(file)
  with pytest.raises(FileNotFoundError, match='a submission is expected'):
    files.read_submission(tmp_path / 'none.txt')


def test_folders_that_cannot_be_read(tmp_path):
  folder = tmp_path / 'labels'
  folder.mkdir()
  put(folder / '._a.txt', 'not text of ours')
  with pytest.raises(FileNotFoundError, match=r'no VIDEO\.txt'):
    files.read_labels(folder)
  put(folder / 'a.txt', 'valence,arousal\n0,0\n\n1,1\n')
  with pytest.raises(ValueError, match=r'a\.txt:3: blank'):
    files.read_labels(folder)
  put(folder / 'a.txt', 'valence,arousal\n0,0\n1,2\n\n')
  with pytest.raises(ValueError, match=r'a\.txt:3: arousal is 2'):
    files.read_labels(folder)
  put(folder / 'a.txt', 'valence,arousal,\n0,0,\n1,1\n\n')
  assert files.read_labels(folder).names == ids_of('a', (1, 2))
  put(folder / 'b.txt', f'{EXPR_NAMES}\n0\n')
  with pytest.raises(ValueError, match=r'b\.txt:1: .* that of a\.txt'):
    files.read_labels(folder)


# Scores.


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
    with pytest.raises(ValueError, match=f"{edition} has no task 'mtl'"):
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
  with pytest.raises(ValueError, match="Unknown edition 'abaw99'; known"):
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


def test_help_names_every_command_and_flag(capsys):
  for arguments, known in (
    (['--help'], ['submit', 'score', '--sample_list', '--labels']),
    (['submit', '--help'], ['--fill_missing_videos', '--per_video', 'tuned']),
    (['score', '--help'], ['--submission', '--json', 'abaw8']),
  ):
    with pytest.raises(SystemExit) as stopped:
      run_cli(*arguments)
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert all(word in text for word in known)
  with pytest.raises(SystemExit):
    run_cli('submit', '--thresholds=1.5')
  assert 'not in [0, 1]' in capsys.readouterr().err
