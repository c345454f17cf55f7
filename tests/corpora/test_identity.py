"""Names and paths that are spelled in several ways."""

import unicodedata

from absl import logging
import pytest

from affect_jax.corpora.builders import faces_table
from affect_jax.corpora.builders import utterances_table
from affect_jax.corpora.files import identity
from affect_jax.corpora.files import same_path

NFD = unicodedata.normalize('NFD', 'José')


@pytest.mark.parametrize(
  'names',
  [
    *(('José', NFD), ('7', '7.0'), ('Ann Lee', 'Ann\u00a0 Lee', 'ANN LEE')),
    *(('s01', 'S01'), ('ann', 'Ann', 'ANN'), ('x', '\u200bx'), ('1', '1.00')),
  ],
)  # fmt: skip
def test_one_person(names):
  assert identity.join(names) == dict.fromkeys(names[1:], names[0])


@pytest.mark.parametrize(
  'names',
  [
    *(('aB1', 'Ab1'), ('a', 'A'), ('7', '07'), ('7', '7.1'), ('Jose', 'José')),
    *(('McKay', 'mckay'), ('ann', 'anne'), ('1.10', '1.1'), ('', ' .')),
  ],
)  # fmt: skip
def test_two_people(names):
  assert identity.join(names) == {}


def test_spellings_that_case_does_not_join_are_joined_by_form():
  names = ['aB é', unicodedata.normalize('NFD', 'aB é'), 'Ab é']
  assert identity.join(names) == {names[1]: names[0]}


def test_subjects_of_a_table(tmp_path, monkeypatch):
  lines = []
  monkeypatch.setattr(logging, 'info', lambda m, *a: lines.append(m % a))
  for name in 'abcd':
    (tmp_path / f'{name}.png').touch()
  (tmp_path / 'faces.csv').write_text(
    'image,split,subject,AU1\na.png,train,7.0,1\nb.png,val,7,1\n'
    f'c.png,train,José,1\nd.png,train,{NFD},0\n',
    encoding='utf-8',
  )
  table = faces_table.read(tmp_path / 'faces.csv')
  assert [row.subject for row in table.rows] == ['7.0', '7.0', 'José', 'José']
  assert table.shared_subjects == ['7.0']
  told = 'subject names spelled in several ways (joined)'
  assert table.understood == {told: 2}
  assert [x for x in lines if f"{told}: '7' is '7.0', " in x]


def test_dialogues_and_speakers_of_a_table(tmp_path):
  (tmp_path / 'mine.csv').write_text(
    'id,split,text,dialogue,turn,speaker,sarcasm\n'
    'a,train,x,3.0,1,ANN,1\nb,train,x,3,0,Ann,0\nc,val,x,4,0,A,0\n'
    'd,val,x,4,1,a,0\n'
  )
  table = utterances_table.read(tmp_path / 'mine.csv')
  found = [(r.id, r.dialogue, r.speaker) for r in table.rows]
  assert found == [
    ('b', '3.0', 'ANN'),
    ('a', '3.0', 'ANN'),
    ('c', '4', 'A'),
    ('d', '4', 'a'),
  ]
  assert table.understood == {
    'speaker names spelled in several ways (joined)': 1,
    'dialogue names spelled in several ways (joined)': 1,
  }


@pytest.mark.parametrize(
  ('stored', 'given'),
  [
    ('Anna/IMG.JPG', 'anna/img.jpg'),
    (f'{NFD}/a.png', 'José/a.png'),
    ('José/A.png', f'x/../{NFD}/a.PNG'),
  ],
)
def test_a_file_is_found_under_another_spelling(tmp_path, stored, given):
  (tmp_path / 'x').mkdir()
  (tmp_path / stored).parent.mkdir()
  (tmp_path / stored).touch()
  [found] = same_path.find(tmp_path, given)
  assert (tmp_path / found).samefile(tmp_path / stored)
  assert same_path.find(tmp_path, str(tmp_path / given))
  (tmp_path / 'faces.csv').write_text(f'image,split,AU1\n{given},train,1\n')
  table = faces_table.read(tmp_path / 'faces.csv')
  assert (tmp_path / table.rows[0].image).samefile(tmp_path / stored)
  assert table.understood == {same_path.FOUND: 1}


def test_one_of_two_files_is_named(tmp_path):
  for name in ('a.JPG', 'A.jpg'):
    (tmp_path / name).touch()
  assert same_path.find(tmp_path, 'a.jpg') == ['A.jpg', 'a.JPG']
  assert same_path.find(tmp_path, 'b.jpg') == []
  (tmp_path / 'faces.csv').write_text('image,split,AU1\na.jpg,train,1\n')
  with pytest.raises(ValueError, match=r"mean one of 'A\.jpg', 'a\.JPG'"):
    faces_table.read(tmp_path / 'faces.csv')
  (tmp_path / 'mine.csv').write_text(
    'id,split,audio,sarcasm\na,train,X.NPY,1\nb,train,y.npy,0\n'
  )
  for name in ('x.npy', 'y.npy'):
    (tmp_path / name).touch()
  table = utterances_table.read(tmp_path / 'mine.csv')
  assert [row.files['audio'] for row in table.rows] == ['x.npy', 'y.npy']
