"""Files that are not what their names say, by their first bytes."""

import pytest

from affect_jax import file_kind


@pytest.mark.parametrize(
  ('head', 'message'),
  [
    (b'\0\0\0\x18ftypheic\0\0\0\0', 'is a HEIC picture'),
    (b'\0\0\0\x18ftypmif1\0\0\0\0', 'is a HEIC picture'),
    (b'\0\0\0\x18ftypisom\0\0\0\0', 'is a video'),
    (b'\xff\x0a\x7f\x1c', 'is a JPEG XL picture'),
    (b'\0\0\0\x0cJXL \r\n\x87\n\0', 'is a JPEG XL picture'),
    (b'\xef\xbb\xbf\r\n <!doctype HTML>', 'is a web page'),
    (b'<?xml version="1.0"?><Error>AccessDenied', 'is a web page'),
    (b'version https://git-lfs.github.com/spec/v1', '`git lfs pull`'),
    (b'\x1f\x8b\x08\0', 'gzip'),
    (b'\0' * 257 + b'ustar\0', 'is a tar archive'),
    (b'', 'is an empty file'),
  ],
)
def test_what_a_file_is_and_what_to_do(head, message):
  assert message in file_kind.describe(head)
  assert not file_kind.describe(head).endswith('.')


@pytest.mark.parametrize(
  'head',
  [
    b'\xff\xd8\xff\xe0\0\x10JFIF',
    b'\x89PNG\r\n\x1a\n',
    b'PK\x03\x04',
    b'happy 1 2 3\n',
    b'{"a": 1}',
  ],
)
def test_other_files_are_left_to_their_readers(head):
  assert file_kind.describe(head) == ''
