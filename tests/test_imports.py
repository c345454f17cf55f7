"""Imports go one way: what stands higher knows what stands lower."""

import ast
import pathlib

PACKAGE = pathlib.Path(__file__).parents[1] / 'affect_jax'
# From the bottom up; a module may import from lower layers and its own.
LAYERS = (
  {
    'log_format',
    'losses',
    'mixing',
    'rand_augment',
    'warp',
    'metrics',
    'batch',
    'branch',
    'augment',
    'environment',
    'run_folder',
    'sampling',
    'views',
    'text_tokens',
    'wav_features',
    'word_vectors',
    'subsets',
  },
  {'tasks', 'optimizer', 'train_state', 'parallel', 'interrupt', 'synthetic'},
  {
    'models',
    'corpora',
    'face_features',
    'labels',
    'checkpoint',
    'table',
    'predictions',
  },
  {
    'clips',
    'streams',
    'input_pipeline',
    'sequence_pipeline',
    'evaluate',
    'train_step',
    'initialize',
  },
  {'data'},
  {'faces', 'utterances'},
  {'defaults', 'build'},
  {
    'abaw',
    'contact_sheet',
    'doctor',
    'evaluate_run',
    'export_features',
    'prepare',
  },
  {'train'},
  {'main'},
)


def imported(path):
  """Names of our modules that a file imports."""
  for node in ast.walk(ast.parse(path.read_text())):
    if isinstance(node, ast.ImportFrom) and node.module:
      parts = node.module.split('.')
      if parts[0] == 'affect_jax':
        if len(parts) > 1:
          yield parts[1]
        else:
          yield from (a.name for a in node.names)
    elif isinstance(node, ast.Import):
      for name in node.names:
        parts = name.name.split('.')
        if parts[0] == 'affect_jax' and len(parts) > 1:
          yield parts[1]


def layer(name):
  for i, names in enumerate(LAYERS):
    if name in names:
      return i
  raise AssertionError(f'affect_jax/{name} stands in no layer: add it here.')


def test_imports_go_one_way():
  wrong = []
  for path in PACKAGE.rglob('*.py'):
    relative = path.relative_to(PACKAGE)
    name = relative.parts[0].removesuffix('.py')
    if name == '__init__':
      continue
    for other in imported(path):
      if layer(other) > layer(name):
        wrong.append(f'{relative} imports {other}')
  assert not wrong


def test_no_file_is_long_or_says_nothing_by_its_name():
  for path in PACKAGE.rglob('*.py'):
    assert len(path.read_text().splitlines()) <= 320, path
    assert path.stem not in ('utils', 'helpers', 'common', 'misc')
