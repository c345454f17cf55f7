"""The utterance model: modalities -> fusion -> dialogue context -> heads."""

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
from affect_jax.models import feature_spaces
from affect_jax.models import fusion as fusion_lib
from affect_jax.models import hugging_face
from affect_jax.models import sentence_pair
from affect_jax.models import together
from affect_jax.models.fusion import absent
from affect_jax.models.fusion import modalities

Pairs = tuple[tuple[str, Any], ...]


class Backbone(nn.Module):
  """Reads every modality and fuses them into one vector per utterance.

  Attributes:
    fusion: A key of `fusion.FUSIONS`.
    fusion_options: Options of that fusion, as pairs.
    modality_dropout: Probability of dropping a modality in training. A learned
      token replaces a modality that is missing or dropped.
    text: Options of `bert.Bert` as pairs, if 'text' holds token ids.
    statistics: Pairs (modality, (mean [D], standard deviation [D])) that
      normalize the features.
    spaces: Pairs (modality, (width, `Projection.spaces`)) of modalities whose
      features differ between corpora.
    read_across: Whether the utterances of a packed dialogue attend to each
      other.
  """

  fusion: str
  fusion_options: Pairs = ()
  modality_dropout: float = 0.0
  text: Pairs = ()
  statistics: Pairs = ()
  spaces: Pairs = ()
  read_across: bool = True

  @nn.compact
  def __call__(
    self,
    inputs: Mapping[str, jax.Array],
    *,
    train: bool,
    packed_shape: jax.Array | None = None,
  ) -> jax.Array:
    """Returns one vector per utterance, [B, D'].

    Args:
      inputs: {modality: features [B, T, D] or token ids [B, T]} and
        {modality + '_mask': bool [B, T]}; for `spaces` also {modality +
        '_space': int32 [B]}, see `data.batch`. Training may add 'train_row'
        and 'train_label', for the fusion. Evaluation may add 'real' bool [B],
        which marks the rows that are samples, even without any modality.
      train: Whether dropout is on.
      packed_shape: An array [dialogues, N] whose values are not read: the
        text of each dialogue is packed into one sequence of N tokens.
    """
    names = [n for n in inputs if n + '_mask' in inputs]
    masks = {n: inputs[n + '_mask'] for n in names}
    sequences = {n: inputs[n] for n in names}
    for name, (mean, std) in self.statistics:
      if name in sequences:
        x = feature_spaces.normalized(sequences[name], mean, std)
        sequences[name] = jnp.where(masks[name][..., np.newaxis], x, 0.0)
    for name, (width, spaces) in self.spaces:
      project = feature_spaces.Projection(spaces, width, name=f'project_{name}')
      sequences[name] = project(sequences[name], inputs[name + '_space'])
    if self.text and 'text' in sequences:
      options, ids = dict(self.text), sequences['text']
      read = functools.partial(bert.Bert(**options, name='text'), train=train)
      if packed_shape is not None:
        sequences['text'] = _read_dialogues(
          read, ids, masks['text'], packed_shape, across=self.read_across
        )
      else:
        sequences['text'] = read(ids, masks['text'])
      # The utterance has attended to its context: a mean over both would
      # blur it.
      if packed_shape is None and options.get('sep') is not None:
        mask = sentence_pair.utterance_mask(
          ids, masks['text'], options['sep'], options.get('separators', 1)
        )
        sequences['text'], masks['text'] = _to_front(sequences['text'], mask)
    sequences, masks, seen = absent.Absent(
      self.modality_dropout, name='absent'
    )(sequences, masks, train=train, real=inputs.get('real'))
    bank_inputs: dict[str, Any] = {}
    if 'train_row' in inputs:
      bank_inputs = {n: inputs[n] for n in ('train_row', 'train_label')}
    fusion = fusion_lib.get_fusion(self.fusion, **dict(self.fusion_options))
    if bank_inputs or getattr(fusion, 'reads_seen', False):
      bank_inputs['seen'] = seen
    return fusion(sequences, masks, train=train, **bank_inputs)


class UtteranceModel(nn.Module):
  """Maps utterances, alone or in dialogues, to raw outputs of every head.

  params: {'backbone': {'text': ..., 'project_MODALITY': ..., 'absent': ...,
  'fusion': ...}, 'context': ..., 'heads': {task: ...}}.

  Attributes:
    units: Pairs (task, width of its head).
    backbone: Fields of `Backbone`, as pairs.
    context: A key of `encoders.ENCODERS` that names the encoder over the
      utterances of a dialogue; '' means none.
    context_options: Options of that encoder, as pairs.
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
    """Returns raw head outputs, {task: float32 [B, units] or [B, U, units]}.

    Args:
      inputs: See `batch`. Dialogues come with 'utterance_mask' bool [B, U].
        If 'packed_text_shape' [B, N] is given, of which only the shape is
        read, the token ids of each dialogue are packed into one sequence of
        N tokens.
      train: Whether dropout is on.

    Raises:
      UserError: A `context` is set, but the inputs are no dialogues.
    """
    inputs = dict(inputs)
    utterance_mask = inputs.pop('utterance_mask', None)
    packed_shape = inputs.pop('packed_text_shape', None)
    if utterance_mask is not None:
      # The encoders see utterances as rows.
      inputs = {k: x.reshape(-1, *x.shape[2:]) for k, x in inputs.items()}
    features = Backbone(**dict(self.backbone), name='backbone')(
      inputs, train=train, packed_shape=packed_shape
    )
    if utterance_mask is not None:
      features = features.reshape(*utterance_mask.shape, -1)
    if self.context:
      if utterance_mask is None:
        raise UserError(
          f'config.utterance.context={self.context!r} needs dialogues: set '
          'config.data.window.'
        )
      encoder = encoders.get_encoder(
        'context', self.context, **dict(self.context_options)
      )
      features = encoder(features, utterance_mask, train=train)
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
  """Reads token ids [B U, T], packed to [B, N]; returns [B U, T, D]."""
  dialogues, length = packed_shape.shape
  shape = (dialogues, -1, ids.shape[-1])
  packed_ids, packed_mask, positions = together.pack(
    ids.reshape(shape), mask.reshape(shape), length
  )
  sentences = None if across else together.sentences(positions, length)
  # What follows the first [SEP] is the next utterance, not BERT's segment 1.
  types = jnp.zeros_like(packed_ids)
  states = read(packed_ids, packed_mask, token_types=types, sentences=sentences)
  return together.unpack(states, positions).reshape(*ids.shape, -1)


def _to_front(x: jax.Array, mask: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Moves the steps [B, T, D] of a mask [B, T] to the front, in order."""
  order = jnp.argsort(~mask, axis=-1, stable=True)
  x = jnp.take_along_axis(x, order[..., np.newaxis], axis=1)
  return x, jnp.take_along_axis(mask, order, axis=1)


def settings(
  options: Mapping[str, Any],
  dims: Mapping[str, int],
  statistics: Mapping[str, tuple[np.ndarray, np.ndarray]],
  text_options: Mapping[str, Any] | None = None,
  spaces: Mapping[str, Mapping[str, int]] | None = None,
) -> dict[str, Any]:
  """Returns the fields of `UtteranceModel`, except `units`.

  Args:
    options: config.utterance, without the keys that concern the inputs.
    dims: {modality: features per step}; 0 means token ids.
    statistics: {modality, or modality/space: (mean [D], standard deviation
      [D])}.
    text_options: Options of the model that reads token ids, if 'text' holds
      them; see `hugging_face.read_options`.
    spaces: {modality: {space: features per step}} of modalities whose features
      differ between corpora.
  """
  options = dict(options)
  fusion, context = options['fusion'], options['context']
  text: dict[str, Any] = {}
  if dims.get('text') == 0:
    text = {**(text_options or {}), **options['text']}
    text['dtype'] = jnp.dtype(text.get('dtype', 'float32'))
  measured = {
    name: tuple(tuple(map(float, x)) for x in mean_and_std)
    for name, mean_and_std in statistics.items()
  }
  projected = {}
  for name, of in (spaces or {}).items():
    projected[name] = (
      modalities.option(options['projected_width'], name),
      tuple((s, d, measured.get(f'{name}/{s}', ())) for s, d in of.items()),
    )
  backbone = {
    'fusion': fusion,
    'fusion_options': pairs(options[fusion]),
    'modality_dropout': options['modality_dropout'],
    'text': pairs(text),
    'read_across': options['read_across'],
    'statistics': tuple((m, x) for m, x in measured.items() if m in dims),
    'spaces': tuple(projected.items()),
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
  """Returns the function that computes a fusion's auxiliary losses.

  Args:
    name: A key of `fusion.FUSIONS`.
    options: Options of that fusion.

  Returns:
    A function from the collection 'auxiliary_rows' to {name: float32 []}, or
    None if the fusion has no such losses.
  """
  fusion = fusion_lib.get_fusion(name, **options)
  losses = getattr(fusion, 'auxiliary_losses', None)
  if losses is None:
    return None
  return lambda sown: losses(sown['backbone']['fusion']['rows'])


def frozen_paths(
  text: Mapping[str, Any], text_options: Mapping[str, Any]
) -> tuple[str, ...]:
  """Returns the parameter paths that config.utterance.text freezes.

  Args:
    text: config.utterance.text.
    text_options: See `settings`.
  """
  parts = bert.stages(text['frozen_stages'], text_options)
  return tuple(f'backbone/text/{part}' for part in parts)


def pairs(options: Mapping[str, Any]) -> Pairs:
  """Returns a mapping as hashable pairs, as a module needs its fields."""
  return tuple(flax.core.freeze(dict(options)).items())


def pretrained(folder: str) -> Callable[[Any], Any]:
  """Returns a function that puts an encoder's weights into the variables."""

  def load(variables: Any) -> Any:
    params = hugging_face.read_params(folder)
    logging.info('Initialised the text encoder from %s.', folder)
    model = variables['params']
    backbone = {**model['backbone'], 'text': params}
    return {**variables, 'params': {**model, 'backbone': backbone}}

  return load
