"""Weak labels, from the command line.

  label            labels what the corpora of a config lack
  label.combine    combines tables of weak labels into one
  label.quality    compares tables with gold, and with each other

`python -m affect_jax.label --help` and so on say how.
"""
