"""Arrays: .npy, .npz, pickles, HDF5; word vectors; tables of weak labels."""
# `toys` lie in tests/.
# pyright: reportMissingImports=false

import bz2
import gzip
import pathlib
import zipfile

from kind import consume
from kind import Kind
import numpy as np
from toys import feature_files
from toys import files as toy_files
from toys import mmsa as toy_mmsa
from toys import mosi as toy_mosi
from toys import mustard as toy_mustard

from affect_jax.corpora import csd
from affect_jax.corpora import misa
from affect_jax.corpora import mmsa
from affect_jax.corpora import mosi
from affect_jax.corpora import mult
from affect_jax.corpora import mustard
from affect_jax.corpora.features import sequences
from affect_jax.corpora.features import word_vectors
from affect_jax.errors import UserError
from affect_jax.weak import table as weak_table

RNG = np.random.default_rng(0)


def _read_sequence(name: str):
  def read(folder: pathlib.Path) -> int:
    try:
      array = sequences.checked(sequences.read(folder / name), 4)
    except UserError as error:  # Its caller says which file it is.
      raise UserError(f'{folder / name} {error}') from error
    return len(array)

  return read


def _mult(folder: pathlib.Path) -> None:
  part = feature_files.mult_part
  ids = lambda *names: np.array([(n, b'0', b'1') for n in names])
  content = {
    'train': part(feature_files.sentiments(2.4, -3, 0), ids(b'a', b'b', b'e')),
    'valid': part(feature_files.sentiments(1), ids(b'c')),
    'test': part(feature_files.sentiments(-1), ids(b'd')),
  }
  toy_files.write_pickle(folder / 'mult.pkl', content)


def _misa(folder: pathlib.Path) -> None:
  for split in ('train', 'dev', 'test'):
    toy_files.write_pickle(
      folder / f'{split}.pkl', feature_files.misa_examples('misa')
    )


def _csd(folder: pathlib.Path) -> None:
  feature_files.write_csd(folder)


def _read_csd(folder: pathlib.Path) -> int:
  labels, folds = folder / 'labels.csd', folder / 'folds.py'
  return consume(csd.listing(labels, folds, audio=folder / 'audio.csd'))


def _mustard_audio(folder: pathlib.Path) -> None:
  toy_mustard.write(folder)
  arrays = {
    name: RNG.normal(size=(5, 2 + k % 3))
    for k, name in enumerate(toy_mustard.clips())
  }
  toy_files.write_pickle(folder / 'audio.p', arrays, 2)


def _vectors() -> str:
  words = ('good', 'bad', 'so', 'not')
  return ''.join(
    f'{w} {" ".join(f"{x:.4f}" for x in RNG.normal(size=5))}\n' for w in words
  )


def _binary_vectors() -> bytes:
  words = ('good', 'bad', 'so', 'not')
  entries = [
    w.encode() + b' ' + RNG.normal(size=5).astype('<f4').tobytes() + b'\n'
    for w in words
  ]
  return b'4 5\n' + b''.join(entries)


def _zip(folder: pathlib.Path) -> None:
  with zipfile.ZipFile(folder / 'v.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
    archive.writestr('v.txt', _vectors())


def _read_vectors(name: str):
  def read(folder: pathlib.Path) -> int:
    words = ('good', 'bad', 'so', 'not', 'never')
    found = word_vectors.load(folder / name, words)
    word_vectors.embed(found, words)
    return len(found.vectors)

  return read


def _labels() -> list[weak_table.WeakLabels]:
  outputs = ('negative', 'neutral', 'positive')
  labels = RNG.dirichlet(np.ones(3), 9).astype(np.float32)
  return [
    weak_table.WeakLabels(
      'sentiment_class',
      'class',
      outputs,
      np.array([f'a/{i}' for i in range(9)], object),
      labels,
      labels.max(-1),
      corpus='meld',
      version='meld/1/1.0.0',
      teacher='runs/x',
      step='10',
      right=np.array([0.5, 0.25, 0.75], np.float32),
    )
  ]


def _weak_csv(folder: pathlib.Path) -> None:
  names = ('negative', 'neutral', 'positive')
  lines = ['id,corpus,' + ','.join(f'sentiment_class/{n}' for n in names)]
  lines += [f'a/{i},meld,0.5,0.25,0.25' for i in range(9)]
  (folder / 'weak.csv').write_text('\n'.join(lines) + '\n')


def _read_weak(name: str):
  def read(folder: pathlib.Path) -> int:
    weak_table.check_file(folder / name)
    return sum(len(part.ids) for part in weak_table.read(folder / name))

  return read


KINDS = {
  'npy': Kind(
    lambda folder: np.save(folder / 'a.npy', RNG.normal(size=(20, 4))),
    _read_sequence('a.npy'),
    counted=True,
  ),
  'npz': Kind(
    lambda folder: np.savez(folder / 'a.npz', RNG.normal(size=(20, 4))),
    _read_sequence('a.npz'),
    counted=True,
  ),
  'npz_packed': Kind(
    lambda folder: np.savez_compressed(
      folder / 'a.npz', np.arange(80.0).reshape(20, 4)
    ),
    _read_sequence('a.npz'),
    counted=True,
  ),
  'mosi_npz': Kind(
    toy_mosi.write,
    lambda folder: consume(mosi.listing(folder / 'mosi.npz')),
    counted=True,
  ),
  'mmsa_pickle': Kind(
    lambda folder: toy_files.write_pickle(
      folder / 'mmsa.pkl', toy_mmsa.three()
    ),
    lambda folder: consume(mmsa.listing(folder / 'mmsa.pkl')),
    counted=True,
  ),
  'mult_pickle': Kind(
    _mult,
    lambda folder: consume(mult.listing(folder / 'mult.pkl', 'mosi')),
    counted=True,
  ),
  'misa_pickle': Kind(
    _misa, lambda folder: consume(misa.listing(folder)), counted=True
  ),
  'mustard_pickle': Kind(
    _mustard_audio,
    lambda folder: consume(
      mustard.listing(
        folder, protocol='speaker_independent', audio_features='audio.p'
      )
    ),
    '*.p',
    counted=True,
  ),
  'csd': Kind(_csd, _read_csd, '*.csd', counted=True),
  'csd_folds': Kind(_csd, _read_csd, '*.py'),
  'vectors_txt': Kind(
    lambda folder: (folder / 'v.txt').write_text(_vectors()),
    _read_vectors('v.txt'),
  ),
  'vectors_gz': Kind(
    lambda folder: (folder / 'v.gz').write_bytes(
      gzip.compress(_vectors().encode(), mtime=0)
    ),
    _read_vectors('v.gz'),
    counted=True,
  ),
  'vectors_bz2': Kind(
    lambda folder: (folder / 'v.bz2').write_bytes(
      bz2.compress(_vectors().encode())
    ),
    _read_vectors('v.bz2'),
    counted=True,
  ),
  'vectors_zip': Kind(_zip, _read_vectors('v.zip'), counted=True),
  'vectors_bin': Kind(
    lambda folder: (folder / 'v.bin').write_bytes(_binary_vectors()),
    _read_vectors('v.bin'),
  ),
  'weak_parquet': Kind(
    lambda folder: weak_table.write(folder / 'weak.parquet', _labels()),
    _read_weak('weak.parquet'),
    counted=True,
  ),
  'weak_csv': Kind(_weak_csv, _read_weak('weak.csv')),
}
