"""Paths are names: `~` is expanded, and nothing in them is a pattern."""

import inspect
import os
import re

import numpy as np
from PIL import Image
import pytest
from toys import training as toy
from toys.configs import load_config

from affect_jax import contact_sheet
from affect_jax import corpora
from affect_jax import export_features
from affect_jax import train
from affect_jax import user_path
from affect_jax.corpora.features import text_tokens
from affect_jax.data import streams
from affect_jax.errors import UserError
from affect_jax.models import hugging_face
from affect_jax.models import pretrained
from affect_jax.training import checkpoint
from affect_jax.training import train_state

# Blanks, an umlaut, and what shells, printf, URLs and globs read in their way.
NAME = "a [x] ü*?%20%s {y} #;&'$HOME ~"


@pytest.fixture
def home(tmp_path, monkeypatch):
  monkeypatch.setenv('HOME', str(tmp_path))
  return tmp_path


def state_of(values):
  return train_state.TrainState(np.zeros(()), {'a': values}, {}, {}, {})


def test_only_a_home_is_expanded(home, monkeypatch):
  monkeypatch.chdir(home)
  for text, expected in {
    '~': '',
    '~/a': 'a',
    'a/~': 'a/~',
    './~': '~',
    '~nobody-here/a': '~nobody-here/a',
    '$HOME/[x]*': '$HOME/[x]*',
  }.items():
    assert user_path.expand(text) == home / expected
  assert user_path.expand('a', home / 'b') == home / 'b' / 'a'
  assert user_path.expand('~/a', '/b') == home / 'a'


MORE = {'csd': {'words': '~/gone'}, 'mult': {'dataset': 'mosi'}}


def needed(builder):
  """The options that a reader cannot do without: most name its files."""
  read = getattr(builder, 'LISTING', builder)
  return {
    name: '~/gone'
    for name, option in inspect.signature(read).parameters.items()
    if option.default is option.empty
    and option.kind is not option.VAR_KEYWORD
    and name != 'data_dir'
  }


@pytest.mark.parametrize('name', [*corpora.CORPORA])
def test_corpora_are_read_from_home(home, name):
  options = {**needed(corpora.CORPORA[name]), **MORE.get(name, {})}
  assert options or name.startswith('synthetic_')
  if options:
    with pytest.raises((FileNotFoundError, UserError)) as error:
      streams.build_corpus(name, '~/data', **options)
    assert str(home / 'gone') in str(error.value)


@pytest.mark.parametrize(
  'read',
  [
    checkpoint.read_variables,
    pretrained.load_resnet18,
    hugging_face.load,
    text_tokens.load,
    lambda path: export_features.export(path, '~/frames', '~/out'),
    lambda path: export_features.export('~/run', path, '~/out'),
  ],
)
def test_settings_name_files_at_home(home, read):
  (home / 'frames' / 'clip').mkdir(parents=True)
  with pytest.raises(FileNotFoundError) as error:
    read('~/gone.pth')
  assert str(home / 'gone.pth') in str(error.value)


def test_pictures_are_written_at_home(home):
  contact_sheet.save(Image.new('RGB', (2, 2)), '~/new/sheet.png')
  assert os.listdir(home / 'new') == ['sheet.png']


@pytest.mark.parametrize(
  ('name', 'saving', 'refused'),
  [
    ('a [x] b', True, "'[' before ']'"),
    ('a [x] b', False, ''),
    ('a\\b', False, 'a backslash'),
    (NAME.replace('[x]', '] ['), True, ''),
  ],
)
def test_what_orbax_cannot_read_is_refused(tmp_path, name, saving, refused):
  workdir = str(tmp_path / name / 'run')
  if refused:
    with pytest.raises(UserError, match=re.escape(refused)) as error:
      checkpoint.check_name(workdir, saving=saving)
    assert repr(name) in str(error.value)
  else:
    checkpoint.check_name(workdir, saving=saving)


def test_no_pattern_is_trained_in(tmp_path):
  """Before data is touched: this config's file does not exist."""
  c = load_config('faces_csv')
  c.data.path = str(tmp_path / 'gone.csv')
  with pytest.raises(UserError, match='Orbax could not read'):
    train.train_and_evaluate(c, str(tmp_path / 'a[x]b' / 'run'))


def test_inputs_and_records_have_any_name(tmp_path):
  folder = tmp_path / NAME
  toy.write_faces_csv(folder / 'faces', (5, 2, 2), pixels=8)
  np.save(folder / f'{NAME}.npy', np.ones((3, 4)))
  (folder / 'own.csv').write_text(
    f'id,split,audio,sentiment\n1,train,"{NAME}.npy",1\n', encoding='utf-8'
  )
  for corpus, path in (
    ('faces_csv', 'faces/faces.csv'),
    (
      'utterances_csv',
      'own.csv',
    ),
  ):
    # Prepared, then found again.
    for _ in range(2):
      builder = streams.build_corpus(
        corpus, str(folder / 'data'), path=str(folder / path)
      )
      records, size = streams.records_of(builder, 'train')
      assert len(list(records)) == size > 0
  with checkpoint.build_manager(str(folder.parent / 'run'), 1) as manager:
    checkpoint.save(manager, 1, state_of(np.arange(3.0)))
  # A run that was moved into such a folder can still be read.
  (folder.parent / 'run').rename(folder / 'run')
  with checkpoint.build_manager(str(folder / 'run'), 1) as manager:
    state, _ = checkpoint.restore(manager, 1, state_of(np.zeros(3)))
  np.testing.assert_array_equal(state.params['a'], np.arange(3.0))
  # And one behind a link goes on.
  (tmp_path / 'link').symlink_to(folder, target_is_directory=True)
  with checkpoint.build_manager(str(tmp_path / 'link' / 'run'), 1) as manager:
    checkpoint.save(manager, 2, state_of(np.arange(3.0)))
  with checkpoint.build_manager(str(tmp_path / 'link' / 'run'), 1) as manager:
    checkpoint.restore(manager, 2, state_of(np.zeros(3)))
