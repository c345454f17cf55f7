r"""Labels what a config's corpora lack, with trained runs as teachers.

  python -m affect_jax.label --teachers RUN [RUN ...] \
      --config=configs/mine.py --output=weak.parquet

predicts the tasks of the config for its training samples without gold, with
each run that knows the task; a folder of seeds stands for all its runs, whose
predictions are averaged. `config.data.weak_labels=('weak.parquet',)` lets a run
learn from the table; see `affect_jax.weak.table` for what it holds.

No run labels a sample whose gold it has learned from, and no sample of the
config's own val and test is labelled. --rules=emotion_to_sentiment labels from
gold of another task, --rules=words_to_sentiment from transcripts: see
`affect_jax.weak.rules`, `regions` and `lexicon` beside it. --label_gold labels
what has gold, too, which `affect_jax.label.quality` then compares.

--foreign=fer, or face_api, labels expressions of faces with the network of that
package; a path stands for its name: see `affect_jax.models.foreign`.
"""

from collections.abc import Sequence

from absl import flags
from ml_collections import config_flags

from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.run import command

# Named here, as their modules need JAX and TensorFlow, which take seconds.
RULES = (
  *('emotion_to_sentiment', 'expression_to_units', 'expression_to_valence'),
  *('valence_to_expression', 'words_to_sentiment'),
)
FOREIGN = ('fer', 'face_api')


def main(more: Sequence[str] = ()) -> None:
  """Labels, writes the table, prints what it holds."""
  from affect_jax.run import label_report
  from affect_jax.run import labelling
  from affect_jax.weak import table

  if not (_TEACHERS.value or _RULES.value or _FOREIGN.value):
    raise UserError(
      'Who shall label? Give --teachers=RUN, --rules or --foreign, or several.'
    )
  output = user_path.expand(str(_OUTPUT.value))
  if output.suffix != '.parquet':
    raise UserError(f'--output={output} must end with .parquet.')
  workdirs = [
    str(user_path.expand(w)) for w in [*(_TEACHERS.value or ()), *more]
  ]
  labels, reports = labelling.label(
    _CONFIG.value,
    workdirs,
    rules=_RULES.value or (),
    foreign=_FOREIGN.value or (),
    batch_size=_BATCH_SIZE.value,
    label_seen=_LABEL_SEEN.value,
    label_held_out=_LABEL_HELD_OUT.value,
    label_gold=_LABEL_GOLD.value,
  )
  table.write(output, labels)
  label_report.show(reports, str(output))


if __name__ == '__main__':
  _CONFIG = config_flags.DEFINE_config_file(
    'config', None, 'A file of configs/: what the student learns from.'
  )
  _TEACHERS = flags.DEFINE_list(
    'teachers', None, 'Folders of runs, or of seeds: RUN,RUN or RUN RUN.'
  )
  _RULES = flags.DEFINE_list(
    'rules', None, f'Rules that label, too: {", ".join(RULES)}.'
  )
  _FOREIGN = flags.DEFINE_list(
    'foreign', None, f'Other networks: {", ".join(FOREIGN)}, or files.'
  )
  _OUTPUT = flags.DEFINE_string('output', None, 'The table: NAME.parquet.')
  _BATCH_SIZE = flags.DEFINE_integer('batch_size', 64, 'Samples at a time.', 1)
  _LABEL_SEEN = flags.DEFINE_bool(
    'label_seen', False, 'Label also what the teachers have learned.'
  )
  _LABEL_HELD_OUT = flags.DEFINE_bool(
    'label_held_out', False, "Label also what is in the config's val or test."
  )
  _LABEL_GOLD = flags.DEFINE_bool(
    'label_gold', False, 'Label also what has gold, to compare them.'
  )
  command.run(main, required=['config', 'output'], more=True)
