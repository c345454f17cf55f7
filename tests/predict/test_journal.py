"""A damaged journal goes on before its first damaged row."""

import pytest

from affect_jax.predict import journal

COLUMNS = (
  *('input', 'frame', 'face_id', 'confidence'),
  *('face_x', 'face_y', 'face_w', 'face_h'),
)
ROWS = [f'a.mp4,{i},0,0.9,1,2,3,4\n' for i in range(4)]


@pytest.mark.parametrize(
  'damaged',
  [
    b'a.mp4,x,0,0.9,1,2,3,4\n',
    b'a.mp4,2,0,0.9,1,2,?,4\n',
    b'\xff\xfe\n',
    b'\n',
    b'a\0\r\r,\n',
  ],
)
def test_rows_from_a_damaged_one_on_are_done_again(tmp_path, damaged):
  path = tmp_path / 'out.partial.csv'
  head = (','.join(COLUMNS) + '\n' + ''.join(ROWS[:2])).encode()
  path.write_bytes(head + damaged + ROWS[3].encode())
  table = journal.Journal(path, COLUMNS)
  resume = table.open()
  table.close()
  assert (resume.input, resume.frame, resume.rows) == ('a.mp4', 1, 1)
  assert [row['frame'] for row in journal.read(path)] == ['0']
