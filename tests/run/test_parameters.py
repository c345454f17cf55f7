"""How large a network is: by part in the log, in full in a file."""

import logging

import jax
import jax.numpy as jnp

from affect_jax.run import log_format
from affect_jax.run import parameters


def test_a_line_for_each_part_and_a_file_with_all(tmp_path, caplog):
  params = {
    'backbone': {'a': {'kernel': jnp.zeros((500, 1000))}, 'b': jnp.zeros(7)},
    # Shapes serve as well as arrays.
    'heads': {'expression': jax.ShapeDtypeStruct((2, 8), jnp.bfloat16)},
  }
  with caplog.at_level(logging.INFO, logger='absl'):
    parameters.show(params, [str(tmp_path)])
  assert [record.getMessage() for record in caplog.records] == [
    f'Network: 500,023 parameters, 2 MB; in full: {tmp_path}/parameters.txt',
    '  backbone: 500,007 parameters, 2 MB',
    '  heads: 16 parameters, 3.2e-05 MB',
  ]
  table = (tmp_path / 'parameters.txt').read_text()
  assert '| backbone/a/kernel | (500, 1000) | float32  | 500,000 |' in table
  assert '| heads/expression  | (2, 8)      | bfloat16 | 16      |' in table


def record(path, level, text):
  return logging.LogRecord('absl', level, path, 1, text, (), None)


def test_what_libraries_say_of_themselves_is_left_out():
  speaks = log_format._speaks_to_users
  ours, theirs = '/x/affect_jax/run/build.py', '/x/orbax/checkpoint/save.py'
  assert speaks(record(ours, logging.INFO, 'val: macro_f1 .5'))
  assert not speaks(record(theirs, logging.INFO, 'Saving'))
  assert speaks(record(theirs, logging.WARNING, 'The disk is full.'))
  for text in (
    '`FeatureConnector.dtype` is deprecated. Please change your code',
    'Requested `tracked_metric`; did not provide metrics.',
  ):
    assert not speaks(record(theirs, logging.WARNING, text))
