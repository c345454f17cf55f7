"""Prepared corpora whose files are damaged: the folder to delete is named."""

import re

import pytest
import tensorflow as tf
from toys import faces_csv as toy

from affect_jax.data import streams
from affect_jax.errors import UserError
from affect_jax.run import command


@pytest.fixture
def prepared(tmp_path):
  """Options of a prepared corpus, and its only shard."""
  for k in range(3):
    toy.save(tmp_path / f'{k}.png', k)
  rows = [f'{k}.png,train,{k / 3}' for k in range(3)]
  toy.write(tmp_path, *rows, header='image,split,valence')
  options = {
    'name': 'faces_csv',
    'data_dir': str(tmp_path / 'data'),
    'path': tmp_path / 'faces.csv',
  }
  builder = streams.build_corpus(**options)
  (shard,) = builder.info.splits['train'].filepaths
  return options, shard


def test_files_that_are_cut_or_missing(prepared):
  options, shard = prepared
  whole = shard.read_bytes()
  advice = f'Delete this folder, .*{re.escape(str(shard.parent))}'
  shard.write_bytes(whole[:-50])
  with pytest.raises(UserError, match=f'are damaged.* {advice}'):
    streams.build_corpus(**options)
  shard.unlink()
  with pytest.raises(UserError, match=f'lacks {shard.name}.* {advice}'):
    streams.build_corpus(**options)
  shard.write_bytes(whole)
  streams.build_corpus(**options)
  for name in ('dataset_info.json', 'metadata.json'):
    content = (shard.parent / name).read_text()
    (shard.parent / name).write_text(content[: len(content) // 2])
    with pytest.raises(UserError, match=r'is damaged.* Delete this folder'):
      streams.build_corpus(**options)
    (shard.parent / name).write_text(content)


def test_bytes_that_flipped_end_a_command_in_one_line(prepared):
  options, shard = prepared
  content = bytearray(shard.read_bytes())
  content[100] ^= 255
  shard.write_bytes(content)
  dataset, _ = streams.records_of(streams.build_corpus(**options), 'train')
  with (
    pytest.raises(SystemExit, match=rf'{shard.name} is damaged\. Delete'),
    command.in_one_line(),
  ):
    list(dataset)
  with pytest.raises(tf.errors.DataLossError):
    list(dataset)


def test_data_that_go_on_the_way_end_a_command_in_one_line(prepared):
  options, shard = prepared
  corpus = streams.build_corpus(**options)
  away = shard.parent.rename(shard.parent.with_name('away'))
  for read in (
    lambda: streams.records_of(corpus, 'train'),
    lambda: list(tf.data.TFRecordDataset(str(shard))),
  ):
    with (
      pytest.raises(SystemExit, match=rf'Error: .*{shard.name} was there.*Put'),
      command.in_one_line(),
    ):
      read()
  # Another file is missing.
  with (
    pytest.raises(SystemExit, match=r'^FileNotFoundError: no faces\.csv$'),
    command.in_one_line(),
  ):
    raise FileNotFoundError('no faces.csv')
  away.rename(shard.parent)
  assert list(streams.records_of(corpus, 'train')[0])
