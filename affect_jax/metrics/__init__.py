"""Metrics in numpy float64, over a whole split: no task names in here.

Each is (predictions [N, K], labels [N, K], weights [N] or [N, K], ...) -> a
float, or {output: float}. Weights are sample weights: weight 0 takes a label
out, with whatever stands there. Without any counted label a metric is NaN.
"""
