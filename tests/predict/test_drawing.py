"""What is drawn on a frame: bars, dots, boxes, of all sizes of frames."""

import numpy as np
import pytest
from toys import media as toy

from affect_jax.predict import drawing


def drawn(values, outputs=toy.OUTPUTS):
  """A grey frame of 360 pixels with one face of these cells."""
  columns = toy.columns(outputs)
  row = dict.fromkeys(columns.names, '') | {
    **{'input': 'a.mp4', 'frame': '0', 'face_id': '0', 'success': '1'},
    **{'face_x': '50', 'face_y': '60', 'face_w': '90', 'face_h': '90'},
    **{'face_px': '90', **values},
  }
  plan = drawing.Drawing(columns, 400, 360)
  image = np.full((360, 400, 3), 128, np.uint8)
  return np.asarray(plan.draw(image, [row]))[:, 400:].astype(int)


def coloured(panel):
  """Where the panel has the first face's colour."""
  return np.abs(panel - np.array([0xE6, 0x9F, 0x00])).max(-1) < 10


def test_a_bar_is_as_long_as_its_probability_and_full_above_the_threshold():
  area = {}
  for p, present in ((0.2, 0), (0.2, 1), (0.8, 1)):
    cells = {'AU12_p': str(p), 'AU12_c': str(present)}
    panel = drawn(cells, {'action_units': ('AU12',)})
    # Below the title, whose square has the colour, too.
    area[p, present] = coloured(panel)[25:].sum()
  assert area[0.2, 0] < area[0.2, 1] < area[0.8, 1]
  assert area[0.8, 1] == pytest.approx(4 * area[0.2, 1], rel=0.15)


def test_the_dot_moves_right_with_valence_and_up_with_arousal():
  middles = {}
  for v, a in ((0, 0), (1, 0), (0, 1)):
    cells = {'valence': str(v), 'arousal': str(a)}
    panel = drawn(cells, {'valence_arousal': ('valence', 'arousal')})
    y, x = np.nonzero(coloured(panel)[25:])
    middles[v, a] = np.array([x.mean(), y.mean()])
  np.testing.assert_allclose(middles[1, 0] - middles[0, 0], (42, 0), atol=2)
  np.testing.assert_allclose(middles[0, 1] - middles[0, 0], (0, -42), atol=2)


def test_faces_that_are_not_predicted_and_many_faces_are_drawn():
  cells = {'success': '0', 'reason': 'below min_quality=0.5'}
  assert not coloured(drawn(cells)).any()
  columns = toy.columns()
  run = toy.ColourRun()
  predictions = run.start([run.resized(toy.scene(1))], [(0, 0)])()
  values = columns.values({t: x[0] for t, x in predictions.items()})
  rows = [
    {
      **{k: str(v) for k, v in values.items()},
      **{'timestamp_s': '1.5', 'face_id': str(i), 'success': '1'},
      **dict.fromkeys(('face_x', 'face_y', 'face_w', 'face_h'), str(20 * i)),
      **{'face_px': str(20 * i), 'reason': ''},
    }
    for i in range(9)
  ]
  plan = drawing.Drawing(columns, 401, 1081)
  image = np.zeros((1081, 401, 3), np.uint8)
  canvas = plan.draw(image, rows)
  assert canvas.size == plan.size
  assert all(side % 2 == 0 for side in plan.size)


def test_a_frame_without_a_face_says_so():
  plan = drawing.Drawing(toy.columns(), 400, 360)
  image = np.full((360, 400, 3), 128, np.uint8)
  row = dict.fromkeys(toy.columns().names, '') | {'reason': 'no face was found'}
  drawn = np.asarray(plan.draw(image, [row]))
  assert (drawn[:, :400] == 128).all()
  assert (drawn[:30, 400:] > 200).any()


def test_photographs_are_made_smaller_and_strips_can_be_drawn():
  columns = toy.columns()
  assert drawing.Drawing(columns, 6000, 4000).size == (3240 + 1560, 2160)
  # As much wider as the widest frame allows.
  assert drawing.Drawing(columns, 9000, 3).size[0] < 4200
  values = {'face_x': '100', 'face_y': '500', 'face_w': '200', 'face_h': '900'}
  row = dict.fromkeys(columns.names, '') | {
    **{'face_id': '0', 'success': '0', 'reason': 'small', 'face_px': '900'},
    **values,
  }
  plan = drawing.Drawing(columns, 400, 4000)
  drawn = plan.draw(np.zeros((4000, 400, 3), np.uint8), [row])
  grey = np.asarray(drawn)[700, :216].max(-1) > 150
  # The sides of the box, at .54 of the size; its lines are 12 pixels wide.
  assert abs(np.nonzero(grey)[0].min() - 54) < 3
  assert abs(np.nonzero(grey)[0].max() - 54 - 108) < 3
