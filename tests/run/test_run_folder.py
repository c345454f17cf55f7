"""Files of a run: whole or not at all; another config is refused."""

import json
import math

import ml_collections
import numpy as np
import pytest

from affect_jax.errors import UserError
from affect_jax.run import folder as run_folder


def test_json_is_plain_and_has_no_nan(tmp_path):
  path = str(tmp_path / 'x.json')
  run_folder.write_json(
    path, {'a': (1, np.float32(0.5)), 'b': math.nan, 'c': np.int64(3)}
  )
  assert run_folder.read_json(path) == {'a': [1, 0.5], 'b': None, 'c': 3}
  assert run_folder.read_json(str(tmp_path / 'y.json')) is None


def test_a_failed_write_leaves_the_old_file(tmp_path):
  path = tmp_path / 'x.json'
  run_folder.write_json(str(path), {'a': 1})
  with pytest.raises(TypeError):
    run_folder.write_json(str(path), {'a': 2, 'b': object()})
  assert json.loads(path.read_text()) == {'a': 1}


def test_every_difference_between_configs_is_named(tmp_path):
  config = ml_collections.ConfigDict({'a': {'b': (1, 2)}, 'c': 3, 'd': ''})
  run_folder.claim(str(tmp_path), ml_collections.ConfigDict({'typo': 1}))
  # Nothing came of that one: it may be corrected.
  run_folder.claim(str(tmp_path), config)
  (tmp_path / 'checkpoints' / '10').mkdir(parents=True)
  run_folder.claim(str(tmp_path), config)
  other = ml_collections.ConfigDict({'a': {'b': (1, 3)}, 'e': 4, 'd': ''})
  with pytest.raises(ValueError, match='another config') as error:
    run_folder.claim(str(tmp_path), other)
  message = str(error.value)
  assert 'config.a.b: [1, 2] there, [1, 3] now' in message
  assert "config.c: 3 there, 'absent' now" in message
  assert "config.e: 'absent' there, 4 now" in message
  assert 'config.d' not in message


def test_runs_from_before_a_setting_are_those_of_its_default(tmp_path):
  old = ml_collections.ConfigDict({'a': 1, 'options': {}})
  new = {'a': 1, 'options': {'width': 3}}
  base = ml_collections.ConfigDict(new)
  run_folder.claim(str(tmp_path), old, base)
  (tmp_path / 'checkpoints' / '10').mkdir(parents=True)
  run_folder.claim(str(tmp_path), ml_collections.ConfigDict(new), base)
  new['options']['width'] = 4
  with pytest.raises(ValueError, match=r"width: 'absent' there, 4 now"):
    run_folder.claim(str(tmp_path), ml_collections.ConfigDict(new), base)


def test_lines_after_the_checkpoint_are_dropped(tmp_path):
  path = str(tmp_path / 'metrics.jsonl')
  for step in (1, 2, 3):
    run_folder.append_jsonl(path, step, {'x': step})
  with open(path, 'ab') as file:
    file.write(b'\0\0\xff\n{}\n3\n')  # Damaged.
    file.write(b'{"step": 4, "x":')  # Killed in the middle of a line.
  run_folder.truncate_jsonl(path, 2)
  with open(path) as file:
    assert [json.loads(x)['step'] for x in file] == [1, 2]


def test_logs_and_the_place_of_data_may_change_on_the_way(tmp_path):
  (tmp_path / 'checkpoints' / '3').mkdir(parents=True)
  settings = {'log_gradients': True, 'data': {'data_dir': '/disk'}, 'a': 1}
  run_folder.claim(str(tmp_path), ml_collections.ConfigDict(settings))
  quiet = settings | {'log_gradients': False, 'data': {'data_dir': '/moved'}}
  run_folder.claim(str(tmp_path), ml_collections.ConfigDict(quiet))
  with pytest.raises(UserError, match=r'config\.a: 1 there, 2 now'):
    run_folder.claim(str(tmp_path), ml_collections.ConfigDict(quiet | {'a': 2}))


def test_results_without_checkpoints_keep_their_config(tmp_path):
  run_folder.claim(str(tmp_path), ml_collections.ConfigDict({'a': 1}))
  run_folder.write_json(str(tmp_path / 'results.json'), {'test': {}})
  with pytest.raises(ValueError, match='another config'):
    run_folder.claim(str(tmp_path), ml_collections.ConfigDict({'a': 2}))


def test_commits_of_runs(tmp_path):
  for name, about in (
    ('a', {'commit': 'c1', 'dirty': False}),
    ('b', {'commit': 'c1', 'dirty': True}),
    ('c', {'commit': 'c0', 'dirty': False}),
    ('d', {'commit': None, 'dirty': None}),
    ('e', {'commit': 'c2', 'dirty': False}),
  ):
    (tmp_path / name).mkdir()
    run_folder.write_json(str(tmp_path / name / 'environment.json'), about)
  # Of e there is no result, and of x nothing.
  for name in 'abcd':
    run_folder.write_json(str(tmp_path / name / 'results.json'), {})
  folders = [str(tmp_path / name) for name in 'abcdex']
  assert run_folder.commits(folders) == ['c0', 'c1', 'c1-dirty']


@pytest.mark.parametrize('content', [b'{"a": ', b'[1]', b'\xff{}', b'[' * 9999])
def test_damaged_json_is_named(tmp_path, content):
  (tmp_path / 'config.json').write_bytes(content)
  with pytest.raises(UserError, match=r'config\.json'):
    run_folder.read_json(str(tmp_path / 'config.json'))
