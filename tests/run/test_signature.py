"""A run predicts without its corpora, and only for what it was trained on."""

import csv
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

from absl import logging
import numpy as np
import pytest
from toys import old_runs
from toys.paths import ROOT
from toys.paths import TINY_BERT

from affect_jax import evaluate
from affect_jax import tasks
from affect_jax import train
from affect_jax.run import folder as run_folder
from affect_jax.run import same_data
from affect_jax.run import signature

# Reads a run where neither TensorFlow nor tfds can be imported.
PREDICT = """
import sys, time
for name in ('tensorflow', 'tensorflow_datasets'):
  sys.modules[name] = None
import numpy as np
from affect_jax.models import resnet
resnet.WIDTHS, resnet.NUM_BLOCKS = (8, 12), 1
from affect_jax.run import signature
start = time.monotonic()
trained = signature.load(sys.argv[1])
seconds = time.monotonic() - start
with np.load(sys.argv[2]) as file:
  inputs = {name: file[name] for name in file.files}
outputs = trained.model.apply(trained.variables, inputs, train=False)
print('SECONDS', seconds)
np.savez(
  sys.argv[3], **{t.name: t.predict(outputs[t.name]) for t in trained.tasks}
)
"""


@pytest.fixture(scope='module')
def folder(tmp_path_factory, quick_runs):
  """Data and a finished run of faces and of utterances, of two steps."""
  path = tmp_path_factory.mktemp('signature')
  with pytest.MonkeyPatch.context() as patch:
    patch.chdir(path)
    old_runs.write_data()
    shutil.copytree(TINY_BERT, 'bert')
    for name in old_runs.NAMES:
      train.train_and_evaluate(config(name), f'runs/{name}')
    yield path


def config(name):
  c = old_runs.config(name)
  c.num_train_steps = 2
  if name == 'faces':
    c.action_units.pos_weight = 'balanced'  # Its counts are kept.
  else:
    c.data.text, c.data.text_model = 'tokens', 'bert'
    c.data.max_tokens = 24
  return c


def first_batch(name):
  from affect_jax.run import build

  run = build.build(config(name))
  (corpus,) = run.corpora
  return next(run.samples.eval_batches(corpus.builder, 'test'))


@pytest.mark.parametrize('name', old_runs.NAMES)
def test_a_folder_predicts_without_its_corpora(folder, name, tmp_path):
  batch = first_batch(name)
  np.savez(tmp_path / 'inputs.npz', **batch['inputs'])
  workdir = shutil.copytree(folder / 'runs' / name, tmp_path / 'run')
  out = tmp_path / 'outputs.npz'
  arguments = [str(workdir), str(tmp_path / 'inputs.npz'), str(out)]
  process = subprocess.run(
    [sys.executable, '-c', PREDICT, *arguments],
    cwd=tmp_path,  # Relative paths of the data lead nowhere here.
    env={**os.environ, 'PYTHONPATH': str(ROOT)},
    capture_output=True,
    text=True,
    check=False,
  )
  assert process.returncode == 0, process.stderr[-2000:]
  found = np.load(out)
  with open(workdir / 'predictions' / 'test.csv') as file:
    rows = {r['id']: r for r in csv.DictReader(file)}
  compared = 0
  for task in config(name).tasks:
    outputs = json.loads((workdir / 'signature.json').read_text())
    outputs = outputs['tasks'][task]['outputs']
    for i, sample in enumerate(batch['id']):
      for k, output in enumerate(outputs):
        if sample:
          expected = rows[sample.decode()][f'predicted/{task}/{output}']
          assert found[task][i, k] == pytest.approx(float(expected), abs=1e-4)
          compared += 1
  assert compared >= 8


def test_what_was_read_is_what_was_written(folder):
  for name in old_runs.NAMES:
    written = signature.read(f'runs/{name}')
    signature.write('.', written)
    again = signature.read('.')
    assert again.arrays.keys() == written.arrays.keys()
    assert {k: v for k, v in vars(again).items() if k != 'arrays'} == {
      k: v for k, v in vars(written).items() if k != 'arrays'
    }
    assert written.kind == name
    assert name in next(iter(written.data))
  assert written.arrays['audio/mean'].shape == (3,)


def test_a_folder_without_signature_says_how_to_make_it(tmp_path):
  with pytest.raises(ValueError, match='--mode=evaluate'):
    signature.load(str(tmp_path))


def renamed(old, new):
  """faces.csv with another unit in the place of one, as many as before."""
  lines = pathlib.Path('faces/faces.csv').read_text().splitlines()
  lines[0] = lines[0].replace(old, new)
  text = '\n'.join(lines) + '\n'
  pathlib.Path('faces/faces.csv').write_text(text)


def test_another_unit_of_the_same_place_is_refused(folder):
  shutil.copytree('runs/faces', 'runs/renamed')
  renamed('AU12', 'AU9')
  try:
    for start in (train.train_and_evaluate, evaluate.evaluate_best):
      c = config('faces')
      if start is train.train_and_evaluate:
        os.remove('runs/renamed/results.json')
      with pytest.raises(ValueError, match=r"'AU12'.*'AU9'"):
        start(c, 'runs/renamed')
  finally:
    renamed('AU9', 'AU12')


def test_heads_of_another_run_are_known_by_their_outputs(folder):
  written = signature.read('runs/faces')
  (units,) = [
    t for t in signature.build_tasks(written) if t.name == 'action_units'
  ]
  assert signature.other_heads('runs/faces', [units]) == []
  # As many units, in another order.
  turned = tasks.get_task(units.name, outputs=units.outputs[::-1])
  assert signature.other_heads('runs/faces', [turned]) == [units.name]
  assert signature.other_heads('', [turned]) == []


def test_changed_data_stop_a_resume_and_are_said_in_evaluation(
  folder, monkeypatch
):
  shutil.copytree('runs/faces', 'runs/changed')
  path = pathlib.Path('faces/faces.csv')
  text = path.read_text()
  first, second, *rest = text.splitlines()
  changed = [first, second.replace('neutral', 'anger'), *rest]
  warnings = []
  monkeypatch.setattr(
    logging, 'warning', lambda message, *values: warnings.append(values)
  )
  try:
    path.write_text('\n'.join(changed) + '\n')
    evaluate.evaluate_best(config('faces'), 'runs/changed')
    assert any('faces.csv' in str(w) for w in warnings)
    os.remove('runs/changed/results.json')
    with pytest.raises(ValueError, match=r'faces_csv, faces\.csv'):
      train.train_and_evaluate(config('faces'), 'runs/changed')
  finally:
    path.write_text(text)


def test_changed_weak_labels_stop_a_resume(folder):
  workdir = pathlib.Path('runs/weak')
  table = pathlib.Path('weak.csv')
  lines = ['id,sentiment/sentiment']
  lines += [f'train{i},0.5' for i in range(24)]
  table.write_text('\n'.join(lines) + '\n')
  c = config('utterances')
  c.data.weak_labels = (str(table),)
  train.train_and_evaluate(c, str(workdir))
  (workdir / 'results.json').unlink()
  text = table.read_text()
  table.write_text(text.replace('0.5', '0.6'))
  with pytest.raises(ValueError, match=r'weak labels weak\.csv: \w+ when the'):
    train.train_and_evaluate(c, str(workdir))
  # What older runs learned from is not known.
  path = workdir / 'environment.json'
  starts = json.loads(path.read_text())['starts']
  known = [s.pop('weak_labels') for s in starts]
  assert known == [{'weak.csv': hashlib.sha256(text.encode()).hexdigest()}]
  path.write_text(json.dumps({'starts': starts}))
  train.train_and_evaluate(c, str(workdir))


def test_copied_data_are_the_same(folder, monkeypatch):
  warnings = []
  monkeypatch.setattr(
    logging, 'warning', lambda message, *values: warnings.append(values)
  )
  old = signature.read('runs/faces').data
  (corpus,) = old
  new = json.loads(json.dumps(old))
  new[corpus]['sources']['pictures'] = '0123456789abcdef'
  begun = signature.read('runs/faces')
  assert same_data.changes('runs/faces', begun, new) == []
  assert f'pictures of {corpus}' in str(warnings)
  # Unless what was made of them differs.
  new[corpus]['bytes']['train'] += 1
  (line,) = same_data.changes('runs/faces', begun, new)
  assert f'{corpus}, bytes of train' in line


def test_another_tokenizer_is_another_meaning(folder):
  shutil.copytree('runs/utterances', 'runs/tokens')
  path = pathlib.Path('bert/tokenizer.json')
  data = path.read_bytes()
  try:
    path.write_bytes(data + b' ')
    with pytest.raises(ValueError, match=r'text of utterances_csv.*tokenizer'):
      evaluate.evaluate_best(config('utterances'), 'runs/tokens')
  finally:
    path.write_bytes(data)


def test_old_folders_get_no_signature_of_changed_data(folder):
  shutil.copytree('runs/utterances', 'runs/old')
  for name in ('signature.json', 'signature.npz'):
    os.remove(f'runs/old/{name}')
  path = pathlib.Path('utterances/utterances.csv')
  data = path.read_bytes()
  try:
    path.write_bytes(data + b'\n')
    with pytest.raises(ValueError, match=r'(?s)no signature.*utterances\.csv'):
      evaluate.evaluate_best(config('utterances'), 'runs/old')
  finally:
    path.write_bytes(data)
  assert not os.path.exists('runs/old/signature.json')
  evaluate.evaluate_best(config('utterances'), 'runs/old')
  made, first = (signature.read(f'runs/{n}') for n in ('old', 'utterances'))
  assert made.tasks == first.tasks
  assert made.model == first.model
  np.testing.assert_array_equal(
    made.arrays['audio/std'], first.arrays['audio/std']
  )


def test_an_evaluation_on_the_way_ends_no_run(folder):
  """Seen once: evaluated at step 5 of 60, it was finished for ever."""
  c = config('utterances')
  c.num_train_steps = 4
  shutil.copytree('runs/utterances', 'runs/unfinished')
  os.remove('runs/unfinished/config.json')
  os.remove('runs/unfinished/results.json')
  shutil.rmtree('runs/unfinished/predictions')
  run_folder.write_json('runs/unfinished/config.json', c.to_dict())
  results = evaluate.evaluate_best(c, 'runs/unfinished')
  assert results['test']['step'] == 2
  assert not os.path.exists('runs/unfinished/results.json')
  assert not os.path.exists('runs/unfinished/predictions')
  out = 'runs/unfinished/evaluated_at_step_2'
  assert sorted(os.listdir(out)) == ['predictions', 'results.json']
  # What the same faulty evaluation of before left is no end either.
  shutil.copy(f'{out}/results.json', 'runs/unfinished/results.json')
  train.train_and_evaluate(c, 'runs/unfinished')
  assert run_folder.saved_steps('runs/unfinished')[-1] == 4
  assert run_folder.is_finished('runs/unfinished', 4)
  starts = run_folder.read_starts('runs/unfinished')
  assert [s['step'] for s in starts] == [0, 2]


def test_a_package_inside_a_foreign_repository_has_no_commit(tmp_path):
  package = tmp_path / 'site-packages' / 'affect_jax'
  shutil.copytree(
    ROOT / 'affect_jax', package, ignore=shutil.ignore_patterns('__pycache__')
  )
  subprocess.run(['git', 'init', '-q', tmp_path], check=True)
  subprocess.run(
    ['git', '-C', tmp_path, '-c', 'user.name=a', '-c', 'user.email=a@b.c']
    + ['commit', '-q', '--allow-empty', '-m', 'Somebody else'],
    check=True,
  )
  code = 'from affect_jax.run import environment as e\n'
  code += 'print(e.describe({})["commit"])'
  out = subprocess.run(
    [sys.executable, '-c', code],
    env={**os.environ, 'PYTHONPATH': str(package.parent)},
    cwd=tmp_path,
    capture_output=True,
    text=True,
    check=True,
  ).stdout
  assert out.strip() == 'None'
