"""Rows that are smoothed, and begin at a neutral face, against numpy."""

import math

import numpy as np
import pytest
from toys import media as toy

from affect_jax.media import box as box_lib
from affect_jax.media import inputs as inputs_lib
from affect_jax.predict import columns as columns_lib
from affect_jax.predict import over_time
from affect_jax.predict import settings as settings_lib

COLUMNS = toy.columns()
BOX = box_lib.Box(0, 0, 9, 9, 0.9)
# Of 12 frames: probabilities of 3 expressions, of 2 units, valence, arousal.
TIMES = np.array([0, 1, 2, 3, 5, 6, 7, 12, 13, 14, 15, 16]) / 25


@pytest.fixture(scope='module')
def values():
  r = np.random.default_rng(0)
  return {
    'expression': r.dirichlet(np.ones(3), 12).astype(np.float32),
    'action_units': r.uniform(0, 1, (12, 2)).astype(np.float32),
    'valence_arousal': r.uniform(-1, 1, (12, 2)).astype(np.float32),
  }


def row(i, values, name='a.mp4', number=0, seconds=None):
  seconds = TIMES[i] if seconds is None else seconds
  face = columns_lib.Face(name, i, seconds, number, BOX, 0.1)
  predicted = {task: x[i] for task, x in values.items()}
  return dict(zip(COLUMNS.names, COLUMNS.row(face, predicted), strict=True))


def gone(i):
  face = columns_lib.Face('a.mp4', i, TIMES[i], reason='no face was found')
  return dict(zip(COLUMNS.names, COLUMNS.row(face, None), strict=True))


def column(rows, name):
  return np.array([float(r[name]) for r in rows])


def test_smoothing_is_an_exponential_mean_by_time(values):
  rows = [row(i, values) for i in range(12)]
  found = list(over_time.smoothed(rows, COLUMNS, 0.1))
  for name, x in (
    ('valence', values['valence_arousal'][:, 0]),
    ('AU12_p', values['action_units'][:, 1]),
  ):
    expected = [float(x[0])]
    for i in range(1, 12):
      kept = np.exp(-(TIMES[i] - TIMES[i - 1]) / 0.1)
      expected.append(kept * expected[-1] + (1 - kept) * x[i])
    np.testing.assert_allclose(column(found, name), expected, atol=1e-6)
  of_classes = [column(found, f'p_{n}') for n in toy.OUTPUTS['expression']]
  np.testing.assert_allclose(np.sum(of_classes, 0), 1, atol=1e-6)
  likeliest = [toy.OUTPUTS['expression'][k] for k in np.argmax(of_classes, 0)]
  assert [r['expr'] for r in found] == likeliest
  present = column(found, 'AU12_p') > toy.THRESHOLDS['AU12']
  assert [r['AU12_c'] == '1' for r in found] == present.tolist()
  # What is no prediction stays.
  assert [r['blur'] for r in found] == [r['blur'] for r in rows]


def test_nothing_passes_between_faces_inputs_and_gaps_of_time(values):
  rows = [row(0, values), row(1, values, number=1), gone(2)]
  rows += [row(3, values, seconds=math.nan), row(4, values)]
  rows += [row(5, values, name='b.mp4')]
  found = list(over_time.smoothed(rows, COLUMNS, 10.0))
  assert found == rows
  (_, second) = over_time.smoothed(
    [row(0, values), row(1, values)], COLUMNS, 10.0
  )
  assert second != row(1, values)


def test_the_running_median_is_that_of_the_face_so_far(values):
  rows = [row(i, values, number=i % 2) for i in range(12)]
  rows.insert(5, gone(5))
  found = list(over_time.from_neutral(rows, COLUMNS, None))
  assert found[5] == rows[5]
  del found[5], rows[5]
  for i in range(12):
    so_far = slice(i % 2, i + 1, 2)
    valence = values['valence_arousal'][so_far, 0].astype(float)
    expected = np.clip(valence[-1] - np.median(valence), -1, 1)
    assert float(found[i]['valence']) == pytest.approx(expected, abs=1e-6)
    unit = values['action_units'][so_far, 0].astype(float)
    base = np.median(unit)
    expected = max(0, (unit[-1] - base) / (1 - base))
    assert float(found[i]['AU01_p']) == pytest.approx(expected, abs=1e-6)
    assert found[i]['AU01_c'] == str(int(expected > toy.THRESHOLDS['AU1']))
    for name in ('expr', 'p_anger', 'face_px'):
      assert found[i][name] == rows[i][name]


def test_the_neutral_face_itself_is_zero_and_what_is_sure_stays(values):
  neutral = over_time.read(row(0, values), COLUMNS)
  (zero,) = over_time.from_neutral([row(0, values)], COLUMNS, neutral)
  assert [float(zero[n]) for n in ('valence', 'arousal', 'AU01_p')] == [0] * 3
  sure = {**values, 'action_units': np.ones((12, 2), np.float32)}
  (one,) = over_time.from_neutral([row(0, sure)], COLUMNS, neutral)
  assert one['AU01_p'] == '1.0'
  (full,) = over_time.from_neutral(
    [row(0, sure)], COLUMNS, over_time.read(row(0, sure), COLUMNS)
  )
  assert full['AU01_p'] == '0.0'


def test_pictures_have_no_course_over_time(tmp_path):
  items = [inputs_lib.Input('a.png', tmp_path / 'a.png')]
  for settings, words in (
    (settings_lib.Settings(smooth=1.0), r'--smooth .*a\.png is a picture'),
    (settings_lib.Settings(neutral='median'), '--neutral follows'),
  ):
    with pytest.raises(ValueError, match=words):
      over_time.check(settings, items, COLUMNS)
  of_file = settings_lib.Settings(neutral='me.png')
  over_time.check(of_file, items, COLUMNS)
  of_classes = toy.columns({'expression': ('neutral', 'anger')})
  with pytest.raises(ValueError, match='this run has not learned'):
    over_time.check(of_file, items, of_classes)
