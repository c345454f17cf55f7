"""How XLA compiles in tests: quickly, or as it does for a user.

Compiling is most of what the tests do, and optimising is most of compiling.
`test_gradients` compiles as a user does, and so does every test where
OPTIMIZED=1 is in the environment.
"""

from importlib import metadata
import os

QUICK = {
  'xla_backend_optimization_level': '0',
  'xla_llvm_disable_expensive_passes': 'true',
  # Parts would be compiled in parallel, where other tests have the cores.
  'xla_cpu_parallel_codegen_split_count': '1',
}
# A debug option of XLA, gone in later versions.
if metadata.version('jaxlib').startswith('0.10.'):
  QUICK['xla_cpu_use_fusion_emitters'] = 'false'
# For `jax.jit(compiler_options=...)`.
OPTIMIZED = {
  'xla_backend_optimization_level': 3,
  'xla_llvm_disable_expensive_passes': False,
  'xla_cpu_parallel_codegen_split_count': 32,
  **{k: True for k in QUICK if k == 'xla_cpu_use_fusion_emitters'},
}


def flags() -> list[str]:
  """For XLA_FLAGS."""
  if os.environ.get('OPTIMIZED'):
    return []
  return [f'--{name}={value}' for name, value in QUICK.items()]
