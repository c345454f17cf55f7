r"""Measures what habits of reporting are worth: which score does a paper quote?

  python experiments/selection/run.py --workdir=runs/selection \
      --config.mosi=mosi.npz --config.meld=MELD --config.mustard=MUSTARD \
      --config.text_model=MINILM

trains 32 seeds of each setting of each corpus on features of a frozen text
model, scores validation *and test* after every epoch, and then quotes test as
papers do: `habits.py`. The same command goes on where it stopped; --summary
only writes results.json and table.md again.
"""

import os
import pathlib

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

from absl import flags
from absl import logging
import habits
import jax
import ml_collections
from ml_collections import config_flags
import settings as settings_lib

from affect_jax import user_path
from affect_jax.errors import UserError
from affect_jax.evaluation import predict as predict_lib
from affect_jax.evaluation import score
from affect_jax.run import build
from affect_jax.run import command
from affect_jax.run import config_flag
from affect_jax.run import environment
from affect_jax.run import folder as run_folder
from affect_jax.run import program as program_lib
from affect_jax.training import train_state

SPLITS = ('val', 'test')


def get_settings() -> ml_collections.ConfigDict:
  """Returns what flags --config.NAME=VALUE can set, with its defaults."""
  return ml_collections.ConfigDict(
    {
      'mosi': '',
      'meld': '',
      'mustard': '',
      'mustard_folds': 'split_indices.p',
      'text_model': '',  # Folder of MiniLM, or another BERT.
      'data_dir': '',
      'seeds': tuple(range(32)),
    }
  )


_SETTINGS = config_flags.DEFINE_config_dict(
  'config', config_flag.checked('config', get_settings())
)
_WORKDIR = flags.DEFINE_string('workdir', None, 'Folder of all scores.')
_SUMMARY = flags.DEFINE_bool(
  'summary', False, 'Only summarise what is finished; train nothing.'
)


def main() -> None:
  """Trains what is missing, then summarises."""
  settings = _SETTINGS.value
  root = user_path.expand(str(_WORKDIR.value))
  chosen = [name for name in settings_lib.CORPORA if settings[name]]
  if not chosen and not _SUMMARY.value:
    raise UserError(
      f'Give --config.{" or --config.".join(settings_lib.CORPORA)}.'
    )
  for name in [] if _SUMMARY.value else chosen:
    for number, point in enumerate(settings_lib.GRID):
      _train(name, number, point, settings, root)
  results = {}
  # A corpus that was finished before need not be on disk any more.
  for name in settings_lib.CORPORA:
    parts = [root / name / f'{i}.json' for i in range(len(settings_lib.GRID))]
    if all(part.exists() for part in parts):
      scores = [run_folder.read_json(str(part)) for part in parts]
      # Those that every setting has finished.
      seeds = [
        str(s) for s in settings.seeds if all(str(s) in x for x in scores)
      ]
      epochs = [[x[s] for s in seeds] for x in scores]
      metrics = settings_lib.CORPORA[name].metrics
      results[name] = {'seeds': seeds, **habits.measure(epochs, metrics)}
  if not results:
    raise UserError(
      f'{root}: no corpus is finished, there is nothing to sum up.'
    )
  about = {'environment': environment.describe({})}
  habits.write(root, {**about, 'corpora': results})


def _train(name, number, point, settings, root: pathlib.Path) -> None:
  """Adds to ROOT/NAME/NUMBER.json the scores of the seeds that it lacks.

  {seed: [{split: {metric: value}} of each epoch]}.
  """
  path = str(root / name / f'{number}.json')
  done = run_folder.read_json(path) or {}
  left = [s for s in settings.seeds if str(s) not in done]
  if not left:
    return
  os.makedirs(root / name, exist_ok=True)
  config = settings_lib.build(name, point, settings)
  run = build.build(config)
  program = program_lib.compile_program(config, run)
  (corpus,) = run.corpora
  # Read once: each epoch of each seed is scored on them.
  held_out = {
    split: [*run.samples.eval_batches(corpus.builder, corpus.splits[split])]
    for split in SPLITS
  }
  for i, seed in enumerate(left, 1):
    logging.info(
      '== %s, setting %d of %d %s, seed %d (%d of %d)',
      name,
      number + 1,
      len(settings_lib.GRID),
      dict(point),
      seed,
      i,
      len(left),
    )
    done[str(seed)] = _epochs(config, run, program, seed, name, held_out)
    run_folder.write_json(path, done)


def _epochs(config, run, program, seed, name, held_out):
  """Trains one seed; returns the scores of both splits after each epoch."""
  state = run.parallel.put_state(program.init(jax.random.key(seed)))
  rng, epochs = jax.random.key(seed + 1), []
  for step, batch in enumerate(run.samples.train_batches(seed, 0), 1):
    arrays = {k: v for k, v in batch.items() if k != 'id'}
    state, _ = program.step(state, run.parallel.put_batch(arrays), rng)
    if step % config.eval_every == 0:
      variables = train_state.eval_variables(state)
      scores = {
        split: _score(run, program, variables, batches, name)
        for split, batches in held_out.items()
      }
      epochs.append(scores)
  return epochs


def _score(run, program, variables, batches, name):
  rows = predict_lib.predict_split(
    program.predict, variables, batches, run.parallel
  )
  all_scores = score.score(run.tasks, rows, {})
  described = settings_lib.CORPORA[name]
  kept = [*described.metrics, score.HEADLINE]
  swapped = {f'{m} swapped': f(rows) for m, f in described.swapped.items()}
  return {m: all_scores[m] for m in kept} | swapped


if __name__ == '__main__':
  command.run(main, required=['workdir'])
