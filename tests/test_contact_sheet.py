import numpy as np
from PIL import Image
import pytest
from toys import faces_csv
from toys import voices

from affect_jax import contact_sheet
from affect_jax import defaults
from affect_jax.errors import UserError

OUTPUTS = {
  'expression': ('neutral', 'happiness'),
  'action_units': tuple(f'AU{i}' for i in (1, 2, 4, 6, 7, 10, 12)),
  'valence_arousal': ('valence', 'arousal'),
}


def example(*, known=1.0, label=1.0, size=(20, 20)):
  return {
    'image': np.full((*size, 3), 90, np.uint8),
    'expression': np.array([0, label], np.float32),
    'expression_weights': np.float32(known),
    'action_units': np.full(7, label, np.float32),
    'action_units_weights': np.full(7, known, np.float32),
    'valence_arousal': np.full(2, label, np.float32),
    'valence_arousal_weights': np.full(2, known, np.float32),
  }


def colours(sheet):
  """Hexadecimal colours of a sheet, with their number of pixels."""
  return {
    '#{:02x}{:02x}{:02x}'.format(*c): n
    for n, c in sheet.getcolors(sheet.width * sheet.height)
  }


def test_size_grows_by_rows_and_columns():
  def size(count, columns):
    return contact_sheet.draw([example()] * count, OUTPUTS, columns).size

  one, two, four = size(1, 4), size(2, 2), size(4, 2)
  assert two[0] > 1.7 * one[0]
  assert two[1] == one[1]
  assert four[0] == two[0]
  assert four[1] > 1.7 * two[1]


def test_pictures_of_any_shape_fit():
  for size in ((64, 64), (300, 200), (7, 40)):
    found = colours(contact_sheet.draw([example(size=size)], OUTPUTS, 1))
    share = found['#5a5a5a'] / contact_sheet.CELL**2
    assert 0.8 * min(size) / max(size) < share <= 1


@pytest.mark.parametrize('task', list(OUTPUTS))
def test_missing_labels_lose_their_colour(task):
  shown = {task: OUTPUTS[task]}
  colour = contact_sheet.COLOURS[task]
  full = colours(contact_sheet.draw([example()], shown, 1))
  hidden = colours(contact_sheet.draw([example(known=0.0)], shown, 1))
  # The dot of the legend stays.
  assert full[colour] > 1.2 * hidden.get(colour, 0)


def test_present_action_units_are_filled():
  shown = {'action_units': OUTPUTS['action_units']}
  colour = contact_sheet.COLOURS['action_units']
  present = colours(contact_sheet.draw([example()], shown, 1))[colour]
  absent = colours(contact_sheet.draw([example(label=0.0)], shown, 1))[colour]
  assert present > absent + 500


def test_bars_grow_with_the_value():
  shown = {'valence_arousal': OUTPUTS['valence_arousal']}
  colour = contact_sheet.COLOURS['valence_arousal']
  counts = [
    colours(contact_sheet.draw([example(label=v)], shown, 1))[colour]
    for v in (0.1, 0.5, -1.0)
  ]
  assert counts == sorted(counts)


def test_no_examples():
  with pytest.raises(ValueError, match='at least one'):
    contact_sheet.draw([], OUTPUTS, 3)


def test_save(tmp_path):
  sheet = contact_sheet.draw([example()], OUTPUTS, 1)
  contact_sheet.save(sheet, tmp_path / 'new' / 'sheet.png')
  with Image.open(tmp_path / 'new' / 'sheet.png') as again:
    assert again.size == sheet.size
  assert [p.name for p in (tmp_path / 'new').iterdir()] == ['sheet.png']


def test_a_corpus_of_windows_shows_its_frames_and_one_of_voices_none(tmp_path):
  for i in range(2):
    faces_csv.save(tmp_path / f'{i}.png', i)
  faces_csv.write(
    tmp_path,
    *[f'{i}.png,train,clip,happiness,.1,.2,1,0' for i in range(2)],
  )
  config = defaults.get_config()
  config.data.corpus, config.data.data_dir = 'faces_csv', str(tmp_path)
  config.data.path = str(tmp_path / 'faces.csv')
  config.data.window = 2
  config.data.splits.val = config.data.splits.test = ''
  examples, outputs = contact_sheet.read(config, 'train', 9)
  assert len(examples) == 2
  assert set(outputs) == {'expression', 'valence_arousal', 'action_units'}
  path = voices.write(tmp_path, 'said', {'train': ['a', 'b']}, 'sarcasm')
  spoken = voices.config(path, tmp_path)
  spoken.data.splits = config.data.splits
  with pytest.raises(UserError, match='utterances_csv holds utterances'):
    contact_sheet.read(spoken, 'train', 9)
