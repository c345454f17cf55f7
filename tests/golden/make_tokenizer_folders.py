"""Writes tokenizer_folders.json: ids of folders whose files disagree.

  python tests/golden/make_tokenizer_folders.py     (needs transformers)

Each folder is one of encoders_tiny/ with FOLDERS' changes; the ids of TEXTS are
those of `transformers.AutoTokenizer`.
"""

import json
import pathlib
import shutil
import tempfile

GOLDEN = pathlib.Path(__file__).parent
OUTPUT = GOLDEN / 'tokenizer_folders.json'
TEXTS = (
  'What a Day by the sea!',
  'ÇA, that is  great\u4f60 [USER] again',
  'we need<url>that 😀 DAY ,my day',
)


def token(content, **flags):
  names = ('lstrip', 'rstrip', 'single_word', 'normalized', 'special')
  return {'content': content, **dict.fromkeys(names, False), **flags}


def lower_cased(content):
  content['normalizer']['lowercase'] = True


def with_whitespace(content):
  content['pre_tokenizer'] = {'type': 'WhitespaceSplit'}


def with_lowercase(content):
  content['normalizer'] = {'type': 'Lowercase'}


def without_added(content):
  content['added_tokens'] = []


def with_cased_words(content):
  words = content['model']['vocab']
  for word in ('What', 'Day', '<s>', '</s>', '<unk>', 'Ç', 'day', 'cA'):
    words.setdefault(word, len(words))


# {name: (kind, {file: settings to add or to change; None removes the file},
# changes of tokenizer.json)}.
FOLDERS = {
  'cased beside a lower-cased file': (
    'distilbert',
    {'tokenizer_config.json': {'do_lower_case': False}},
    [lower_cased, with_cased_words],
  ),
  'no settings: lower-cased by default': (
    'distilbert',
    {'tokenizer_config.json': None},
    [],
  ),
  'accents are kept': (
    'electra',
    {'tokenizer_config.json': {'strip_accents': False}},
    [with_cased_words],
  ),
  'accents go, case stays': (
    'distilbert',
    {'tokenizer_config.json': {'strip_accents': True}},
    [with_cased_words],
  ),
  'Chinese characters are no words': (
    'electra',
    {'tokenizer_config.json': {'tokenize_chinese_chars': False}},
    [],
  ),
  'other marks around sentences': (
    'electra',
    {
      'tokenizer_config.json': {
        **{'cls_token': '<s>', 'sep_token': token('</s>', __type='AddedToken')},
        'unk_token': '<unk>',
      }
    },
    [with_cased_words],
  ),
  'another pre-tokenizer than that of the class': (
    'electra',
    {},
    [with_whitespace],
  ),
  'tokens of special_tokens_map.json and added_tokens.json': (
    'electra',
    {
      'special_tokens_map.json': {
        'additional_special_tokens': ['[USER]'],
        'mask_token': '[MASK]',
      },
      'added_tokens.json': {'😀': 33, '<url>': 34},
    },
    [],
  ),
  'tokens of added_tokens_decoder': (
    'electra',
    {
      'tokenizer_config.json': {
        'added_tokens_decoder': {
          '0': token('[PAD]', special=True),
          '33': token('[USER]', special=True),
          '34': token('<url>', lstrip=True),
          '35': token('my day', normalized=True),
        },
        'additional_special_tokens': ['[USER]'],
      },
      'special_tokens_map.json': {'additional_special_tokens': ['😀']},
    },
    [],
  ),
  'a list of further tokens': (
    'distilbert',
    {
      'tokenizer_config.json': {
        'extra_special_tokens': ['<url>', 'sea'],
        'speaker_token': '[USER]',
      }
    },
    [without_added],
  ),
  'the library as it is': (
    'distilbert',
    {
      'tokenizer_config.json': {
        'tokenizer_class': 'PreTrainedTokenizerFast',
        'do_lower_case': False,
        'additional_special_tokens': ['[USER]'],
      }
    },
    [lower_cased, with_whitespace],
  ),
  'a space before the first word': (
    'roberta',
    {'tokenizer_config.json': {'add_prefix_space': True}},
    [],
  ),
  'a normalizer that the class has not': ('roberta', {}, [with_lowercase]),
  'added to RoBERTa': (
    'roberta',
    {
      'tokenizer_config.json': {
        'additional_special_tokens': [
          token('[USER]', lstrip=True, __type='AddedToken')
        ]
      }
    },
    [],
  ),
  'no space before the first word': (
    'xlm_roberta',
    {'tokenizer_config.json': {'add_prefix_space': False}},
    [],
  ),
}


def make(folder, name):
  """Lays out one of FOLDERS, with the files that a tokenizer needs."""
  kind, files, changes = FOLDERS[name]
  folder.mkdir(parents=True, exist_ok=True)
  for file in ('tokenizer.json', 'tokenizer_config.json', 'config.json'):
    shutil.copy(GOLDEN / 'encoders_tiny' / kind / file, folder)
  # Room in the model for tokens that are added.
  config = json.loads((folder / 'config.json').read_text())
  files = {**files, 'config.json': {'vocab_size': config['vocab_size'] + 20}}
  for file, settings in files.items():
    path = folder / file
    if settings is None:
      path.unlink()
      continue
    old = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(old | settings))
  path = folder / 'tokenizer.json'
  content = json.loads(path.read_text(encoding='utf-8'))
  for change in changes:
    change(content)
  path.write_text(json.dumps(content))


def main():
  import transformers

  ids = {}
  for name in FOLDERS:
    with tempfile.TemporaryDirectory() as folder:
      make(pathlib.Path(folder), name)
      tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
      ids[name] = [tokenizer(text)['input_ids'] for text in TEXTS]
  lines = ',\n'.join(
    f'{json.dumps(k)}: {json.dumps(v)}' for k, v in ids.items()
  )
  OUTPUT.write_text(f'{{\n{lines}\n}}\n')


if __name__ == '__main__':
  main()
