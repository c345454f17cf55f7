"""Writes tiny RoBERTa, XLM-R, ELECTRA and DistilBERT of random weights.

  python tests/golden/make_encoders.py    (needs torch, transformers)

encoders_tiny/KIND/ is what `save_pretrained` writes of a model and of its
tokenizer (XLM-R in several files), and states.npz: hidden states of random ids,
and the ids of SENTENCES and PAIRS, all by PyTorch's transformers.
"""

import json
import pathlib
import shutil

import numpy as np

GOLDEN = pathlib.Path(__file__).parent
FOLDER = GOLDEN / 'encoders_tiny'
KINDS = ('roberta', 'xlm_roberta', 'electra', 'distilbert')
# Invented.
SENTENCES = (
  'What a wonderful day by the sea!',
  "i can't believe  that you ate my sandwich again.",
  'Ça alors… 3,5 € 😀',
  '',
)
PAIRS = (
  ('Did you bring it?', 'Great, we need that.'),
  ('no', 'no'),
)
WORDS = """
  [PAD] [UNK] [CLS] [SEP] [MASK] . , ! ? ' a i the what day sea you we great
  that my again by un ##happy ##ed ##s did bring an no need ##ly
"""
SIZES = {
  'hidden_size': 16,
  'num_hidden_layers': 2,
  'num_attention_heads': 2,
  'intermediate_size': 24,
  'max_position_embeddings': 42,
}
LENGTHS = (12, 7, 1, 5)


def corpus():
  return [*SENTENCES, *(text for pair in PAIRS for text in pair)]


def tokenizer_of(kind):
  """A tokenizer of transformers that knows a few words."""
  import tokenizers
  import transformers

  if kind == 'roberta':
    model = tokenizers.ByteLevelBPETokenizer()
    special = ['<s>', '<pad>', '</s>', '<unk>', '<mask>']
    model.train_from_iterator(
      corpus(), vocab_size=280, min_frequency=1, special_tokens=special
    )
    content = json.loads(model.to_str())['model']
    merges = [tuple(pair) for pair in content['merges']]
    return transformers.RobertaTokenizer(content['vocab'], merges)
  if kind == 'xlm_roberta':
    model = tokenizers.SentencePieceUnigramTokenizer()
    special = ['<s>', '<pad>', '</s>', '<unk>', '<mask>']
    model.train_from_iterator(
      corpus(), vocab_size=90, unk_token='<unk>', special_tokens=special
    )
    vocab = json.loads(model.to_str())['model']['vocab']
    return transformers.XLMRobertaTokenizer([tuple(entry) for entry in vocab])
  words = {word: i for i, word in enumerate(WORDS.split())}
  if kind == 'electra':
    return transformers.ElectraTokenizer(words)
  return transformers.DistilBertTokenizer(words, do_lower_case=False)


def model_of(kind, vocabulary):
  import transformers

  if kind == 'distilbert':
    config = transformers.DistilBertConfig(
      vocab_size=vocabulary,
      dim=16,
      n_layers=2,
      n_heads=2,
      hidden_dim=24,
      max_position_embeddings=40,
    )
    return transformers.DistilBertModel(config)
  if kind == 'electra':
    config = transformers.ElectraConfig(
      vocab_size=vocabulary, embedding_size=8, **SIZES
    )
    # With its head and a prefix, as it is published.
    return transformers.ElectraForPreTraining(config)
  common = {'vocab_size': vocabulary, 'type_vocab_size': 1, **SIZES}
  if kind == 'roberta':
    config = transformers.RobertaConfig(layer_norm_eps=1e-5, **common)
    return transformers.RobertaForMaskedLM(config)
  return transformers.XLMRobertaModel(transformers.XLMRobertaConfig(**common))


def rows(vocabulary):
  """(ids, mask, types) [4, 12]; id 1, the padding of some, in padding alone."""
  rng = np.random.default_rng(7)
  mask = np.arange(12) < np.array(LENGTHS)[:, None]
  ids = np.where(mask, rng.integers(2, vocabulary, mask.shape), 1)
  return ids, mask, rng.integers(0, 2, mask.shape)


def states_of(model, ids, mask, types):
  """Hidden states [3, 4, 12, 16] in float32, 0 in padding."""
  import torch

  base = model.base_model.eval()
  inputs = {
    'input_ids': torch.tensor(ids),
    'attention_mask': torch.tensor(mask).long(),
    'output_hidden_states': True,
  }
  if base.config.model_type == 'electra':
    inputs['token_type_ids'] = torch.tensor(types)
  with torch.no_grad():
    states = [x.numpy() for x in base(**inputs).hidden_states]
  return np.where(mask[..., None], np.stack(states), 0).astype(np.float32)


def write(kind):
  import torch

  torch.manual_seed(0)
  folder = FOLDER / kind
  shutil.rmtree(folder, ignore_errors=True)
  tokenizer = tokenizer_of(kind)
  tokenizer.save_pretrained(folder)
  model = model_of(kind, len(tokenizer)).eval()
  with torch.no_grad():
    # Far from the usual start, see make_bert.py.
    for name, x in model.named_parameters():
      x.normal_(std=1.0 if 'embeddings' in name else 0.3)
      if 'LayerNorm.weight' in name or 'layer_norm.weight' in name:
        x.add_(1.0)
  shards = {'max_shard_size': '10KB'} if kind == 'xlm_roberta' else {}
  model.save_pretrained(folder, **shards)
  ids, mask, types = rows(len(tokenizer))
  stored = {'ids': ids, 'mask': mask, 'types': types}
  stored['states'] = states_of(model, ids, mask, types)
  for i, text in enumerate(SENTENCES):
    stored[f'sentence{i}'] = np.array(tokenizer(text)['input_ids'])
  for i, pair in enumerate(PAIRS):
    stored[f'pair{i}'] = np.array(tokenizer(*pair)['input_ids'])
  np.savez_compressed(folder / 'states.npz', **stored)


def main():
  for kind in KINDS:
    write(kind)


if __name__ == '__main__':
  main()
