"""Affect recognition that learns from whatever labels each sample has."""

__version__ = '0.1.0'
