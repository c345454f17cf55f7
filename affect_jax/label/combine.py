r"""Combines several tables of weak labels into one.

  python -m affect_jax.label.combine --tables=a.parquet,b.parquet,c.csv \
      --output=weak.parquet

What several labellers say of a class or a presence, a label model of crowd-kit
decides (`pip install 'affect_jax[weak]'`): --model=majority, dawid_skene or
one_coin_dawid_skene; the default, auto, is dawid_skene where it has enough to
learn from, see `affect_jax.weak.label_models`. Of values (sentiment, valence)
the mean is taken. The labels are soft; a sample that nobody labels has no row.
Column `teacher` names the model and the tables, `config` their checksums.
"""

import dataclasses

from absl import flags

from affect_jax import user_path
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.run import command
from affect_jax.weak import label_models


def main() -> None:
  """Combines, writes the table, prints what became of each labeller."""
  # Late: --help need not wait seconds for TensorFlow and JAX.
  from affect_jax.label import tables as tables_lib
  from affect_jax.weak import combination
  from affect_jax.weak import table

  output = user_path.expand(str(_OUTPUT.value))
  if output.suffix != '.parquet':
    raise UserError(f'--output={output} must end with .parquet.')
  label_models.check(_MODEL.value)
  tables = tables_lib.read(_TABLES.value or ())
  checksums = '+'.join(
    sources.sha256(user_path.expand(p))[:12] for p, _ in tables
  )
  groups = combination.group(tables, _ANY_VERSION.value)
  tables_lib.check_shared(groups)
  combined = [combination.combine(g, _MODEL.value) for g in groups]
  table.write(
    output, [dataclasses.replace(c.labels, config=checksums) for c in combined]
  )
  tables_lib.show(groups, combined, str(output))


if __name__ == '__main__':
  _TABLES = flags.DEFINE_list('tables', None, 'Tables: FILE,FILE,...')
  _MODEL = flags.DEFINE_string(
    'model',
    label_models.AUTO,
    f'One of {", ".join((label_models.AUTO, *label_models.MODELS))}.',
  )
  _OUTPUT = flags.DEFINE_string('output', None, 'The table: NAME.parquet.')
  _ANY_VERSION = flags.DEFINE_bool(
    'any_version', False, 'Tables may be of several versions of a corpus.'
  )
  command.run(main, required=['tables', 'output'])
