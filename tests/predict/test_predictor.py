"""A run predicts pictures as its own evaluation did, without its corpus."""

import csv
import os
import shutil
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image
import pytest
from toys import old_runs
from toys.paths import ROOT

import affect_jax
from affect_jax import train
from affect_jax.evaluation import thresholds
from affect_jax.models import affect_model
from affect_jax.predict import predictor as predictor_lib
from affect_jax.predict import settings as settings_lib
from affect_jax.predict import table
from affect_jax.run import folder as run_folder
from affect_jax.run import signature
from affect_jax.training import checkpoint
from affect_jax.training import train_state

COMMAND = """
import runpy
from affect_jax.models import resnet
resnet.WIDTHS, resnet.NUM_BLOCKS = (8, 12), 1
runpy.run_module('affect_jax.predict', run_name='__main__')
"""


@pytest.fixture(scope='module')
def faces(tmp_path_factory, quick_runs):
  """The folder of a finished run, and that of its test pictures alone."""
  path = tmp_path_factory.mktemp('predicted')
  with pytest.MonkeyPatch.context() as patch:
    patch.chdir(path)
    old_runs.write_data()
    c = old_runs.config('faces')
    c.num_train_steps = 2
    c.eval_views = 'flip'
    train.train_and_evaluate(c, 'runs/faces')
  pictures = path / 'pictures'
  pictures.mkdir()
  for picture in (path / 'faces').glob('test*.png'):
    picture.rename(pictures / picture.name)
  shutil.rmtree(path / 'faces')
  shutil.rmtree(path / 'data')
  return path / 'runs' / 'faces', pictures


@pytest.fixture(scope='module')
def run(faces):
  return affect_jax.load(faces[0])


def by_evaluation(workdir):
  """{picture: {column: its value in predictions/test.csv}}."""
  with open(workdir / 'predictions' / 'test.csv') as file:
    rows = list(csv.DictReader(file))
  return {
    os.path.basename(row['id']): {
      'valence': row['predicted/valence_arousal/valence'],
      'arousal': row['predicted/valence_arousal/arousal'],
      'expr': row['predicted/expression'],
      'p_happiness': row['predicted/expression/happiness'],
      'AU12_p': row['predicted/action_units/AU12'],
    }
    for row in rows
  }


def compare(found, expected):
  for column, value in expected.items():
    if column == 'expr':
      assert found[column] == value
    else:
      assert float(found[column]) == pytest.approx(float(value), abs=1e-5)


def test_whole_pictures_are_predicted_as_in_evaluation(faces, tmp_path):
  workdir, pictures = faces
  expected = by_evaluation(workdir)
  assert len(expected) == 12
  arguments = [f'--workdir={workdir}', f'--input={pictures}', '--faces=whole']
  arguments += [f'--output={tmp_path / "out.csv"}', '--batch_size=5']
  process = subprocess.run(
    [sys.executable, '-c', COMMAND, *arguments],
    env={**os.environ, 'PYTHONPATH': str(ROOT)},
    capture_output=True,
    text=True,
    check=False,
  )
  assert process.returncode == 0, process.stderr[-2000:]
  assert '12 predicted' in process.stdout
  with open(tmp_path / 'out.csv') as file:
    rows = {row['input']: row for row in csv.DictReader(file)}
  assert rows.keys() == expected.keys()
  assert list(rows) == [f'test{i}.png' for i in range(12)]
  for name, row in rows.items():
    compare(row, expected[name])
  # Pictures differ by more than what is forgiven.
  assert np.ptp([float(r['valence']) for r in rows.values()]) > 1e-3
  note = run_folder.read_json(str(tmp_path / 'out.json'))
  assert note['preprocessing']['image_size'] == 16
  assert note['preprocessing']['views'] == 'flip'
  assert note['checkpoint_step'] == 2
  assert len(note['weights_sha256']) == 64


def test_python_predicts_the_same(faces, run):
  workdir, pictures = faces
  paths = sorted(pictures.iterdir())
  found = run.predict(paths)
  expected = by_evaluation(workdir)
  assert len(found) == 12
  assert found.arrays['valence_arousal'].shape == (12, 2)
  frame = found.to_pandas()
  assert list(frame.columns) == list(run.columns.of_predictions)
  for i, path in enumerate(paths):
    compare(frame.loc[i], expected[path.name])
  np.testing.assert_array_equal(
    found['valence'], found.arrays['valence_arousal'][:, 0]
  )
  assert set(found['AU12_c'].tolist()) <= {0, 1}
  with pytest.raises(KeyError, match='known: valence'):
    found['joy']
  # As arrays and as Pillow reads them, three at a time.
  opened = [Image.open(p) for p in paths]
  again = run.predict(opened, batch_size=3)
  for task, values in found.arrays.items():
    np.testing.assert_allclose(again.arrays[task], values, atol=1e-5)
  arrays = np.stack([np.asarray(image) for image in opened])
  one = run.predict(arrays[:1])
  np.testing.assert_allclose(one['valence'], found['valence'][:1], atol=1e-5)


def test_grey_is_rgb_and_no_picture_is_no_row(run):
  r = np.random.default_rng(0)
  grey = r.integers(0, 256, (20, 14), np.uint8)
  first, second = run.predict([grey, np.stack([grey] * 3, -1)])['valence']
  assert first == pytest.approx(second, abs=1e-6)
  none = run.predict([])
  assert len(none) == 0
  assert none['expr'].shape == (0,)


@pytest.mark.parametrize(
  ('images', 'words'),
  [
    (['nowhere.png'], r'nowhere\.png cannot be read'),
    ([np.zeros((4, 4, 3))], r'Picture 0 is float64 \[4, 4, 3\]'),
    ([np.zeros((4, 4, 2), np.uint8)], r'uint8 \[4, 4, 2\]'),
    ('a.png', 'a list of pictures'),
  ],
)
def test_what_is_no_picture_is_named(run, images, words):
  with pytest.raises(ValueError, match=words):
    run.predict(images)


def test_thresholds_are_those_of_validation_or_a_number(faces, run):
  tuned = run.columns.thresholds
  _, of_corpora, _ = checkpoint.read(str(faces[0]))
  (of_units,) = (x['action_units'] for x in of_corpora.values())
  assert tuned == {k: 0.5 if v is None else v for k, v in of_units.items()}
  trained = signature.load(str(faces[0]))
  outputs = {task.name: task.outputs for task in trained.tasks}
  choose = lambda *how: thresholds.of_units(outputs, trained.thresholds, *how)
  assert choose('0.3') == {'AU1': 0.3, 'AU12': 0.3}
  (corpus,) = of_corpora
  assert choose('tuned', corpus) == tuned
  with pytest.raises(ValueError, match=f"'disfa'; it has those of {corpus}"):
    choose('tuned', 'disfa')
  for wrong in ('1.5', 'high', 'nan'):
    with pytest.raises(ValueError, match=r'must be in \[0, 1\]'):
      choose(wrong)


def test_another_checkpoint_is_another_table(faces, run, tmp_path):
  paths = [str(faces[1])]
  from affect_jax.predict import settings

  whole = settings.Settings(faces='whole')
  table.predict(run, paths, tmp_path / 'out.csv', settings=whole)
  other = affect_jax.load(faces[0])
  other.describe = lambda: {**run.describe(), 'weights_sha256': 'ff'}
  with pytest.raises(ValueError, match='weights_sha256'):
    table.predict(other, paths, tmp_path / 'out.csv', settings=whole)


def test_what_is_no_run_of_faces_is_named(faces, tmp_path):
  with pytest.raises(ValueError, match='no run in'):
    affect_jax.load(tmp_path)
  run_folder.write_json(str(tmp_path / 'config.json'), {})
  with pytest.raises(ValueError, match='--mode=evaluate'):
    affect_jax.load(tmp_path)
  with pytest.raises(ValueError, match=r'several runs.*/faces'):
    affect_jax.load(faces[0].parent)
  of_utterances = signature.Signature('utterances', {}, {}, {}, {})
  signature.write(str(tmp_path), of_utterances)
  with pytest.raises(ValueError, match=r'utterances.*learned from faces'):
    predictor_lib.Predictor(tmp_path)


@pytest.mark.usefixtures('quick_runs')
def test_a_model_over_time_reads_windows_of_frames(tmp_path, caplog):
  from affect_jax import defaults

  config = defaults.get_config()
  config.model.stem, config.model.temporal = 'small', 'gru'
  inputs = {'image_size': 16, 'crop_size': 0, 'window': 4, 'views': 'whole'}
  written = signature.Signature(
    'faces', {'valence_arousal': {}}, inputs, config.model.to_dict(), {}
  )
  signature.write(str(tmp_path), written)
  model = affect_model.of_settings(
    written.model, units=(('valence_arousal', 2),)
  )
  zeros = {
    'image': jnp.zeros((1, 4, 16, 16, 3)),
    'image_mask': jnp.ones((1, 4), bool),
  }
  variables = jax.jit(lambda: model.init(jax.random.key(0), zeros, train=False))
  variables = jax.tree.map(np.asarray, variables())
  params = jax.tree.map(lambda x: 3 * x, variables.pop('params'))
  state = train_state.TrainState(np.int32(1), params, variables, (), {})
  with checkpoint.build_manager(str(tmp_path), 1) as manager:
    checkpoint.save(manager, 1, state, headline=0.5)
  r = np.random.default_rng(0)
  images = r.integers(0, 256, (6, 16, 16, 3), np.uint8)
  found = affect_jax.load(tmp_path).predict(images)['valence']
  # Two windows, of which the second is half empty.
  padded = np.concatenate([images, np.zeros((2, 16, 16, 3), np.uint8)])
  expected = model.apply(
    {'params': params, **variables},
    {
      'image': padded.reshape(2, 4, 16, 16, 3).astype(np.float32) / 255,
      'image_mask': np.arange(8).reshape(2, 4) < 6,
    },
    train=False,
  )['valence_arousal']
  expected = np.tanh(np.asarray(expected)).reshape(8, 2)[:6, 0]
  np.testing.assert_allclose(found, expected, atol=1e-5)
  assert np.ptp(found) > 1e-4
  Image.fromarray(images[0]).save(tmp_path / 'a.png')
  table.predict(
    affect_jax.load(tmp_path),
    [str(tmp_path / 'a.png')],
    tmp_path / 'out.csv',
    settings=settings_lib.Settings(faces='whole'),
  )
  assert 'each picture is predicted alone' in caplog.text


def test_the_lines_of_the_readme_run(faces, tmp_path, monkeypatch, capsys):
  workdir, pictures = faces
  readme = (ROOT / 'README.md').read_text()
  (lines,) = [x for x in readme.split('```') if 'affect_jax.load(' in x]
  monkeypatch.chdir(tmp_path)
  shutil.copytree(workdir, 'runs/faces')
  for name, picture in zip(('anna', 'ben'), pictures.iterdir(), strict=False):
    shutil.copy(picture, f'{name}.png')
  scope = {}
  exec(lines.removeprefix('python'), scope)
  assert len(scope['table']) == 2
  assert str(scope['predictions']['expr'][0]) in capsys.readouterr().out


def test_the_package_is_imported_at_once():
  code = 'import sys, affect_jax; print(sorted(sys.modules))'
  printed = subprocess.run(
    [sys.executable, '-c', code],
    env={**os.environ, 'PYTHONPATH': str(ROOT)},
    capture_output=True,
    text=True,
    check=True,
  ).stdout
  for name in ('jax', 'tensorflow', 'numpy', 'affect_jax.predict'):
    assert f"'{name}'" not in printed
