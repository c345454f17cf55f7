"""Utterances: reads sequences, and describes encoders and their fusion."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from affect_jax.corpora.builders import records
from affect_jax.data import feature_statistics
from affect_jax.data import load
from affect_jax.data import streams
from affect_jax.data import utterance_batches
from affect_jax.errors import UserError
from affect_jax.models import fusion as fusion_lib
from affect_jax.models import hugging_face
from affect_jax.models import utterance_model
from affect_jax.run import feature_spaces
from affect_jax.run import samples
from affect_jax.run import signature as signature_lib

KIND = 'utterances'


def describe(
  config: Any, corpora: Sequence[streams.Corpus]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
  """Returns fields of a `signature`, and its arrays, from the corpora.

  Raises:
    UserError: The corpora do not fit each other.
  """
  options = config.utterance.to_dict()
  inputs = describe_inputs(config, corpora)
  spaces = inputs['spaces']
  fusion, context = options['fusion'], options['context']
  common = ('modality_dropout', 'text', 'read_across', 'dropout')
  settings = {k: options[k] for k in (*common, 'fusion', 'context', fusion)}
  if context:
    settings[context] = options[context]
  if spaces:
    settings['projected_width'] = options['projected_width']
    feature_spaces.log(spaces, options['projected_width'])
  if fusion_lib.remembers(fusion):
    settings[fusion]['rows'] = streams.train_size(corpora)
  arrays = {}
  if options['standardize']:
    statistics = feature_statistics.statistics(
      corpora,
      [*inputs['dims']],
      lambda corpus, m: feature_spaces.statistic(spaces, corpus, m),
    )
    for name, (mean, std) in statistics.items():
      arrays |= {f'{name}/mean': mean, f'{name}/std': std}
  text = {}
  if inputs['text_model']:
    text = hugging_face.read_options(inputs['text_model'])
  model = {'utterance': settings, 'text': text}
  return {'kind': KIND, 'inputs': inputs, 'model': model}, arrays


def describe_inputs(
  config: Any, corpora: Sequence[streams.Corpus]
) -> dict[str, Any]:
  """Returns the inputs of a `signature`: contents of the corpora, padding."""
  dims, spaces = feature_spaces.describe(
    corpora,
    config.utterance.modalities,
    config.utterance.feature_spaces.to_dict(),
  )
  return {
    'dims': dims,
    'spaces': spaces,
    'window': load.window(config),
    'boundaries': tuple(config.utterance.boundaries),
    'together': tuple(config.utterance.together),
    'text_model': shared_text_model(corpora) if dims.get('text') == 0 else '',
    'text': {c.name: c.builder.text_made for c in corpora},
    'computed': {c.name: c.builder.computed for c in corpora},
  }


def build(
  config: Any,
  corpora: Sequence[streams.Corpus],
  tasks: Sequence[Any],
  shares: Mapping[str, float],
  signature: signature_lib.Signature,
) -> samples.Samples:
  """Returns how corpora of text, audio and vision are read.

  Args:
    config, corpora, tasks, shares, signature: See `build.Run`.

  Raises:
    UserError: Settings do not fit each other or the corpora.
  """
  if config.mixing.kind:
    raise UserError(
      'config.mixing is for pictures, not for utterances: set '
      "config.mixing.kind=''."
    )
  inputs = signature.inputs
  dims, window, boundaries, together, text_model = (
    inputs[k]
    for k in ('dims', 'window', 'boundaries', 'together', 'text_model')
  )
  context, fusion = config.utterance.context, config.utterance.fusion
  if context and not window:
    raise UserError(
      f'config.utterance.context={context!r} needs dialogues: give '
      'config.data.window, the most utterances of one.'
    )
  remembered = fusion_lib.remembers(fusion)
  if remembered:
    names = [t.name for t in tasks]
    check_remembering(config, remembered, names, window)
  if together:
    check_together(config, dims, window)
    utterance_batches.check_packed_length(corpora, together)
  numbers = {
    c.name: feature_spaces.numbers(inputs.get('spaces', {}), c.name)
    for c in corpora
  }
  name_of = {id(c.builder): c.name for c in corpora}
  common = {
    'dims': dims,
    'batch_size': config.batch_size,
    'boundaries': boundaries,
    'window': window,
    'together': together,
  }
  return samples.Samples(
    train_batches=lambda seed, first_step: utterance_batches.train_batches(
      corpora,
      tasks,
      seed=seed,
      first_step=first_step,
      num_steps=config.num_train_steps,
      shares=shares,
      balance=config.data.balance,
      shuffle_megabytes=load.shuffle_megabytes(config),
      places=remembered,
      spaces=numbers,
      mixed=config.utterance.mixed_batches,
      **common,
    ),
    eval_batches=lambda builder, split: utterance_batches.eval_batches(
      builder, split, tasks, spaces=numbers[name_of[id(builder)]], **common
    ),
    dummy_inputs=dummy_inputs(
      dims, min(boundaries), window, together, [*inputs.get('spaces', ())]
    ),
    window=window,
    modalities=tuple(dims),
    pretrained=utterance_model.pretrained(text_model) if text_model else None,
    frozen=utterance_model.frozen_paths(
      config.utterance.text, signature.model['text']
    )
    if text_model
    else (),
    auxiliary_losses=utterance_model.auxiliary_losses(
      fusion, config.utterance[fusion].to_dict()
    ),
  )


def check_remembering(
  config: Any, remembered: str, tasks: Sequence[str], window: int
) -> None:
  """Checks settings of a fusion that keeps a bank of all training samples.

  Args:
    config: See `defaults`.
    remembered: The task whose labels it keeps, see `fusion.remembers`.
    tasks: Names of the tasks that are learned.
    window: Utterances of a dialogue, or 0.

  Raises:
    UserError: The task is not learned, or the bank would be wrong.
  """
  fusion = f'config.utterance.fusion={config.utterance.fusion!r}'
  if remembered not in tasks:
    raise UserError(
      f'{fusion} makes labels from those of the task {remembered!r}: add it '
      f'to config.tasks, now {list(tasks)}.'
    )
  if window:
    raise UserError(
      f'{fusion} is for single utterances: config.data.window must be 0, not '
      f'{window}.'
    )
  if config.parallel == 'pmap':
    raise UserError(
      f'{fusion} keeps one bank for all devices, which pmap would average: '
      'set config.parallel=jit.'
    )
  if config.accumulate > 1:
    raise UserError(
      f'{fusion} brings its bank up to date once in a step: config.accumulate '
      f'must be 1, not {config.accumulate}.'
    )


def check_together(config: Any, dims: Mapping[str, int], window: int) -> None:
  """Checks that samples are dialogues of token ids, as `together` needs.

  Raises:
    UserError: They are not.
  """
  together = f'config.utterance.together={tuple(config.utterance.together)}'
  if dims.get('text') != 0 or not window:
    raise UserError(
      f'{together} reads the tokens of dialogues: it needs '
      "config.data.text='tokens' and config.data.window."
    )
  for name, options in load.describe(config).items():
    if options.get('context', 0):
      raise UserError(
        f'{together} reads the whole dialogue: context of {name} must be 0, '
        f'not {options["context"]}.'
      )


def shared_text_model(corpora: Sequence[streams.Corpus]) -> str:
  """Returns the folder of the model whose token ids the corpora hold.

  Corpora without text do not matter.

  Raises:
    UserError: Their ids are those of different models.
  """
  names = {
    c.name: c.builder.text_model
    for c in corpora
    if 'text' in records.metadata(c.builder)['dims']
  }
  if len(set(names.values())) > 1:
    raise UserError(
      f'Corpora hold token ids of different models: {names}. Give all of '
      'config.data.corpora the same text_model.'
    )
  return next(iter(names.values()))


def dummy_inputs(
  dims: Mapping[str, int],
  length: int,
  window: int,
  together: Sequence[int] = (),
  several_spaces: Sequence[str] = (),
) -> dict[str, Any]:
  """Returns one row of zeros, in the shapes that `data.batch` describes."""
  lead = (1, window) if window else (1,)
  inputs: dict[str, Any] = {}
  for name, dim in dims.items():
    shape = (*lead, length, dim) if dim else (*lead, length)
    inputs[name] = np.zeros(shape, np.float32 if dim else np.int32)
    inputs[name + '_mask'] = np.ones((*lead, length), bool)
    if name in several_spaces:
      inputs[name + '_space'] = np.zeros(lead, np.int32)
  if window:
    inputs['utterance_mask'] = np.ones(lead, bool)
  if together:
    inputs['packed_text_shape'] = np.zeros((1, max(together)), bool)
  return inputs
