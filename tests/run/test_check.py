"""Settings that are wrong are said before any data is touched."""

import pytest
from toys.configs import load_config

from affect_jax.data import streams
from affect_jax.errors import UserError
from affect_jax.run import build


@pytest.fixture(autouse=True)
def untouched(monkeypatch):
  def touched(*arguments, **options):
    raise AssertionError('A corpus was opened.')

  monkeypatch.setattr(streams, 'build_corpus', touched)


def message(name, **overrides):
  c = load_config(name)
  # Devices of the tests divide it.
  c.batch_size = 64
  with c.unlocked():
    c.update_from_flattened_dict(overrides)
  with pytest.raises(UserError) as e:
    build.build(c)
  return str(e.value)


@pytest.mark.parametrize(
  ('name', 'setting', 'value', 'expected'),
  [
    ('faces_csv', 'optimizer.name', 'adamww', "did you mean 'adamw'"),
    ('faces_csv', 'tasks', ('expresion',), "did you mean 'expression'"),
    ('faces_csv', 'data.balance', 'expresion', "did you mean 'expression'"),
    ('faces_csv', 'model.temporal', 'grru', "did you mean 'gru'"),
    ('mustard', 'utterance.fusion', 'mul', "did you mean 'mult'"),
    ('mustard', 'utterance.context', 'cnn', 'gru, lstm, transformer'),
    ('mustard', 'init.weights', 'a.pth', 'config.data.text_model'),
    ('mustard', 'data.corpus', 'utterances_csv', "of 'utterances_csv'"),
    ('mustard', 'utterance.fusion', 'self_mm', "the task 'sentiment'"),
    ('mustard', 'utterance.together', (64,), 'needs'),
    ('faces_csv', 'task', ('expression',), "did you mean 'tasks'"),
    ('faces_csv', 'model.stm', 'small', "of config.model (did you mean 'stem'"),
    ('faces_csv', 'optimizer.nam', 'adam', 'cannot be called with'),
    ('faces_csv', 'balancing.name', 'pcgrd', "did you mean 'pcgrad'"),
    ('faces_csv', 'balancing.pcgrd', {}, "did you mean 'pcgrad'"),
    ('faces_csv', 'balancing.mgda.normalise', '', "did you mean 'normalize'"),
    ('mustard', 'utterance.lf_dnn.wdth', 3, "did you mean 'width'"),
    ('faces_csv', 'learning_rate', -1.0, '-1.0 must be a number of at least 0'),
    (
      'faces_csv',
      'learning_rate',
      float('nan'),
      'must be a number of at least',
    ),
    ('faces_csv', 'batch_size', -4, '=-4 must be a whole number of at least 1'),
    (
      'faces_csv',
      'eval_every',
      0,
      'config.eval_every=0 must be a whole number',
    ),
    ('faces_csv', 'log_every', 0, 'config.log_every=0 must be a whole number'),
    ('faces_csv', 'num_train_steps', -1, 'num_train_steps=-1 must be a whole'),
    ('faces_csv', 'image_size', -1, 'image_size=-1 must be a whole number'),
    ('faces_csv', 'model.dropout', 1.0, 'at least 0 and below 1'),
    ('faces_csv', 'model.dtype', 'fp16', 'known: float32, bfloat16, float16'),
    ('mustard', 'utterance.text.dtype', 'bf16', "did you mean 'bfloat16'"),
    ('mustard', 'weight_decay', -0.1, 'config.weight_decay=-0.1 must be'),
    ('mustard', 'loss_weights.sarcasm', -1, 'config.loss_weights.sarcasm=-1'),
  ],
)
def test_the_message_says_what_to_do(name, setting, value, expected):
  assert expected in message(name, **{setting: value})


def test_pictures_and_utterances_are_told_apart_by_their_classes():
  corpora = {'synthetic_faces': {}, 'synthetic_utterances': {}}
  text = message('quickstart', **{'data.corpus': '', 'data.corpora': corpora})
  assert "pictures in ['synthetic_faces']" in text


def test_configs_that_are_right_come_to_their_corpora():
  for name in ('quickstart', 'quickstart_multimodal', 'meld', 'mosi'):
    c = load_config(name)
    c.batch_size = 64
    with pytest.raises(AssertionError, match='opened'):
      build.build(c)
