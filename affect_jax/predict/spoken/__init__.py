"""Predictions of a run of utterances: tables, feature files, recordings.

`affect_jax/predict/utterances.md` says how; from Python it is
`affect_jax.load('RUN').predict('table.csv')`.
"""
