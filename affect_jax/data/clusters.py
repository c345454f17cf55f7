"""Which samples of a split resemble each other: of one dialogue, or person."""

from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from affect_jax.data import blocks


def read(builder: Any, split: str) -> dict[str, str]:
  """Returns {id: cluster} of a split; '' if the corpus knows none.

  The cluster is the dialogue (or video) of an utterance, or else its speaker;
  of a face it is the person or video.

  Args:
    builder: Of a corpus, see `corpora.builders.records`.
    split: Name or slice of a split.
  """
  names = [
    n for n in ('id', 'dialogue', 'subject') if n in builder.info.features
  ]
  dataset = builder.as_dataset(
    split=split,
    shuffle_files=False,
    decoders=tfds.decode.PartialDecoding(dict.fromkeys(names, True)),
    read_config=tfds.ReadConfig(try_autocache=False),
  )
  found = {}
  for record in blocks.rows(dataset):
    cluster = record.get('dialogue') or record.get('subject', b'')
    # Windows have many ids, b'' at their end, and one subject or dialogue.
    for name in filter(None, np.atleast_1d(record['id'])):
      found[name.decode()] = cluster.decode()
  return found
