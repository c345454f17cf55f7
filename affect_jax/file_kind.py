"""Which files are pictures by their names, and which are not what they say."""

# Suffixes, in small letters.
PICTURES = ('.bmp', '.gif', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')
# Bytes that `describe` needs.
HEAD = 512

_PAGES = (b'<!doctype html', b'<html', b'<head', b'<?xml', b'<!--')
_LFS = b'version https://git-lfs.github.com/spec/'
_HEIF = (b'heic', b'heix', b'heim', b'heis', b'hevc', b'hevx', b'mif1', b'msf1')
_AVIF = (b'avif', b'avis')
# (how a file begins, what it is and what to do).
_BEGINNINGS = (
  (
    _LFS,
    'is a Git-LFS pointer of some lines, not the file itself: call `git lfs '
    'pull` in its repository, or download the file from its page',
  ),
  (
    (b'\xff\x0a', b'\0\0\0\x0cJXL \r\n\x87\n'),
    'is a JPEG XL picture, which is not read: convert it, for example `djxl '
    'x.jxl x.png`',
  ),
  (b'%PDF', 'is a PDF, not a picture: export its pages or pictures'),
  (
    b'\0\x05\x16\x07',
    'is what macOS keeps beside a file (its name begins with "._"): delete it',
  ),
  (b'\x1f\x8b', 'is compressed with gzip: unpack it (`gunzip`)'),
  (b'BZh', 'is compressed with bzip2: unpack it (`bunzip2`)'),
  (b'\xfd7zXZ\0', 'is compressed with xz: unpack it (`unxz`)'),
  (b'Rar!', 'is a RAR archive: unpack it'),
  (b'7z\xbc\xaf\x27\x1c', 'is a 7-Zip archive: unpack it'),
)


def describe(head: bytes) -> str:
  """Returns what a file is and what to do, or '' for a file of other kinds.

  Pictures that are read and files of weights are such other kinds.

  Args:
    head: The first HEAD bytes of the file, or all.

  Returns:
    A predicate without full stop: 'is a web page, ...'.
  """
  if not head:
    return 'is an empty file: copy or download it again'
  for beginning, text in _BEGINNINGS:
    if head.startswith(beginning):
      return text
  if head.removeprefix(b'\xef\xbb\xbf').lstrip().lower().startswith(_PAGES):
    return (
      'is a web page (HTML or XML) that was saved in place of the file: open '
      'it in a browser, it often asks to log in or to agree, and download the '
      'file again'
    )
  brand = head[8:12] if head[4:8] == b'ftyp' else b''
  if brand in _HEIF:
    return (
      'is a HEIC picture (as iPhones take them), which is not read: convert '
      'it, for example `heif-convert x.heic x.jpg` or `magick mogrify -format '
      'jpg *.heic`'
    )
  if brand in _AVIF:
    return 'is an AVIF picture: convert it to JPEG or PNG'
  if brand:
    return 'is a video or a recording (MP4 or MOV), not a picture'
  if head[257:262] == b'ustar':
    return 'is a tar archive: unpack it (`tar xf`)'
  return ''
