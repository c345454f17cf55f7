"""Runs of one and of several processes, side by side."""

import csv
import json

import numpy as np


def flags(config, workdir, settings):
  return [
    f'--config={config}',
    f'--workdir={workdir}',
    *(f'--config.{k}={v}' for k, v in settings.items()),
  ]


def losses(workdir):
  lines = (workdir / 'metrics.jsonl').read_text().splitlines()
  lines = [json.loads(x) for x in lines]
  return [x['train/loss'] for x in lines if 'train/loss' in x]


def predictions(workdir, split):
  with open(workdir / 'predictions' / f'{split}.csv', encoding='utf-8') as f:
    rows = list(csv.DictReader(f))
  texts = [{k: v for k, v in r.items() if not _is_number(v)} for r in rows]
  numbers = [[float(v) for v in r.values() if _is_number(v)] for r in rows]
  return texts, numbers


def _is_number(text):
  try:
    float(text)
  except ValueError:
    return False
  return True


def assert_equal(workdir, other, splits):
  """Up to the order of additions over devices."""
  np.testing.assert_allclose(losses(workdir), losses(other), rtol=1e-5)
  for split in splits:
    texts, numbers = predictions(workdir, split)
    expected_texts, expected = predictions(other, split)
    # Ids, in the order of the split, and gold labels that are words or none.
    assert texts == expected_texts
    for a, b in zip(numbers, expected, strict=True):
      np.testing.assert_allclose(a, b, atol=1e-5)
