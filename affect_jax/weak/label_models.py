"""What several labellers say together: models of crowd-kit.

  majority              the share of votes
  dawid_skene           each labeller has a confusion matrix, learned together
                        with the labels by EM (Dawid and Skene, 1979)
  one_coin_dawid_skene  each has one accuracy: the same for all classes, and
                        errors fall on all others alike (Zhang et al., 2016)

  auto                  dawid_skene of at least 3 labellers, if at least
                        1,000 samples have two votes; else majority

The two of Dawid and Skene suppose that labellers err independently of each
other, and learn from the samples that several of them label: from fewer than
`auto` asks for, and of labellers that err alike, they can be worse than
majority, see `experiments/label_models`. A labeller that says nothing of a
sample abstains, and nothing is made of that. Votes are hard: how sure a
labeller was is lost.
"""

import functools
from typing import Any
import warnings

import numpy as np

from affect_jax import by_name
from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError

# {our name: class of crowd-kit}.
MODELS = {
  'majority': 'MajorityVote',
  'dawid_skene': 'DawidSkene',
  'one_coin_dawid_skene': 'OneCoinDawidSkene',
}
AUTO = 'auto'
LEAST_LABELLERS, LEAST_MET = 3, 1000
ABSTAINS = -1


def check(model: str) -> None:
  """Raises UserError if a model is unknown."""
  by_name.check('label model', model, (AUTO, *MODELS))


def met(votes: np.ndarray) -> int:
  """Returns how many samples have two votes or more, of votes [N, L]."""
  return int(((votes != ABSTAINS).sum(1) > 1).sum())


def choose(votes: np.ndarray) -> str:
  """Returns the model that 'auto' stands for, given votes [N, L]."""
  voters = int((votes != ABSTAINS).any(0).sum())
  enough = voters >= LEAST_LABELLERS and met(votes) >= LEAST_MET
  return 'dawid_skene' if enough else 'majority'


def combine(model: str, votes: np.ndarray, num_classes: int) -> np.ndarray:
  """Returns probabilities of classes [N, K]; zeros where nobody votes.

  Args:
    model: A key of MODELS, or AUTO.
    votes: int [N, L], by labeller: a class, or ABSTAINS.
    num_classes: K.

  Raises:
    UserError: Unknown model, or it learns from votes on the same samples and
      no sample has two.
    MissingExtra: crowd-kit is not installed.
  """
  check(model)
  model = choose(votes) if model == AUTO else model
  library, pandas = _library()
  speaks = votes != ABSTAINS
  if model != 'majority' and not met(votes):
    raise UserError(
      f'No sample is labelled by two labellers, and {model} learns from where '
      'they meet: --model=majority joins them.'
    )
  result = np.zeros((len(votes), num_classes))
  if not speaks.any():
    return result
  rows, labellers = np.nonzero(speaks)
  data = pandas.DataFrame(
    {'task': rows, 'worker': labellers, 'label': votes[speaks].astype(int)}
  )
  with warnings.catch_warnings():
    # crowd-kit asks pandas 3 for what pandas 4 will not do.
    warnings.simplefilter('ignore', DeprecationWarning)
    warnings.simplefilter('ignore', FutureWarning)
    found = getattr(library, MODELS[model])().fit_predict_proba(data)
  # Classes that nobody votes for have no column.
  result[np.ix_(found.index.to_numpy(), found.columns.to_numpy())] = found
  return result


def believed(votes: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
  """Returns the share of each labeller's votes that is believed right [L].

  Args:
    votes: [N, L], see `combine`.
    probabilities: [N, K], from it.

  Returns:
    The mean probability of what it votes for; NaN without a vote.
  """
  shares = []
  for votes_of_one in votes.T:
    rows = np.flatnonzero(votes_of_one != ABSTAINS)
    of_votes = probabilities[rows, votes_of_one[rows]]
    shares.append(of_votes.mean() if len(rows) else np.nan)
  return np.array(shares)


@functools.cache
def _library() -> tuple[Any, Any]:
  try:
    from crowdkit import aggregation
    import pandas
  except ImportError as error:
    raise MissingExtra(
      "Combining labellers needs a library: pip install 'affect_jax[weak]'."
    ) from error
  return aggregation, pandas
