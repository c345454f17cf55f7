"""The default options of each fusion."""

from typing import Any


def options() -> dict[str, dict[str, Any]]:
  """Returns {fusion: its options}; explained in each fusion's module."""
  return {
    'concat': {},  # Means over time.
    'ef_lstm': {
      'width': 128,
      'layers': 1,
      'bidirectional': False,
      'dropout': 0.5,
      'align': 'resample',  # Or steps: step t is the same moment in all.
    },
    # The name of each says its encoder.
    'lf_dnn': _late({}),
    'lf_lstm': _late({'lstm': _encoder_options()['lstm']}),
    'lf_transformer': _late({'transformer': _encoder_options()['transformer']}),
    'tfn': {
      'encoder': 'lstm',  # Or dnn, transformer.
      'hidden': 128,
      'width': 32,
      'dropout': 0.3,
      'encoder_options': _encoder_options(),
      'fused_width': 64,
      'fused_dropout': 0.5,
    },
    'lmf': {
      'encoder': 'lstm',
      'hidden': 128,
      'width': 64,
      'dropout': 0.3,
      'encoder_options': _encoder_options(),
      'fused_width': 64,
      'rank': 4,
    },
    'mult': {
      'width': 30,
      'heads': 5,
      'layers': 5,
      'kernel': 1,
      'causal': True,
      'text_dropout': 0.25,
      'embedding_dropout': 0.25,
      'attention_dropout': 0.1,
      'relu_dropout': 0.1,
      'residual_dropout': 0.1,
      'output_dropout': 0.0,
    },
    'misa': {
      'encoder': 'lstm',  # Or mean.
      'hidden': 0,  # 0: as many as the modality has features.
      'width': 128,
      'heads': 2,
      'mlp_width': 2048,
      'attention_dropout': 0.1,
      'dropout': 0.5,
      'similarity_weight': 1.0,
      'difference_weight': 0.3,
      'reconstruction_weight': 1.0,
    },
    # Text becomes its 'mean' over time, its 'first' step (as the authors do
    # after a BERT) or is read by an 'lstm'. Needs the task 'sentiment'.
    'self_mm': {
      'text': 'mean',
      'hidden': {'text': 128, 'audio': 16, 'vision': 32},
      'encoder_dropout': 0.0,
      'unimodal_width': {'text': 32, 'audio': 16, 'vision': 32},
      'fused_width': 128,
      'dropout': 0.1,
      'fused_dropout': 0.0,
      'limit': 3.0,
      'unimodal_weight': 1.0,
    },
    'gated': {
      'encoder': 'lstm',
      'hidden': 128,
      'width': 128,
      'dropout': 0.2,
      'encoder_options': _encoder_options(),
      'fused_width': 128,
      'fused_dropout': 0.2,
    },
  }


def _encoder_options() -> dict[str, Any]:
  """Returns options of encoders besides hidden, width and dropout.

  The encoder 'dnn' has none. Dicts are new in each call: one dict at two places
  would be one setting.
  """
  return {
    'lstm': {'layers': 1, 'bidirectional': False},
    'transformer': {'layers': 2, 'heads': 4},
  }


def _late(encoder_options: dict[str, Any]) -> dict[str, Any]:
  """Returns the options of late fusion."""
  return {
    'hidden': 128,
    'width': 128,
    'dropout': 0.2,
    'encoder_options': encoder_options,
    'fused_width': 128,
    'fused_dropout': 0.2,
  }
