"""Self-MM: each modality learns a generated label of its own.

Yu et al., 2021: "Learning Modality-Specific Representations with
Self-Supervised Multi-Task Learning for Multimodal Sentiment Analysis".
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import flax.core
import flax.linen as nn
import jax
import jax.numpy as jnp

from affect_jax import by_name
from affect_jax.models import sequence
from affect_jax.models.fusion import modalities
from affect_jax.models.fusion import self_mm_labels
from affect_jax.models.fusion import summaries

ROWS = 'auxiliary_rows'
COLLECTION = 'self_mm'


class SelfMm(nn.Module):
  """Two dense layers on concatenated vectors, and unimodal tasks in training.

  In training each modality also predicts sentiment on its own. It learns from
  labels that `self_mm_labels` generates and keeps in the collection 'self_mm',
  a bank of all training samples. The auxiliary loss of each modality is the
  mean over samples of tanh(|generated label - annotated label|) times the
  absolute error; the arrays that it compares are sown into 'auxiliary_rows'.
  In the first epoch the two labels are equal, and these losses are 0. With
  rows=0 there is no unimodal task.

  As in the authors' code (thuiar/MMSA @a94e65d): sizes and dropout (those for
  MOSI); the bank stores the features behind the first dense layer, with
  dropout; labels are read before they are updated, and the update uses the
  centres from before the batch. Left to the training settings: gradients
  summed over 4 batches of 16; a learning rate for each encoder
  (config.learning_rate_multipliers). Different here: a sample without a label
  does not count, nor does a modality that it lacks or that was dropped; in the
  first epoch the centres leave out unseen samples (theirs count as zeros);
  there is no NaN where one side has no sample.

  Attributes:
    text: How text becomes a vector: its 'first' step (the authors' choice, on
      the output of a BERT), its 'mean' over time, or an 'lstm' as for audio
      and vision.
    hidden: Units of an LSTM and of the dense layer on its last state, one for
      all or {modality: units}.
    encoder_dropout: Dropout rate on that state.
    unimodal_width: Width of a modality's features in the bank, one for all or
      {modality: width}.
    fused_width: Width of the fused features in the bank, and of the output.
    dropout: Dropout rate on a modality's vector before its own dense layers,
      one for all or {modality: rate}.
    fused_dropout: Dropout rate on the concatenation.
    limit: Labels of the modalities are in [-limit, limit].
    unimodal_weight: Factor of the auxiliary losses.
    rows: Number of training samples; 0 turns the unimodal tasks off.
  """

  text: str = 'mean'
  hidden: int | Mapping[str, int] = flax.core.FrozenDict(
    {'text': 128, 'audio': 16, 'vision': 32}
  )
  encoder_dropout: float = 0.0
  unimodal_width: int | Mapping[str, int] = flax.core.FrozenDict(
    {'text': 32, 'audio': 16, 'vision': 32}
  )
  fused_width: int = 128
  dropout: float | Mapping[str, float] = flax.core.FrozenDict(
    {'text': 0.1, 'audio': 0.1, 'vision': 0.0}
  )
  fused_dropout: float = 0.0
  limit: float = 3.0
  unimodal_weight: float = 1.0
  rows: int = 0

  # The task whose training samples the bank remembers, see `fusion`.
  remembers: ClassVar[str] = 'sentiment'

  def __post_init__(self) -> None:
    modalities.freeze(self)
    super().__post_init__()

  @nn.compact
  def __call__(
    self,
    sequences: Mapping[str, jax.Array],
    masks: Mapping[str, jax.Array],
    *,
    train: bool,
    train_row: Any = None,
    train_label: Any = None,
    seen: Any = None,
  ) -> jax.Array:
    """{modality: [B, T, D]}, masks bool [B, T] -> [B, fused_width].

    Args:
      sequences, masks, train: As for every fusion.
      train_row: int32 [B], index of the sample in the training set, below
        `rows`; negative if it has no label. None turns the unimodal tasks off.
      train_label: f32 [B], annotated sentiment, finite.
      seen: {modality: bool [B]}, False where a token replaces the modality.

    Raises:
      UserError: `text` is unknown.
    """
    given = modalities.ordered(sequences, masks)
    vectors = {
      name: self._read(name, x, mask, train)
      for name, (x, mask) in given.items()
    }
    x = jnp.concatenate(list(vectors.values()), -1)
    x = nn.Dropout(self.fused_dropout)(x, deterministic=not train)
    fused = nn.relu(nn.Dense(self.fused_width, name='dense0')(x))
    # Initialization creates the parameters and the bank, but sows nothing.
    initializing = self.is_initializing()
    if self.rows and (initializing or (train and train_row is not None)):
      features, predictions = self._unimodal(vectors, train)
      features = jax.lax.stop_gradient(
        features | {self_mm_labels.FUSION: fused}
      )
      widths = {name: x.shape[-1] for name, x in features.items()}
      bank = self.variable(
        COLLECTION, 'bank', self_mm_labels.empty, self.rows, widths
      )
      if not initializing:
        self._sow(bank.value, predictions, train_row, train_label, seen)
        bank.value = self_mm_labels.updated(
          bank.value, train_row, train_label, features, seen, self.limit
        )
    return nn.relu(nn.Dense(self.fused_width, name='dense1')(fused))

  def _read(self, name, x, mask, train):
    """Encodes a modality [B, T, D] as one vector [B, D']."""
    kind = self.text if name == 'text' else 'lstm'
    if kind == 'first':
      return sequence.first(x, mask)
    if kind == 'mean':
      return sequence.mean(x, mask)
    by_name.check('text', kind, ('first', 'lstm', 'mean'), of='self_mm')
    units = modalities.option(self.hidden, name)
    return summaries.LstmSummary(
      hidden=units, width=units, dropout=self.encoder_dropout, name=name
    )(x, mask, train=train)

  def _unimodal(self, vectors, train):
    """Returns features {modality: [B, width]}, predictions {modality: [B]}."""
    features, predictions = {}, {}
    for name, x in vectors.items():
      width = modalities.option(self.unimodal_width, name)
      rate = modalities.option(self.dropout, name)
      x = nn.Dropout(rate)(x, deterministic=not train)
      x = nn.relu(nn.Dense(width, name=f'{name}_dense0')(x))
      features[name] = x
      x = nn.relu(nn.Dense(width, name=f'{name}_dense1')(x))
      predictions[name] = nn.Dense(1, name=f'{name}_output')(x)[:, 0]
    return features, predictions

  def _sow(self, bank, predictions, rows, targets, seen):
    """Sows what the loss of each modality compares into 'auxiliary_rows'."""
    compared = {
      name: {
        'prediction': values.astype(jnp.float32),
        'label': self_mm_labels.look_up(bank, name, rows, targets),
        'target': targets,
        'counts': (rows >= 0) & seen[name],
      }
      for name, values in predictions.items()
    }
    self.sow(ROWS, 'rows', compared, lambda old, new: new, dict)

  @nn.nowrap
  def auxiliary_losses(self, rows: Mapping[str, Any]) -> dict[str, jax.Array]:
    """Computes the loss of each modality over the rows of the whole batch.

    Args:
      rows: {modality: {'prediction', 'label', 'target': f32 [B], 'counts':
        bool [B]}}, as they were sown.

    Returns:
      {name: float32 []}.
    """
    return {
      f'unimodal_{name}': self.unimodal_weight
      * self_mm_labels.weighted_error(
        x['prediction'], x['label'], x['target'], x['counts']
      )
      for name, x in rows.items()
    }
