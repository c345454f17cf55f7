"""MUStARD: sarcasm of 690 utterances, from transcripts and their context.

  python -m affect_jax.main --config=configs/mustard.py \
      --config.data.path=MUSTARD \
      --config.data.text_model=FOLDER_OF_BERT --workdir=runs/mustard

There are two protocols: --config.data.fold=0 to 4, or
--config.data.protocol=speaker_independent --config.data.speakers=False.

The BERT-like model is not trained: 552 utterances are too few for it.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.tasks = ('sarcasm',)
  c.data.corpus = 'mustard'
  c.data.path = ''
  c.data.protocol = 'folds'
  c.data.fold = 0
  c.data.folds = 'split_indices.p'
  c.data.text = 'features'
  c.data.text_model = ''
  c.data.context = 4
  c.data.speakers = True
  c.data.max_tokens = 128
  c.utterance.modalities = ('text',)
  c.utterance.fusion = 'lf_dnn'
  c.utterance.lf_dnn.dropout = 0.3
  c.utterance.boundaries = (32, 64, 128)
  c.batch_size = 32
  c.num_train_steps = 150
  c.learning_rate = 1e-3
  c.schedule.warmup_steps = 15
  c.weight_decay = 1e-1
  c.eval_every = 30
  return c
