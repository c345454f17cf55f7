"""MELD: emotion and sentiment of turns in dialogues, from transcripts.

  python -m affect_jax.main --config=configs/meld.py \
      --config.data.path=MELD --config.data.text_model=FOLDER_OF_BERT \
      --workdir=runs/meld

A BERT-like model is fine-tuned on turns, each with its speaker's name. Reading
whole dialogues as one sequence was no better: see experiments/utterances.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.tasks = ('emotion', 'sentiment_class')
  c.emotion.label_smoothing = 0.1
  # Half of the turns are neutral.
  c.emotion.logit_adjustment = 0.3
  c.sentiment_class.label_smoothing = 0.1
  c.data.corpus = 'meld'
  c.data.path = ''
  c.data.text = 'tokens'
  c.data.text_model = ''
  c.data.speakers = True
  c.data.max_tokens = 64
  c.utterance.modalities = ('text',)
  c.utterance.fusion = 'concat'
  c.utterance.boundaries = (16, 32, 64)  # Few: each shape is compiled.
  c.utterance.text.frozen_stages = 3
  c.utterance.text.attention_dropout = 0.0
  c.batch_size = 64
  c.num_train_steps = 624
  c.learning_rate = 1e-3
  c.learning_rate_multipliers = {'backbone/text': 0.2}
  c.schedule.warmup_steps = 48
  c.weight_decay = 1e-2
  c.ema_decay = 0.98
  c.eval_every = 156
  return c
