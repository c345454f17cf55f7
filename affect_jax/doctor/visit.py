"""Examines the corpora of a config and reports on them."""

from collections.abc import Mapping, Sequence
from typing import Any

from affect_jax import errors
from affect_jax import tasks
from affect_jax import user_path
from affect_jax import whole_file
from affect_jax.corpora.builders import records
from affect_jax.data import weak_tables
from affect_jax.doctor import duplicates
from affect_jax.doctor import examine
from affect_jax.doctor import leakage
from affect_jax.doctor import lines as lines_lib
from affect_jax.doctor import page
from affect_jax.doctor import parts as parts_lib
from affect_jax.doctor import report
from affect_jax.weak import table


def visit(
  config: Any,
  *,
  out: str = '',
  near_distance: int = duplicates.NEAR_DISTANCE,
  sample: int = 0,
  strict: bool = False,
) -> examine.Result:
  """Prepares and examines the corpora of a config, and prints the report.

  Args:
    config: The config of a run. Windows and dialogues are examined as single
      frames and utterances.
    out: Folder for the report; '': none.
    near_distance: See the docstring of the package.
    sample: How many samples of each split to read; 0: all.
    strict: Whether every duplicate across splits is an error.

  Raises:
    ValueError, OSError: the corpus cannot be prepared or read.
  """
  # Imported late, so that `--help` and bad flags need not wait for it.
  from affect_jax.data import load

  config = load.of_frames(config)
  corpora = load.build(config)
  described = load.describe(config)
  several = bool(config.data.corpora)
  result = examine.examine(
    parts_lib.parts_of(corpora, sample),
    near_distance=near_distance,
    strict=strict,
    remedies=_remedies(described, several=several),
    skipped={c.name: records.metadata(c.builder)['skipped'] for c in corpora},
    # Corpora that were prepared long ago do not have them.
    examples={
      c.name: records.metadata(c.builder).get('examples', {}) for c in corpora
    },
    standardized=bool((config.get('utterance') or {}).get('standardize')),
    sample=sample,
    weak=_weak(corpora, load.weak_paths(config)),
    tasks={name: config[name].outputs for name in config.tasks},
    tuned=tuned(config),
    limits={
      c.name: (_flag(c.name, 'max_steps', several=several), c.builder.max_steps)
      for c in corpora
      if hasattr(c.builder, 'max_steps')  # Pictures have no steps.
    },
  )
  lines = lines_lib.read(described)
  lines_lib.add(result.report, lines)
  print(report.text(result.report))
  if out:
    report.write(
      out, result.report, result.survey, result.groups, result.near, lines
    )
    written = 'report.txt, doctor.json and duplicates.csv'
    try:
      _write_page(out, result)
      written = f'report.html, {written}'
    except errors.MissingExtra as e:
      print(e)
    print(f'{out}: {written}.')
  else:
    print('--out=FOLDER saves this report, with JSON and the pairs.')
  return result


def _write_page(folder: str, result: examine.Result) -> None:
  html = page.text(result.report, result.survey, result.groups, result.near)
  whole_file.write_text(user_path.expand(folder) / 'report.html', html)


def tuned(config: Any) -> list[str]:
  """Returns the config's tasks of which validation tunes thresholds."""
  kinds = {
    name: {k: v for k, v in config[name].items() if k == 'kind'}
    for name in config.tasks
  }
  return [n for n, o in kinds.items() if tasks.get_task(n, **o).tune]


def _weak(
  corpora: Sequence[Any], paths: Sequence[str]
) -> dict[str, list[tuple[str, Any]]]:
  """Reads the weak labels of each corpus, whether they count or not."""
  read = [(path, labels) for path in paths for labels in table.read(path)]
  names = {c.builder.info.full_name for c in corpora}
  return {
    c.name: [
      (path, labels)
      for path, labels in read
      if weak_tables.is_of(
        labels, c.name, c.builder, [*(names - {c.builder.info.full_name})]
      )
    ]
    for c in corpora
  }


def _remedies(
  described: Mapping[str, Mapping[str, Any]], *, several: bool
) -> dict[str, str]:
  """Returns {corpus: flag that leaves out its duplicates}, if it is not set."""
  flags = {}
  for name, options in described.items():
    if options.get(leakage.EXCLUDE) is False:
      flags[name] = _flag(name, leakage.EXCLUDE, several=several)
  return flags


def _flag(corpus: str, option: str, *, several: bool) -> str:
  """Names the flag that sets an option of a corpus."""
  return f'--config.data.{f"corpora.{corpus}." if several else ""}{option}'
