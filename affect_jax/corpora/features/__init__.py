"""Sequences of features: of tokens, vectors, voices, faces."""
