"""Calls of `predict.table` on tiny videos, and Ctrl-C in the middle."""

import csv
import os
import signal

from affect_jax.corpora.files import pictures as picture_files
from affect_jax.predict import settings as settings_lib
from affect_jax.predict import table
from toys import media


def clip(path):
  """A video of 8 frames, at times that are not regular, with 12 faces."""
  times = [0, 40, 80, 120, 200, 240, 280, 500]
  images = [media.scene(i) for i in range(8)]
  return media.write_video(path, images, milliseconds=times)


def predict(source, output, run=None, overlay='', **settings):
  """Predicts one source or several with `media.ColourRun`."""
  sources = source if isinstance(source, list) else [source]
  return table.predict(
    run or media.ColourRun(rules=picture_files.Rules()),
    [str(path) for path in sources],
    output,
    overlay=overlay,
    settings=settings_lib.Settings(margin=0, **settings),
    batch_size=4,
  )


def read(path):
  with open(path) as file:
    return list(csv.DictReader(file))


def interrupt_at(monkeypatch, module, name, call):
  """Sends Ctrl-C when a function is called for the n-th time, from 1."""
  function, calls = getattr(module, name), []

  def interrupted(*args, **options):
    calls.append(1)
    if len(calls) == call:
      os.kill(os.getpid(), signal.SIGINT)
    return function(*args, **options)

  monkeypatch.setattr(module, name, interrupted)
