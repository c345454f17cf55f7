"""Simulated runs, whose true difference is known.

Each of N samples has a class out of four (40, 30, 20 and 10 %) and a value.
Models are right with a chance that depends on how hard a sample is for all, for
the method and for the seed, and on how good the seed is. In clusters, hardness,
values, most classes and what the method finds hard are alike.

Accuracy, macro-F1, CCC and MAE are functions of sums over samples, so that all
draws are one product of matrices; a test compares them with the package's.
"""

import dataclasses
from typing import Any

import numpy as np
from scipy import optimize

from affect_jax.comparison import resampling
from affect_jax.comparison import uncertainty

METRICS = ('accuracy', 'macro-F1', 'CCC', 'MAE')
CLASSES = 4
SHARES = (0.4, 0.3, 0.2, 0.1)
# Variances that clusters and samples each add to values, and to their errors.
OF_VALUES, OF_ERRORS = 0.16, 0.01


@dataclasses.dataclass(frozen=True)
class World:
  """What is simulated.

  Attributes:
    sizes: 'samples', 'equal' or 'unequal' clusters.
    count: How many samples or clusters.
    truth: 'same': B is A again; 'other': B errs on other samples and in
      another way, and has the same accuracy, macro-F1 and CCC; 'better': B is
      better.
    seeds: Pairs of seeds.
    of_seeds: How much better some seeds are than others.
    of_method: How much each method has samples of its own that it finds hard.
  """

  sizes: str
  count: int
  truth: str = 'same'
  seeds: int = 1
  of_seeds: float = 0.0
  of_method: float = 0.5

  @property
  def clustered(self) -> bool:
    """Whether samples of a cluster are alike."""
    return self.sizes != 'samples'


@dataclasses.dataclass(frozen=True)
class Data:
  """Predictions of 2 methods, A and B, and k seeds.

  Attributes:
    cluster: [N].
    gold: Classes [N].
    classes: Predicted, [2, k, N].
    values: Gold values [N].
    predicted: [2, k, N].
  """

  cluster: np.ndarray
  gold: np.ndarray
  classes: np.ndarray
  values: np.ndarray
  predicted: np.ndarray


def draw(world: World, rng: np.random.Generator) -> Data:
  """Draws a split and what all models predict."""
  if world.sizes == 'samples':
    sizes = np.ones(world.count, int)
  elif world.sizes == 'equal':
    sizes = np.full(world.count, 20)
  else:  # Half of them have 7 to 21 samples, a few more than 50.
    drawn = rng.lognormal(np.log(12), 0.8, world.count)
    sizes = np.maximum(1, np.round(drawn).astype(int))
  cluster = np.repeat(np.arange(world.count), sizes)
  count, in_clusters = len(cluster), float(world.clustered)

  def noise(of_cluster, of_sample):
    shared = rng.normal(size=world.count)[cluster] * in_clusters
    return of_cluster * shared + of_sample * rng.normal(size=count)

  gold = rng.choice(CLASSES, count, p=SHARES)
  main = rng.choice(CLASSES, world.count, p=SHARES)[cluster]
  gold = np.where(rng.random(count) < 0.5 * in_clusters, main, gold)
  values = noise(OF_VALUES**0.5, OF_VALUES**0.5)
  hard = noise(0.6, 1)
  classes, predicted = [], []
  for method in ('A', 'B'):
    differs = method == 'B' and world.truth == 'other'
    better = method == 'B' and world.truth == 'better'
    own = world.of_method * noise(0.7, 1)
    own_values = 2 * world.of_method * noise(OF_ERRORS**0.5, OF_ERRORS**0.5)
    difficulty = noise(0.6, 1) if differs else hard
    slope, spread = _other(world) if differs else (0.8, 0.3)
    for _ in range(world.seeds):
      margin = 1 + 0.25 * better + difficulty + own + noise(0, 0.7)
      margin = margin + world.of_seeds * rng.normal()
      wrong = (gold + rng.integers(1, CLASSES, count)) % CLASSES
      classes.append(np.where(margin > 0, gold, wrong))
      guess = slope * values + own_values
      guess = guess + noise(0, 0.22 if better else spread)
      predicted.append(guess + 0.2 * world.of_seeds * rng.normal())
  shape = (2, world.seeds, count)
  return Data(
    cluster,
    gold,
    np.reshape(classes, shape),
    values,
    np.reshape(predicted, shape),
  )


def sums(data: Data) -> np.ndarray:
  """Returns what metrics are functions of, [G, 2, k, Q], summed by cluster."""
  columns = []
  clusters = data.cluster.max() + 1
  for classes, p in zip(
    data.classes.reshape(-1, len(data.gold)),
    data.predicted.reshape(-1, len(data.gold)),
    strict=True,
  ):
    y = data.values
    cells = np.eye(CLASSES**2)[data.gold * CLASSES + classes].T
    moments = [np.ones_like(y), y, y * y, p, p * p, p * y, np.abs(p - y)]
    columns.append(
      [np.bincount(data.cluster, x, clusters) for x in (*cells, *moments)]
    )
  table = np.array(columns).reshape(*data.classes.shape[:2], -1, clusters)
  return np.moveaxis(table, -1, 0)


def metrics(of: np.ndarray) -> np.ndarray:
  """Computes METRICS [..., 4] of sums [..., Q]."""
  cells = of[..., : CLASSES**2]
  matrix = cells.reshape(*cells.shape[:-1], CLASSES, CLASSES)
  right = np.einsum('...ii->...i', matrix)
  both = matrix.sum(-1) + matrix.sum(-2)
  f1 = 2 * right / np.where(both > 0, both, 1)
  n, y, yy, p, pp, py, absolute = np.moveaxis(of[..., CLASSES**2 :], -1, 0)
  covariance = py / n - p * y / n**2
  spread = pp / n - (p / n) ** 2 + yy / n - (y / n) ** 2 + (p / n - y / n) ** 2
  return np.stack(
    [
      right.sum(-1) / n,
      f1.mean(-1),
      2 * covariance / spread,
      absolute / n,
    ],
    -1,
  )


@dataclasses.dataclass(frozen=True)
class Found:
  """What the package says of a simulated pair of runs, and what others would.

  Attributes:
    estimate: The package's.
    percentiles: Ends of the percentile interval over samples, [2, 4].
    swaps: p of swaps alone, [4].
  """

  estimate: uncertainty.Estimate
  percentiles: np.ndarray
  swaps: np.ndarray


def analyse(data: Data, draws: int, rng: np.random.Generator) -> Found:
  """Compares B with A as the package does."""
  table = sums(data)
  clusters = len(table)

  def score(counts):
    return metrics(np.tensordot(counts.astype(float), table, 1))

  def difference(swaps):
    chosen = swaps.astype(float)
    ab = np.tensordot(1 - chosen, table, 1)
    scores = metrics(ab + np.tensordot(chosen, table[:, ::-1], 1))
    return (scores[:, 1] - scores[:, 0]).mean(1)

  drawn = resampling.bootstrap(score, clusters, draws, rng)
  drawn = drawn[:, 1] - drawn[:, 0]
  test = resampling.permutation_test(difference, clusters, draws, rng)
  scores = metrics(table.sum(0))
  effective = uncertainty.effective(np.bincount(data.cluster))
  estimate = uncertainty.estimate(
    scores[1] - scores[0],
    drawn,
    test.null_distribution,
    test.pvalue,
    np.full(len(METRICS), effective),
    rng,
  )
  percentiles = np.quantile(drawn.mean(1), [0.025, 0.975], axis=0)
  return Found(estimate, percentiles, test.pvalue)


def true_difference(world: World, rng: np.random.Generator) -> np.ndarray:
  """Returns B minus A of METRICS in a split of a million samples."""
  single = dataclasses.replace(world, seeds=1, of_seeds=0.0)
  per_cluster = {'samples': 1, 'equal': 20, 'unequal': 16}[world.sizes]
  large = dataclasses.replace(single, count=100_000 // per_cluster)
  parts = [sums(draw(large, rng)).sum(0) for _ in range(10)]
  total = np.sum(parts, axis=0)
  scores = metrics(total)[:, 0]
  difference = scores[1] - scores[0]
  if world.truth == 'other':
    difference[:3] = 0  # They are equal by design; only MAE is not.
  return difference


def _other(world: World) -> tuple[float, float]:
  """Returns a slope, and the noise that gives it the CCC of .8 and .3."""
  times = 1 + world.clustered
  of_values = OF_VALUES * times
  extra = (2 * world.of_method) ** 2 * OF_ERRORS * times

  def ccc(slope: float, noise: float) -> float:
    spread = slope**2 * of_values + noise**2 + extra + of_values
    return 2 * slope * of_values / spread

  solved: Any = optimize.brentq(
    lambda x: ccc(0.65, x) - ccc(0.8, 0.3), 1e-4, 1.0
  )
  return 0.65, solved
