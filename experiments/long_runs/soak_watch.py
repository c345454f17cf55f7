"""Memory and open files of processes over time, as Linux tells them."""

from collections.abc import Mapping, Sequence
import os
import pathlib
import threading
import time
from typing import Any

import numpy as np

# Megabytes an hour, and files, above which a process counts as growing.
MOST_MB_PER_HOUR = 50
MOST_FILES = 5


def watch(
  pids: Mapping[str, int],
  rows: list[dict[str, Any]],
  interval: float,
  ended: threading.Event,
) -> None:
  """Appends a row for each living process every `interval` seconds.

  Args:
    pids: {name: process}; may change meanwhile.
    rows: Gets {'seconds', 'process', 'pid', 'megabytes' (resident), 'files'
      (open handles), 'threads'}.
    interval: Seconds.
    ended: Ends it when set.
  """
  begun = time.monotonic()
  while not ended.wait(interval):
    for name, pid in dict(pids).items():
      try:
        status = pathlib.Path(f'/proc/{pid}/status').read_text()
        files = len(os.listdir(f'/proc/{pid}/fd'))
      except OSError:  # It has ended.
        continue
      values = dict(
        line.split(':\t', 1) for line in status.splitlines() if ':\t' in line
      )
      if 'VmRSS' not in values:
        continue
      rows.append(
        {
          'seconds': round(time.monotonic() - begun, 1),
          'process': name,
          'pid': pid,
          'megabytes': int(values['VmRSS'].split()[0]) / 1024,
          'files': files,
          'threads': int(values['Threads']),
        }
      )


def growth(
  rows: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> dict[str, dict[str, Any]]:
  """Returns how memory and open files grew in the second half of each life.

  Returns:
    {name: {'megabytes': at its middle and end (medians of a tenth of its life),
    'megabytes_per_hour': slope of Theil and Sen, 'files': as 'megabytes',
    'grows': whether one of both grows by more than MOST_...}}.
  """
  from scipy import stats

  found = {}
  for name in names:
    of_name = [r for r in rows if r['process'] == name]
    half = of_name[len(of_name) // 2 :]
    tenth = max(1, len(of_name) // 10)
    ends: dict[str, list[float]] = {
      key: [
        float(np.median([r[key] for r in part]))
        for part in (half[:tenth], half[-tenth:])
      ]
      for key in ('megabytes', 'files')
    }
    slope, *_ = stats.theilslopes(
      [r['megabytes'] for r in half], [r['seconds'] / 3600 for r in half]
    )
    slope = np.asarray(slope).item()
    more_files = ends['files'][1] - ends['files'][0]
    found[name] = {
      'megabytes': [round(x) for x in ends['megabytes']],
      'megabytes_per_hour': round(slope, 1),
      'files': ends['files'],
      'grows': slope > MOST_MB_PER_HOUR or more_files > MOST_FILES,
    }
  return found


def checkpoints(run: pathlib.Path) -> list[str]:
  """Returns the steps whose checkpoints are kept."""
  folder = run / 'checkpoints'
  return sorted((x.name for x in folder.iterdir() if x.is_dir()), key=len)


def draw(rows: Sequence[Mapping[str, Any]], path: pathlib.Path) -> None:
  """Draws memory and open files of all processes over time."""
  try:
    import matplotlib
  except ImportError:
    print('No figure: pip install matplotlib.')
    return
  matplotlib.use('Agg')
  from matplotlib import pyplot

  figure, axes = pyplot.subplots(
    2, 1, figsize=(9, 6), sharex=True, layout='constrained'
  )
  for axis, key in zip(axes, ('megabytes', 'files'), strict=True):
    for name in dict.fromkeys(r['process'] for r in rows):
      of_name = [r for r in rows if r['process'] == name]
      axis.plot(
        [r['seconds'] / 60 for r in of_name],
        [r[key] for r in of_name],
        label=name,
      )
    axis.set_ylabel({'megabytes': 'resident MB', 'files': 'open files'}[key])
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
  axes[0].legend()
  axes[1].set_xlabel('minutes')
  figure.savefig(path, dpi=110)
  pyplot.close(figure)
