"""How a run brought its pictures into shape, as its config.json says."""

from collections.abc import Mapping
import os
from typing import Any

from affect_jax.corpora.files import pictures
from affect_jax.errors import UserError
from affect_jax.run import folder as run_folder


def read(workdir: str | os.PathLike[str], corpus: str = '') -> pictures.Rules:
  """Returns the rules of a run; the default ones if it has no config.json.

  Args:
    workdir: Its folder, or that of a published model.
    corpus: Whose rules; '': those of all its corpora, which must be the same.

  Raises:
    UserError: config.json is damaged, or rules differ and no corpus is named.
  """
  each = of_corpora(workdir)
  if corpus in each:
    return each[corpus]
  if len(set(each.values())) > 1:
    said = '; '.join(
      f'{name}: {", ".join(f"{k}={x}" for k, x in vars(rules).items())}'
      for name, rules in each.items()
    )
    raise UserError(
      f'{workdir} learned from corpora whose pictures were brought into shape '
      f'differently ({said}). affect_jax.predict is told by --corpus=NAME of '
      'which of them pictures are like; only a run whose corpora are alike is '
      'exported, published or makes features.'
    )
  return next(iter(each.values()), pictures.Rules())


def of_corpora(
  workdir: str | os.PathLike[str],
) -> dict[str, pictures.Rules]:
  """Returns {corpus: its rules} of the corpora of a run that have such.

  A run on one corpus, whose name tells nothing apart, has {'': rules}.

  Raises:
    UserError: config.json is damaged.
  """
  path = os.path.join(workdir, 'config.json')
  config = run_folder.read_json(path) or {}
  try:
    return _of_data(config.get('data', {}))
  except (AttributeError, TypeError, UserError) as error:
    raise UserError(
      f'{path} is damaged: its data say of pictures {config["data"]!r:.200} '
      f'({error}). Copy the run again.'
    ) from error


def _of_data(data: Mapping[str, Any]) -> dict[str, pictures.Rules]:
  several = data.get('corpora')
  if not several:
    return {'': pictures.Rules.among(data)}
  # Late: readers of corpora are slow to import, and most runs have one corpus.
  from affect_jax import corpora

  def reads_files(name: str, own: Mapping[str, Any]) -> bool:
    # Corpora that are rendered, or hold pixels, say nothing of picture files.
    reader = own.get('corpus', name)
    if reader not in corpora.CORPORA:  # It is known in another program only.
      return 'resize' in own
    return 'resize' in corpora.options(reader)

  # Other keys of config.data are those of a single corpus, see `data.load`.
  return {
    name: pictures.Rules.among(own)
    for name, own in several.items()
    if reads_files(name, own)
  }
