"""Emotion, sentiment and sarcasm of synthetic utterances: minutes on a CPU.

  python -m affect_jax.main --config=configs/quickstart_multimodal.py \
      --workdir=runs/quickstart_multimodal

Each of three parts of a corpus labels one task; some modalities are missing.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.tasks = ('emotion', 'sentiment', 'sarcasm')
  c.data.corpora = {
    part: {'corpus': 'synthetic_utterances', 'parts': (part,)}
    for part in c.tasks
  }
  c.data.sampling = 'temperature'
  c.utterance.fusion = 'lf_dnn'
  # Few lengths, as each combination of them is compiled.
  c.utterance.boundaries = (32, 128)
  c.utterance.modality_dropout = 0.1
  c.eval_subsets = True
  c.batch_size = 64
  c.log_gradients = False  # Which compiles more: results come sooner.
  c.num_train_steps = 600
  c.learning_rate = 1e-3
  c.eval_every = 200
  return c
