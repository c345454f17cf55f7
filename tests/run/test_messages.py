"""What messages advise exists: every setting and flag that one names."""

import ast
import re

import pytest
from toys.paths import ROOT

from affect_jax import corpora
from affect_jax import defaults
from affect_jax.run import check

# 'config.' and the names behind it, as far as the text itself gives them.
SETTING = re.compile(r'\bconfig((?:\.[a-z_][a-z0-9_]*)+)(\.?[\[{(*]?)')
FILES = sorted((ROOT / 'affect_jax').rglob('*.py'))
# Methods and files that look like settings.
OTHERS = ('config.json', 'config.py', 'config.update', 'config.to_dict')


def texts(path):
  """(line, text) of every string; placeholders of f-strings are '{}'."""
  nodes = list(ast.walk(ast.parse(path.read_text())))
  joined = [n for n in nodes if isinstance(n, ast.JoinedStr)]
  for node in joined:
    parts = [getattr(part, 'value', '{}') for part in node.values]
    parts = [part if isinstance(part, str) else '{}' for part in parts]
    yield node.lineno, ''.join(parts)
  within = {id(part) for node in joined for part in node.values}
  for node in nodes:
    if isinstance(node, ast.Constant) and id(node) not in within:
      yield getattr(node, 'lineno', 0), str(node.value)


def exists(names):
  """Whether `names` lead to a setting, or to an option of some corpus."""
  node = defaults.get_config().to_dict()
  for depth, name in enumerate(names):
    if depth == 1 and names[0] == 'data' and name not in node:
      return any(name in corpora.options(c) for c in corpora.CORPORA)
    if depth == 1 and names[0] in check.OPEN and names[0] != 'data':
      return True
    if not isinstance(node, dict) or name not in node:
      return False
    node = node[name]
  return True


@pytest.mark.parametrize('path', FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_settings_that_are_named_exist(path):
  wrong = []
  for line, text in texts(path):
    for found in SETTING.finditer(text):
      if found[0].startswith(OTHERS):
        continue
      *names, last = found[1].strip('.').split('.')
      # 'config.data.{}' and 'config.data.max_{}' end where the text ends.
      names = names if text[found.end() :].startswith('{') else [*names, last]
      if not exists(names):
        wrong.append(f'{path.relative_to(ROOT)}:{line}: {found[0]}')
  assert not wrong


def test_a_setting_that_is_none_would_be_seen():
  assert exists(['data', 'max_tokens'])
  assert exists(['utterance', 'self_mm', 'limit'])
  assert not exists(['data', 'max_token'])
  assert not exists(['optimzer', 'name'])
  named = [
    x for p in FILES for _, text in texts(p) for x in SETTING.findall(text)
  ]
  assert len(named) > 100
