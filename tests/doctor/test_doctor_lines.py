"""Findings name the lines of a user's own tables."""

from affect_jax.doctor import lines


def faces(tmp_path):
  path = tmp_path / 'faces.csv'
  path.write_text(
    'split,Image\ntrain,a.png\n\nval,"./b\n.png"\ntest, c.png\ntrain,a.png\n'
  )
  return {'corpus': 'faces_csv', 'path': str(path)}


def test_ids_are_those_of_the_reader_and_lines_those_of_an_editor(tmp_path):
  assert lines.read({'faces_csv': faces(tmp_path)}) == {
    'a.png': 'faces.csv:2',
    'b\n.png': 'faces.csv:4',  # Where the row begins.
    'c.png': 'faces.csv:6',
  }


def test_an_ignored_column_of_nearly_the_same_name_is_not_read(tmp_path):
  path = tmp_path / 'faces.csv'
  path.write_text('Image,split,image\nold.png,train,a.png\n')
  options = {'corpus': 'faces_csv', 'path': str(path)}
  found = lines.read({'faces_csv': {**options, 'ignore_columns': ('Image',)}})
  assert found == {'a.png': 'faces.csv:2'}


def test_several_corpora_are_told_apart_and_others_have_no_lines(tmp_path):
  (tmp_path / 'said.csv').write_text('id;split\nu1;train\n')
  described = {
    'mine': faces(tmp_path),
    'said': {'corpus': 'utterances_csv', 'path': str(tmp_path / 'said.csv')},
    'mosi': {'corpus': 'mosi', 'path': 'no such file'},
  }
  found = lines.read(described)
  assert found['mine:a.png'] == 'faces.csv:2'
  assert found['said:u1'] == 'said.csv:2'
  assert len(found) == 4


def test_a_finding_gets_lines_of_what_it_names_and_only_of_that():
  known = {f'u{i}': f'said.csv:{i + 2}' for i in range(9)}
  known['val'] = 'said.csv:99'  # An id like the name of a split.
  report = {
    'counts': {'samples': {'train': 5, 'val': 5}},
    'findings': [
      {
        'text': 'A.',
        'data': {
          'ids': ['train u0', 'val u3'],
          'examples': {'deep': ['u4: -2.00', 'train u8: sentiment: 7']},
          'names': ['val'],
        },
      },
      {'text': 'B.', 'data': {'ids': ['train x'], 'split': 'u1'}},
      {'text': 'C.'},
    ],
  }
  lines.add(report, known)
  first, second, third = report['findings']
  assert first['data']['lines'] == {
    'u0': 'said.csv:2',
    'u3': 'said.csv:5',
    'u4': 'said.csv:6',
    'u8': 'said.csv:10',
    'val': 'said.csv:99',
  }
  assert first['text'] == (
    'A. Lines: said.csv:2, said.csv:5, said.csv:6 and 2 more.'
  )
  assert second == {'text': 'B.', 'data': {'ids': ['train x'], 'split': 'u1'}}
  assert third == {'text': 'C.'}
