"""Your own utterances: a CSV of words, voices, faces and their labels.

  python -m affect_jax.main --config=configs/utterances_csv.py \
      --config.data.path=utterances.csv --workdir=runs/utterances

Columns: id, split (train, val, test), any of text, audio, vision (paths of
files), and any of emotion, sentiment, sentiment_class, sarcasm, see
affect_jax/corpora/utterances_csv.py. An empty cell means "not annotated", or a
missing modality. A column of text also needs a model that reads it:
--config.data.text=features --config.data.text_model=FOLDER_OF_BERT keeps it as
it is, tokens fine-tunes it (with --config.learning_rate=2e-4). Tasks without
any label are left out, unless --config.tasks names them. The number of steps
follows from that of utterances.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.tasks = ('emotion', 'sentiment', 'sentiment_class', 'sarcasm')
  c.drop_unlabelled_tasks = True
  c.data.corpus = 'utterances_csv'
  c.data.path = ''
  c.data.text = ''
  c.data.text_model = ''
  c.utterance.fusion = 'lf_dnn'
  c.utterance.boundaries = (32, 128, 512)
  c.utterance.modality_dropout = 0.1
  c.learning_rate = 5e-4
  c.batch_size = 32
  c.num_epochs = 20.0
  c.schedule.warmup_steps = 50
  c.weight_decay = 1e-2
  c.ema_decay = 0.98
  c.eval_every = 100
  return c
