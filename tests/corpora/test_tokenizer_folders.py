"""Folders whose other files overrule tokenizer.json, as in transformers.

The ids were stored once by tests/golden/make_tokenizer_folders.py.
"""

import hashlib
import json
import pathlib
import runpy
import shutil

import pytest
from toys.paths import GOLDEN
from toys.paths import TINY_BERT

from affect_jax.corpora.features import text_tokens
from affect_jax.models import hugging_face
from affect_jax.models import tokenizer_json

pytest.importorskip('tokenizers', reason="pip install 'affect_jax[text]'")
MADE = runpy.run_path(str(GOLDEN / 'make_tokenizer_folders.py'))
STORED = json.loads(MADE['OUTPUT'].read_text(encoding='utf-8'))


def change(path, **changes):
  old = json.loads(path.read_text()) if path.exists() else {}
  path.write_text(json.dumps(old | changes))


@pytest.mark.parametrize('name', MADE['FOLDERS'])
def test_ids_are_those_of_transformers(tmp_path, name):
  MADE['make'](tmp_path, name)
  tokenizer = text_tokens.load(tmp_path)
  found = text_tokens.encode(tokenizer, MADE['TEXTS'], max_length=40)
  assert found.ids == STORED[name]
  assert hugging_face.read_options(tmp_path)['sep'] == tokenizer.sep
  # Without the other files, texts would be read differently.
  _, changed = tokenizer_json.read(tmp_path)
  file = (tmp_path / 'tokenizer.json').read_bytes()
  assert changed
  assert tokenizer_json.checksum(tmp_path) != hashlib.sha256(file).hexdigest()


def test_a_text_cannot_write_marks_but_other_special_tokens(tmp_path):
  MADE['make'](tmp_path, 'tokens of added_tokens_decoder')
  tokenizer = text_tokens.load(tmp_path)
  (ids,) = text_tokens.encode(tokenizer, ['[USER] [SEP]'], max_length=40).ids
  assert ids[1] == 33
  assert ids.count(tokenizer.sep) == 1


@pytest.mark.parametrize(
  'folder',
  [
    TINY_BERT,
    *(GOLDEN / 'encoders_tiny' / k for k in ('electra', 'roberta')),
  ],
  ids=lambda folder: folder.name,
)
def test_what_nothing_overrules_keeps_its_checksum(folder):
  """Else corpora that were prepared before would be prepared anew."""
  content, changed = tokenizer_json.read(folder)
  assert changed == []
  data = (folder / 'tokenizer.json').read_bytes()
  assert content == json.loads(data)
  assert tokenizer_json.checksum(folder) == hashlib.sha256(data).hexdigest()


@pytest.fixture
def folder(tmp_path):
  return pathlib.Path(shutil.copytree(TINY_BERT, tmp_path / 'bert'))


def test_a_mark_that_the_vocabulary_lacks(folder):
  change(folder / 'tokenizer_config.json', sep_token='<end>')
  with pytest.raises(
    ValueError, match=r"no token '<end>'.*its sep_token in to"
  ):
    text_tokens.load(folder)
  with pytest.raises(ValueError, match=r"no token '<end>'"):
    hugging_face.read_options(folder)


def test_no_token_for_unknown_words(folder):
  change(folder / 'tokenizer_config.json', unk_token='<unk>')
  with pytest.raises(ValueError, match=r"no token '<unk>', .*its unk_token in"):
    text_tokens.load(folder)


def test_damaged_settings(folder):
  change(folder / 'tokenizer_config.json', added_tokens_decoder={'a': {}})
  with pytest.raises(ValueError, match=r'bert: .*is damaged'):
    text_tokens.load(folder)
  (folder / 'tokenizer_config.json').write_text(
    'version https://git-lfs.github.com/spec/v1'
  )
  with pytest.raises(ValueError, match=r'config\.json is a Git-LFS pointer'):
    text_tokens.load(folder)
