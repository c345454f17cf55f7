"""affect_jax.main with a narrow ResNet and the corpus of tiny utterances.

A script for tests that start processes. PAUSE in the environment is how many
seconds a batch takes longer, so that a test can step in between. REVERSED
means that devices are in another order than processes. SHARDED_FROM is the
number of `training.parallel`.
"""

import os
import runpy
import time

import jax

from affect_jax import corpora
from affect_jax.models import resnet
from affect_jax.training import ahead
from affect_jax.training import parallel
from toys import utterances

if __name__ == '__main__':
  resnet.WIDTHS = (8, 12)
  resnet.NUM_BLOCKS = 1
  corpora.CORPORA['toy'] = utterances.Toy
  prefetch = ahead.prefetch

  def slow_prefetch(*args):
    for item in prefetch(*args):
      time.sleep(float(os.environ.get('PAUSE', '0')))
      yield item

  ahead.prefetch = slow_prefetch
  if os.environ.get('REVERSED'):
    build = parallel.build
    parallel.build = lambda mode='jit', **options: build(
      mode, jax.devices()[::-1], **options
    )
  if number := os.environ.get('SHARDED_FROM'):
    parallel.SHARDED_FROM = int(number)
  runpy.run_module('affect_jax.main', run_name='__main__')
