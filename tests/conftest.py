"""Every test runs on CPU, with four virtual devices and strict warnings.

The environment is set before jax is imported anywhere.
"""

import gc
import os
import tempfile

from toys import compiling

os.environ['JAX_PLATFORMS'] = 'cpu'
os.environ['CUDA_VISIBLE_DEVICES'] = ''
os.environ['TF_CPP_MIN_LOG_LEVEL'] = '2'
# Threads that keep memory of their own make a process larger by the hour.
os.environ.setdefault('MALLOC_ARENA_MAX', '2')
# Threads of the face detector would wait for each other, and for other tests.
os.environ['OMP_NUM_THREADS'] = '1'
os.environ['XLA_FLAGS'] = ' '.join(
  [
    os.environ.get('XLA_FLAGS', ''),
    '--xla_force_host_platform_device_count=4',
    # The default scheduler can deadlock on machines with two cores.
    '--xla_cpu_enable_concurrency_optimized_scheduler=false',
    *compiling.flags(),
  ]
)

if 'JAX_COMPILATION_CACHE_DIR' not in os.environ:
  # Shared by the processes that pytest-xdist and tests start.
  CACHE = tempfile.TemporaryDirectory('jax_cache')
  os.environ['JAX_COMPILATION_CACHE_DIR'] = CACHE.name
os.environ['JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS'] = '0.2'

import jax
import pytest

# (4,) + (3, 4) is an error: write the axes out.
jax.config.update('jax_numpy_rank_promotion', 'raise')


def pytest_xdist_auto_num_workers(config):
  """One more than cores: tests also wait for processes and disks."""
  return (os.cpu_count() or 1) + 1


def pytest_configure(config):
  """Turns warnings that our own code causes into errors."""
  config.addinivalue_line('filterwarnings', r'error:::affect_jax(\.|$)')
  config.addinivalue_line(
    'filterwarnings', 'error::DeprecationWarning:(test_|conftest|toys)'
  )


@pytest.fixture(scope='module', autouse=True)
def programs_of_one_module():
  """Drops what a module compiled: that of all modules is gigabytes."""
  yield
  jax.clear_caches()
  gc.collect()


@pytest.fixture(scope='module')
def quick_runs_on_four_devices():
  """For tests of how the parts of a run meet, not of what they compute.

  Random numbers come without threefry's long code, and ResNet-18 has one
  narrow block in each of two stages instead of two wide ones in each of four.
  The second program, of `log_gradients`, is compiled only where asked for.
  """
  from affect_jax import defaults
  from affect_jax.models import pretrained
  from affect_jax.models import resnet

  get_config = defaults.get_config

  def get_quick_config():
    c = get_config()
    c.log_gradients = False
    return c

  before = jax.config.values['jax_default_prng_impl']
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(resnet, 'WIDTHS', (8, 12))
    patch.setattr(resnet, 'NUM_BLOCKS', 1)
    patch.setattr(defaults, 'get_config', get_quick_config)
    jax.config.update('jax_default_prng_impl', 'rbg')
    pretrained.tensor_places.cache_clear()
    yield
  jax.config.update('jax_default_prng_impl', before)
  pretrained.tensor_places.cache_clear()


@pytest.fixture(scope='module')
def quick_runs(quick_runs_on_four_devices):
  """Without what compiling for four devices adds."""
  from affect_jax.training import parallel

  build = parallel.build
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(
      parallel,
      'build',
      lambda mode='jit', devices=None, **options: build(
        mode, devices or jax.devices()[:1], **options
      ),
    )
    yield
