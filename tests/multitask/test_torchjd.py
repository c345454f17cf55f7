"""Updates agree with TorchJD 0.18.0, the reference in PyTorch.

Where they do not, definitions or solvers differ:

- MGDA: TorchJD stops Frank-Wolfe iterations, which are slow near a face; ours
  is the minimum. `test_solutions` proves that it is.
- CAGrad: TorchJD's general solver stops within 2e-4; ours is compared by the
  gain of the worst-off task, which CAGrad maximises. Where gradients cancel,
  TorchJD's update is 0, ours another solution.
- Nash-MTL: TorchJD linearises the official way, and returns its start where
  ECOS fails. It is compared where its result solves the paper's equation.
- IMTL-G: of dependent gradients of unequal lengths TorchJD takes the
  pseudoinverse of the Gram, ours that of the cosines.
- PCGrad, GradVac: their random orders differ, so two tasks are compared.
- GradDrop: all is random; see `test_surgery`.
- TorchJD takes Jacobians of squared norm below 1e-4 (UPGrad, CAGrad) for 0;
  ours are scaled first.
- GradNorm is not in TorchJD.
"""

import pathlib
import runpy

from gradients import aggregate
import numpy as np
import pytest

GOLDEN = pathlib.Path(__file__).parents[1] / 'golden'
OPTIONS = {
  'aligned_mtl_median': {'length': 'median'},
  'aligned_mtl_rmse': {'length': 'rmse'},
  'fairgrad_2': {'alpha': 2.0},
}
NAMES = [
  'aligned_mtl',
  *OPTIONS,
  'cagrad',
  'config',
  'fairgrad',
  'gradvac',
  'imtl_g',
  'mgda',
  'nash_mtl',
  'pcgrad',
  'upgrad',
]
METHOD = {name: name.removesuffix('_2') for name in NAMES} | {
  name: 'aligned_mtl' for name in NAMES if name.startswith('aligned')
}
REGULAR = (*(f'random_{k}' for k in range(2, 9)), 'agreeing', 'conflicting')


@pytest.fixture(scope='module')
def golden():
  with np.load(GOLDEN / 'aggregators.npz') as arrays:
    return dict(arrays)


def ours(name, jacobian):
  repeat = 3 if name == 'gradvac' else 1
  options = OPTIONS.get(name, {})
  return aggregate(METHOD[name], jacobian, repeat, **options)


def agree(name, jacobian, theirs):
  """Asserts agreement, as far as TorchJD is exact."""
  mine = ours(name, jacobian)
  tolerance = 1e-5 * abs(theirs).max() + 1e-8 * abs(jacobian).max()
  if name == 'mgda':
    # So it is of the shortest vector of a hull, and any other of the hull.
    room = theirs @ theirs - mine @ mine + tolerance**2
    assert (mine - theirs) @ (mine - theirs) <= room
    return
  if name == 'cagrad':
    gain = lambda update: (jacobian @ update).min()
    assert gain(mine) >= gain(theirs) - tolerance * abs(jacobian).max()
    tolerance *= 20
    if not theirs.any():
      return
  if name == 'nash_mtl' and not solves_nash(jacobian, theirs):
    return
  np.testing.assert_allclose(mine, theirs, rtol=0, atol=tolerance)


def solves_nash(jacobian, update):
  """Whether all tasks gain in inverse to their weights, as they should."""
  weights = np.linalg.lstsq(jacobian.T, update, rcond=None)[0]
  gains = weights * (jacobian @ update)
  return np.linalg.matrix_rank(jacobian) == len(jacobian) and np.allclose(
    gains, gains.max(), rtol=1e-4
  )


@pytest.mark.parametrize('name', NAMES)
def test_stored(name, golden, x64):
  cases = [key.split('/')[1] for key in golden if key.startswith(f'{name}/')]
  assert len(cases) >= (3 if METHOD[name] in ('pcgrad', 'gradvac') else 15)
  for case in cases:
    agree(name, golden[f'jacobian/{case}'], golden[f'{name}/{case}'])


def test_nash_is_compared(golden, x64):
  solved = [
    case
    for case in REGULAR
    if solves_nash(golden[f'jacobian/{case}'], golden[f'nash_mtl/{case}'])
  ]
  assert len(solved) >= 8


@pytest.mark.parametrize('name', ['pcgrad', 'gradvac'])
def test_two_stored_tasks_conflict(name, golden):
  """Or there would be nothing to compare."""
  jacobian = golden['jacobian/two_conflicting']
  assert abs(golden[f'{name}/two_conflicting'] - jacobian.sum(0)).max() > 0.1


@pytest.mark.parametrize('name', NAMES)
def test_float32(name, golden):
  for case in REGULAR:
    if f'{name}/{case}' not in golden:
      continue
    jacobian = golden[f'jacobian/{case}'].astype(np.float32)
    theirs = golden[f'{name}/{case}']
    limit = (5e-3 if name == 'mgda' else 1e-3) * abs(theirs).max()
    np.testing.assert_allclose(ours(name, jacobian), theirs, 0, limit)


@pytest.mark.parametrize('name', NAMES)
def test_live(name, x64):
  pytest.importorskip('torchjd')
  torch = pytest.importorskip('torch')
  made = runpy.run_path(str(GOLDEN / 'make_aggregators.py'))
  build = {**made['AGGREGATORS'], **made['OF_TWO']}[name]
  rng = np.random.default_rng(1)
  for size in [2] if name in made['OF_TWO'] else [2, 3, 5]:
    jacobian = rng.normal(size=(size, 9)) + 0.3 * rng.normal(size=9)
    aggregator = build(size)
    for _ in range(3 if name == 'gradvac' else 1):
      theirs = aggregator(torch.from_numpy(jacobian)).numpy()
    agree(name, jacobian, theirs)
