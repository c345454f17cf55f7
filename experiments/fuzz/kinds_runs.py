"""What a run leaves in its folder, and predicting beside a table."""
# `toys` lie in tests/.
# pyright: reportMissingImports=false

import csv
import pathlib
import shutil

from kind import each
from kind import Kind
import kinds_models
import numpy as np
from toys import compared
from toys import reported

from affect_jax.comparison import run_folders
from affect_jax.predict import journal
from affect_jax.predict import settings
from affect_jax.report import folders as report_folders
from affect_jax.report import make as report_make
from affect_jax.run import trained_on
from affect_jax.training import checkpoint


def _run(folder: pathlib.Path) -> None:
  shutil.copytree(kinds_models.run(folder), folder, dirs_exist_ok=True)


def _compared(folder: pathlib.Path) -> None:
  compared.write(folder / 'run', clusters=12, counts=(20, 30))


def _read_compared(folder: pathlib.Path) -> int:
  found = run_folders.read(str(folder / 'run'), 'test')
  return sum(
    len(rows['id']) for t in found.seeds.values() for rows in t.rows.values()
  )


def _reported(folder: pathlib.Path) -> None:
  reported.write(folder / 'run', counts=(20, 30))


def _read_reported(folder: pathlib.Path) -> int:
  runs = report_folders.read([str(folder / 'run')])
  return len(runs)


def _read_report(folder: pathlib.Path) -> int:
  return len([report_make.make([str(folder / 'run')], draws=0)])


def _read_checkpoint(folder: pathlib.Path) -> int:
  variables, _, _ = checkpoint.read(str(folder))
  return sum(1 for _ in each(variables))


def _trained_on(folder: pathlib.Path) -> None:
  hashes = np.arange(9, dtype=np.uint64)
  np.savez_compressed(folder / trained_on.FILE, expression=hashes)


def _read_trained_on(folder: pathlib.Path) -> int:
  found = trained_on.read(str(folder))
  return 0 if found is None else len(found['expression'])


COLUMNS = (
  *('input', 'frame', 'seconds', 'face_id', 'success', 'reason', 'confidence'),
  *('face_x', 'face_y', 'face_w', 'face_h', 'valence'),
)


def _journal(folder: pathlib.Path) -> None:
  with open(folder / 'out.partial.csv', 'w', newline='') as file:
    writer = csv.writer(file, lineterminator='\n')
    writer.writerow(COLUMNS)
    for i in range(9):
      writer.writerow(['a.mp4', i, i / 25, 0, 1, '', 0.9, 1, 2, 3, 4, 0.5])
  content = {'schema_version': 1, 'settings': {'every': 1, 'faces': 'whole'}}
  settings.write(folder / 'out.json', content, finished=False)


def _read_journal(folder: pathlib.Path) -> int:
  output, partial = folder / 'out.csv', folder / 'out.partial.csv'
  content = {'schema_version': 1, 'settings': {'every': 1, 'faces': 'whole'}}
  settings.claim(folder / 'out.json', output, partial, content)
  settings.overlay_of(folder / 'out.json')
  table = journal.Journal(partial, COLUMNS)
  try:
    table.open()
  finally:
    table.close()
  return sum(1 for _ in journal.read(partial)) + bool(journal.counts(partial))


KINDS = {
  'compare': Kind(_compared, _read_compared),
  'report_files': Kind(_reported, _read_reported),
  'report': Kind(_reported, _read_report),
  'trained_on': Kind(_trained_on, _read_trained_on, counted=True),
  'journal': Kind(_journal, _read_journal),
  'run_json': Kind(_run, kinds_models._read_predictor, '*[a-z].json'),
  'checkpoint': Kind(
    _run, _read_checkpoint, 'checkpoints/*', counted=True, by_folder=True
  ),
}
