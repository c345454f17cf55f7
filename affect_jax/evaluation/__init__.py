"""Predictions of whole splits, their scores and tables."""
