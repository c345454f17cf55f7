"""CMU-MOSI: sentiment from transcripts, with a fine-tuned BERT-like model.

  python -m affect_jax.main --config=configs/mosi_text.py \
      --config.data.path=mosi.npz --config.data.text_model=FOLDER \
      --workdir=runs/mosi_text

FOLDER holds an encoder of Hugging Face (BERT, RoBERTa, XLM-R, ELECTRA or
DistilBERT): config.json, model.safetensors, tokenizer.json.
"""

from affect_jax import defaults


def get_config():
  c = defaults.get_config()
  c.tasks = ('sentiment',)
  c.data.corpus = 'mosi'
  c.data.path = ''
  c.data.split = 'standard'
  c.data.modalities = ()
  c.data.text = 'tokens'
  c.data.text_model = ''
  c.data.context = 0
  c.data.max_tokens = 96
  c.utterance.modalities = ('text',)
  c.utterance.fusion = 'lf_dnn'
  c.utterance.boundaries = (16, 32, 64, 96)
  # Word embeddings are most of the parameters, and 1,284 sentences are few.
  c.utterance.text.frozen_stages = 1
  c.batch_size = 16
  c.num_train_steps = 320
  c.learning_rate = 3e-4
  c.learning_rate_multipliers = {'backbone/text': 0.2}
  c.schedule.warmup_steps = 32
  c.weight_decay = 1e-2
  c.eval_every = 80
  return c
