"""The notebook runs from top to bottom, and is kept with its pictures."""

import nbclient
import nbformat
from toys import compiling
from toys.paths import ROOT

PATH = ROOT / 'experiments' / 'first_steps.ipynb'
# Of those that are kept: two sheets, curves, predictions against labels.
PICTURES = 4


def pictures(notebook):
  """How many pictures the cells show."""
  return sum(
    'image/png' in output.get('data', ())
    for cell in notebook.cells
    for output in cell.get('outputs', ())
  )


def test_the_notebook_runs(monkeypatch, tmp_path):
  monkeypatch.setenv('AFFECT_QUICK', '1')
  monkeypatch.setenv('XLA_FLAGS', ' '.join(compiling.flags()))
  monkeypatch.setenv('PYTHONPATH', str(ROOT))
  for name in ('TMPDIR', 'IPYTHONDIR', 'JUPYTER_RUNTIME_DIR'):
    monkeypatch.setenv(name, str(tmp_path))
  notebook = nbformat.read(PATH, 4)
  client = nbclient.NotebookClient(
    notebook,
    timeout=600,
    startup_timeout=300,
    kernel_name='python3',
    resources={'metadata': {'path': str(PATH.parent)}},
  )
  client.execute()  # Raises at a cell that fails.
  assert pictures(notebook) == PICTURES
  assert (next(tmp_path.glob('*/run')) / 'results.json').exists()


def test_it_is_kept_as_a_whole_run_left_it():
  notebook = nbformat.read(PATH, 4)
  code = [cell for cell in notebook.cells if cell.cell_type == 'code']
  counts = [cell.execution_count for cell in code]
  assert counts == [*range(1, len(code) + 1)]
  assert pictures(notebook) == PICTURES
  assert PATH.stat().st_size < 600_000
  text = PATH.read_text()
  for stranger in ('/work', '/home', '/root', 'Traceback'):
    assert stranger not in text
