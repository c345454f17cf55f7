"""The model of utterances: modalities -> fusion -> dialogue -> heads."""

from collections.abc import Callable, Mapping
import functools
from typing import Any

from absl import logging
import flax.core
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from affect_jax.errors import UserError
from affect_jax.models import affect_model
from affect_jax.models import bert
from affect_jax.models import encoders
from affect_jax.models import fusion as fusion_lib
from affect_jax.models import hugging_face
from affect_jax.models import together
from affect_jax.models.fusion import absent

Pairs = tuple[tuple[str, Any], ...]


class Backbone(nn.Module):
  """Sequences of each modality -> one vector per utterance.

  Attributes:
    fusion: A name of `fusion.FUSIONS`.
    fusion_options: Of that fusion.
    modality_dropout: Chance of a modality that is there to be taken away in
      training; a missing one is replaced by a learned token.
    text: Options of `bert.Bert`, where 'text' are token ids.
    statistics: Pairs (modality, (mean [D], standard deviation [D])) by which
      features are normalized.
    read_across: Utterances of a dialogue that is one sequence read each other.
  """

  fusion: str
  fusion_options: Pairs = ()
  modality_dropout: float = 0.0
  text: Pairs = ()
  statistics: Pairs = ()
  read_across: bool = True

  @nn.compact
  def __call__(
    self,
    inputs: Mapping[str, jax.Array],
    *,
    train: bool,
    packed_shape: jax.Array | None = None,
  ) -> jax.Array:
    """{modality: [B, T, D] or ids [B, T], modality + '_mask'} -> [B, D'].

    Of training there may be 'train_row' and 'train_label', for the fusion; of
    evaluation 'real' [B], which rows are samples, even without any modality.
    With `packed_shape` [dialogues, N], the text of a dialogue is one sequence.
    """
    names = [n for n in inputs if n + '_mask' in inputs]
    masks = {n: inputs[n + '_mask'] for n in names}
    sequences = {n: inputs[n] for n in names}
    for name, (mean, std) in self.statistics:
      if name in sequences:
        x = (sequences[name] - _row(mean)) / _row(std)
        sequences[name] = jnp.where(masks[name][..., np.newaxis], x, 0.0)
    if self.text and 'text' in sequences:
      options, ids = dict(self.text), sequences['text']
      read = functools.partial(bert.Bert(**options, name='text'), train=train)
      if packed_shape is not None:
        sequences['text'] = _read_dialogues(
          read, ids, masks['text'], packed_shape, across=self.read_across
        )
      else:
        sequences['text'] = read(ids, masks['text'])
      # The utterance has read its context: a mean over both would blur it.
      if packed_shape is None and options.get('sep') is not None:
        mask = bert.utterance_mask(ids, masks['text'], options['sep'])
        sequences['text'], masks['text'] = _to_front(sequences['text'], mask)
    sequences, masks, seen = absent.Absent(
      self.modality_dropout, name='absent'
    )(sequences, masks, train=train, real=inputs.get('real'))
    own: dict[str, Any] = {}
    if 'train_row' in inputs:
      own = {n: inputs[n] for n in ('train_row', 'train_label')}
      own['seen'] = seen
    fusion = fusion_lib.get_fusion(self.fusion, **dict(self.fusion_options))
    return fusion(sequences, masks, train=train, **own)


class UtteranceModel(nn.Module):
  """Utterances, alone or in their dialogue -> raw head outputs of every task.

  params: {'backbone': {'text': ..., 'absent': ..., fusion ...}, 'context':
  ..., 'heads': {task: ...}}.

  Attributes:
    units: Pairs (task, width of its head).
    backbone: Fields of `Backbone`, as pairs.
    context: A key of `encoders.ENCODERS`, over the utterances of a dialogue;
      '' is none.
    context_options: Of that encoder, as pairs.
    dropout: Share of the features dropped in training.
  """

  units: Pairs
  backbone: Pairs
  context: str = ''
  context_options: Pairs = ()
  dropout: float = 0.0

  @nn.compact
  def __call__(
    self, inputs: Mapping[str, jax.Array], *, train: bool
  ) -> dict[str, jax.Array]:
    """Raw head outputs {task: float32 [B, units] or [B, U, units]}.

    Args:
      inputs: See `batch`; of dialogues with 'utterance_mask' bool [B, U].
        With 'packed_text_shape' [B, N], of which only the shape is read, the
        token ids of a dialogue are one sequence of N.
      train: Dropout.
    """
    inputs = dict(inputs)
    there = inputs.pop('utterance_mask', None)
    packed_shape = inputs.pop('packed_text_shape', None)
    if there is not None:
      # Utterances are rows to the encoders.
      inputs = {k: x.reshape(-1, *x.shape[2:]) for k, x in inputs.items()}
    features = Backbone(**dict(self.backbone), name='backbone')(
      inputs, train=train, packed_shape=packed_shape
    )
    if there is not None:
      features = features.reshape(*there.shape, -1)
    if self.context:
      if there is None:
        raise UserError(
          f'{self.context} over utterances needs dialogues: set '
          'config.data.window.'
        )
      encoder = encoders.get_encoder(
        'context', self.context, **dict(self.context_options)
      )
      features = encoder(features, there, train=train)
    features = nn.Dropout(self.dropout)(features, deterministic=not train)
    return affect_model.Heads(self.units, name='heads')(features)


def _read_dialogues(
  read: Callable[..., jax.Array],
  ids: jax.Array,
  mask: jax.Array,
  packed_shape: jax.Array,
  *,
  across: bool,
) -> jax.Array:
  """Ids and mask [B U, T] of dialogues, packed to [B, N] -> [B U, T, D]."""
  dialogues, length = packed_shape.shape
  shape = (dialogues, -1, ids.shape[-1])
  packed, there, places = together.pack(
    ids.reshape(shape), mask.reshape(shape), length
  )
  sentences = None if across else together.sentences(places, length)
  # After the first [SEP] the next utterance begins, not BERT's second one.
  types = jnp.zeros_like(packed)
  states = read(packed, there, token_types=types, sentences=sentences)
  return together.unpack(states, places).reshape(*ids.shape, -1)


def _to_front(x: jax.Array, mask: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Moves the steps [B, T, D] of a mask [B, T] to the front, in order."""
  order = jnp.argsort(~mask, axis=-1, stable=True)
  x = jnp.take_along_axis(x, order[..., np.newaxis], axis=1)
  return x, jnp.take_along_axis(mask, order, axis=1)


def _row(values: tuple[float, ...]) -> jax.Array:
  return jnp.asarray(values, jnp.float32).reshape(1, 1, -1)


def settings(
  options: Mapping[str, Any],
  dims: Mapping[str, int],
  statistics: Mapping[str, tuple[np.ndarray, np.ndarray]],
  text_options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
  """Fields of `UtteranceModel`, without its units, from config.utterance.

  Args:
    options: config.utterance, without what is of the inputs.
    dims: {modality: features per step}; 0: token ids.
    statistics: {modality: (mean [D], standard deviation [D])}.
    text_options: Of the model that reads token ids, where 'text' are such:
      `hugging_face.read_options`.
  """
  options = dict(options)
  fusion, context = options['fusion'], options['context']
  text: dict[str, Any] = {}
  if dims.get('text') == 0:
    text = {**(text_options or {}), **options['text']}
    text['dtype'] = jnp.dtype(text.get('dtype', 'float32'))
  backbone = {
    'fusion': fusion,
    'fusion_options': pairs(options[fusion]),
    'modality_dropout': options['modality_dropout'],
    'text': pairs(text),
    'read_across': options['read_across'],
    'statistics': tuple(
      (name, tuple(tuple(map(float, x)) for x in both))
      for name, both in statistics.items()
    ),
  }
  return {
    'backbone': pairs(backbone),
    'context': context,
    'context_options': pairs(options[context]) if context else (),
    'dropout': options['dropout'],
  }


def auxiliary_losses(
  name: str, options: Mapping[str, Any]
) -> Callable[[Any], Mapping[str, jax.Array]] | None:
  """Losses of a fusion's own: 'auxiliary_rows' -> {name: float32 []}.

  Args:
    name: Of the fusion.
    options: Its settings.

  Returns:
    None where the fusion has none.
  """
  fusion = fusion_lib.get_fusion(name, **options)
  losses = getattr(fusion, 'auxiliary_losses', None)
  if losses is None:
    return None
  return lambda sown: losses(sown['backbone']['fusion']['rows'])


def frozen_paths(text: Mapping[str, Any]) -> tuple[str, ...]:
  """Paths of what config.utterance.text freezes of the text encoder."""
  parts = bert.stages(text['frozen_stages'])
  return tuple(f'backbone/text/{part}' for part in parts)


def pairs(options: Mapping[str, Any]) -> Pairs:
  """A mapping as a module can hold it: hashable, dicts in it too."""
  return tuple(flax.core.freeze(dict(options)).items())


def pretrained(
  folder: str,
) -> Callable[[Any], Any]:
  """Makes variables -> the same with the text encoder's weights in them."""

  def load(variables: Any) -> Any:
    params = hugging_face.read_params(folder)
    logging.info('Initialised the text encoder from %s.', folder)
    own = variables['params']
    backbone = {**own['backbone'], 'text': params}
    return {**variables, 'params': {**own, 'backbone': backbone}}

  return load
