"""CMU-MOSI and CMU-MOSEI from MISA's and MAG-BERT's files: sentiment.

  python -m affect_jax.main --config=configs/misa.py \
      --config.data.path=mosi.pkl --config.data.text_model=FOLDER_OF_BERT \
      --workdir=runs/misa

The path is MAG-BERT's mosi.pkl or mosei.pkl, or a folder of MISA's train.pkl,
dev.pkl and test.pkl, see affect_jax/corpora/misa.py. A BERT-like model is
fine-tuned on the words.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.tasks = ('sentiment',)
  c.data.corpus = 'misa'
  c.data.path = ''
  c.data.text = 'tokens'
  c.data.text_model = ''
  c.data.max_tokens = 96
  c.utterance.fusion = 'misa'
  c.utterance.boundaries = (32, 96)  # Few: each combination is compiled.
  # Word embeddings are most of the parameters, and sentences are few.
  c.utterance.text.frozen_stages = 1
  c.batch_size = 32
  c.num_train_steps = 400
  c.learning_rate = 3e-4
  c.learning_rate_multipliers = {'backbone/text': 0.2}
  c.schedule.warmup_steps = 40
  c.weight_decay = 1e-2
  c.eval_every = 80
  return c
