"""Rendered faces with exact expressions, action units, valence-arousal."""
