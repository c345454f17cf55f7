"""The records that every corpus stores: one per sample, labels by name.

A corpus is a tfds builder whose examples are

  {'id': str, 'subject': str ('' if unknown), inputs ...,
   task: f32 [K], task + '_weights': f32 [] (of classes) or [K] (others)}

for the tasks that it annotates; their `ANNOTATION` says which it is. The names
of the K columns stand in `builder.info.metadata['outputs'][task]`: corpora are
joined by these names, never by positions. Inputs are

  faces        'image': an encoded picture; it keeps the size and encoding of
               its source, `face_batches` decodes, resizes and augments
  utterances   see `builders.utterances`

Windows of frames, and dialogues of utterances, have an axis of time first, in
all but 'subject'.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from affect_jax import tasks
from affect_jax.errors import UserError

# What `input_names` gives for corpora of faces.
PICTURE = ('image',)
# How many names of samples are kept with each reason in 'skipped'.
MAX_EXAMPLES = 20


def features(
  outputs: Mapping[str, Sequence[str]],
  inputs: Mapping[str, Any],
  extra: Mapping[str, Any] | None = None,
  windows: bool = False,
) -> tfds.features.FeaturesDict:
  """Builds the tfds features of a corpus that annotates {task: names}.

  Args:
    outputs: Names of the columns of each annotated task.
    inputs: {name: tfds feature} of what a model reads.
    extra: {name: tfds feature} of what is stored beside the labels.
    windows: Whether records are windows of T samples. Then ids and labels get
      an additional first axis of any length; `inputs` must have it already.
  """
  time = (None,) if windows else ()
  text = tfds.features.Tensor(shape=(None,), dtype=np.object_)
  feature: dict[str, Any] = {
    'id': text if windows else tfds.features.Text(),
    'subject': tfds.features.Text(),
    **inputs,
  }
  for task, names in outputs.items():
    k = (len(names),)
    feature[task] = tfds.features.Tensor(shape=time + k, dtype=np.float32)
    one_weight = tasks.get_annotation(task).one_weight
    feature[task + '_weights'] = tfds.features.Tensor(
      shape=time if one_weight else time + k, dtype=np.float32
    )
  return tfds.features.FeaturesDict(feature | dict(extra or {}))


def info(
  builder: Any,
  outputs: Mapping[str, Sequence[str]],
  inputs: Mapping[str, Any],
  *,
  sources: Mapping[str, str],
  skipped: Mapping[str, int] | None = None,
  examples: Mapping[str, Sequence[str]] | None = None,
  extra: Mapping[str, Any] | None = None,
  windows: bool = False,
  dims: Mapping[str, int] | None = None,
  **kwargs: Any,
) -> tfds.core.DatasetInfo:
  """Builds a DatasetInfo with the corpus' column names and source checksums.

  Args:
    builder: The builder whose info it is.
    outputs: Names of the columns of each annotated task.
    inputs: {name: tfds feature} of what a model reads.
    sources: {file or parameter: its sha256 or value}; a run writes them to its
      environment.json.
    skipped: {reason: rows left out}, for reports; see also `is_note`.
    examples: {reason: names of some of them}, see `add_example`.
    extra: {name: tfds feature} of what is stored beside the labels.
    windows: See `features`.
    dims: {modality: features per step} of utterances, 0 for tokens.
    **kwargs: description, homepage, citation, ... of `DatasetInfo`.
  """
  return tfds.core.DatasetInfo(
    builder=builder,
    features=features(outputs, inputs, extra, windows),
    metadata=tfds.core.MetadataDict(
      outputs={task: list(names) for task, names in outputs.items()},
      sources=dict(sources),
      skipped=dict(skipped or {}),
      examples={
        k: list(v)[:MAX_EXAMPLES] for k, v in (examples or {}).items() if v
      },
      windows=windows,
      inputs=list(inputs),
      dims=dict(dims or {}),
    ),
    **kwargs,
  )


def metadata(builder: Any) -> dict[str, Any]:
  """Returns what `info` stored: 'outputs', 'sources', 'skipped' and so on."""
  stored = builder.info.metadata
  if stored is None:
    raise UserError(f'{builder.name} in {builder.data_dir} has no metadata.')
  return stored


def is_note(reason: str) -> bool:
  """Returns whether a reason in 'skipped' tells of a change, not of a loss.

  Reasons that end with a bracket say what something was read as: 'audio values
  of -inf (read as 0)'.
  """
  return reason.endswith(')')


def count(builder: Any, counts: Mapping[str, int]) -> None:
  """Adds {reason: samples} to what a builder's report says of its samples."""
  skipped = metadata(builder)['skipped']
  for reason, number in counts.items():
    skipped[reason] = skipped.get(reason, 0) + number


def add_example(builder: Any, reason: str, name: str) -> None:
  """Keeps the name of a sample, or a file, that a reason in 'skipped' counts.

  The first MAX_EXAMPLES of each reason are kept, in the metadata's 'examples'.
  """
  names = metadata(builder)['examples'].setdefault(reason, [])
  if name and name not in names and len(names) < MAX_EXAMPLES:
    names.append(name)


def input_names(builder: Any) -> tuple[str, ...]:
  """Returns the names of the features that a model reads."""
  return tuple(metadata(builder).get('inputs', PICTURE))
