"""Settings of faces on utterances, and the reverse, are named in a warning."""

from absl import logging
import pytest
from toys import training as toy
from toys import utterances as toy_utterances
from toys.configs import load_config
from toys.paths import ROOT

from affect_jax import corpora
from affect_jax import defaults
from affect_jax.corpora.builders import utterances
from affect_jax.data import load
from affect_jax.run import build
from affect_jax.run import ignored

CONFIGS = sorted(p.stem for p in (ROOT / 'configs').glob('*.py'))


@pytest.mark.parametrize('name', CONFIGS)
def test_no_config_sets_what_is_ignored(name):
  c = load_config(name)
  of = corpora.CORPORA[next(iter(load.describe(c).values()))['corpus']]
  kind = 'utterances' if issubclass(of, utterances.UtteranceCorpus) else 'faces'
  assert ignored.settings(c, kind) == []
  assert ignored.of_one_corpus(c) == []


def test_what_is_listed_are_settings():
  c = defaults.get_config()
  assert {k for keys in ignored.SETTINGS.values() for k in keys} <= set(c)


def test_options_of_one_corpus_beside_several_are_named(warnings):
  c = defaults.get_config()
  c.data.max_tokens = 64
  assert ignored.of_one_corpus(c) == []
  c.data.corpora = {'meld': {'path': 'MELD'}}
  ignored.warn(c, 'utterances')
  [line] = warnings
  assert 'no effect: config.data.max_tokens=64. Give' in line


@pytest.fixture
def warnings(monkeypatch):
  lines = []
  monkeypatch.setattr(logging, 'warning', lambda m, *a: lines.append(m % a))
  return lines


def test_faces_say_what_they_ignore(tmp_path, warnings):
  c = load_config('faces_csv')
  c.data.path = str(toy.write_faces_csv(tmp_path, pixels=8))
  c.data.data_dir = str(tmp_path / 'data')
  c.utterance.fusion = 'mult'
  c.utterance.mult.heads = 2
  c.eval_subsets = True
  build.build(c)
  [line] = [w for w in warnings if 'Samples are' in w]
  assert line.startswith('Samples are faces; these settings have no effect')
  for part in ("fusion='mult'", 'utterance.mult.heads=2', 'eval_subsets=True'):
    assert part in line
  assert 'image_size' not in line


def test_utterances_say_what_they_ignore(tmp_path, warnings, monkeypatch):
  monkeypatch.setitem(corpora.CORPORA, 'toy', toy_utterances.Toy)
  c = defaults.get_config()
  c.data.corpus = 'toy'
  c.data.data_dir = str(tmp_path / 'data')
  c.tasks = ('sentiment',)
  c.image_size, c.augment, c.model.dropout = 112, ('flip',), 0.5
  c.utterance.fusion = 'concat'
  build.build(c)
  [line] = [w for w in warnings if 'Samples are' in w]
  assert line == (
    'Samples are utterances; these settings have no effect on them: '
    "config.augment=('flip',), "
    'config.image_size=112, config.model.dropout=0.5.'
  )
