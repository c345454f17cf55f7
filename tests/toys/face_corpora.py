"""Corpora of faces in miniature, laid out as they are distributed."""

from PIL import Image

DISFA_UNITS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
AFFECTNET_HEADER = (
  'subDirectory_filePath,face_x,face_y,face_width,face_height,'
  'facial_landmarks,expression,valence,arousal'
)


def picture(path):
  path.parent.mkdir(parents=True, exist_ok=True)
  Image.new('RGB', (8, 8)).save(path)


def affectnet_row(name, expression, valence, arousal):
  return f'{name},1,2,3,4,1.5;2.5;3.5;4.5,{expression},{valence},{arousal}'


def write_affectnet(
  root,
  training,
  validation,
  images='Manually_Annotated_Images',
  headers=(True, False),
):
  """The original release; pictures whose name has 'gone' are missing."""
  lists = root / 'Manually_Annotated_file_lists'
  lists.mkdir(parents=True)
  for name, rows, header in zip(
    ('training', 'validation'), (training, validation), headers, strict=True
  ):
    text = '\n'.join([AFFECTNET_HEADER] * header + rows) + '\n'
    (lists / f'{name}.csv').write_text(text)
  for line in training + validation:
    name = line.split(',')[0]
    if name and 'gone' not in name:
      picture(root / images / name)
  return root


def write_raf_db(root, lines, pictures=None):
  (root / 'EmoLabel').mkdir(parents=True)
  (root / 'EmoLabel/list_patition_label.txt').write_text('\n'.join(lines))
  (root / 'Image/aligned').mkdir(parents=True)
  if pictures is None:
    pictures = [line.split('.')[0] + '_aligned.jpg' for line in lines if line]
  for name in pictures:
    picture(root / 'Image/aligned' / name)
  return root


def write_disfa_labels(root, subject, frames, intensity=lambda unit, frame: 0):
  """`frames` from 1, with intensity(unit, frame)."""
  folder = root / 'ActionUnit_Labels' / subject
  folder.mkdir(parents=True)
  for unit in DISFA_UNITS:
    lines = [f'{f},{intensity(unit, f)}' for f in range(1, frames + 1)]
    (folder / f'{subject}_au{unit}.txt').write_text('\r\n'.join([*lines, '']))


def write_disfa_frames(root, subject, names, folder='frames'):
  for name in names:
    picture(root / folder / subject / name)


def write_emotionet(
  root, table, name='facs.csv', images=('a.jpg', 'b.jpg', 'c.jpg')
):
  (root / name).parent.mkdir(parents=True, exist_ok=True)
  (root / name).write_text(table)
  for image in images:
    picture(root / 'images' / image)
  return root
