"""CMU-MOSI, CMU-MOSEI and CH-SIMS from MMSA's files: sentiment of utterances.

  python -m affect_jax.main --config=configs/mmsa.py \
      --config.data.path=MOSI/Processed/unaligned_50.pkl --workdir=runs/mmsa

Features are those of the file; affect_jax/corpora/mmsa.py says where it comes
from. To read its transcripts with a BERT, add --config.data.text=tokens
--config.data.text_model=FOLDER.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.tasks = ('sentiment',)
  c.data.corpus = 'mmsa'
  c.data.path = ''
  c.utterance.fusion = 'lf_lstm'
  # Few lengths, as each combination of them is compiled.
  c.utterance.boundaries = (64, 512)
  c.utterance.modality_dropout = 0.1
  c.batch_size = 32
  c.num_train_steps = 1000
  c.schedule.warmup_steps = 50
  c.weight_decay = 1e-2
  c.eval_every = 100
  return c
