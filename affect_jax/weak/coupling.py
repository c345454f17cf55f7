"""Expression and action units teach each other.

w(i | e) is the share of people who show unit i with expression e: 1 for its
prototypical units (Du, Tao and Martinez, 2014, table 1; `rules.UNITS`). A
neutral face shows none. Expressions that the table does not name say nothing.

Co-annotation gives a sample the labels that its gold implies (Kollias et al.,
2019, arXiv 1910.11111):

  expression -> units   unit i is present, with weight sum_e y_e w(i | e)
  units -> expression   a distribution, the softmax over e of
                        sum_i w(i | e) y_i / sum_i w(i | e); of neutral: of
                        1 - max_i y_i. Only if all units of the table that the
                        run learns are annotated

Distribution matching (Kollias et al., 2021, arXiv 2105.03790) asks that both
heads tell the same: with p(e | x) of the expression head and p_i of the head of
action units,

  q_i = sum_e p(e | x) w(i | e) / sum_e p(e | x)
  loss = - mean_i [p_i log q_i + (1 - p_i) log(1 - q_i)]

where e is an expression of the table; a row counts as much as their p(e | x)
sum to. Both heads get its gradient. The papers vary in the direction, the
weight of neutral and the softmax: these are our choices.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from affect_jax.errors import UserError
from affect_jax.weak import rules
from affect_jax.weak import selection

# q is kept this far from 0 and 1, where logarithms end.
MARGIN = 1e-6


def shares(expressions: Sequence[str], units: Sequence[str]) -> np.ndarray:
  """Returns w(i | e), f32 [E, K]; rows of expressions without one are NaN.

  Raises:
    UserError: The table says nothing of these expressions and units.
  """
  table = {**rules.UNITS, 'neutral': {}}
  known = [e for e in expressions if e in table]
  found = np.array(
    [
      [table[e].get(u, 0.0) if e in table else np.nan for u in units]
      for e in expressions
    ],
    np.float32,
  )
  if not known or not np.nansum(found):
    raise UserError(
      f'config.coupling: no prototype joins {list(expressions)} and '
      f'{list(units)}; it knows {sorted(table)} and {list(rules.ALL_UNITS)}.'
    )
  return found


def co_annotate(
  w: np.ndarray,
  neutral: int | None,
  expression: tuple[np.ndarray, np.ndarray],
  units: tuple[np.ndarray, np.ndarray],
  weight: float,
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
  """Labels expression from gold of units, and units from gold of expression.

  Args:
    w: Of `shares`, [E, K].
    neutral: The number of neutral among the expressions, or None.
    expression: Labels [..., E] and weights [...].
    units: Labels [..., K] and weights [..., K].
    weight: What a label counts, relative to gold.

  Returns:
    `expression` and `units` with labels where there were none.
  """
  (y_e, w_e), (y_u, w_u) = expression, units
  known = ~np.isnan(w[:, 0])
  filled = np.where(known[:, np.newaxis], w, 0)
  implied = y_e @ filled
  # As long as the table speaks of most of the gold.
  says = (w_e == 1) & (y_e[..., known].sum(-1) > 0.5)
  use = says[..., np.newaxis] & (w_u == 0) & (implied > 0)
  new_units = (
    np.where(use, 1.0, y_u).astype(np.float32),
    np.where(use, _weak(weight * implied), w_u).astype(np.float32),
  )
  asked = (filled > 0).any(0)
  complete = (w_u[..., asked] == 1).all(-1)
  total = filled.sum(-1)
  score = y_u @ filled.T / np.where(total > 0, total, 1)
  if neutral is not None:
    score[..., neutral] = 1 - y_u[..., asked].max(-1)
  choices = known & (total > 0)
  if neutral is not None:
    choices[neutral] = True
  powers = np.where(choices, np.exp(score), 0)
  implied_e = powers / powers.sum(-1, keepdims=True)
  use = complete & (w_e == 0)
  new_expression = (
    np.where(use[..., np.newaxis], implied_e, y_e).astype(np.float32),
    np.where(use, _weak(weight), w_e).astype(np.float32),
  )
  return new_expression, new_units


def _weak(weight: Any) -> Any:
  return np.minimum(weight, selection.LARGEST)


def matching_loss(
  w: np.ndarray, p_expression: jax.Array, p_units: jax.Array, real: jax.Array
) -> jax.Array:
  """Returns the loss of distribution matching, f32 []; see above.

  Args:
    w: Of `shares`, [E, K].
    p_expression: [B, E].
    p_units: [B, K].
    real: bool [B], which rows are samples.
  """
  known = ~np.isnan(w[:, 0])
  p = p_expression[:, known]
  mass = p.sum(-1)
  q = p @ w[known] / jnp.maximum(mass, MARGIN)[:, jnp.newaxis]
  q = jnp.clip(q, MARGIN, 1 - MARGIN)
  each = p_units * jnp.log(q) + (1 - p_units) * jnp.log(1 - q)
  # Units that no expression has are no part of the table.
  asked = (w[known] > 0).any(0)
  each = each[:, asked].mean(-1) * jax.lax.stop_gradient(mass)
  return -jnp.where(real, each, 0.0).sum() / jnp.maximum(real.sum(), 1)
