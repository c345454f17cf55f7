"""Makes aggregators.npz: Jacobians, and what TorchJD makes of them.

Run with torchjd 0.18.0 and what it needs for all aggregators:

  pip install 'torchjd[full]==0.18.0'
  python tests/golden/make_aggregators.py

Keys: 'jacobian/<case>' [K, D] and '<aggregator>/<case>' [D], float64. Random
choices of PCGrad and GradVac make no difference for two tasks: they are only
made of two, those of GradVac after three updates from the same Jacobian.
"""

import pathlib

import numpy as np
import torch
from torchjd import aggregation

# Without regularization and tolerances of their own, where they have them.
AGGREGATORS = {
  'aligned_mtl': lambda k: aggregation.AlignedMTL(),
  'aligned_mtl_median': lambda k: aggregation.AlignedMTL(scale_mode='median'),
  'aligned_mtl_rmse': lambda k: aggregation.AlignedMTL(scale_mode='rmse'),
  'cagrad': lambda k: aggregation.CAGrad(c=0.5),
  'config': lambda k: aggregation.ConFIG(),
  'fairgrad': lambda k: aggregation.FairGrad(alpha=1.0),
  'fairgrad_2': lambda k: aggregation.FairGrad(alpha=2.0),
  'imtl_g': lambda k: aggregation.IMTLG(),
  'mgda': lambda k: aggregation.MGDA(epsilon=1e-12, max_iters=20000),
  'nash_mtl': lambda k: aggregation.NashMTL(n_tasks=k),
  'upgrad': lambda k: aggregation.UPGrad(),
}
OF_TWO = {
  'pcgrad': lambda k: aggregation.PCGrad(),
  'gradvac': lambda k: aggregation.GradVac(),
}


def jacobians():
  """Returns {case: Jacobian [K, D]}."""
  rng = np.random.default_rng(0)
  cases = {}
  for k in range(2, 9):
    cases[f'random_{k}'] = rng.normal(size=(k, 12))
  # All near a common direction, and all far from one.
  cases['agreeing'] = rng.normal(size=(4, 12)) * 0.3 + rng.normal(size=(1, 12))
  spread = rng.normal(size=(5, 12))
  cases['conflicting'] = spread - 0.95 * spread.mean(0, keepdims=True)
  cases['lengths'] = rng.normal(size=(4, 12)) * [[1e-2], [1], [10], [1e2]]
  left, _ = np.linalg.qr(rng.normal(size=(4, 4)))
  right, _ = np.linalg.qr(rng.normal(size=(12, 4)))
  cases['ill_conditioned'] = left * [1, 0.3, 0.05, 0.003] @ right.T
  twice = rng.normal(size=(3, 12))
  cases['duplicates'] = np.concatenate([twice, twice[:1]])
  opposed = rng.normal(size=(3, 12))
  cases['opposed'] = np.concatenate([opposed, -opposed[:1]])
  cases['zero'] = np.concatenate([rng.normal(size=(3, 12)), np.zeros((1, 12))])
  cases['two_conflicting'] = np.array([[2.0, 1, 0.0], [-1, 0.5, 0.2]])
  cases['two_agreeing'] = np.array([[2.0, 1, 0.0], [1, 0.5, 0.2]])
  cases['two_opposed'] = np.array([[1.0, 2, 3], [-1, -2, -3]])
  return cases


def main():
  arrays = {}
  for case, jacobian in jacobians().items():
    arrays[f'jacobian/{case}'] = jacobian
    k = len(jacobian)
    for name, build in {**AGGREGATORS, **(OF_TWO if k == 2 else {})}.items():
      aggregator = build(k)
      try:
        for _ in range(3 if name == 'gradvac' else 1):
          result = aggregator(torch.from_numpy(jacobian))
      except Exception as error:  # What it cannot do, is not compared.
        print(name, case, repr(error))
        continue
      arrays[f'{name}/{case}'] = result.numpy()
  path = pathlib.Path(__file__).with_name('aggregators.npz')
  np.savez_compressed(path, **arrays)
  print(path, path.stat().st_size, 'bytes')


if __name__ == '__main__':
  main()
