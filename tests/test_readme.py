"""The README's commands and paths are those that exist."""

import re

from toys.configs import load_config
from toys.paths import ROOT

TEXT = (ROOT / 'README.md').read_text()


def test_paths_exist():
  links = re.findall(r'\]\(([^)#:]+)\)', TEXT)
  table = TEXT.split('## Where is')[1]
  modules = re.findall(r'`([\w/]+\.py|[\w/]+/)`', table)
  assert len(links) > 3
  assert len(modules) > 10
  for path in (*links, *modules):
    if 'NAME' in path:  # Of a file to be written.
      continue
    found = (ROOT / path).exists() or (ROOT / 'affect_jax' / path).exists()
    assert found, path


def test_overrides_are_settings():
  quickstart = load_config('quickstart').to_dict()
  for key in re.findall(r'config\.(?!json)([\w.]+)', TEXT):
    node = quickstart
    if key.startswith('data.'):
      continue  # Options of a corpus.
    for part in key.split('.'):
      assert part in node, key
      node = node[part]


def test_commands_are_those_that_continuous_integration_runs():
  assert "pip install -e '.[test]' && pytest" in TEXT
  script = (ROOT / '.ci' / 'run').read_text()
  assert "'.[test]' && pytest" in script
  for config in re.findall(r'--config=(configs/\w+\.py)', TEXT):
    assert (ROOT / config).exists()
