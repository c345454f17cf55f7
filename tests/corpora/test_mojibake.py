"""Text that was decoded wrongly: mended where it is certain, else counted."""

import types

import pytest

from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.builders import utterances
from affect_jax.corpora.builders import utterances_table
from affect_jax.corpora.files import mojibake

CLEAN = [
  *('plain', 'naïve café – “quotes” don’t', '我喜欢你', 'Привет, мир'),
  *('é…”', 'il a pensé…” puis «blessé…”', 'ÄÖÜ äöü ß', 'Æ»'),
  *('¡Ñandú! ¿Qué?', 'ÐÞÝ ðþý', '“‘”’—…™', 'Ελληνικά', '😀 ok'),
]


@pytest.mark.parametrize('text', CLEAN)
def test_right_text_stays(text):
  assert mojibake.mended(text) == text
  assert not mojibake.is_broken(text)


@pytest.mark.parametrize('wrong', ['cp1252', 'latin-1'])
@pytest.mark.parametrize(
  'text',
  ['我喜欢你，你呢', 'Привет, мир', 'Ελληνικά', 'don’t – “so”', 'déjà vu'],
)
def test_utf_8_that_was_read_as_another_encoding(text, wrong):
  # Bytes that windows-1252 lacks come as control characters, as browsers do it.
  broken = ''.join(
    bytes([b]).decode(wrong, 'ignore') or chr(b) for b in text.encode()
  )
  assert broken != text
  assert mojibake.mended(broken) == text


@pytest.mark.parametrize('text', ['lost \ufffd', 'bell \x81'])
def test_what_is_lost_is_found(text):
  assert mojibake.mended(text) == text
  assert mojibake.is_broken(text)


def test_every_corpus_is_mended_and_counted():
  items = [
    utterance_listing.Utterance('a', {}, transcript='isnâ€™t', context=['é']),
    face_listing.LeftOut('rows', '', 2),
    utterance_listing.Utterance('b', {}, transcript='ok', context=['cafÃ©']),
    utterance_listing.Utterance('c', {}, transcript='lost \ufffd'),
  ]
  metadata = {'skipped': {}, 'examples': {}}
  corpus = types.SimpleNamespace(info=types.SimpleNamespace(metadata=metadata))
  of = utterances.UtteranceCorpus
  corpus._count = types.MethodType(of._count, corpus)
  found = list(of._count_left_out(corpus, items))
  texts = [(i.transcript, *i.context) for i in found]
  assert texts == [('isn’t', 'é'), ('ok', 'café'), ('lost \ufffd',)]
  assert found[2] is items[3]
  assert metadata == {
    'skipped': {'rows': 2, mojibake.MENDED: 2, mojibake.BROKEN: 1},
    'examples': {
      'rows': [],
      mojibake.MENDED: ['a', 'b'],
      mojibake.BROKEN: ['c'],
    },
  }


def test_a_users_own_sentences(tmp_path):
  (tmp_path / 'mine.csv').write_text(
    'id,split,text,sarcasm\na,train,isnâ€™t,1\nb,train,is,0\n', encoding='utf-8'
  )
  table = utterances_table.read(tmp_path / 'mine.csv')
  assert [row.text for row in table.rows] == ['isn’t', 'is']
  # Known before it is prepared, as what was prepared before had another text.
  assert table.understood == {mojibake.MENDED: 1}
