"""A published model takes the place of its run, and is never replaced by worse.

There is no network: the client of the Hub is replaced.
"""

import errno
import inspect
import json
import os
import pathlib
import shutil
import sys

import numpy as np
import pytest
from toys import compared
from toys import face_runs
import yaml

import affect_jax
from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError
from affect_jax.publish import scores as scores_lib
from affect_jax.publish import write
from affect_jax.run import hub
from affect_jax.run import signature
from affect_jax.training import checkpoint
from affect_jax.training import initialize
from affect_jax.training import published

pytest.importorskip('statsmodels', reason="needs the extra 'compare'")
pytest.importorskip('matplotlib', reason="needs the extra 'report'")
EXPR = 'faces/expression/macro_f1'


@pytest.fixture(scope='module')
def run(tmp_path_factory, quick_runs):
  """A run with random weights and invented predictions."""
  folder = tmp_path_factory.mktemp('runs') / 'faces'
  compared.write(folder, clusters=12)
  face_runs.write(folder, compared.OPTIONS, 16)
  return folder


@pytest.fixture(scope='module')
def model(run, tmp_path_factory):
  folder = tmp_path_factory.mktemp('models') / 'faces'
  write.write(str(run), folder, license_name='cc-by-nc-4.0')
  return folder


class Client:
  """What is used of huggingface_hub; repositories are folders."""

  def __init__(self, folder):
    import huggingface_hub.errors as errors

    self.errors, self._folder = errors, folder

  def snapshot_download(self, name, allow_patterns):
    path = self._folder / name
    if not path.is_dir():
      raise self.errors.LocalEntryNotFoundError('no connection to the Hub.')
    assert {p.name for p in path.iterdir()} <= set(allow_patterns)
    return str(path)

  def hf_hub_download(self, name, file):
    if name == 'far/away':
      raise self.errors.LocalEntryNotFoundError('no connection to the Hub.')
    if not (self._folder / name / file).exists():
      raise self.errors.EntryNotFoundError(f'no {file}')
    return str(self._folder / name / file)

  def HfApi(self):
    return self

  def create_repo(self, name, exist_ok):
    assert exist_ok
    (self._folder / name).mkdir(parents=True, exist_ok=True)

  def upload_folder(self, repo_id, folder_path, allow_patterns):
    for name in allow_patterns:
      shutil.copy(pathlib.Path(folder_path, name), self._folder / repo_id)


@pytest.fixture
def client(tmp_path, monkeypatch):
  real = pytest.importorskip('huggingface_hub', reason="needs the extra 'hub'")
  # The real client takes what this one does.
  for function, arguments, options in (
    (real.snapshot_download, ['a/b'], ['allow_patterns']),
    (real.hf_hub_download, ['a/b', 'model.json'], []),
    (real.HfApi().create_repo, ['a/b'], ['exist_ok']),
    (
      real.HfApi().upload_folder,
      [],
      ['repo_id', 'folder_path', 'allow_patterns'],
    ),
  ):
    inspect.signature(function).bind(*arguments, **dict.fromkeys(options))
  client = Client(tmp_path / 'hub')
  monkeypatch.setattr(hub, 'import_client', lambda name: client)
  return client


def test_it_predicts_what_its_run_does(run, model):
  assert sorted(p.name for p in model.iterdir()) == sorted(hub.FILES)
  ours, theirs = affect_jax.load(run), affect_jax.load(model)
  assert theirs.columns.thresholds == ours.columns.thresholds
  notes = [x.describe() for x in (ours, theirs)]
  assert notes[0].pop('run') != notes[1].pop('run')
  assert notes[0] == notes[1]
  pictures = np.random.default_rng(0).integers(0, 256, (3, 20, 16, 3), np.uint8)
  found = [x.predict(pictures).arrays for x in (ours, theirs)]
  for task, values in found[0].items():
    np.testing.assert_array_equal(values, found[1][task])


def test_another_run_starts_from_it(run, model):
  own = signature.load(str(run)).variables
  zeros = {
    k: {'backbone': {'bn1': {'scale': np.zeros(8)}}} for k in ('params',)
  }
  variables, _ = checkpoint.read_variables(str(model))
  joined, report = initialize.overlay(zeros, variables, 'backbone')
  assert report == '1 of 1 arrays loaded'
  np.testing.assert_array_equal(
    joined['params']['backbone']['bn1']['scale'],
    own['params']['backbone']['bn1']['scale'],
  )
  with pytest.raises(FileNotFoundError, match='has no step 7; it has 1'):
    checkpoint.read(str(model), 7)


def with_corpora(run, folder, **each):
  shutil.copytree(run, folder)
  config = json.loads((folder / 'config.json').read_text())
  config['data'] |= {'corpus': '', 'corpora': each}
  (folder / 'config.json').write_text(json.dumps(config))
  return folder


def test_pictures_are_shaped_as_in_the_corpora_of_the_run(run, tmp_path):
  crop = {'path': 'a.csv', 'resize': 'crop'}
  alike = with_corpora(run, tmp_path / 'a', faces_csv=crop, synthetic_faces={})
  assert affect_jax.load(alike).rules.resize == 'crop'
  about = write.write(str(alike), tmp_path / 'model')
  assert about['preprocessing']['resize'] == 'crop'
  assert affect_jax.load(tmp_path / 'model').rules.resize == 'crop'
  apart = with_corpora(run, tmp_path / 'b', faces_csv=crop, raf_db={})
  with pytest.raises(UserError, match=r'faces_csv: .*crop.*raf_db: .*stretch'):
    affect_jax.load(apart)
  with pytest.raises(UserError, match=r'only a run whose corpora are alike'):
    write.write(str(apart), tmp_path / 'another')
  # This run has no thresholds of either.
  assert affect_jax.load(apart, corpus='raf_db').rules.resize == 'stretch'
  assert affect_jax.load(apart, corpus='faces_csv').rules.resize == 'crop'


def test_what_was_cut_short_is_no_model(run, model, tmp_path, monkeypatch):
  copy = tmp_path / 'copy'
  shutil.copytree(model, copy)
  config = json.loads((run / 'config.json').read_text())
  other = tmp_path / 'other'
  shutil.copytree(run, other)
  config['data']['resize'] = 'crop'
  (other / 'config.json').write_text(json.dumps(config))
  copied = []

  def copyfile(old, new):
    if new.name == '.partial-model.json':
      raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(new))
    copied.append(old.name)
    new.write_bytes(old.read_bytes())

  with monkeypatch.context() as patch:
    patch.setattr(write.shutil, 'copyfile', copyfile)
    with pytest.raises(OSError, match='No space left'):
      write.write(str(other), copy)
  assert sorted([*copied, 'model.json']) == sorted(hub.FILES)
  with pytest.raises(UserError, match=r'config\.json and model\.json are not'):
    affect_jax.load(copy)
  write.write(str(other), copy)
  assert affect_jax.load(copy).rules.resize == 'crop'


def test_the_card_is_what_the_hub_reads(model):
  text = (model / 'README.md').read_text()
  front = yaml.safe_load(text.split('---\n')[1])
  assert front['license'] == 'cc-by-nc-4.0'
  assert front['pipeline_tag'] == 'image-classification'
  scores = json.loads((model / 'model.json').read_text())['scores']
  [first, *_] = front['model-index'][0]['results']
  assert first['dataset']['type'] == 'faces'
  assert first['metrics'] == [
    {'type': 'macro_f1', 'value': scores[EXPR]['score']}
  ]
  assert f'{scores[EXPR]["low"]:.4f}' in text
  assert '### Known limits' in text
  assert 'not what a person feels' in text
  assert '--workdir=faces' in text
  cards = pytest.importorskip('huggingface_hub')
  read = cards.ModelCard(text)
  assert read.data.eval_results[0].metric_type == 'macro_f1'


def test_scores_are_those_of_the_run_inside_their_interval(run, model):
  scores = json.loads((model / 'model.json').read_text())['scores']
  results = json.loads((run / 'results.json').read_text())['val']
  assert len(scores) == 3
  for name, x in scores.items():
    assert x['score'] == pytest.approx(results[name.partition('/')[2]])
    assert x['low'] < x['score'] < x['high']


def test_a_worse_run_does_not_replace_it(run, model, tmp_path):
  copy = tmp_path / 'copy'
  shutil.copytree(model, copy)
  write.write(str(run), copy)  # As good as itself.
  about = json.loads((copy / 'model.json').read_text())
  about['scores'][EXPR] = {'score': 0.99, 'low': 0.98, 'high': 1.0}
  (copy / 'model.json').write_text(json.dumps(about))
  before = {p.name: p.read_bytes() for p in copy.iterdir()}
  with pytest.raises(
    UserError, match=rf'{EXPR} 0\.\d+, published 0\.9900 \(0\.9800 to 1\.0000\)'
  ):
    write.write(str(run), copy)
  assert {p.name: p.read_bytes() for p in copy.iterdir()} == before


@pytest.mark.parametrize(
  ('name', 'score', 'is_worse'),
  [
    ('c/expression/macro_f1', 0.41, False),
    ('c/expression/macro_f1', 0.39, True),
    ('c/sentiment/mae', 0.59, False),
    ('c/sentiment/mae', 0.61, True),
    ('c/another/f1', 0.1, False),
  ],
)
def test_worse_means_outside_of_the_interval(name, score, is_worse):
  old = {name: {'score': 0.5, 'low': 0.4, 'high': 0.6}}
  new = {name: {'score': score, 'low': 0, 'high': 1}}
  if name.startswith('c/another'):
    new = {}
  if not is_worse:
    return scores_lib.check(new, old, 'there')
  with pytest.raises(UserError, match=f'there has a better.*{score}'):
    scores_lib.check(new, old, 'there')


def test_folders_of_others_and_unfinished_runs_are_refused(run, tmp_path):
  (tmp_path / 'mine').mkdir()
  (tmp_path / 'mine' / 'model.json').write_text('{"mine": 1}')
  with pytest.raises(FileExistsError, match='no published model; give another'):
    write.write(str(run), tmp_path / 'mine')
  (tmp_path / 'file').write_text('x')
  with pytest.raises(FileExistsError, match='file exists'):
    write.write(str(run), tmp_path / 'file')
  bare = tmp_path / 'bare'
  bare.mkdir()
  (bare / 'config.json').write_text('{}')
  with pytest.raises(UserError, match=r'results\.json: give a single run'):
    write.write(str(bare), tmp_path / 'new')
  assert not (tmp_path / 'new').exists()


def test_a_full_disk_leaves_nothing(run, tmp_path, monkeypatch):
  def write_weights(path, variables):
    path.write_bytes(b'some')
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

  monkeypatch.setattr(published, 'write_weights', write_weights)
  with pytest.raises(OSError, match='No space left on device'):
    write.write(str(run), tmp_path / 'new')
  assert not list(tmp_path.iterdir())


def test_damaged_files_are_named(model, tmp_path):
  copy = tmp_path / 'copy'
  shutil.copytree(model, copy)
  weights = copy / published.WEIGHTS
  weights.write_bytes(weights.read_bytes()[:-1000])
  with pytest.raises(UserError, match=r'model\.safetensors: damaged or trunc'):
    affect_jax.load(copy)
  (copy / published.ABOUT).write_text('{"is": ')
  with pytest.raises(UserError, match=r'model\.json: not JSON'):
    affect_jax.load(copy)


def test_the_hub_keeps_it(run, model, client, tmp_path):
  write.write(str(run), tmp_path / 'out', repository='someone/faces')
  local = hub.local('someone/faces')
  assert affect_jax.load('someone/faces').describe()['run'] == local
  about = published.about(local)
  assert about is not None
  assert about['scores'] == published.about(model)['scores']
  about['scores'][EXPR] = {'score': 0.99, 'low': 0.98, 'high': 1.0}
  pathlib.Path(local, 'model.json').write_text(json.dumps(about))
  with pytest.raises(UserError, match='someone/faces has a better model'):
    write.write(str(run), tmp_path / 'another', repository='someone/faces')


def test_without_a_network_the_error_says_so(client, run, tmp_path):
  with pytest.raises(UserError, match=r'no connection to the Hub.*folder of a'):
    hub.local('nobody/nothing')
  with pytest.raises(UserError, match=r'far/away .*looked at .no connection'):
    write.write(str(run), tmp_path / 'new', repository='far/away')


def test_only_what_no_folder_can_be_is_asked_for(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  (tmp_path / 'runs').mkdir()
  for name in ('runs/faecs', '/a/b', 'a', './a/b', '~/a', 'a/b/c'):
    assert hub.local(name) == name
  monkeypatch.setitem(sys.modules, 'huggingface_hub', None)
  with pytest.raises(
    MissingExtra, match=r'no folder a/b here.*affect_jax\[hub'
  ):
    hub.local('a/b')
