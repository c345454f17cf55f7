"""What paths lead to: names, order, and what is refused."""

import os
import sys

import pytest

from affect_jax.media import inputs


def touch(folder, *names):
  for name in names:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def names(*paths):
  return [item.name for item in inputs.find([str(p) for p in paths])]


def test_a_folder_is_read_by_number_and_without_what_is_hidden(tmp_path):
  touch(tmp_path, 'b/10.png', 'b/2.png', 'a/1.MP4', 'a/notes.txt', 'c.jpg')
  touch(tmp_path, '.cache/1.png', 'b/._2.png')
  assert names(tmp_path) == ['a/1.MP4', 'b/2.png', 'b/10.png', 'c.jpg']
  kinds = {i.name: i.is_picture for i in inputs.find([str(tmp_path)])}
  assert kinds['b/2.png']
  assert not kinds['a/1.MP4']


def test_a_file_is_read_whatever_its_suffix(tmp_path):
  touch(tmp_path, 'clip.dat')
  (item,) = inputs.find([str(tmp_path / 'clip.dat')])
  assert (item.name, item.is_picture) == ('clip.dat', False)


def test_a_pattern_names_from_its_first_part_that_varies(tmp_path):
  touch(tmp_path, 'p1/x/a.mp4', 'p2/x/a.mp4', 'p2/x/b.txt')
  assert names(tmp_path / 'p*' / 'x' / '*') == ['p1/x/a.mp4', 'p2/x/a.mp4']
  assert names(tmp_path / '**') == ['p1/x/a.mp4', 'p2/x/a.mp4']
  assert names(tmp_path / 'p?') == ['p1/x/a.mp4', 'p2/x/a.mp4']


def test_a_name_with_brackets_is_no_pattern_if_it_exists(tmp_path):
  touch(tmp_path, 'a[1].png', 'a1.png')
  assert names(tmp_path / 'a[1].png') == ['a[1].png']


def test_a_file_that_is_given_twice_counts_once(tmp_path):
  touch(tmp_path, 'a.png', 'b.png')
  assert names(tmp_path, tmp_path / 'b.png') == ['a.png', 'b.png']


def test_two_inputs_of_one_name_are_refused(tmp_path):
  touch(tmp_path, 'p1/a.mp4', 'p2/a.mp4')
  with pytest.raises(ValueError, match=r'the name a\.mp4: .*Give a folder'):
    names(tmp_path / 'p1' / 'a.mp4', tmp_path / 'p2' / 'a.mp4')
  # Their names differ from the folder above both.
  assert names(tmp_path) == ['p1/a.mp4', 'p2/a.mp4']


def test_a_name_of_two_lines_is_refused(tmp_path):
  touch(tmp_path, 'a\nb.png')
  with pytest.raises(ValueError, match='line break'):
    names(tmp_path)


@pytest.mark.skipif(sys.platform != 'linux', reason='other names are refused')
def test_a_name_that_is_no_utf_8_is_refused(tmp_path):
  touch(tmp_path, os.fsdecode(b'caf\xe9.png'))
  with pytest.raises(
    ValueError, match=r"caf\\udce9\.png' is not UTF-8.*rename"
  ):
    names(tmp_path)


@pytest.mark.parametrize(
  ('path', 'words'),
  [
    ('nowhere', 'no such file or folder'),
    ('empty', r'no picture and no video in this folder.*\.png'),
    ('*.png', 'no video matches this pattern'),
  ],
)
def test_what_leads_nowhere_is_named(tmp_path, path, words):
  (tmp_path / 'empty').mkdir()
  touch(tmp_path, 'empty/notes.txt')
  with pytest.raises(ValueError, match=words) as error:
    names(tmp_path / path)
  assert '\n' not in str(error.value)


def test_no_path_at_all_is_an_error():
  with pytest.raises(ValueError, match='no input'):
    inputs.find([])
