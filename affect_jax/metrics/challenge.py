"""Scores that join several kinds of annotation."""


def p_mtl(p_va: float, p_expr: float, p_au: float) -> float:
  """P_MTL of the ABAW multi-task challenges: the sum, at most 3.

  Args:
    p_va: Mean CCC of valence and arousal, `regression.mean_ccc`.
    p_expr: Macro-F1 of the expressions, `classification.macro_f1`.
    p_au: Mean F1 of the action units, `multilabel.mean_f1`.

  Returns:
    NaN if any of the three is NaN: a missing task is not a 0.
  """
  return p_va + p_expr + p_au
