"""experiments/launch: a stopped SLURM job queues again; manifests are right."""

import subprocess

from kubeflow_trainer_api import models
import pytest
from toys import slurm
from toys.paths import ROOT
import yaml

LAUNCH = ROOT / 'experiments' / 'launch'


@pytest.mark.parametrize(
  ('code', 'queued'), [(0, ''), (1, ''), (143, 'requeue 12\n')]
)
def test_a_stopped_job_queues_again(tmp_path, code, queued):
  variables = slurm.commands(tmp_path)
  script = ['bash', LAUNCH / 'slurm.sbatch', '--config.seed=1']
  environment = {
    **variables,
    'HOME': str(tmp_path),
    'SLURM_JOB_ID': '12',
    'SRUN_ENDS_WITH': str(code),
  }
  done = subprocess.run(script, env=environment, capture_output=True, text=True)
  assert (done.returncode, done.stderr) == (code, '')
  log = tmp_path / 'scontrol.txt'
  assert (log.read_text() if log.exists() else '') == queued


def test_slurm_reads_all_options():
  """It stops looking for them at the first command."""
  lines = (LAUNCH / 'slurm.sbatch').read_text().splitlines()
  commands = (
    i for i, x in enumerate(lines) if x.strip() and not x.startswith('#')
  )
  assert not any(x.startswith('#SBATCH') for x in lines[next(commands) :])


@pytest.mark.parametrize('name', ['jobset_gpu', 'jobset_tpu'])
def test_a_manifest_is_a_job_set(name):
  manifest = yaml.safe_load((LAUNCH / f'{name}.yaml').read_text())
  job_set = models.JobsetV1alpha2JobSet.from_dict(manifest)
  # What the models do not know, as a misspelt name, is not in them.
  assert job_set.to_dict() == manifest
  (workers,) = manifest['spec']['replicatedJobs']
  job = workers['template']['spec']
  (container,) = job['template']['spec']['containers']
  flags = dict(
    x.lstrip('-').split('=', 1) for x in container['args'] if '=' in x
  )
  assert (ROOT / flags['config']).exists()
  if name == 'jobset_tpu':
    assert '--distributed' in container['args']
    return
  assert int(flags['num_processes']) == job['parallelism'] == job['completions']
  host = f'{manifest["metadata"]["name"]}-{workers["name"]}-0-0'
  address = f'{host}.{manifest["metadata"]["name"]}:'
  assert flags['coordinator'].startswith(address)
