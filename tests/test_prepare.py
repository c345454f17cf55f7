"""How corpora are kept: full disks, killed processes, two at once."""

import errno
import os
import pathlib
import signal
import subprocess
import sys
import threading

import pytest
import tensorflow as tf
from toys.fer2013 import load
from toys.fer2013 import prepared
from toys.fer2013 import small

from affect_jax import corpora
from affect_jax.corpora import fer2013
from affect_jax.corpora.builders import prepare


def leftovers(tmp_path):
  return [p.name for p in (tmp_path / 'data').rglob('incomplete*')]


@pytest.mark.parametrize(
  'error',
  [
    OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    tf.errors.ResourceExhaustedError(None, None, 'No space left on device'),
  ],
)
def test_a_full_disk_is_explained_and_leaves_nothing(
  tmp_path, monkeypatch, error
):
  path = small(tmp_path / 'fer.csv')
  with monkeypatch.context() as m:

    def write(self, record):
      raise error

    m.setattr(tf.io.TFRecordWriter, 'write', write)
    with pytest.raises(OSError, match=r'is full.*Free some space') as e:
      prepared(tmp_path, path)
  assert e.value.errno == errno.ENOSPC
  assert str(tmp_path / 'data') in str(e.value)
  assert leftovers(tmp_path) == []
  builder = corpora.get_corpus('fer2013')(data_dir=tmp_path / 'data', path=path)
  assert not pathlib.Path(builder.data_dir).exists()
  builder.download_and_prepare()
  assert len(load(builder, 'train')) == 7


def test_other_errors_are_left_alone(tmp_path, monkeypatch):
  def write(self, record):
    raise OSError(errno.EIO, 'broken disk')

  monkeypatch.setattr(tf.io.TFRecordWriter, 'write', write)
  with pytest.raises(OSError, match='broken disk') as e:
    prepared(tmp_path, small(tmp_path / 'fer.csv'))
  assert 'is full' not in str(e.value)


KILLED = """
import os, signal, sys
import tensorflow as tf
from affect_jax import corpora
def write(self, record):
  os.kill(os.getpid(), signal.SIGKILL)
tf.io.TFRecordWriter.write = write
corpora.get_corpus('fer2013')(
  data_dir=sys.argv[1], path=sys.argv[2]
).download_and_prepare()
"""


def test_a_killed_process_leaves_nothing_that_looks_complete(tmp_path):
  path = small(tmp_path / 'fer.csv')
  root = pathlib.Path(corpora.__file__).parents[2]
  process = subprocess.run(
    [sys.executable, '-c', KILLED, str(tmp_path / 'data'), str(path)],
    cwd=root,
    capture_output=True,
    check=False,
  )
  assert process.returncode == -signal.SIGKILL, process.stderr[-2000:]
  assert len(leftovers(tmp_path)) == 1  # so the next line tests something
  builder = prepared(tmp_path, path)
  assert len(load(builder, 'train')) == 7
  assert leftovers(tmp_path) == []


def test_two_at_once_prepare_once(tmp_path, monkeypatch):
  path = small(tmp_path / 'fer.csv')
  calls, gate = [], threading.Event()
  read = fer2013.read

  def slow_read(path):
    calls.append(path)
    gate.wait(1)
    return read(path)

  monkeypatch.setattr(fer2013, 'read', slow_read)
  builders = [
    corpora.get_corpus('fer2013')(data_dir=tmp_path / 'data', path=path)
    for _ in range(2)
  ]
  threads = [threading.Thread(target=b.download_and_prepare) for b in builders]
  for thread in threads:
    thread.start()
  for thread in threads:
    thread.join()
  assert len(calls) == 1
  for builder in builders:
    assert len(load(builder, 'train')) == 7
    assert (pathlib.Path(builder.data_dir).parent / prepare.LOCK).exists()
