"""MOSI, MOSEI, IEMOCAP and others from MulT's and MultiBench's files.

  python -m affect_jax.main --config=configs/mult.py \
      --config.data.path=mosi_data.pkl --workdir=runs/mult

learns sentiment. For other files give --config.data.dataset and the task:
mosei; iemocap --config.tasks="('emotion',)"; sarcasm
--config.tasks="('sarcasm',)"; humor --config.tasks="('emotion',)". See
affect_jax/corpora/mult.py.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.tasks = ('sentiment',)
  c.data.corpus = 'mult'
  c.data.path = ''
  c.data.dataset = 'mosi'
  c.utterance.fusion = 'mult'
  c.utterance.boundaries = (64, 512)  # Few: each combination is compiled.
  c.batch_size = 32
  c.num_train_steps = 1000
  c.schedule.warmup_steps = 50
  c.weight_decay = 1e-2
  c.eval_every = 100
  return c
