"""Damaged signatures and published models are named, not guessed at."""

import json

import pytest

from affect_jax.errors import UserError
from affect_jax.run import picture_rules
from affect_jax.run import signature
from affect_jax.training import published

WHOLE = signature.Signature(
  'faces', {'expression': {'outputs': ('neutral', 'anger')}}, {}, {}, {}, {}
)


def test_what_a_signature_lacks_or_has_too_much(tmp_path):
  signature.write(str(tmp_path), WHOLE)
  whole = json.loads((tmp_path / signature.FILE).read_text())
  assert signature.read(str(tmp_path)).tasks == WHOLE.tasks
  for change in (
    {'tasks': None},
    {'tasks': {'expression': 3}},
    {'inputs': []},
    {'further': 1},
  ):
    path = tmp_path / signature.FILE
    path.write_text(json.dumps(whole | change))
    with pytest.raises(UserError, match=r'signature\.json is damaged'):
      signature.read(str(tmp_path))


def test_tasks_that_cannot_be_built(tmp_path):
  with (
    pytest.raises(UserError, match=r'signature\.json is damaged.*TypeError'),
    signature.damage_named(str(tmp_path)),
  ):
    signature.build_tasks(
      signature.Signature('faces', {'expression': {'outputs': 3}}, {}, {}, {})
    )


def test_cut_arrays(tmp_path):
  signature.write(str(tmp_path), WHOLE)
  (tmp_path / signature.ARRAYS).write_bytes(b'PK')
  with pytest.raises(UserError, match=r'signature\.npz'):
    signature.read(str(tmp_path))


@pytest.mark.parametrize('change', [{'step': '3'}, {'thresholds': None}])
def test_what_a_published_model_says(tmp_path, change):
  about = {'is': published.KIND, 'step': 3, 'thresholds': {}}
  (tmp_path / published.ABOUT).write_text(json.dumps(about | change))
  published.write_weights(tmp_path / published.WEIGHTS, {})
  with pytest.raises(UserError, match=r'model\.json is damaged'):
    published.read(tmp_path)


@pytest.mark.parametrize('data', [3, {'max_side': 'x'}, {'resize': ['x']}])
def test_what_a_config_says_of_pictures(tmp_path, data):
  (tmp_path / 'config.json').write_text(json.dumps({'data': data}))
  with pytest.raises(UserError, match=r'config\.json is damaged'):
    picture_rules.read(tmp_path)
