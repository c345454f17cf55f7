"""MELD: emotion and sentiment of the turns of dialogues, from transcripts.

  python -m affect_jax.main --config=configs/meld.py \
      --config.data.path=MELD --config.data.text_model=FOLDER_OF_BERT \
      --workdir=runs/meld

A BERT-like model is fine-tuned on each utterance with the turns before it.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.tasks = ('emotion', 'sentiment_class')
  c.data.corpus = 'meld'
  c.data.path = ''
  c.data.text = 'tokens'
  c.data.text_model = ''
  c.data.context = 3
  c.data.max_tokens = 96
  c.utterance.modalities = ('text',)
  c.utterance.fusion = 'lf_dnn'
  c.utterance.boundaries = (16, 32, 48, 64, 96)
  c.batch_size = 32
  c.num_train_steps = 1250
  c.learning_rate = 3e-4
  c.learning_rate_multipliers = {'backbone/text': 0.2}
  c.schedule.warmup_steps = 125
  c.weight_decay = 1e-2
  c.eval_every = 125
  return c
