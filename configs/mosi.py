"""CMU-MOSI: sentiment from text, audio and vision in the context of a video.

  python -m affect_jax.main --config=configs/mosi.py \
      --config.data.path=mosi.npz --workdir=runs/mosi

Features are those of bc-LSTM (Poria et al., 2017), one step per utterance; a
video is a dialogue. See affect_jax/corpora/mosi.py.
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
  # Training features come from networks that saw their labels. So test features
  # are less clear, which validation, a part of training, does not show.
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
