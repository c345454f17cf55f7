"""The worst mistakes of each run, with their pictures where that is allowed."""

import base64
from collections.abc import Sequence
import dataclasses
import io
import pathlib

import numpy as np
from PIL import Image
from PIL import ImageOps

from affect_jax.report import contents
from affect_jax.report import predictions
from affect_jax.report import runs as runs_lib

# Of each task and corpus.
MOST = 8
# Pixels of the longer side.
SIDE = 144
# Some readers' ids leave out the ending of the file.
ENDINGS = ('', '.jpg', '.jpeg', '.png', '.webp', '.bmp')


@dataclasses.dataclass(frozen=True)
class Mistake:
  """A wrong prediction.

  Attributes:
    id: Of the sample.
    gold: In words.
    predicted: In words.
    size: How wrong: 1 is sure of the opposite; of values, the distance.
  """

  id: str
  gold: str
  predicted: str
  size: float


def section(
  runs: Sequence[runs_lib.Run],
  split: str,
  folders: Sequence[pathlib.Path] = (),
) -> contents.Section | None:
  """Lists the worst mistakes, and shows pictures from `folders` only.

  Args:
    runs: The runs.
    split: Whose predictions.
    folders: Where pictures may be taken from; a picture's path in its folder is
      the sample's id, with or without an ending.
  """
  parts: list[contents.Table | contents.Picture] = []
  rows, shown, total = [], 0, 0
  for run, corpus, task, seeds in runs_lib.each(runs, split):
    found = worst(predictions.averaged(seeds))
    uris = [picture(x.id, folders) for x in found]
    where = f'{task} on {corpus}{run.suffix}'
    if any(uris):
      parts += [
        contents.Picture(uri, [where, x.id, f'gold {x.gold}', x.predicted])
        for uri, x in zip(uris, found, strict=True)
      ]
    shown, total = shown + sum(map(bool, uris)), total + len(found)
    rows += [
      [run.letter, corpus, task, x.id, x.gold, x.predicted, x.size]
      for x in found
    ]
  if not rows:
    return None
  sentences = [
    'Where a run is surest, or farthest off, and wrong: worth a look, as some '
    f'may be errors of the labels. Up to {MOST} of each task and corpus.'
  ]
  if any(len(run.seeds) > 1 for run in runs):
    sentences.append('Predictions are averaged over the seeds of a run.')
  if folders:
    names = ', '.join(map(str, folders))
    sentences.append(
      f'{shown} of {total} have a picture in {names}. Who gets this page gets '
      'these pictures.'
    )
  parts.append(
    contents.Table(
      'mistakes',
      'Worst mistakes',
      ('run', 'corpus', 'task', 'sample', 'gold', 'predicted', 'how wrong'),
      rows,
      'How wrong: of classes, how much surer it was of the wrong than of the '
      'right one; of presence, the distance of the probability from gold (both '
      "0 to 1); of values, the distance in the labels' unit.",
      is_folded=True,
    )
  )
  return contents.Section('mistakes', 'Worst mistakes', sentences, parts)


def worst(of: predictions.Predicted, most: int = MOST) -> list[Mistake]:
  """Returns the largest mistakes first; equals in the order of the samples."""
  sizes, outputs = _sizes(of)
  # What is right comes last, and is cut off.
  order = np.argsort(-sizes, axis=None, kind='stable')[:most]
  result = []
  for row, column in zip(*np.unravel_index(order, sizes.shape), strict=True):
    size = sizes[row, column]
    if size == -np.inf:
      break
    k = outputs[row, column]
    name, said, gold = of.outputs[k], of.predicted[row, k], of.gold[row, k]
    if of.kind == predictions.CLASS:
      right = int(of.gold[row].argmax())
      texts = (
        f'{of.outputs[right]} ({of.predicted[row, right]:.2f})',
        f'predicted {name} ({said:.2f})',
      )
    elif of.kind == predictions.PRESENCE:
      texts = (
        f'{name} {"present" if gold > 0.5 else "absent"}',
        f'predicted present with {said:.2f}',
      )
    else:
      texts = f'{name} {gold:.2f}', f'predicted {said:.2f}'
    result.append(Mistake(str(of.ids[row]), *texts, float(size)))
  return result


def _sizes(of: predictions.Predicted) -> tuple[np.ndarray, np.ndarray]:
  """Returns how wrong each prediction is, and of which output it is.

  Both are [N, M], M = 1 for one class out of K, else K. -inf: it is right, or
  there is no gold.
  """
  rows = np.arange(len(of.ids))
  if of.kind == predictions.CLASS:
    gold, said = of.gold.argmax(-1), of.predicted.argmax(-1)
    surer = of.predicted[rows, said] - of.predicted[rows, gold]
    return np.where(gold != said, surer, -np.inf)[:, None], said[:, None]
  distance = np.abs(of.predicted - of.gold)
  is_wrong = np.isfinite(distance)
  if of.kind == predictions.PRESENCE:
    is_wrong &= (of.predicted > 0.5) != (of.gold > 0.5)
  outputs = np.broadcast_to(np.arange(distance.shape[1]), distance.shape)
  return np.where(is_wrong, distance, -np.inf), outputs


def picture(name: str, folders: Sequence[pathlib.Path]) -> str:
  """Returns a sample's picture, made small, as a data URI; '' for none.

  A path that leaves its folder, also by a link, is none of its pictures.
  """
  for folder in folders:
    root = folder.resolve()
    for ending in ENDINGS:
      try:
        path = (root / f'{name}{ending}').resolve()
        if path.is_relative_to(root) and path.is_file():
          return _uri(path)
      # Not a picture, a damaged or a gigantic one, no name of a file.
      except (OSError, ValueError, Image.DecompressionBombError):
        continue
  return ''


def _uri(path: pathlib.Path) -> str:
  small = io.BytesIO()
  with Image.open(path) as image:
    image.draft('RGB', (SIDE, SIDE))
    shown = ImageOps.exif_transpose(image).convert('RGB')
  shown.thumbnail((SIDE, SIDE))
  shown.save(small, 'JPEG', quality=85)
  return f'data:image/jpeg;base64,{base64.b64encode(small.getvalue()).decode()}'
