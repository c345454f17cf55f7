"""CMU-MOSEI and CMU-MOSI from CMU-MultimodalSDK's files: sentiment, emotion.

  python -m affect_jax.main --config=configs/csd.py \
      --config.data.labels=CMU_MOSEI_Labels.csd \
      --config.data.folds=cmu_mosei_std_folds.py \
      --config.data.words=CMU_MOSEI_TimestampedWords.csd \
      --config.data.vectors=CMU_MOSEI_TimestampedWordVectors.csd \
      --config.data.audio=CMU_MOSEI_COVAREP.csd \
      --config.data.vision=CMU_MOSEI_VisualFacet42.csd --workdir=runs/csd

Leave out what you do not have; see affect_jax/corpora/csd.py. MOSI has no
emotions, which is then said in the log.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.tasks = ('sentiment', 'emotion')
  c.drop_unlabelled_tasks = True
  c.data.corpus = 'csd'
  c.data.labels = ''
  c.data.folds = ''
  c.data.words = ''
  c.data.vectors = ''
  c.data.audio = ''
  c.data.vision = ''
  c.utterance.fusion = 'lf_lstm'
  c.utterance.boundaries = (64, 512)  # Few: each combination is compiled.
  c.utterance.modality_dropout = 0.1
  c.batch_size = 64
  c.num_train_steps = 4000
  c.schedule.warmup_steps = 200
  c.weight_decay = 1e-2
  c.eval_every = 400
  return c
