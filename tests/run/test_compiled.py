"""Compiled programs are kept in the user's cache folder."""

import os
import time

import jax
import pytest

from affect_jax.run import compiled


@pytest.fixture(autouse=True)
def unset(monkeypatch, tmp_path):
  monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
  # The tests also run with versions that keep nothing.
  monkeypatch.setattr(compiled.jaxlib_version, '__version_info__', (0, 10, 2))
  before = jax.config.jax_compilation_cache_dir
  jax.config.update('jax_compilation_cache_dir', None)
  yield
  jax.config.update('jax_compilation_cache_dir', before)


def kept_in():
  compiled.keep()
  return jax.config.jax_compilation_cache_dir


def test_each_processor_its_cores_and_version_have_a_folder(
  tmp_path, monkeypatch
):
  folder = kept_in()
  assert folder.startswith(str(tmp_path / 'affect_jax'))
  assert os.path.isdir(folder)
  jax.config.update('jax_compilation_cache_dir', None)
  assert kept_in() == folder
  jax.config.update('jax_compilation_cache_dir', None)
  monkeypatch.setattr(compiled.cores, 'usable', lambda: 999)
  of_cores = kept_in()
  assert of_cores != folder
  jax.config.update('jax_compilation_cache_dir', None)
  monkeypatch.setattr(compiled.jaxlib_version, '__version__', '0.0.1')
  assert kept_in() not in (folder, of_cores)


def test_versions_that_find_fault_with_what_is_kept_keep_nothing(monkeypatch):
  monkeypatch.setattr(compiled.jaxlib_version, '__version_info__', (0, 10, 1))
  assert kept_in() is None


def test_what_jax_was_given_wins():
  jax.config.update('jax_compilation_cache_dir', '/mine')
  assert kept_in() == '/mine'


def test_nothing_is_kept_where_nothing_can_be(tmp_path):
  (tmp_path / 'affect_jax').write_text('')
  assert kept_in() is None
  (tmp_path / 'affect_jax').unlink()
  jax.config.update('jax_enable_compilation_cache', False)
  try:
    assert kept_in() is None
  finally:
    jax.config.update('jax_enable_compilation_cache', True)


def test_what_nobody_uses_is_removed():
  folder = kept_in()
  old, new = (os.path.join(folder, name) for name in ('old', 'new'))
  for path in (old, new):
    with open(path, 'w'):
      pass
  month = time.time() - 31 * 24 * 3600
  os.utime(old, (month, month))
  jax.config.update('jax_compilation_cache_dir', None)
  compiled.keep()
  assert os.listdir(folder) == ['new']
