"""CMU-MOSI: sentiment from text, audio and vision in the context of a video.

  python -m affect_jax.main --config=configs/mosi.py \
      --config.data.path=mosi.npz --workdir=runs/mosi

The utterance-level features of bc-LSTM (Poria et al., 2017), one step each; a
video is the dialogue. See affect_jax/corpora/mosi.py.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.tasks = ('sentiment',)
  c.data.corpus = 'mosi'
  c.data.path = ''
  c.data.split = 'bclstm'
  c.data.modalities = ('text', 'audio', 'vision')
  c.data.val_share = 0.15
  c.data.window = 64
  c.utterance.fusion = 'lf_dnn'
  c.utterance.context = 'lstm'
  c.utterance.boundaries = (1,)
  # Features of training come from networks that saw its labels: those of test
  # are less clear, and validation cannot tell.
  c.utterance.dropout = 0.5
  c.utterance.lf_dnn.dropout = 0.5
  c.utterance.modality_dropout = 0.2
  c.batch_size = 8
  c.num_train_steps = 240
  c.learning_rate = 5e-4
  c.schedule.warmup_steps = 20
  c.weight_decay = 1e-2
  c.eval_every = 40
  return c
