"""Damaged signatures and published models are named, not guessed at."""

import hashlib
import json

import pytest

from affect_jax.corpora.files import pictures
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


def test_a_published_model_of_two_halves_is_refused(tmp_path):
  published.write_weights(tmp_path / published.WEIGHTS, {'params': {}})
  (tmp_path / 'signature.json').write_text('{}')
  about = {'is': published.KIND, 'step': 3, 'thresholds': {}}
  text = json.dumps(about)
  (tmp_path / published.ABOUT).write_text(text)
  # Models that are older than checksums.
  assert published.read(tmp_path)[2] == 3
  right = hashlib.sha256(b'{}').hexdigest()
  about['sha256'] = {'signature.json': right}
  (tmp_path / published.ABOUT).write_text(json.dumps(about))
  assert published.read(tmp_path)[2] == 3
  (tmp_path / 'signature.json').write_text('{"of": "another"}')
  with pytest.raises(
    UserError, match=r'signature\.json and model\.json are no'
  ):
    published.read(tmp_path)
  (tmp_path / 'signature.json').unlink()
  with pytest.raises(
    UserError, match=r'signature\.json and model\.json are no'
  ):
    published.read(tmp_path)


def write_corpora(folder, **each):
  data = {'corpus': '', 'resize': 'pad', 'corpora': each}
  (folder / 'config.json').write_text(json.dumps({'data': data}))


def test_rules_of_several_corpora_are_those_that_all_share(tmp_path):
  crop = {'path': 'a.csv', 'resize': 'crop'}
  # Corpora without files have no rules; names are those of readers, or others.
  write_corpora(
    tmp_path,
    faces_csv=crop,
    mine={**crop, 'corpus': 'faces_csv'},
    synthetic_faces={},
    fer2013={'path': 'x'},
    theirs={'corpus': 'registered_elsewhere'},
  )
  assert picture_rules.read(tmp_path) == pictures.Rules('crop')
  assert [*picture_rules.of_corpora(tmp_path)] == ['faces_csv', 'mine']
  write_corpora(tmp_path, synthetic_faces={})
  assert picture_rules.read(tmp_path) == pictures.Rules()


def test_rules_that_differ_need_the_name_of_a_corpus(tmp_path):
  write_corpora(tmp_path, faces_csv={'resize': 'crop'}, raf_db={'max_side': 9})
  with pytest.raises(
    UserError, match=r'faces_csv: resize=crop.*raf_db: resize=str.*--corpus='
  ):
    picture_rules.read(tmp_path)
  assert picture_rules.read(tmp_path, 'raf_db') == pictures.Rules(max_side=9)
