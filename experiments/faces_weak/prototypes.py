"""Do units, valence and arousal that a network tells fit the gold expression?

FER2013 has no gold of them. Prototypes (`weak.rules`) say which units an
expression shows, and where it lies.
"""

import pathlib

import numpy as np

from affect_jax.evaluation import prediction_csv
from affect_jax.metrics import multilabel
from affect_jax.run import signature as signature_lib
from affect_jax.weak import rules

# An expression shows a unit if this share of people do.
SHOWN = 0.5


def agreement(workdir: pathlib.Path, corpus: str) -> dict[str, float]:
  """Returns how predictions on test agree with prototypes of gold expressions.

  Args:
    workdir: Folder of a finished run.
    corpus: Whose rows to read.

  Returns:
    {'AU12': AUC of the predicted unit for faces whose expression shows it
    against those whose expression never does, 'valence', 'arousal': Pearson
    with the place of the expression}; units without both are left out.
  """
  signature = signature_lib.read(str(workdir))
  assert signature is not None
  tasks = {t.name: t for t in signature_lib.build_tasks(signature)}
  path = workdir / 'predictions' / 'test.csv'
  rows = prediction_csv.read(str(path), [*tasks.values()])[corpus]
  labelled = rows['weights']['expression'] == 1
  labels = rows['labels']['expression'][labelled].argmax(1)
  names = tasks['expression'].outputs
  gold = np.array(names)[labels]
  units = tasks['action_units'].outputs
  shares = {
    e: [rules.UNITS.get(e, {}).get(u, 0.0) for u in units]
    for e in names
    if e in rules.UNITS or e == 'neutral'
  }
  none = [0.25] * len(units)  # Neither shown nor never shown.
  share = np.array([shares.get(e, none) for e in gold])
  use = (share >= SHOWN) | (share == 0)
  found = multilabel.auc(
    rows['predictions']['action_units'][labelled],
    (share >= SHOWN).astype(np.float32),
    use.astype(np.float32),
    units,
  )
  found = {u: v for u, v in found.items() if np.isfinite(v)}
  placed = np.isin(gold, list(rules.PLACES))
  for i, name in enumerate(tasks['valence_arousal'].outputs):
    predicted = rows['predictions']['valence_arousal'][labelled][placed, i]
    places = [rules.PLACES[e][i] for e in gold[placed]]
    found[name] = float(np.corrcoef(predicted, places)[0, 1])
  return found
