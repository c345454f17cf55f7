"""Tables and lists: of pictures, of utterances, of faces that tools found."""
# `toys` lie in tests/.
# pyright: reportMissingImports=false

import functools
import pathlib

from kind import consume
from kind import Kind
import numpy as np
from PIL import Image
from toys import aff_wild2 as toy_aff_wild2
from toys import face_corpora
from toys import face_features as toy_face_features
from toys import fer2013 as toy_fer2013
from toys import meld as toy_meld
from toys import mustard as toy_mustard

from affect_jax.abaw import files as abaw
from affect_jax.corpora import aff_wild2
from affect_jax.corpora import affectnet
from affect_jax.corpora import disfa
from affect_jax.corpora import emotionet
from affect_jax.corpora import fer2013
from affect_jax.corpora import fer_plus
from affect_jax.corpora import meld
from affect_jax.corpora import mustard
from affect_jax.corpora import raf_db
from affect_jax.corpora import utterances_csv
from affect_jax.corpora.builders import faces_table
from affect_jax.corpora.features import face_features


def _faces_csv(folder: pathlib.Path) -> None:
  lines = ['image,split,subject,expression,valence,arousal,AU1,AU12']
  for i in range(8):
    Image.new('RGB', (4, 4)).save(folder / f'{i}.png')
    lines.append(f'{i}.png,{("train", "val")[i % 2]},p{i},happy,0.{i},-1,1,')
  (folder / 'faces.csv').write_text('\n'.join(lines) + '\n')


def _read_faces_csv(folder: pathlib.Path) -> int:
  table = faces_table.read(folder / 'faces.csv')
  table.outputs()
  return len(table.rows) + sum(table.skipped.values())


def _utterances_csv(folder: pathlib.Path) -> None:
  lines = ['id,split,dialogue,turn,speaker,text,audio,vision,emotion,sentiment']
  r = np.random.default_rng(0)
  for i in range(8):
    np.save(folder / f'{i}.npy', r.normal(size=(3, 4)))
    rows = [toy_face_features.openface(k, i) for k in range(3)]
    text = '\n'.join([toy_face_features.OPENFACE, *rows]) + '\n'
    (folder / f'{i}.csv').write_text(text)
    split = ('train', 'val')[i // 4]
    lines.append(
      f'u{i},{split},d{i // 2},{i},Ann,"How, nice",{i}.npy,{i}.csv,joy,0.{i}'
    )
  (folder / 'utterances.csv').write_text('\n'.join(lines) + '\n')


def _fer(folder: pathlib.Path) -> None:
  toy_fer2013.small(folder / 'fer2013.csv')
  votes = [','.join(fer_plus.HEADER)]
  for k in range(9):
    usage = 'Training' if k < 7 else 'PublicTest'
    votes.append(f'{usage},fer{k:07d}.png,8,1,1,0,0,0,0,0,0,0')
  (folder / 'fer2013new.csv').write_text('\n'.join(votes) + '\n')


def _read_fer(folder: pathlib.Path) -> int:
  table = fer2013.read(folder / 'fer2013.csv')
  file = folder / 'fer2013new.csv'
  labels, _ = fer_plus.read(file, 'published', table.usage)
  names = [fer2013.EXPRESSIONS[k] for k in table.emotion]
  fer_plus.check_order(labels, names, file)
  return len(table.ids)


def _meld(folder: pathlib.Path) -> None:
  row = toy_meld.row
  toy_meld.write(
    folder,
    [
      row(f'Tea {i}, please.', i // 3, i % 3, 'joy', 'positive')
      for i in range(9)
    ],
  )


def _affectnet(folder: pathlib.Path) -> None:
  row = face_corpora.affectnet_row
  face_corpora.write_affectnet(
    folder,
    [row(f'1/a{i}.jpg', i % 8, 0.5, -0.25) for i in range(6)],
    [row(f'2/b{i}.jpg', i % 8, -0.5, 0) for i in range(3)],
  )


def _affectnet_2021(folder: pathlib.Path) -> None:
  for split in ('train_set', 'val_set'):
    for i in range(3):
      face_corpora.picture(folder / split / 'images' / f'{i}.jpg')
      (folder / split / 'annotations').mkdir(exist_ok=True)
      for name, value in (('exp', str(i)), ('val', '0.5'), ('aro', '-0.1')):
        path = folder / split / 'annotations' / f'{i}_{name}.npy'
        np.save(path, np.array(value))


def _disfa(folder: pathlib.Path) -> None:
  for subject in ('SN001', 'SN002', 'SN003', 'SN004'):
    face_corpora.write_disfa_labels(folder, subject, 4, lambda u, f: f % 6)
    names = [f'{k:05d}.jpg' for k in range(1, 5)]
    face_corpora.write_disfa_frames(folder, subject, names)


def _emotionet(folder: pathlib.Path) -> None:
  header = ','.join(['URL', 'AU 1', 'AU 2', 'AU 12'])
  rows = [f'http://x/{n}.jpg,1,0,999' for n in 'abc']
  face_corpora.write_emotionet(folder, '\n'.join([header, *rows]) + '\n')


def _raf_db(folder: pathlib.Path) -> None:
  lines = [f'train_{i:05d}.jpg {1 + i % 7}' for i in range(7)]
  face_corpora.write_raf_db(folder, [*lines, 'test_00001.jpg 3'])


def _table_of(header: str, rows: list[str], folder: pathlib.Path) -> None:
  text = '\n'.join([header, *rows]) + '\n'
  (folder / 'faces_of_tool.csv').write_text(text)


def _read_faces(folder: pathlib.Path) -> int:
  found = face_features.read(folder / 'faces_of_tool.csv')
  return len(found.values)


VA = 'image_location,valence,arousal\n' + ''.join(
  f'a/{i:05d}.jpg,0.{i},-0.5\n' for i in range(9)
)
MTL = 'image,valence,arousal,expression,aus\n' + ''.join(
  f'a/{i:05d}.jpg,0.{i},-5,3{",1,0,-1" * 4}\n' for i in range(9)
)
OPENFACE_3 = (
  'frame_index,face_id,face_detection,emotion,gaze_yaw,gaze_pitch,action_units'
)
LIBREFACE = (
  'frame_idx,frame_time_in_ms,au_1,au_1_intensity,facial_expression,pitch,yaw,'
  'roll,gaze_yaw,gaze_pitch'
)
TOOLS = {
  'openface': (
    toy_face_features.OPENFACE,
    [toy_face_features.openface(k, k) for k in range(9)],
  ),
  'py_feat': (
    toy_face_features.PY_FEAT,
    [toy_face_features.py_feat(k, k) for k in range(9)],
  ),
  'openface_3': (
    OPENFACE_3,
    [
      f'{k},0,"[1, 2, 3, 4, 0.9]",1,0.{k},0.2,"[0.1, 0.2, 0.{k}]"'
      for k in range(9)
    ],
  ),
  'libreface': (
    LIBREFACE,
    [f'{k},{40 * k},1,2.5,Happiness,1,2,{k},0.1,0.2' for k in range(9)],
  ),
}
KINDS = {
  'faces_csv': Kind(_faces_csv, _read_faces_csv, '*.csv'),
  'utterances_csv': Kind(
    _utterances_csv,
    lambda folder: consume(utterances_csv.listing(folder / 'utterances.csv')),
  ),
  'fer2013': Kind(_fer, _read_fer),
  'meld': Kind(_meld, lambda folder: consume(meld.listing(folder))),
  'mustard': Kind(
    toy_mustard.write, lambda folder: consume(mustard.listing(folder))
  ),
  'aff_wild2': Kind(
    toy_aff_wild2.challenges,
    lambda folder: consume(aff_wild2.listing(folder)),
    '*.txt',
  ),
  's_aff_wild2': Kind(
    toy_aff_wild2.lists,
    lambda folder: consume(aff_wild2.listing(folder)),
    '*.txt',
  ),
  'abaw_submission': Kind(
    lambda folder: (folder / 'va.txt').write_text(VA),
    lambda folder: len(abaw.read_submission(folder / 'va.txt').names),
  ),
  'abaw_labels': Kind(
    lambda folder: (folder / 'mtl.txt').write_text(MTL),
    lambda folder: len(abaw.read_labels(folder / 'mtl.txt').names),
  ),
  'affectnet': Kind(
    _affectnet, lambda folder: consume(affectnet.listing(folder)), '*.csv'
  ),
  'affectnet_2021': Kind(
    _affectnet_2021,
    lambda folder: consume(affectnet.listing(folder)),
    '*.npy',
    counted=True,
  ),
  'disfa': Kind(_disfa, lambda folder: consume(disfa.listing(folder)), '*.txt'),
  'emotionet': Kind(
    _emotionet, lambda folder: consume(emotionet.listing(folder)), '*.csv'
  ),
  'raf_db': Kind(
    _raf_db, lambda folder: consume(raf_db.listing(folder)), '*.txt'
  ),
  **{
    name: Kind(functools.partial(_table_of, header, rows), _read_faces)
    for name, (header, rows) in TOOLS.items()
  },
}
