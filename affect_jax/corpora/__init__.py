"""Corpora by name: tfds builders of faces, and of utterances."""

import inspect
from typing import Any

from affect_jax import by_name
from affect_jax.corpora import aff_wild2
from affect_jax.corpora import affectnet
from affect_jax.corpora import csd
from affect_jax.corpora import disfa
from affect_jax.corpora import emotionet
from affect_jax.corpora import faces_csv
from affect_jax.corpora import fer2013
from affect_jax.corpora import meld
from affect_jax.corpora import misa
from affect_jax.corpora import mmsa
from affect_jax.corpora import mosi
from affect_jax.corpora import mult
from affect_jax.corpora import mustard
from affect_jax.corpora import raf_db
from affect_jax.corpora import synthetic_faces
from affect_jax.corpora import synthetic_utterances
from affect_jax.corpora import utterances_csv

CORPORA: dict[str, Any] = {
  'aff_wild2': aff_wild2.AffWild2,
  'affectnet': affectnet.Affectnet,
  'raf_db': raf_db.RafDb,
  'disfa': disfa.Disfa,
  'emotionet': emotionet.Emotionet,
  'faces_csv': faces_csv.FacesCsv,
  'fer2013': fer2013.Fer2013,
  'synthetic_faces': synthetic_faces.SyntheticFaces,
  'meld': meld.Meld,
  'csd': csd.Csd,
  'misa': misa.Misa,
  'mmsa': mmsa.Mmsa,
  'mosi': mosi.Mosi,
  'mult': mult.Mult,
  'mustard': mustard.Mustard,
  'synthetic_utterances': synthetic_utterances.SyntheticUtterances,
  'utterances_csv': utterances_csv.UtterancesCsv,
}


def get_corpus(name: str) -> Any:
  """Returns the builder class of a corpus.

  Raises:
    UserError: the name is unknown; the message lists the known ones.
  """
  return by_name.get('corpus', name, CORPORA)


def options(name: str) -> dict[str, inspect.Parameter]:
  """Options of a corpus: of its class, then those of its reader.

  Raises:
    UserError: unknown name; lists the known ones.
  """
  corpus = get_corpus(name)
  found = dict(inspect.signature(corpus).parameters)
  if listing := getattr(corpus, 'LISTING', None):
    found |= inspect.signature(listing).parameters
  return {
    option: parameter
    for option, parameter in found.items()
    if option != 'data_dir' and parameter.kind is not parameter.VAR_KEYWORD
  }
