"""Sentences to ids: pairs, what is cut first, foreign tokenizers."""

import builtins
import json
import pathlib
import shutil

import numpy as np
import pytest
from toys.paths import TINY_BERT

from affect_jax.corpora.features import text_tokens

pytest.importorskip('tokenizers', reason="pip install 'affect_jax[text]'")


@pytest.fixture(scope='module')
def tokenizer():
  return text_tokens.load(TINY_BERT)


@pytest.fixture
def folder(tmp_path):
  """A copy of the folder that a test may spoil."""
  return pathlib.Path(shutil.copytree(TINY_BERT, tmp_path / 'bert'))


def change_tokenizer(folder, change):
  path = folder / 'tokenizer.json'
  content = json.loads(path.read_text(encoding='utf-8'))
  change(content)
  path.write_text(json.dumps(content))


def ids(tokens):
  """By the vocabulary itself."""
  content = json.loads(
    (TINY_BERT / 'tokenizer.json').read_text(encoding='utf-8')
  )
  return [content['model']['vocab'][token] for token in tokens.split()]


def test_words_and_their_parts(tokenizer):
  found = text_tokens.encode(
    tokenizer,
    ['I am unhappy!', "the SADDEST film, isn't it?", ''],
    max_length=40,
  )
  assert found.ids == [
    ids('[CLS] i am un ##happy ! [SEP]'),
    ids("[CLS] the [UNK] film , [UNK] ' [UNK] it ? [SEP]"),
    ids('[CLS] [SEP]'),
  ]
  assert found.types == [[0] * 7, [0] * 11, [0] * 2]
  assert (found.cut_texts, found.cut_contexts, found.unknown) == (0, 0, 3)
  assert '3 utterances, 20 tokens, 3 of them unknown' in str(found)


def test_what_load_says(tokenizer):
  assert tokenizer.size == 63
  assert tokenizer.positions == 40
  assert [tokenizer.unknown, tokenizer.cls, tokenizer.sep] == [1, 2, 3]


def test_the_file_neither_cuts_nor_pads(tokenizer):
  content = json.loads(
    (TINY_BERT / 'tokenizer.json').read_text(encoding='utf-8')
  )
  assert content['truncation']
  assert content['padding']
  found = text_tokens.encode(
    tokenizer, ['i am', 'we walk ' * 10], max_length=40
  )
  assert [len(row) for row in found.ids] == [4, 22]


def test_context_comes_first_and_is_of_type_0(tokenizer):
  found = text_tokens.encode(
    tokenizer,
    ['am i happy?', 'yes'],
    [['the sun .', 'we walk'], []],
    max_length=20,
  )
  assert found.ids[0] == ids('[CLS] the sun . we walk [SEP] am i happy ? [SEP]')
  assert found.types[0] == [0] * 7 + [1] * 5
  assert found.ids[1] == ids('[CLS] [UNK] [SEP]')
  assert found.types[1] == [0] * 3
  assert found.cut_contexts == 0


def test_an_empty_context_is_none(tokenizer):
  found = text_tokens.encode(
    tokenizer, ['sad'] * 2, [['', ' '], []], max_length=40
  )
  assert found.ids == [ids('[CLS] sad [SEP]')] * 2


@pytest.mark.parametrize(
  ('length', 'tokens', 'cut_texts', 'cut_contexts'),
  [
    (11, 'the sun we walk [SEP] what a great day', 0, 0),
    (10, 'sun we walk [SEP] what a great day', 0, 1),
    (8, 'walk [SEP] what a great day', 0, 1),
    # A mark between would leave no room for a context.
    (7, 'what a great day', 0, 1),
    (6, 'what a great day', 0, 1),
    (5, 'what a great', 1, 1),
    (3, 'what', 1, 1),
  ],
)
def test_the_oldest_context_goes_first(
  tokenizer, length, tokens, cut_texts, cut_contexts
):
  found = text_tokens.encode(
    tokenizer, ['what a great day'], [['the sun', 'we walk']], max_length=length
  )
  assert found.ids == [ids(f'[CLS] {tokens} [SEP]')]
  assert len(found.ids[0]) <= length
  assert len(found.types[0]) == len(found.ids[0])
  assert found.cut_texts == cut_texts
  assert found.cut_contexts == cut_contexts


def test_a_text_cannot_write_special_tokens(tokenizer):
  found = text_tokens.encode(tokenizer, ['i [SEP] you'], max_length=9)
  assert found.ids == [ids('[CLS] i [ sep ] you [SEP]')]


def test_order_is_kept_in_long_lists(tokenizer):
  words = ['happy', 'sad', 'angry', 'sun', 'sea']
  texts = [words[i % 5] for i in range(500)]
  found = text_tokens.encode(tokenizer, texts, max_length=5)
  assert found.ids == [ids(f'[CLS] {text} [SEP]') for text in texts]
  assert text_tokens.encode(tokenizer, [], max_length=5).ids == []


@pytest.mark.parametrize(
  ('texts', 'contexts', 'length', 'message'),
  [
    (['i'], None, 2, r'max_tokens is 2, not in 3\.\.40'),
    (['i'], None, 41, r'max_tokens is 41, not in 3\.\.40'),
    (['i'], [[], []], 9, r'2 contexts for 1 texts'),
    (['i'], ['we walk'], 9, r"Context 0 is a string, not a list: 'we walk'"),
    (['i', None], None, 9, r'Text or context 1 has None, not a string'),
    (['i'], [['we', 3]], 9, r'Text or context 0 has 3, not a string'),
  ],
)
def test_wrong_arguments(tokenizer, texts, contexts, length, message):
  with pytest.raises(ValueError, match=message):
    text_tokens.encode(tokenizer, texts, contexts, max_length=length)


def test_more_words_than_vectors(folder):
  config = json.loads((folder / 'config.json').read_text())
  (folder / 'config.json').write_text(json.dumps(config | {'vocab_size': 62}))
  message = (
    r'tokenizer\.json has 63 words, but .* for 62: it belongs to another'
  )
  with pytest.raises(ValueError, match=message):
    text_tokens.load(folder)
  (folder / 'config.json').unlink()
  assert text_tokens.load(folder).positions is None
  with pytest.raises(ValueError, match=message):
    text_tokens.load(folder, vocabulary=62)


def test_fewer_words_than_vectors(folder):
  config = json.loads((folder / 'config.json').read_text())
  # 63 words: 127 rows more may be padding.
  (folder / 'config.json').write_text(json.dumps(config | {'vocab_size': 190}))
  assert text_tokens.load(folder).size == 63
  (folder / 'config.json').write_text(json.dumps(config | {'vocab_size': 191}))
  message = r'tokenizer\.json has 63 words, but .* for 191, .*to another model'
  with pytest.raises(ValueError, match=message):
    text_tokens.load(folder)
  assert text_tokens.load(folder, vocabulary=64).size == 63
  # Some models have rows to spare; their own words say that it is theirs.
  (folder / 'vocab.txt').write_text('\n'.join(vocabulary()))
  assert text_tokens.load(folder).size == 63
  (folder / 'vocab.txt').unlink()

  def add(content):
    token = {
      **{'id': 63, 'content': '[NAME]', 'special': True, 'single_word': False},
      **{'lstrip': False, 'rstrip': False, 'normalized': False},
    }
    content['added_tokens'].append(token)

  change_tokenizer(folder, add)  # Added tokens count.
  assert text_tokens.load(folder).size == 64


def vocabulary():
  content = json.loads(
    (TINY_BERT / 'tokenizer.json').read_text(encoding='utf-8')
  )
  words = content['model']['vocab']
  return sorted(words, key=words.__getitem__)


@pytest.mark.parametrize('end', ['', '\n', '\n\n'])
def test_the_words_of_vocab_txt(folder, end):
  (folder / 'vocab.txt').write_text('\n'.join(vocabulary()) + end)
  assert text_tokens.load(folder).size == 63


def test_other_words_than_those_of_vocab_txt(folder):
  words = vocabulary()

  def refused(words, message):
    (folder / 'vocab.txt').write_text('\n'.join(words))
    with pytest.raises(
      ValueError, match=r'tokenizer\.json is not .*' + message
    ):
      text_tokens.load(folder)

  swapped = [*words[:20], words[21], words[20], *words[22:]]
  refused(swapped, f"'{words[21]}' is number 21 in .* and number 20 in vocab")
  other = [*words[:30], 'kettle', *words[31:]]
  refused(other, "'kettle' is absent in .* and number 30 in vocab")
  refused(words[:-1], f"'{words[-1]}' is number 62 in .* and absent in vocab")


def test_another_template_than_that_of_bert(folder):
  def three(content):
    pair = content['post_processor']['pair']
    pair[3:3] = [{'SpecialToken': {'id': '[SEP]', 'type_id': 0}}] * 2

  # A BertTokenizer would write its own.
  settings = {'tokenizer_class': 'PreTrainedTokenizerFast'}
  (folder / 'tokenizer_config.json').write_text(json.dumps(settings))
  change_tokenizer(folder, three)
  with pytest.raises(ValueError, match=r"neither BERT's .* but \['\[CLS"):
    text_tokens.load(folder)
  change_tokenizer(folder, lambda c: c.update(post_processor=None))
  with pytest.raises(ValueError, match=r"writes neither BERT's"):
    text_tokens.load(folder)


def test_absent_and_damaged_files(folder):
  (folder / 'config.json').write_text('{')
  with pytest.raises(ValueError, match=r'config\.json: not JSON'):
    text_tokens.load(folder)
  (folder / 'tokenizer.json').write_text('{"version": "1.0"}')
  with pytest.raises(ValueError, match=r'tokenizer\.json is not a tokenizer'):
    text_tokens.load(folder)
  (folder / 'tokenizer.json').unlink()
  with pytest.raises(
    FileNotFoundError, match=r'vocab\.txt alone is not enough'
  ):
    text_tokens.load(folder)


def test_without_the_library(monkeypatch):
  original = builtins.__import__

  def without(name, *args, **kwargs):
    if name == 'tokenizers':
      raise ImportError(name)
    return original(name, *args, **kwargs)

  monkeypatch.setattr(builtins, '__import__', without)
  with pytest.raises(ImportError, match=r"pip install 'affect_jax\[text\]'"):
    text_tokens.load(TINY_BERT)


def test_pad():
  rows, mask = text_tokens.pad([[2, 7, 3], [2, 3]], 4)
  np.testing.assert_array_equal(rows, [[2, 7, 3, 0], [2, 3, 0, 0]])
  np.testing.assert_array_equal(
    mask, [[True, True, True, False], [True, True, False, False]]
  )
  assert rows.dtype == np.int32
  assert mask.dtype == bool
  assert text_tokens.pad([[2, 7, 3], [2, 3]])[0].shape == (2, 3)
  assert text_tokens.pad([])[0].shape == (0, 0)
  with pytest.raises(ValueError, match='of 3 ids does not fit in 2'):
    text_tokens.pad([[2, 7, 3]], 2)
