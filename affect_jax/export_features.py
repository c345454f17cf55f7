r"""Computes features of faces, frame by frame, with a face run's ResNet-18.

  python -m affect_jax.export_features --workdir=runs/faces --frames=faces \
      --output=vision

`faces` holds a folder of pictures for each clip (faces/u1/0001.jpg, ...). They
must be cropped like those that the run learned from: this command finds no
faces in a video. vision/u1.npy is then float32 [T, 512], a row for each
picture, in the order of their names, where 2 comes before 10. The column
`vision` of `corpora.utterances_csv` names such files.

The same command continues where it stopped: clips that have a file are skipped.
So are names that begin with a dot.
"""

import collections
from collections.abc import Mapping, Sequence
from concurrent import futures
import pathlib
from typing import Any

from absl import flags
import numpy as np

from affect_jax import user_path
from affect_jax import whole_file
from affect_jax.corpora.features import sequences
from affect_jax.errors import UserError
from affect_jax.run import command
from affect_jax.run import folder as run_folder
from affect_jax.run import progress as progress_lib
from affect_jax.training import ahead
from affect_jax.training import cores

# The file beside the features that holds the settings that made them.
SETTINGS = sequences.EXPORTED
# Names of the counts in the report.
WRITTEN = 'clips written'
BEFORE = 'clips that were there before'
EMPTY = 'clips without a (readable) picture: no file'
UNREADABLE = 'pictures that cannot be read: no row'


def export(
  workdir: str,
  frames: str | pathlib.Path,
  output: str | pathlib.Path,
  *,
  every: int = 1,
  batch_size: int = 64,
  step: int | None = None,
  skip_unreadable: bool = False,
  progress_secs: float = 10.0,
) -> dict[str, int]:
  """Writes output/CLIP.npy, float32 [T, 512], for each folder of `frames`.

  Pictures are prepared as in the run's evaluation: size, colours and
  normalization. Features of several views (config.eval_views) are averaged.
  A file is written whole or not at all.

  Args:
    workdir: Folder of a run that learned from faces and has a checkpoint.
    frames: A folder of folders of pictures.
    output: Folder for the features, and for features.json: the settings and a
      checksum of the weights. A folder of other settings is refused.
    every: Read every n-th picture of a clip, beginning with the first.
    batch_size: Pictures at a time, of one clip or several.
    step: Step of the checkpoint; None: the best, or the latest without
      validation.
    skip_unreadable: Leave out pictures that cannot be read, and count them.
    progress_secs: Seconds between reports of progress.

  Returns:
    {what: how many}, for the report.

  Raises:
    FileNotFoundError: The run, the checkpoint or the folder of frames does not
      exist.
    UserError: A picture cannot be read (the message names it), the run did not
      learn from faces, or the output folder has other settings.
  """
  # Late: --help need not wait seconds for TensorFlow and JAX.
  from affect_jax.data import clips as clips_lib
  from affect_jax.run import backbone

  if every < 1 or batch_size < 1:
    raise UserError(
      f'--every={every} and --batch_size={batch_size} must be at least 1.'
    )
  counts: collections.Counter[str] = collections.Counter()
  workdir = str(user_path.expand(workdir))
  clips = clips_lib.read(user_path.expand(frames), counts)
  config, variables, step = backbone.read(workdir, step)
  output = user_path.expand(output)
  _claim(output, config, variables, {'step': step, 'every': every})

  todo: dict[str, Sequence[pathlib.Path]] = {}
  for name, paths in clips.items():
    if (output / f'{name}.npy').exists():
      counts[BEFORE] += 1
    elif paths:
      todo[name] = paths[::every]
    else:
      counts[EMPTY] += 1
  load = clips_lib.make_load(
    config['image_size'], skip_unreadable, config['rules']
  )
  apply = backbone.make_apply(config)
  progress = progress_lib.make(
    sum(map(len, todo.values())), 'pictures', progress_secs
  )
  missing = {name: len(paths) for name, paths in todo.items()}
  rows = collections.defaultdict(list)
  with futures.ThreadPoolExecutor(cores.usable()) as pool:
    # While the device computes, the next pictures are read.
    for names, was_read, features in ahead.prefetch(
      clips_lib.batches(todo, batch_size, config['image_size'], load, pool),
      lambda batch: (*batch[:2], apply(variables, batch[2])),
    ):
      for name, is_readable, row in zip(
        names, was_read, np.asarray(features)[: len(names)], strict=True
      ):
        if is_readable:
          rows[name].append(row)
        missing[name] -= 1
        if not missing[name]:
          clip_rows = rows.pop(name, [])
          counts[WRITTEN if clip_rows else EMPTY] += 1
          if clip_rows:
            _write(output / f'{name}.npy', np.stack(clip_rows))
      counts[UNREADABLE] += was_read.count(False)
      progress(len(names))
  return {what: n for what, n in counts.items() if n}


def _claim(
  output: pathlib.Path,
  config: Mapping[str, Any],
  variables: Any,
  settings: dict[str, Any],
) -> None:
  """Claims a folder for these settings; raises UserError if it has others."""
  from affect_jax.training import checkpoint

  new = {k: config[k] for k in ('image_size', 'eval_views', 'crop_size')}
  new |= config['rules'].stated()
  new |= {'weights': checkpoint.digest(variables), **settings}
  output.mkdir(parents=True, exist_ok=True)
  old = run_folder.read_json(str(output / SETTINGS))
  if old is None:
    run_folder.write_json(str(output / SETTINGS), new)
  elif changed := [k for k in new if old.get(k) != new[k]]:
    lines = [f'{k} {old.get(k)!r} there, {new[k]!r} now' for k in changed]
    raise UserError(
      f'{output} holds other features; give another --output.\n  '
      + '\n  '.join(lines)
    )


def _write(path: pathlib.Path, features: np.ndarray) -> None:
  with whole_file.writing(path) as partial:
    np.save(partial, features)


def main() -> None:
  """Exports, and prints the counts."""
  given: dict[str, Any] = {name: flag.value for name, flag in _FLAGS.items()}
  counts = export(**given)
  print(
    f'{given["output"]}: {", ".join(f"{n:,} {k}" for k, n in counts.items())}'
  )


if __name__ == '__main__':
  _FLAGS = {
    f.name: f
    for f in (
      flags.DEFINE_string('workdir', None, 'Folder of a run.'),
      flags.DEFINE_string('frames', None, 'Folders of clips.'),
      flags.DEFINE_string('output', None, 'Folder of .npy.'),
      flags.DEFINE_integer('every', 1, 'Read every n-th picture.', 1),
      flags.DEFINE_integer('batch_size', 64, 'Pictures at a time.', 1),
      flags.DEFINE_integer('step', None, 'Checkpoint; otherwise the best.'),
      flags.DEFINE_bool('skip_unreadable', False, 'Skip unreadable pictures.'),
    )
  }
  command.run(
    main,
    required=['workdir', 'frames', 'output'],
    folder=lambda: str(_FLAGS['output'].value),
  )
