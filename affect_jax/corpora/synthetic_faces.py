"""Rendered faces with exact labels of all three tasks: no download, CC0.

Scores on them show that code works and that methods do what they claim, never
accuracy on photographs: report them apart from those of real faces. Labels are
those of `synthetic.affect` (recipes, presence of action units, the formula of
valence and arousal); by default some are withheld as in s-Aff-Wild2 and a few
are wrong (`synthetic.annotate`).
"""

from collections.abc import Mapping
import io
import pathlib
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from affect_jax.corpora.builders import prepare
from affect_jax.corpora.builders import records
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError
from affect_jax.synthetic import affect
from affect_jax.synthetic import annotate
from affect_jax.synthetic import gallery
from affect_jax.synthetic import head
from affect_jax.training import status_line


class SyntheticFaces(tfds.core.GeneratorBasedBuilder):
  """Faces rendered by this package.

  Besides the labels, an example has the truth behind them:
  'action_unit_intensities' f32 [12] and 'expression_mix' f32 [8].
  """

  VERSION = tfds.core.Version('1.0.0')
  # Nothing is downloaded: tfds need not look for checksums.
  url_infos = None

  def __init__(
    self,
    *,
    data_dir: str | pathlib.Path,
    image_size: int = 64,
    num_train: int = 6000,
    num_val: int = 600,
    num_test: int = 1000,
    images_per_subject: int = 8,
    seed: int = 0,
    missing_task: Mapping[str, float] | None = None,
    missing_class: Mapping[str, float] | None = None,
    missing_au: Mapping[str, float] | None = None,
    missing_in_eval: bool = False,
    label_noise: float = 0.03,
  ):
    """Finds the corpus of these options in `data_dir`, if it is prepared.

    Args:
      data_dir: Folder of prepared corpora.
      image_size: Height and width in pixels, at least 16.
      num_train: Number of pictures of the training split, at least 1.
      num_val: The same of the validation split; 0: no such split.
      num_test: The same of the test split; 0: no such split.
      images_per_subject: Pictures of each identity. No identity is in two
        splits.
      seed: Another seed gives another corpus with other people.
      missing_task: {task: share of its labels withheld}, independently;
        None: as in s-Aff-Wild2 (`annotate.MISSING_TASK`); {}: none.
      missing_class: {expression: further share of its labels withheld}; None:
        `annotate.MISSING_CLASS`.
      missing_au: {action unit: further share of its labels withheld}; None:
        `annotate.MISSING_AU`.
      missing_in_eval: Withhold labels of val and test, too.
      label_noise: Share of wrong labels, in train only.

    Raises:
      UserError: An option is out of its range, or names something unknown.
    """
    counts = {'train': num_train, 'val': num_val, 'test': num_test}
    self._flaws = annotate.Flaws(
      missing_task=_or(missing_task, annotate.MISSING_TASK),
      missing_class=_or(missing_class, annotate.MISSING_CLASS),
      missing_au=_or(missing_au, annotate.MISSING_AU),
      label_noise=label_noise,
    )
    annotate.check(self._flaws)
    bounds = {'image_size': (image_size, 16), 'num_train': (num_train, 1)}
    bounds |= {'num_val': (num_val, 0), 'num_test': (num_test, 0)}
    bounds |= {'images_per_subject': (images_per_subject, 1), 'seed': (seed, 0)}
    for name, (value, least) in bounds.items():
      if isinstance(value, bool) or value != int(value) or value < least:
        raise UserError(
          f'{name} is {value!r}; it must be a whole number >= {least}.'
        )
    self._counts, self._size, self._seed = counts, image_size, seed
    self._images_per_subject = images_per_subject
    self._missing_in_eval = missing_in_eval
    self._sources = {
      'head.npz': head.asset_sha256(),
      'renderer': gallery.version(),
    }
    fingerprint = sources.fingerprint(
      version=str(self.VERSION),
      counts=counts,
      seed=seed,
      images_per_subject=images_per_subject,
      missing_task=self._flaws.missing_task,
      missing_class=self._flaws.missing_class,
      missing_au=self._flaws.missing_au,
      missing_in_eval=missing_in_eval,
      label_noise=label_noise,
      **self._sources,
    )
    super().__init__(
      data_dir=data_dir,
      config=tfds.core.BuilderConfig(
        name=f'{image_size}px_{fingerprint}', version=self.VERSION
      ),
    )

  def _info(self) -> tfds.core.DatasetInfo:
    shapes = {
      'action_unit_intensities': len(affect.ACTION_UNITS),
      'expression_mix': len(affect.EXPRESSIONS),
    }
    return records.info(
      self,
      annotate.OUTPUTS,
      {
        'image': tfds.features.Image(
          shape=(self._size, self._size, 3), encoding_format='jpeg'
        )
      },
      sources=self._sources,
      extra={
        name: tfds.features.Tensor(shape=(k,), dtype=np.float32)
        for name, k in shapes.items()
      },
      description=__doc__,
      license='CC0 1.0 (the pictures and the head they are rendered from)',
    )

  def download_and_prepare(self, **kwargs: Any) -> None:
    """Renders the corpus, unless it exists already."""
    prepare.once(self, super().download_and_prepare, **kwargs)

  def _split_generators(self, dl_manager):
    del dl_manager
    return {
      split: self._generate_examples(split, count)
      for split, count in self._counts.items()
      if count
    }

  def _generate_examples(self, split, count):
    flaws = self._flaws
    if split != 'train':
      # A wrong label in an evaluation split would only blur the scores.
      flaws = annotate.Flaws(
        **({**vars(flaws), 'label_noise': 0.0} if self._missing_in_eval else {})
      )
    for index, drawn, picture in gallery.stream(
      self._seed, split, count, self._size, self._images_per_subject
    ):
      status_line.draw(f'rendering {split} picture {index + 1} of {count}')
      rng = gallery.generator(gallery.LABELS, self._seed, split, index)
      name = f'{split}/{index:08d}'
      yield (
        name,
        {
          'id': name,
          'subject': gallery.subject(split, index, self._images_per_subject),
          'image': io.BytesIO(picture),
          'action_unit_intensities': drawn.intensities,
          'expression_mix': drawn.mix,
          **annotate.annotate(drawn, rng, flaws),
        },
      )


def _or(
  values: Mapping[str, float] | None, default: Mapping[str, float]
) -> dict[str, float]:
  return dict(default if values is None else values)
