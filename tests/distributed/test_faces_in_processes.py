"""A run of three processes, as SLURM starts them, and one that is refused."""

import json

from toys import jobs
from toys import run_comparison
from toys import training as toy
from toys.configs import load_config

from affect_jax import train

SETTINGS = {
  'image_size': 16,
  'model.stem': 'small',
  'augment': ('flip', 'erasing'),
  'batch_size': 12,
  'num_train_steps': 6,
  'eval_every': 3,
  'log_every': 1,
  'log_gradients': False,
  'schedule.warmup_steps': 1,
}


def test_faces_of_three_processes_are_those_of_one(tmp_path, quick_runs):
  folder = tmp_path
  # One row of validation, and ids of test that differ after 256 bytes.
  path = toy.write_faces_csv(folder, counts=(24, 1, 5))
  long = '/'.join(['ü' * 100] * 2)
  (folder / long).mkdir(parents=True)
  for i in range(5):
    (folder / f'test{i}.png').rename(folder / long / f'test{i}.png')
  path.write_text(path.read_text().replace('\ntest', f'\n{long}/test'))
  data = {'data.path': path, 'data.data_dir': folder / 'data'}
  config = load_config('faces_csv')
  config.update_from_flattened_dict(SETTINGS)
  config.data.path, config.data.data_dir = (str(x) for x in data.values())
  train.train_and_evaluate(config, str(folder / 'one'))

  workdir = folder / 'three'
  # Each process has a step of its own here, and one in common for utterances.
  mapped = SETTINGS | data | {'parallel': 'pmap'}
  command = run_comparison.flags('configs/faces_csv.py', workdir, mapped)
  # As in `quick_runs`; and process 2 has the first device.
  environment = {'JAX_DEFAULT_PRNG_IMPL': 'rbg', 'REVERSED': '1'}
  with jobs.sbatch(command, 3, folder, **environment) as started:
    codes = jobs.exit_codes(started)
  logs = [folder / f'process{i}.txt' for i in range(3)]
  texts = [p.read_text(errors='replace') for p in logs]
  assert codes == [0], '\n'.join([started[0].text(), *texts])
  # Process 0 speaks for all.
  assert 'Scores of' in texts[0]
  assert 'Scores of' not in texts[1]
  run_comparison.assert_equal(workdir, folder / 'one', ('val', 'test'))
  about = json.loads((workdir / 'environment.json').read_text())
  assert [start['num_processes'] for start in about['starts']] == [3]

  # A row that process 0 alone reads, as it prepares, ends both.
  path.write_text(path.read_text() + 'test9.png,train,hapyp,0,0,0,0\n')
  command = run_comparison.flags(
    'configs/faces_csv.py', folder / 'bad', SETTINGS | data
  )
  with jobs.mains(command, 2, folder) as started:
    codes = jobs.exit_codes(started)
    texts = [p.text() for p in started]
  assert codes == [1, 1], '\n'.join(texts)
  for text in texts:
    assert 'hapyp' in text
    assert 'Traceback' not in text
