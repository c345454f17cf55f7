"""How strongly the tasks of a corpus correlate, as Cramér's V.

0: knowing the one tells nothing of the other; 1: it tells all.
"""

from collections.abc import Mapping
import csv
import pathlib

import numpy as np
from scipy.stats import contingency


def measure(root: pathlib.Path, seed: int) -> Mapping[str, float]:
  """Returns {what: V} over the test splits of finished runs; {} if none is."""
  found = {}
  meld = _read(root / 'curve/gold_100', seed)
  if meld:
    found['MELD: gold emotion and gold sentiment'] = _cramer(
      [row['gold/emotion'] for row in meld],
      [row['gold/sentiment_class'] for row in meld],
    )
  mustard = _read(root / 'curve/sarcasm', seed)
  if mustard:
    # MUStARD has no gold sentiment.
    found["MUStARD: gold sarcasm and the network's sentiment"] = _cramer(
      [row['gold/sarcasm/sarcasm'] for row in mustard],
      [row['predicted/sentiment_class'] for row in mustard],
    )
  return found


def _read(arm: pathlib.Path, seed: int) -> list[dict[str, str]]:
  path = arm / f'seed_{seed}' / 'predictions' / 'test.csv'
  if not path.exists():
    return []
  with open(path, newline='', encoding='utf-8') as file:
    return list(csv.DictReader(file))


def _cramer(a: list[str], b: list[str]) -> float:
  table = contingency.crosstab(a, b).count
  return float(contingency.association(np.asarray(table), method='cramer'))
