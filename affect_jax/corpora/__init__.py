"""Corpora by name: tfds builders of pictures with gold labels."""

from typing import Any

from affect_jax.corpora import aff_wild2
from affect_jax.corpora import affectnet
from affect_jax.corpora import disfa
from affect_jax.corpora import emotionet
from affect_jax.corpora import faces_csv
from affect_jax.corpora import fer2013
from affect_jax.corpora import raf_db
from affect_jax.corpora import synthetic_faces

CORPORA: dict[str, Any] = {
  'aff_wild2': aff_wild2.AffWild2,
  'affectnet': affectnet.Affectnet,
  'raf_db': raf_db.RafDb,
  'disfa': disfa.Disfa,
  'emotionet': emotionet.Emotionet,
  'faces_csv': faces_csv.FacesCsv,
  'fer2013': fer2013.Fer2013,
  'synthetic_faces': synthetic_faces.SyntheticFaces,
}


def get_corpus(name: str) -> Any:
  """The builder class of a corpus.

  Raises:
    ValueError: unknown name; lists the known ones.
  """
  if name not in CORPORA:
    raise ValueError(
      f'Unknown corpus {name!r}; known: {", ".join(sorted(CORPORA))}.'
    )
  return CORPORA[name]
