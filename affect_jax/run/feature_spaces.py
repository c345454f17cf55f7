"""Which corpora share the features of a modality, and which need a projection.

{modality: {space: {'dim': features per step, 'corpora': names}}} describes the
modalities that come in several feature spaces; their order is that of the
numbers that batches carry. Other modalities have one space, which needs no
name.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from absl import logging

from affect_jax import by_name
from affect_jax.corpora.builders import records
from affect_jax.data import streams
from affect_jax.data import utterance_batches
from affect_jax.errors import UserError
from affect_jax.models.fusion import modalities as modalities_lib

SETTING = 'config.utterance.feature_spaces'
Spaces = Mapping[str, Mapping[str, Mapping[str, Any]]]


def check(settings: Any, corpora: Sequence[str]) -> None:
  """Checks names in config.utterance.feature_spaces.

  Args:
    settings: {modality: {corpus: space}}.
    corpora: Names in config.data.corpora.

  Raises:
    UserError: A name is unknown, or no text, or has a '/'.
  """
  example = "{'text': {'mosi': 'glove', 'meld': 'bert'}}"
  if not isinstance(settings, Mapping):
    raise UserError(f'{SETTING}={settings!r} must be like {example}.')
  for modality, of in settings.items():
    by_name.check('modality', modality, modalities_lib.ORDER, of=SETTING)
    if not isinstance(of, Mapping):
      raise UserError(f'{SETTING}={settings!r} must be like {example}.')
    for corpus, space in of.items():
      by_name.check('corpus', corpus, corpora, of=f'{SETTING}.{modality}')
      if not isinstance(space, str) or not space or '/' in space:
        raise UserError(
          f'{SETTING}.{modality}.{corpus}={space!r} must be a name without '
          f"'/', as in {example}."
        )


def describe(
  corpora: Sequence[streams.Corpus],
  modalities: Sequence[str],
  settings: Mapping[str, Mapping[str, str]],
) -> tuple[dict[str, int], dict[str, dict[str, Any]]]:
  """Returns the widths of modalities, and those with several spaces.

  Corpora share the features of a modality if config.utterance.feature_spaces
  gives both the same name or, where it names neither, if they are as many. A
  modality that a corpus lacks is missing in all its rows.

  Args:
    corpora: All of them.
    modalities: Those wanted.
    settings: See `check`.

  Returns:
    {modality: features per step of its widest space; 0: token ids}, in the
    order of `modalities`, and what this module describes.

  Raises:
    UserError: One name stands for features of different number, token ids meet
      vectors, or nothing teaches the projection of a space.
  """
  found: dict[str, dict[str, Any]] = {}
  for corpus in corpora:
    dims = utterance_batches.dims_of(corpus.builder, modalities)
    for modality, dim in dims.items():
      named = settings.get(modality, {}).get(corpus.name)
      space = named or str(dim)
      of = found.setdefault(modality, {})
      entry = of.setdefault(space, {'dim': dim, 'corpora': []})
      if entry['dim'] != dim:
        raise UserError(
          f'{SETTING}.{modality} calls {space!r} the {entry["dim"]} features '
          f'of {entry["corpora"][0]} and the {dim} of {corpus.name}: give '
          'them different names.'
        )
      entry['corpora'].append(corpus.name)
  widths, spaces = {}, {}
  for modality in modalities:
    if modality not in found:
      continue
    of = dict(
      sorted(found[modality].items(), key=lambda x: (x[1]['dim'], x[0]))
    )
    widths[modality] = max(entry['dim'] for entry in of.values())
    if len(of) > 1:
      _check_several(modality, of, corpora)
      spaces[modality] = {
        name: {'dim': x['dim'], 'corpora': tuple(sorted(x['corpora']))}
        for name, x in of.items()
      }
  return widths, spaces


def _check_several(
  modality: str,
  of: Mapping[str, Mapping[str, Any]],
  corpora: Sequence[streams.Corpus],
) -> None:
  """Raises UserError if the spaces of a modality cannot be projected."""
  by_dim = {x['dim']: x['corpora'][0] for x in of.values()}
  if 0 in by_dim and len(by_dim) > 1:
    raise UserError(
      f'{modality} is token ids in {by_dim.pop(0)} and vectors in '
      f'{next(iter(by_dim.values()))}, and no layer reads both. Give all of '
      "config.data.corpora text='tokens', or all text='features', with the "
      'same text_model.'
    )
  if 0 in by_dim:
    raise UserError(
      f'{SETTING}.{modality} has several names, but {modality} is token ids, '
      'which one model reads: leave it out of this setting.'
    )
  trained = {c.name for c in corpora if 'train' in c.splits}
  for space, x in of.items():
    if not trained & set(x['corpora']):
      raise UserError(
        f'No training data has the {x["dim"]} features of {modality} that '
        f'{x["corpora"][0]} has ({space!r}), so their projection would stay '
        f'random: give {x["corpora"][0]} a train split, or leave it out of '
        'config.data.corpora.'
      )


def log(spaces: Spaces, width: Any) -> None:
  """Logs which corpora have which features, and what becomes of them."""
  for modality, of in spaces.items():
    each = ', '.join(
      f'{x["dim"]} of {" and ".join(x["corpora"])}' for x in of.values()
    )
    to = modalities_lib.option(width, modality)
    logging.info(
      '%s: features differ between corpora (%s); a layer for each makes them '
      '%d.',
      modality,
      each,
      to,
    )


def numbers(spaces: Spaces, corpus: str) -> dict[str, int]:
  """Returns {modality: number of a corpus' space}, for those with several.

  The number of a modality that the corpus lacks is 0.
  """
  found = {}
  for modality, of in spaces.items():
    has = [corpus in x['corpora'] for x in of.values()]
    found[modality] = has.index(True) if any(has) else 0
  return found


def statistic(spaces: Spaces, corpus: str, modality: str) -> str:
  """Returns the name of a corpus' statistics: MODALITY or MODALITY/SPACE."""
  if modality not in spaces:
    return modality
  number = numbers(spaces, corpus)[modality]
  return f'{modality}/{[*spaces[modality]][number]}'


def numbers_of_other(
  spaces: Spaces, corpus: streams.Corpus, made: Mapping[str, Any]
) -> dict[str, int]:
  """Returns `numbers` of a corpus that a run did not learn from.

  Args:
    spaces: Those of the run.
    corpus: Another corpus, or one of the run's.
    made: {corpus of the run: how its text was made}.

  Raises:
    UserError: A modality fits no space of the run, or several.
  """
  available = records.metadata(corpus.builder)['dims']
  found = {}
  for modality, of in spaces.items():
    found[modality] = 0
    if modality not in available:
      continue
    dim = available[modality]
    fitting = [
      i
      for i, x in enumerate(of.values())
      if x['dim'] == dim and _same_text(modality, x, corpus, made)
    ]
    own = [i for i in fitting if corpus.name in [*of.values()][i]['corpora']]
    chosen = own or fitting
    if len(chosen) != 1:
      known = ', '.join(
        f'{x["dim"]} of {" and ".join(x["corpora"])}' for x in of.values()
      )
      raise UserError(
        f'{corpus.name} has {dim} features of {modality}, and the run reads '
        f'{known}: '
        + (
          'several fit. Give the corpus the name of the one whose features it '
          'has, in config.data.corpora.'
          if chosen
          else 'make them like one of these.'
        )
      )
    found[modality] = chosen[0]
  return found


def _same_text(
  modality: str,
  space: Mapping[str, Any],
  corpus: streams.Corpus,
  made: Mapping[str, Any],
) -> bool:
  """Returns whether a space's text was made as that of a corpus."""
  known = [made[c] for c in space['corpora'] if c in made]
  if modality != 'text' or not known:
    return True
  return any(made_alike(corpus.builder.text_made, x) for x in known)


def made_alike(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
  """Returns whether texts are comparable: the same model and tokenizer."""
  keys = ('tokenizer.json', 'text_model', 'vectors', 'text')
  return all(one.get(k) == other.get(k) for k in keys)
