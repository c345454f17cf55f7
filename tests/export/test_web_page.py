"""The page predicts in a browser what the run does, and sends nothing."""

import json
import os
import pathlib
import shutil

import numpy as np
from PIL import Image
import pytest
from toys import browser
from toys import face_runs

from affect_jax.errors import UserError
from affect_jax.export import web
from affect_jax.export import write
from affect_jax.predict import exported as exported_lib

pytest.importorskip('onnxruntime', reason="needs the extra 'onnx'")
TASKS = {
  'expression': {'outputs': ('neutral', 'happiness', 'anger')},
  'action_units': {'outputs': ('AU1', 'AU12L', 'AU12R')},
  'valence_arousal': {},
}
PAGE = {'index.html', 'page.js', 'model.json', 'model.onnx', *web.FILES}


@pytest.fixture(scope='module')
def runtime(tmp_path_factory):
  """A folder that looks as that of onnxruntime-web does."""
  folder = tmp_path_factory.mktemp('npm') / 'dist'
  folder.mkdir()
  for name in web.FILES:
    (folder / name).write_text(name)
  return folder.parent


@pytest.fixture(scope='module')
def page(runtime, quick_runs, tmp_path_factory):
  folder = tmp_path_factory.mktemp('web')
  run = folder / 'run'
  run.mkdir()
  face_runs.write(run, TASKS, 24, views='flip')
  output = folder / 'out'
  write.write(
    str(run), output, ['web'], measure=False, onnxruntime_web=str(runtime)
  )
  return output / 'web'


def test_the_folder_has_all_that_the_page_asks_for(page):
  assert {path.name for path in page.iterdir()} == PAGE
  about = json.loads((page / 'model.json').read_text())
  assert about['cuts'] == {'AU1': 0.5, 'AU12L': 0.5, 'AU12R': 0.5}
  assert about['tasks']['action_units']['mirror'] == [0, 2, 1]
  outer = json.loads((page.parent / 'model.json').read_text())
  assert list(outer['files']) == ['web/model.onnx']
  html = (page / 'index.html').read_text()
  assert "connect-src 'self'" in html
  assert '://' not in html + (page / 'page.js').read_text()


def test_what_the_page_needs_is_missed_in_one_line(page, tmp_path, monkeypatch):
  model = tmp_path / 'model.onnx'
  model.write_bytes(b'')
  with pytest.raises(UserError, match=r'has no ort\.wasm\.min\.js: give the'):
    web.write(tmp_path / 'a', model, {}, str(tmp_path))
  monkeypatch.setenv('PATH', str(tmp_path))
  with pytest.raises(UserError, match=r'npm pack .* failed .*onnxruntime_web'):
    web.write(tmp_path / 'b', model, {})


def test_chromium_predicts_what_the_file_does(page, tmp_path):
  real = os.environ.get('AFFECT_ONNXRUNTIME_WEB')
  if not real:
    pytest.skip('AFFECT_ONNXRUNTIME_WEB names no folder of onnxruntime-web')
  browser.find()
  folder = tmp_path / 'page'
  shutil.copytree(page, folder)
  for name in web.FILES:
    shutil.copy(pathlib.Path(real, 'dist', name), folder)
  r = np.random.default_rng(0)
  pictures = []
  for i, size in enumerate([(24, 24), (90, 61), (13, 40)]):
    path = tmp_path / f'{i}.png'
    Image.fromarray(r.integers(0, 256, (*size, 3), np.uint8)).save(path)
    pictures.append(path)
  found, asked = browser.predict(folder, pictures, tmp_path / 'browser')
  assert 'error' not in found, found
  model = exported_lib.Exported(page / 'model.onnx')
  crops = [model.resized(np.asarray(Image.open(p))) for p in pictures]
  wanted = model.start(crops, [(0, 0)] * 3)()
  for i, path in enumerate(pictures):
    for task, values in found[path.name].items():
      assert list(values) == list(TASKS[task].get('outputs', values))
      np.testing.assert_allclose([*values.values()], wanted[task][i], atol=1e-4)
  assert np.ptp(wanted['valence_arousal'], axis=0).max() > 1e-3
  names = {p.name for p in pictures}
  own = PAGE | names | {'harness.html', 'answer', 'favicon.ico'}
  assert {path.lstrip('/') for path in asked} <= own
