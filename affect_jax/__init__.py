"""Affect recognition that learns from whatever labels each sample has."""

import os
from typing import Any

__version__ = '0.1.0'
# Before anything here imports TensorFlow: its log tells only what matters. It
# only reads data, for which it needs no oneDNN, of which it would speak.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '0')


def load(
  workdir: str | os.PathLike[str], step: int | None = None, **options: Any
) -> Any:
  """Loads a trained run, without its corpus.

    run = affect_jax.load('runs/faces')
    run.predict(['face.jpg'])['valence']
    run = affect_jax.load('runs/utterances')
    run.predict([{'text': 'How nice.'}])['sentiment']

  Args:
    workdir: The run's folder; or a published model: its folder, or OWNER/NAME
      on huggingface.co.
    step: Step of a checkpoint; None: the best one.
    **options: As threshold and corpus, see the class that is returned.

  Returns:
    A `predict.predictor.Predictor`, or for a run of utterances a
    `predict.spoken.predictor.UtterancePredictor`.
  """
  # Late, so that `import affect_jax` takes no seconds.
  from affect_jax.predict import predictor
  from affect_jax.predict.spoken import options as spoken

  if spoken.is_run(os.fspath(workdir)):
    from affect_jax.predict.spoken import predictor as of_utterances

    return of_utterances.UtterancePredictor(workdir, step, **options)
  return predictor.Predictor(workdir, step, **options)
