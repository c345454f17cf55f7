"""Processes of a job agree, and end together: real ones, without a run."""

import json

import pytest
from toys import job_worker
from toys import jobs

from affect_jax.errors import UserError
from affect_jax.training import job


def test_three_processes_agree(tmp_path):
  with jobs.workers('agree', 3, tmp_path) as started:
    codes = jobs.exit_codes(started)
    texts = [p.text() for p in started]
  assert codes == [0, 0, 0], texts
  first, *others = (
    json.loads(next(x for x in t.splitlines() if x.startswith('{')))
    for t in texts
  )
  long = job_worker.LONG.decode()
  assert first['first'][::2] == [0, 'ü']
  assert first['gathered'] == [['a' * i, f'{long}{i}'] for i in range(3)]
  assert first['agreed'] == [0, 0, 15]
  for other in others:
    assert json.dumps(other) == json.dumps(first)


@pytest.mark.parametrize(
  ('what', 'message'),
  [
    ('fail', 'ZeroDivisionError: only here'),
    ('claim', 'config.seed: 0 there, 1 now'),
    ('settings', 'seed: 0 in process 0, 1 in process 1'),
  ],
)
def test_what_ends_one_process_ends_the_other(tmp_path, what, message):
  if what == 'claim':
    (tmp_path / 'config.json').write_text('{"seed": 0}')
    (tmp_path / 'results.json').write_text('{}')
  with jobs.workers(what, 2, tmp_path) as started:
    codes = jobs.exit_codes(started)
    texts = [p.text() for p in started]
  assert codes == [1, 1], texts
  for text in texts:
    assert message in text


def test_the_last_to_leave_is_process_0_whichever_thread_ends_it(monkeypatch):
  """Another thread of it may have said already that it heard."""
  counts = iter([1, 1, 2])
  seen = []

  def post(key, text):
    raise RuntimeError('ALREADY_EXISTS')

  def end(code):
    raise SystemExit(code)

  monkeypatch.setattr(job.processes, 'post', post)
  monkeypatch.setattr(
    job.processes, 'count', lambda _: seen.append(next(counts)) or seen[-1]
  )
  monkeypatch.setattr(job.jax, 'process_count', lambda: 2)
  monkeypatch.setattr(job.os, '_exit', end)
  slept = []
  monkeypatch.setattr(job.time, 'sleep', slept.append)
  with pytest.raises(SystemExit):
    job._leave()
  assert seen == [1, 1, 2]
  assert slept[-1] == job.LAST_SECS


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    (('localhost:1', 2, None), '--process_id missing'),
    ((None, 2, None), '--coordinator and --process_id missing'),
    (('localhost', 2, 0), 'not HOST:PORT'),
    (('localhost:70000', 2, 0), 'not HOST:PORT'),
    (('localhost:1', 2, 2), 'not from 0 to 1'),
  ],
)
def test_half_an_address_is_refused(arguments, message):
  with pytest.raises(UserError, match=message):
    job.start(*arguments)


def test_a_process_0_that_is_not_there_is_said(monkeypatch, capfd):
  monkeypatch.setattr(job, 'START_SECS', 0)
  with pytest.raises(
    UserError, match=r'Nobody listens at localhost:\d+: .*refu'
  ):
    job.start(f'localhost:{jobs.free_port()}', 2, 1)
  assert 'Process 1 of 2 waits at localhost' in capfd.readouterr().err
