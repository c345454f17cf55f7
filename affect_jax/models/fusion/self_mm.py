"""Self-MM: each modality learns a label of its own, which nobody annotated.

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
  """Concatenated vectors and two dense layers; in training more.

  In training each modality predicts sentiment on its own, too, from labels
  that `self_mm_labels` makes and keeps in the collection 'self_mm', a bank of
  all samples of training. Its own losses are, for each modality, the mean over
  samples of tanh(|own label - annotated one|) times the absolute error; what
  they compare is sown into 'auxiliary_rows'. In the first epoch the two labels
  are the same, and these losses 0. Without `rows` there is none of this.

  Kept of the authors' code (thuiar/MMSA @a94e65d): sizes and dropout (those
  for MOSI); which features are kept, behind the first dense layer and with
  dropout; labels are read before they move, and move by the centres from
  before the batch. Not kept, as they are of the training and not of the
  model: gradients summed over 4 batches of 16; a learning rate for each
  encoder (config.learning_rate_multipliers). Besides: a sample without a
  label, or a modality that it lacks or that was dropped, does not count;
  before the first epoch is over centres do not count unseen samples (as
  zeros); there are no NaN where one side has no sample.

  Attributes:
    text: How text becomes a vector: 'first' step (the authors', on the output
      of a BERT), 'mean' over time or 'lstm', as audio and vision do.
    hidden: Units of an LSTM and of the dense layer on its last state.
    encoder_dropout: On that state.
    unimodal_width: Of the features of a modality that are kept.
    fused_width: Of those of the fusion, and of the vector that comes out.
    dropout: On a modality's vector before its own dense layers. The three
      are for all or {modality: value}.
    fused_dropout: On the concatenation.
    limit: Labels of the modalities are in [-limit, limit].
    unimodal_weight: Of the losses.
    rows: Samples of training; 0 makes a plain fusion.
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

  # The task of whose samples of training it keeps a bank, see `fusion`.
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
      sequences, masks, train: As of every fusion.
      train_row: int32 [B], place in training, below `rows`; negative: this
        sample has no label. Without it nothing is learned by modality.
      train_label: f32 [B], annotated sentiment, finite.
      seen: {modality: bool [B]}, False where a token stands for it.

    Raises:
      ValueError: An unknown `text`.
    """
    given = modalities.ordered(sequences, masks)
    vectors = {
      name: self._read(name, x, mask, train)
      for name, (x, mask) in given.items()
    }
    x = jnp.concatenate(list(vectors.values()), -1)
    x = nn.Dropout(self.fused_dropout)(x, deterministic=not train)
    fused = nn.relu(nn.Dense(self.fused_width, name='dense0')(x))
    # At initialization there are parameters and a bank, and no more.
    start = self.is_initializing()
    if self.rows and (start or (train and train_row is not None)):
      features, predictions = self._unimodal(vectors, train)
      features = jax.lax.stop_gradient(
        features | {self_mm_labels.FUSION: fused}
      )
      widths = {name: x.shape[-1] for name, x in features.items()}
      bank = self.variable(
        COLLECTION, 'bank', self_mm_labels.empty, self.rows, widths
      )
      if not start:
        self._sow(bank.value, predictions, train_row, train_label, seen)
        bank.value = self_mm_labels.updated(
          bank.value, train_row, train_label, features, seen, self.limit
        )
    return nn.relu(nn.Dense(self.fused_width, name='dense1')(fused))

  def _read(self, name, x, mask, train):
    """One vector of a modality."""
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
    """Features {modality: [B, width]} and predictions {modality: [B]}."""
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
    """Puts what the loss of each modality compares into their collection."""
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
    """The loss of each modality over rows of the whole batch, float32 [].

    Args:
      rows: {modality: {'prediction', 'label', 'target': f32 [B], 'counts':
        bool [B]}}, as they were sown.
    """
    return {
      f'unimodal_{name}': self.unimodal_weight
      * self_mm_labels.weighted_error(
        one['prediction'], one['label'], one['target'], one['counts']
      )
      for name, one in rows.items()
    }
