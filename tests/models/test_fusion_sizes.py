"""Fusions have as many parameters as the same ones in public code."""

from toys.fusions import count
from toys.fusions import MOSI

from affect_jax.models import fusion

# What torch counts in thuiar/MMSA @a94e65d with its settings for MOSI: 768, 5
# and 20 features, 50 steps, one output.
MMSA = {
  'ef_lstm': 885_605,
  'lf_dnn': 597_171,
  'tfn': 9_497_045,
  'lmf': 505_071,
  'mult': 2_571_551,
}
# Three parts of that are not here: batch normalization, which would not be
# the same with other padding; the second, redundant bias of PyTorch's LSTMs;
# the output layer.
NORM_OF_FEATURES = 2 * (5 + 20)
SECOND_BIAS = 4 * 128
MIXED = {'text': 'lstm', 'audio': 'dnn', 'vision': 'dnn'}
HIDDEN = {'text': 128, 'audio': 16, 'vision': 128}


def test_early():
  module = fusion.get_fusion('ef_lstm', width=128, layers=4)
  norm_of_steps, output = 2 * 50, 128 + 1
  expected = MMSA['ef_lstm'] - norm_of_steps - 4 * SECOND_BIAS - output
  assert count(module, MOSI) == expected


def test_late():
  module = fusion.get_fusion(
    'lf_dnn', encoder=MIXED, hidden=HIDDEN, width=HIDDEN | {'text': 256}
  )
  output = 128 + 1
  expected = MMSA['lf_dnn'] - NORM_OF_FEATURES - SECOND_BIAS - output
  assert count(module, MOSI) == expected


def test_tensor():
  module = fusion.get_fusion(
    'tfn',
    encoder=MIXED,
    hidden=HIDDEN | {'audio': 32},
    width={'text': 32, 'audio': 32, 'vision': 128},
  )
  output, fixed_range = 64 + 1, 2
  expected = MMSA['tfn'] - NORM_OF_FEATURES - SECOND_BIAS - output
  assert count(module, MOSI) == expected - fixed_range


def test_low_rank():
  # The product is its output: there is no output layer to leave out.
  module = fusion.get_fusion(
    'lmf',
    encoder=MIXED,
    hidden=HIDDEN,
    width=HIDDEN | {'text': 64},
    fused_width=1,
    rank=3,
  )
  expected = MMSA['lmf'] - NORM_OF_FEATURES - SECOND_BIAS
  assert count(module, MOSI) == expected


def test_mult():
  module = fusion.get_fusion('mult', width=50, heads=10, layers=4, kernel=5)
  output = 300 + 1
  assert count(module, MOSI) == MMSA['mult'] - output
