"""The house: which rooms there are, and that imports go one way."""

import ast
import pathlib

PACKAGE = pathlib.Path(__file__).parents[1] / 'affect_jax'
# From the bottom up; a room may import from lower floors and from itself, and
# rooms of one floor do not import each other.
FLOORS = (
  {'errors', 'file_kind', 'user_path', 'whole_file'},
  {'by_name'},
  {'augmentation', 'metrics', 'models', 'multitask', 'synthetic'},
  {'tasks', 'training'},
  {'corpora', 'defaults'},
  {'weak'},
  {'data'},
  {'evaluation', 'media'},
  {'run'},
  {'abaw', 'comparison'},
  {
    'compare',
    'contact_sheet',
    'doctor',
    'evaluate',
    'export',
    'export_features',
    'label',
    'predict',
    'prepare',
    'report',
  },
  {'publish', 'train'},
  {'seeds'},
  {'rounds', 'sweep'},
  {'main'},
)
# Inside of `corpora`, readers stand on top of these.
CORPORA = ({'files'}, {'features'}, {'builders'})


def modules(path):
  """Dotted names below affect_jax that a file imports."""
  for node in ast.walk(ast.parse(path.read_text())):
    if isinstance(node, ast.ImportFrom) and node.module:
      package, _, rest = node.module.partition('.')
      if package == 'affect_jax':
        for alias in node.names:
          yield f'{rest}.{alias.name}'.strip('.')
    elif isinstance(node, ast.Import):
      for name in node.names:
        package, _, rest = name.name.partition('.')
        if package == 'affect_jax' and rest:
          yield rest


def room(parts):
  return parts[0].removesuffix('.py')


def floor(name, floors):
  for i, names in enumerate(floors):
    if name in names:
      return i
  raise AssertionError(f'affect_jax/{name} stands on no floor: add it here.')


def all_files():
  for path in sorted(PACKAGE.rglob('*.py')):
    parts = path.relative_to(PACKAGE).parts
    if parts != ('__init__.py',):
      yield path, parts


def test_imports_go_one_way():
  wrong = []
  for path, parts in all_files():
    here = room(parts)
    for module in modules(path):
      other = module.split('.')[0]
      if other != here and floor(other, FLOORS) >= floor(here, FLOORS):
        wrong.append(f'{"/".join(parts)} imports {module}')
  assert not wrong


def test_readers_stand_on_builders_and_builders_on_files():
  wrong = []
  for path, parts in all_files():
    if parts[0] != 'corpora' or len(parts) < 3:
      continue
    for module in modules(path):
      other = module.split('.')
      if other[0] != 'corpora' or other[1] == parts[1]:
        continue
      reader = not any(other[1] in names for names in CORPORA)
      if reader or floor(other[1], CORPORA) >= floor(parts[1], CORPORA):
        wrong.append(f'{"/".join(parts)} imports {module}')
  assert not wrong


def test_every_room_stands_on_one_floor_only():
  rooms = {room(parts) for _, parts in all_files()}
  named = [name for names in FLOORS for name in names]
  assert sorted(named) == sorted(rooms)
  assert len(rooms) <= 37


def test_no_test_imports_a_test():
  for path in (PACKAGE.parent / 'tests').rglob('*.py'):
    for node in ast.walk(ast.parse(path.read_text())):
      names = []
      if isinstance(node, ast.ImportFrom):
        names = [node.module or '']
      elif isinstance(node, ast.Import):
        names = [a.name for a in node.names]
      assert not any(n.startswith('test_') for n in names), path


def test_no_file_is_long_or_says_nothing_by_its_name():
  for path in PACKAGE.rglob('*.py'):
    assert len(path.read_text().splitlines()) <= 320, path
    assert path.stem not in ('utils', 'helpers', 'common', 'misc')


def test_no_two_test_files_share_a_name():
  # pytest cannot import both: these folders are no packages.
  names = [p.name for p in PACKAGE.parent.glob('tests/**/test_*.py')]
  assert sorted(names) == sorted(set(names))
