"""Files of word vectors: traps of the published ones, and damaged lines."""

import bz2
import gzip
import lzma
import zipfile

import numpy as np
import pytest

from affect_jax.corpora.features import word_vectors


def write(tmp_path, text, name='vectors.txt'):
  path = tmp_path / name
  path.write_bytes(text if isinstance(text, bytes) else text.encode())
  return path


PLAIN = 'happy 1 2.5 -3e-1\nthe 0 0 1\n, 4 5 6\nsad -1 -2 -3\n'


@pytest.mark.parametrize(
  ('text', 'tokens'),
  [
    ('What a day!', 'what a day !'),
    ("I don't, can't, won't.", "i do n't , ca n't , wo n't ."),
    ("It’s Ann's; we’ll see", "it 's ann 's ; we 'll see"),
    ('3.5 of 1,000 in the 1990s, 2nd', '3.5 of 1,000 in the 1990s , 2nd'),
    ('Well... "so-so"?!', 'well ... " so - so " ? !'),
    ('Über cafe\u0301', 'über café'),
    ("the 'so' of rock'n'roll", "the ' so ' of rock ' n ' roll"),
    (' \n', ''),
  ],
)
def test_tokenize(text, tokens):
  assert ' '.join(word_vectors.tokenize(text)) == tokens


def test_tokenize_with_capitals():
  assert word_vectors.tokenize("DON'T, Ann", lower=False) == (
    ['DO', "N'T", ',', 'Ann']
  )


def test_vectors_of_an_utterance(tmp_path):
  path = write(tmp_path, PLAIN)
  words = word_vectors.tokenize('Happy, the happy zebra')
  found = word_vectors.load(path, words)
  assert found.dim == 3
  assert set(found.vectors) == {'happy', ',', 'the'}  # Not what is not needed.
  x = word_vectors.embed(found, words)
  assert x.dtype == np.float32
  happy = [1, 2.5, -0.3]
  np.testing.assert_array_equal(
    x, np.array([happy, [4, 5, 6], [0, 0, 1], happy, [0, 0, 0]], np.float32)
  )
  assert word_vectors.embed(found, []).shape == (0, 3)


def test_what_is_missing_is_counted(tmp_path):
  path = write(tmp_path, PLAIN)
  words = ['sad', 'zebra', 'sad', 'yak', 'zebra', 'the']
  found = word_vectors.load(path, words)
  assert found.missing == {'zebra': 2, 'yak': 1}
  text = str(found)
  assert f'2 of 4 words (3 of 6 tokens) have vectors in {path}' in text
  assert "most frequent without: ['zebra', 'yak']" in text
  counted = word_vectors.load(path, {'sad': 2, 'zebra': 2, 'yak': 1, 'the': 1})
  assert counted.missing == found.missing


def test_a_word_that_was_not_looked_for_is_no_unknown_word(tmp_path):
  found = word_vectors.load(write(tmp_path, PLAIN), ['the'])
  with pytest.raises(
    ValueError, match=r"\['sad'\] were not looked for in .*tx"
  ):
    word_vectors.embed(found, ['the', 'sad'])


@pytest.mark.parametrize(
  'text',
  [
    '4 3\n' + PLAIN,
    PLAIN.replace('\n', '\r\n'),
    PLAIN.replace('\n', ' \n'),
    PLAIN.removesuffix('\n'),
    PLAIN + '\n',
    '\ufeff' + PLAIN,
    PLAIN.replace(' ', '\t'),
    '4\t3\n' + PLAIN.replace('y ', 'y\t').replace('d ', 'd\t'),
    gzip.compress(PLAIN.encode(), mtime=0),
    bz2.compress(('4 3\n' + PLAIN).encode()),
    lzma.compress(PLAIN.encode()),
  ],
  ids=[
    *('header', 'CRLF', 'space at the end', 'no end', 'blank line', 'BOM'),
    *('tabs', 'a tab after the word', 'gzip', 'bzip2', 'xz'),
  ],
)
def test_variants_of_the_format(tmp_path, text):
  path = write(tmp_path, text)
  found = word_vectors.load(path, ['happy', 'sad'])
  assert found.dim == word_vectors.read_dim(path) == 3
  x = word_vectors.embed(found, ['happy', 'sad'])
  np.testing.assert_allclose(x, [[1, 2.5, -0.3], [-1, -2, -3]], rtol=1e-6)


ENTRIES = {
  'happy': [1, 2.5, -0.3],
  'the': [0, 0, 1],
  # Bytes of its numbers look like a space, a line break and a word.
  'sad': np.frombuffer(b' \n\r\n the sad', '<f4'),
}


def binary(end=b'', entries=ENTRIES, count=None):
  """A file as word2vec writes it with -binary 1; others end entries by \\n."""
  parts = [f'{count or len(entries)} 3\n'.encode()]
  for word, vector in entries.items():
    parts.append(word.encode() + b' ' + np.array(vector, '<f4').tobytes() + end)
  return b''.join(parts)


@pytest.mark.parametrize('end', [b'', b'\n'])
@pytest.mark.parametrize('pack', [bytes, gzip.compress])
def test_binary_files_of_word2vec(tmp_path, end, pack):
  path = write(tmp_path, pack(binary(end)), 'vectors.bin')
  found = word_vectors.load(path, ['happy', 'sad', 'zebra'])
  assert found.dim == word_vectors.read_dim(path) == 3
  assert found.missing == {'zebra': 1}
  for word in ('happy', 'sad'):
    np.testing.assert_array_equal(
      found.vectors[word], np.array(ENTRIES[word], np.float32)
    )


def test_a_binary_file_is_read_part_by_part(tmp_path):
  """More than two parts of a megabyte; entries lie across their ends."""
  values = np.random.default_rng(0).normal(size=(150_000, 3)).astype('f4')
  entries = {f'word{i}': x for i, x in enumerate(values)}
  path = write(tmp_path, binary(entries=entries), 'vectors.bin')
  found = word_vectors.load(path, list(entries))
  assert not found.missing
  np.testing.assert_array_equal(
    np.stack([found.vectors[word] for word in entries]), values
  )


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    (binary()[:-1], r'truncated: vector 3 of 3 is missing or cut'),
    (binary(count=4), r'truncated: vector 4 of 4 is missing'),
    (
      binary(entries={'sad': [np.nan, 1, 2]}),
      r"vector 1, of 'sad', is not finite",
    ),
    (b'\xba\x16\x4f\x2f\x0c', r'is a model of fastText or gensim.*\.vec'),
    (b'\x80\x04\x95', r'is a model of fastText or gensim'),
    (b'<!DOCTYPE html><html>', r'is a web page'),
    (b'version https://git-lfs.github.com/spec/v1\n', r'is a Git-LFS pointer'),
    (gzip.compress(b'%PDF', mtime=0), r'is a PDF'),
    (
      gzip.compress(PLAIN.encode() * 99, mtime=0)[:-30],
      r'damaged or truncated',
    ),
  ],
)
def test_files_that_are_no_vectors(tmp_path, content, message):
  path = write(tmp_path, content, 'vectors.bin')
  with pytest.raises(ValueError, match=r'vectors\.bin:? ' + message):
    word_vectors.load(path, ['sad'])


def test_zip_archives(tmp_path):
  path = tmp_path / 'vectors.zip'
  with zipfile.ZipFile(path, 'w') as archive:
    archive.writestr('__MACOSX/._glove.txt', b'\0\x05\x16\x07')
    archive.writestr('glove/glove.txt', PLAIN)
  assert set(word_vectors.load(path, ['sad']).vectors) == {'sad'}
  with zipfile.ZipFile(path, 'a') as archive:
    archive.writestr('glove/glove.100d.txt', PLAIN)
  with pytest.raises(ValueError, match=r'2 files.*glove\.100d\.txt.*unpack it'):
    word_vectors.load(path, ['sad'])


def test_words_with_spaces_are_passed_over(tmp_path):
  lines = '. . . 1 2 3\nto name@domain.com 4 5 6\nto infinity 1 1 1\n. 7 8 9\n'
  found = word_vectors.load(write(tmp_path, PLAIN + lines), ['.', 'to', 'sad'])
  assert found.phrases == 3
  assert set(found.vectors) == {'.', 'sad'}
  np.testing.assert_array_equal(found.vectors['.'], [7, 8, 9])


def test_words_that_python_would_split(tmp_path):
  """A no-break space, a next-line mark, and bytes that are not UTF-8."""
  lines = 'a\xa0b 1 1 1\n\x85 2 2 2\n'.encode() + b'\xff\xfe 3 3 3\n'
  found = word_vectors.load(
    write(tmp_path, lines + PLAIN.encode()), ['a\xa0b', '\x85', 'sad']
  )
  assert len(found.vectors) == 3
  np.testing.assert_array_equal(found.vectors['\x85'], [2, 2, 2])


def test_the_first_of_two_lines_counts(tmp_path):
  found = word_vectors.load(write(tmp_path, PLAIN + 'sad 9 9 9\n'), ['sad'])
  np.testing.assert_array_equal(found.vectors['sad'], [-1, -2, -3])
  assert found.repeated == 1
  assert '1 repeated lines' in str(found)


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    (PLAIN + 'sun 1 2\n', r":5: 2 numbers, not 3: 'sun 1 2'"),
    (PLAIN + 'sun 1 2 3 4\n', r":5: 4 numbers, not 3: 'sun 1 2 3 4'"),
    ('4 3\n' + PLAIN + 'sun 1\n', r':6: 1 numbers, not 3'),
    ('4 2\n' + PLAIN, r":2: 3 numbers, not 2: 'happy 1"),
    (PLAIN + '\nsun\n', r":6: 0 numbers, not 3: 'sun'"),
    (PLAIN.replace('-2', 'x'), r":4: 'x' is not a number: 'sad -1 x -3'"),
    (PLAIN.replace('-2', 'nan'), r":4: 'nan' is not a number"),
    (PLAIN.replace('sad -1', 'sad  -1'), r':4: 4 numbers, not 3'),
    ('', r':1: 0 numbers, not a word and its numbers'),
    ('happy\n', r':1: 0 numbers, not a word and its numbers'),
  ],
)
def test_damaged_lines_are_named(tmp_path, text, message):
  path = write(tmp_path, text, 'glove.txt')
  with pytest.raises(ValueError, match=r'glove\.txt' + message):
    word_vectors.load(path, ['sad'])


def test_another_dimension_than_asked_for(tmp_path):
  path = write(tmp_path, PLAIN)
  assert word_vectors.load(path, ['sad'], dim=3).dim == 3
  with pytest.raises(ValueError, match=r'vectors\.txt:1: 3 numbers, not 300'):
    word_vectors.load(path, ['sad'], dim=300)


def test_no_word_in_common(tmp_path):
  path = write(tmp_path, PLAIN)
  with pytest.raises(ValueError, match=r'none of the 2 words.*other.* or case'):
    word_vectors.load(path, ['Sad', 'Happy'])
  assert word_vectors.load(path, []).vectors == {}
  with pytest.raises(FileNotFoundError):
    word_vectors.load(tmp_path / 'none.txt', ['sad'])
