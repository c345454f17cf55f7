"""MELD: emotion and sentiment of the turns of dialogues, from transcripts.

  python -m affect_jax.main --config=configs/meld.py \
      --config.data.path=MELD --config.data.text_model=FOLDER_OF_BERT \
      --workdir=runs/meld

A BERT-like model is fine-tuned on dialogues of up to 16 turns, each read as
one sequence: every turn sees who said what before and after it.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.tasks = ('emotion', 'sentiment_class')
  # Half of the turns are neutral.
  c.emotion.logit_adjustment = 0.3
  c.data.corpus = 'meld'
  c.data.path = ''
  c.data.text = 'tokens'
  c.data.text_model = ''
  c.data.speakers = True
  c.data.window = 16
  c.data.max_tokens = 64
  c.utterance.modalities = ('text',)
  c.utterance.fusion = 'concat'
  c.utterance.boundaries = (64,)  # Each shape of a batch is compiled.
  c.utterance.together = (64, 128, 192, 256, 384)
  c.utterance.text.frozen_stages = 3
  c.utterance.text.attention_dropout = 0.0
  c.batch_size = 8
  c.num_train_steps = 520
  c.learning_rate = 1e-3
  c.learning_rate_multipliers = {'backbone/text': 0.2}
  c.schedule.warmup_steps = 40
  c.weight_decay = 1e-2
  c.ema_decay = 0.98
  c.eval_every = 130
  return c
