"""Predictions of a run for a user's own pictures, videos and utterances.

`python -m affect_jax.predict --help` says how; from Python it is
`affect_jax.load('RUN').predict(pictures)`. Utterances are in `spoken`, see
utterances.md.
"""
