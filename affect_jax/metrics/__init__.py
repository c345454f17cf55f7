"""Metrics in numpy float64, over a whole split: no task names in here.

Each is (predictions [N, K], labels [N, K], weights [N] or [N, K], ...) -> a
float, or {output: float}. Weights are sample weights: a label of weight 0 is
ignored, whatever its value. Without any counted label a metric is NaN.
"""
