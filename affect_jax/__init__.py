"""Affect recognition that learns from whatever labels each sample has."""

import os

__version__ = '0.1.0'
# Before anything here imports TensorFlow: its log tells only what matters.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
