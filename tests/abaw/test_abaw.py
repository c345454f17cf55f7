"""Submissions to the ABAW challenges, as they are written."""

import numpy as np
import pytest
from toys.abaw import AU_NAMES
from toys.abaw import AUS
from toys.abaw import EIGHT
from toys.abaw import EXPR_NAMES
from toys.abaw import ids_of
from toys.abaw import make_run
from toys.abaw import MTL_HEADER
from toys.abaw import put
from toys.abaw import run_cli
from toys.abaw import VA_HEADER

from affect_jax.abaw import __main__ as command
from affect_jax.abaw import files
from affect_jax.abaw import predictions
from affect_jax.abaw import scoring
from affect_jax.abaw import submission
from affect_jax.training import checkpoint
from affect_jax.training import train_state


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
    assert not list(tmp_path.glob('.partial-*'))
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
  # Contempt is not one of theirs, and may well be the likeliest.
  nine = [*EIGHT, 'contempt']
  path, expr, *_ = make_run(tmp_path, ids, expressions=nine)
  assert (expr.argmax(axis=1) == 8).any()
  frames = predictions.read(path, files.EXPR_8)
  assert 'contempt is not one' in caplog.text
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
        train_state.TrainState(np.zeros(()), {'w': np.zeros(1)}, {}, {}, {}),
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
  with pytest.raises(SystemExit, match='exists; give another'):
    run_cli(*flags, '--task=expr')
  with pytest.raises(SystemExit, match="Unknown task 'mtl' of abaw2"):
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
  assert tuple(scoring.EDITIONS) == command.EDITIONS
  with pytest.raises(SystemExit):
    run_cli('submit', '--thresholds=1.5')
  assert 'not in [0, 1]' in capsys.readouterr().err
