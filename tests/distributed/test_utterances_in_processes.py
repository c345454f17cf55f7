"""A run of two processes is stopped, killed, and goes on bit for bit.

Each process holds a part of the parameters only.
"""

import signal

import pytest
from toys import jobs
from toys import run_comparison
from toys import utterances as toy_utterances

from affect_jax import corpora as corpora_lib
from affect_jax import defaults
from affect_jax import train

STEPS = 8
SETTINGS = {
  'tasks': ('emotion', 'sentiment'),
  'data.corpus': 'toy',
  'utterance.fusion': 'concat',
  'utterance.modality_dropout': 0.2,
  'utterance.modalities': ('text', 'audio'),
  'utterance.boundaries': (16, 32),
  'batch_size': 12,
  'num_train_steps': STEPS,
  'eval_every': 4,
  'log_every': 1,
  'progress_secs': 0.0,
  'log_gradients': False,
  'schedule.warmup_steps': 1,
}


@pytest.fixture
def toy_corpus(monkeypatch):
  monkeypatch.setitem(corpora_lib.CORPORA, 'toy', toy_utterances.Toy)


def test_utterances_stop_die_and_go_on_together(tmp_path, toy_corpus):
  settings = SETTINGS | {'data.data_dir': str(tmp_path / 'data')}
  config = defaults.get_config()
  config.update_from_flattened_dict(settings)
  train.train_and_evaluate(config, str(tmp_path / 'one'))

  def start(name, **environment):
    sharded = settings | {'shard_parameters': True}
    command = run_comparison.flags(
      'affect_jax/defaults.py', tmp_path / name, sharded
    )
    return jobs.mains(command, 2, tmp_path, SHARDED_FROM='16', **environment)

  with start('two') as started:
    assert jobs.exit_codes(started) == [0, 0], started[0].text()
    assert 'Each device holds' in started[0].text()
  run_comparison.assert_equal(
    tmp_path / 'two', tmp_path / 'one', ('val', 'test')
  )

  with start('stopped', PAUSE='0.3') as started:
    first, other = started
    first.wait_for_text('step 2/')
    other.popen.send_signal(signal.SIGTERM)
    assert jobs.exit_codes(started) == [128 + signal.SIGTERM] * 2, first.text()
    checkpoints = (tmp_path / 'stopped/checkpoints').glob('[0-9]*')
    (step,) = (int(p.name) for p in checkpoints)
    assert 2 <= step < STEPS
    assert f'step {step} is saved' in first.text()

  with start('stopped', PAUSE='0.3') as started:
    first, other = started
    first.wait_for_text(f'Resuming from step {step} ')
    first.wait_for_text(f'step {max(step, 4) + 1}/')
    other.popen.kill()
    assert 0 not in jobs.exit_codes(started)
    assert 'go on from the last checkpoint' in first.text()

  with start('stopped') as started:
    assert jobs.exit_codes(started) == [0, 0], started[0].text()
  for name in ('metrics.jsonl', 'results.json', 'predictions/test.csv'):
    parts = [tmp_path / run / name for run in ('two', 'stopped')]
    assert parts[0].read_bytes() == parts[1].read_bytes(), name
