r"""Compares tables of weak labels with gold, and with each other.

  python -m affect_jax.label.quality --config=configs/mine.py \
      --tables=a.parquet,b.parquet --json=quality.json

For every task that has gold in the config's corpora, and for every labeller
and every combination of --models: accuracy (of values CCC) with its 95 %
interval, as if samples were independent; coverage, the share of the samples
with gold that it labels; the expected calibration error (15 bins); and how
often two labellers say the same where both speak.

Samples with gold are labelled if asked: `affect_jax.label --label_gold`.
"""

from collections.abc import Sequence
import json
from typing import Any

from absl import flags
from ml_collections import config_flags

from affect_jax import user_path
from affect_jax import whole_file
from affect_jax.run import command
from affect_jax.weak import label_models


def main() -> None:
  """Measures; prints tables, and writes JSON if asked."""
  # Late: --help need not wait seconds for TensorFlow and JAX.
  from affect_jax.label import report

  results = measure(
    _CONFIG.value,
    _TABLES.value or (),
    models=_MODELS.value or (),
    split=_SPLIT.value,
    any_version=_ANY_VERSION.value,
  )
  report.show(results, _SPLIT.value)
  if _JSON.value:
    content = {'split': _SPLIT.value, 'results': results}
    path = user_path.expand(_JSON.value)
    path.parent.mkdir(parents=True, exist_ok=True)
    whole_file.write_text(str(path), json.dumps(content, indent=2) + '\n')


def measure(
  config: Any,
  tables: Sequence[str],
  *,
  models: Sequence[str] = (label_models.AUTO,),
  split: str = 'train',
  any_version: bool = False,
) -> list[dict[str, Any]]:
  """Returns `quality.describe` of every task that tables label; see above.

  Raises:
    UserError, MissingExtra: See `label_models.combine`, `combination.group` and
      `gold.compare`.
  """
  from affect_jax.label import gold
  from affect_jax.label import tables as tables_lib
  from affect_jax.weak import combination

  models = [m for m in models if m]
  for model in models:
    label_models.check(model)
  groups = combination.group(tables_lib.read(tables), any_version)
  combined: list[dict[str, combination.Combined]] = []
  for of in groups:
    several = len(of.labellers) > 1
    made = [combination.combine(of, m) for m in models] if several else []
    # What is averaged is so under every name.
    combined.append({one.model: one for one in made})
  return gold.compare(config, groups, combined, split, any_version)


if __name__ == '__main__':
  _CONFIG = config_flags.DEFINE_config_file(
    'config', None, 'A file of configs/: its corpora have the gold.'
  )
  _TABLES = flags.DEFINE_list('tables', None, 'Tables: FILE,FILE,...')
  _MODELS = flags.DEFINE_list(
    'models',
    [label_models.AUTO],
    f'Combinations: {", ".join((label_models.AUTO, *label_models.MODELS))}; '
    'nothing for none.',
  )
  _SPLIT = flags.DEFINE_enum(
    'split', 'train', ['train', 'val'], "Which of the config's splits."
  )
  _JSON = flags.DEFINE_string('json', '', 'Where to write the numbers.')
  _ANY_VERSION = flags.DEFINE_bool(
    'any_version', False, 'Tables may be of other versions of a corpus.'
  )
  command.run(main, required=['config', 'tables'])
