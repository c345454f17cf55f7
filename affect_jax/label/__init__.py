"""Weak labels, from the command line.

`python -m affect_jax.label --help` says how a config's corpora are labelled.
"""
