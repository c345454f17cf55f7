"""Submissions to the ABAW challenges, and their scores.

`python -m affect_jax.abaw --help` says how. From Python:

  frames = files.read_submission('predictions.txt')
  labels = files.read_labels('validation_set_annotations.txt')
  scores = scoring.score(frames, labels, 'abaw7')
"""
