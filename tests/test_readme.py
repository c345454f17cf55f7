"""Commands and paths of the front page and of the guides exist."""

import re

import pytest
from toys.configs import load_config
from toys.paths import ROOT

README = ROOT / 'README.md'
GUIDES = [README, *sorted((ROOT / 'affect_jax').glob('*/README.md'))]
GUIDES += sorted((ROOT / 'experiments').rglob('README.md'))
name = lambda path: str(path.parent.relative_to(ROOT))
# Further pages, to which guides lead.
PAGES = sorted((ROOT / 'affect_jax').rglob('*.md'))
PAGES += sorted((ROOT / 'experiments').rglob('*.md'))


@pytest.mark.parametrize(
  'path', [README, *PAGES], ids=lambda path: str(path.relative_to(ROOT))
)
def test_links_lead_somewhere(path):
  for link in re.findall(r'\]\(([^)#:]+)\)', path.read_text()):
    assert (path.parent / link).exists(), link


def test_the_front_page_is_short_and_names_all_guides():
  text = README.read_text()
  assert len(text.splitlines()) <= 220
  for guide in GUIDES[1:]:
    if 'experiments' not in guide.parts:
      folder = str(guide.parent.relative_to(ROOT))
      assert f']({folder}' in text, folder


def test_where_is_names_what_exists():
  table = README.read_text().split('## Where is')[1]
  modules = re.findall(r'`([\w/]+\.py|[\w/]+/)`', table)
  assert len(modules) > 10
  for path in modules:
    if 'NAME' in path:  # Of a file to be written.
      continue
    found = (ROOT / path).exists() or (ROOT / 'affect_jax' / path).exists()
    assert found, path


@pytest.mark.parametrize(
  'path', [g for g in GUIDES if 'experiments' not in g.parts], ids=name
)
def test_overrides_are_settings(path):
  quickstart = load_config('quickstart').to_dict()
  # Experiments have settings of their own.
  text = re.sub(r'python experiments/(.*\\\n)*.*\n', '', path.read_text())
  for key in re.findall(r'config\.(?!json)([a-z][\w.]*\w)', text):
    node = quickstart
    if key.startswith('data.'):
      continue  # Options of a corpus.
    for part in key.split('.'):
      assert part in node, key
      node = node[part]


def test_commands_are_those_that_continuous_integration_runs():
  text = README.read_text()
  assert "pip install -e '.[test]' && pytest" in text
  script = (ROOT / '.ci' / 'run').read_text()
  assert "'.[test]' && pytest" in script


@pytest.mark.parametrize('path', GUIDES, ids=name)
def test_modules_and_configs_of_commands_exist(path):
  text = path.read_text()
  for config in re.findall(r'--config=(configs/\w+\.py)', text):
    assert (ROOT / config).exists(), config
  for module in re.findall(r'python -m (affect_jax[\w.]*\w)', text):
    folder = ROOT / module.replace('.', '/')
    assert (
      folder.with_suffix('.py').exists() or (folder / '__main__.py').exists()
    ), module
  for script in re.findall(r'python (experiments/[\w/]+\.py)', text):
    assert (ROOT / script).exists(), script


def sources(program):
  """The text of what a command line runs: a module, a package, a script."""
  path = ROOT / program.replace('.', '/')
  if program.endswith('.py'):
    path = ROOT / program
  elif path.with_suffix('.py').exists():
    path = path.with_suffix('.py')
  files = path.rglob('*.py') if path.is_dir() else [path]
  return ''.join(file.read_text() for file in files)


@pytest.mark.parametrize(
  'path', [README, *PAGES], ids=lambda path: str(path.relative_to(ROOT))
)
def test_flags_of_commands_exist(path):
  text = path.read_text().replace('\\\n', ' ')
  command = (
    r'python (?:-m )?(affect_jax[\w.]*\w|experiments/[\w/]+\.py)([^`\n]*)'
  )
  for program, arguments in re.findall(command, text):
    source = sources(program)
    for flag in re.findall(r' --(?:no)?([a-z]\w*)(?=[= ]|$)', arguments):
      known = f"'{flag}'" in source or f"'--{flag}'" in source
      assert known, f'{program} --{flag}'
