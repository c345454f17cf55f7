"""Every file of configs/ says how it is run; those of faces train two steps."""

import pathlib

import pytest
from toys import config_runs
from toys.paths import ROOT

from affect_jax import tasks

pytestmark = pytest.mark.usefixtures('quick_runs')


@pytest.mark.parametrize('name', config_runs.OF_FACES)
def test_config_trains_two_steps(name, tmp_path):
  config_runs.trains_two_steps(name, tmp_path)


@pytest.mark.parametrize('name', config_runs.CONFIGS)
def test_a_configs_docstring_is_its_command(name):
  text = pathlib.Path(ROOT / 'configs' / f'{name}.py').read_text()
  assert f'--config=configs/{name}.py' in text.split('"""')[1]


def test_every_named_augmentation_and_loss_has_defaults(tmp_path):
  from affect_jax import defaults
  from affect_jax.augmentation import augment
  from affect_jax.data import face_batches
  from affect_jax.run import faces

  c = defaults.get_config()
  assert set(c.augmentations) == set(augment.AUGMENTATIONS)
  c.augment = tuple(augment.AUGMENTATIONS)
  face_batches._check_augmentations(faces.augmentations(c), 32)
  for name, module in (
    ('expression', tasks.expression),
    ('action_units', tasks.action_units),
    ('valence_arousal', tasks.valence_arousal),
  ):
    for loss in module.LOSSES:
      options = {
        k: v for k, v in c[name].to_dict().items() if v not in ('', ())
      }
      assert tasks.get_task(name, **{**options, 'loss': loss}).name == name
