"""Rules read what they need from prepared records."""

import numpy as np
import pytest
from toys import voices

from affect_jax.label import __main__ as command
from affect_jax.models import foreign
from affect_jax.run import label_report
from affect_jax.run import labelling
from affect_jax.run import rule_labels


def test_help_of_the_command_names_all_of_them():
  assert rule_labels.NAMES == command.RULES
  assert tuple(foreign.KINDS) == command.FOREIGN


def test_words_are_read_from_the_records(tmp_path):
  pytest.importorskip('vaderSentiment', reason="pip install '[lexicon]'")
  np.save(tmp_path / 'x.npy', np.ones((2, 3), np.float32))
  rows = ['id,split,audio,text,dialogue,sentiment']
  texts = ('What a great day', 'She hates him', 'The door', '')
  for i in range(8):
    gold = 1 if i < 2 else ''
    rows.append(f't{i},train,x.npy,{texts[i % 4]},d,{gold}')
  (tmp_path / 'words.csv').write_text('\n'.join(rows) + '\n')
  for window in (0, 2):
    c = voices.config(
      tmp_path / 'words.csv', tmp_path, 'sentiment', 'sentiment_class'
    )
    c.data.splits.val = c.data.splits.test = ''
    c.data.window = window
    c.data.text = 'none'
    (value, classes), (report, _) = labelling.label(
      c, [], rules=['words_to_sentiment']
    )
    assert set(value.ids) == {'t4', 't5'}
    assert set(classes.ids) == {'t0', 't1', 't4', 't5'}
    assert report.left_out == {
      label_report.HAS_GOLD: 2,
      'of which words_to_sentiment says nothing': 4,
    }
    says = dict(zip(value.ids, value.labels[:, 0], strict=True))
    assert says['t5'] < 0 < says['t4'] <= 3
    (value, _), _ = labelling.label(
      c, [], rules=['words_to_sentiment'], label_gold=True
    )
    assert set(value.ids) == {'t0', 't1', 't4', 't5'}
