"""From runs' folders to the content of the page.

  folders      reads folders as far as they can be read
  runs         what they hold
  predictions  predictions/*.csv as arrays
  contents     what a section consists of: figures, tables, pictures
  style        how figures look
  page         writes all of it

Every other file is a section: None where no run has data for it.
"""

from collections.abc import Iterator, Sequence
import dataclasses
import pathlib

from affect_jax.report import card
from affect_jax.report import confusion
from affect_jax.report import contents
from affect_jax.report import cosines
from affect_jax.report import curves
from affect_jax.report import density
from affect_jax.report import differences
from affect_jax.report import folders
from affect_jax.report import mistakes
from affect_jax.report import reliability
from affect_jax.report import scores
from affect_jax.report import significance
from affect_jax.report import subsets
from affect_jax.report import units
from affect_jax.report import weak_quality


@dataclasses.dataclass(frozen=True)
class Report:
  """The content of the page.

  Attributes:
    title: Names of the runs.
    overview: A row for each run.
    notes: What is missing or damaged, by run.
    sections: Those with data.
  """

  title: str
  overview: contents.Table
  notes: Sequence[str]
  sections: Sequence[contents.Section]


def make(
  paths: Sequence[str],
  *,
  split: str = 'test',
  pictures: Sequence[pathlib.Path] = (),
  draws: int = 2000,
) -> Report:
  """Reads runs and draws all that they have data for.

  Args:
    paths: Folders of runs, or of seeds.
    split: Whose predictions are shown.
    pictures: Folders that pictures of mistakes may come from.
    draws: Of the comparison, see `comparison.compare`; 0: no comparison.

  Raises:
    UserError: A folder is no run.
  """
  runs = folders.read(paths, split)
  return Report(
    title=', '.join(pathlib.Path(run.path).name or run.path for run in runs),
    overview=scores.overview(runs),
    notes=[f'{run.letter}: {note}' for run in runs for note in run.notes],
    sections=[x for x in _sections(runs, split, pictures, draws) if x],
  )


def _sections(
  runs, split, pictures, draws
) -> Iterator[contents.Section | None]:
  yield scores.section(runs, split)
  yield significance.section(runs, split, draws)
  yield differences.section(runs)
  yield curves.section(runs)
  yield cosines.section(runs)
  yield confusion.section(runs, split)
  yield units.section(runs, split)
  yield density.section(runs, split)
  yield reliability.section(runs, split)
  yield subsets.section(runs, split)
  yield weak_quality.section(runs)
  yield mistakes.section(runs, split, pictures)
  yield card.section(runs, split)
