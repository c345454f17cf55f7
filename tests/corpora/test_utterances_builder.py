"""Listings of utterances become records, and say what was left out."""

import jax.numpy as jnp
import numpy as np
import pytest
from toys import utterances as toy_utterances
from toys.paths import TINY_BERT

from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import records
from affect_jax.corpora.builders import text_inputs
from affect_jax.corpora.builders import utterance_listing
from affect_jax.corpora.builders import utterances
from affect_jax.corpora.features import text_tokens
from affect_jax.errors import UserError
from affect_jax.models import bert
from affect_jax.models import hugging_face

# What `test_columns_are_left_out_...` leaves out.
LEFT_OUT = {('audio', 0), ('audio', 2), ('text', 1)}


def build(folder, items=None, **options):
  """A prepared corpus of the given items, or the toy one."""

  class Corpus(toy_utterances.Toy, skip_registration=True):
    """Utterances of a test."""

  if items is not None:
    found = toy_utterances.listing()

    def listing_of():
      return utterance_listing.Listing(
        outputs=found.outputs,
        dims=found.dims,
        splits={'train': lambda: iter(items)},
        sources={},
      )

    Corpus.LISTING = staticmethod(listing_of)
  builder = Corpus(data_dir=folder, **options)
  builder.download_and_prepare()
  return builder


def read(builder, split):
  rows = builder.as_dataset(split=split).as_numpy_iterator()
  return {np.ravel(r['id'])[0].decode(): r for r in rows}


def test_records_hold_what_the_reader_gave(tmp_path):
  builder = build(tmp_path)
  assert records.input_names(builder) == (
    *('text', 'text_length', 'audio', 'audio_length'),
    *('vision', 'vision_length'),
  )
  for split, count in toy_utterances.COUNTS.items():
    found = read(builder, split)
    assert len(found) == count
    for item in toy_utterances.utterances(split, count):
      row = found[item.id]
      assert row['transcript'].decode() == item.transcript
      assert row['subject'].decode() == item.speaker
      assert (row['dialogue'].decode(), row['turn']) == (
        item.dialogue,
        item.turn,
      )
      for name in toy_utterances.DIMS:
        given = item.sequences.get(name)
        assert row[name + '_length'] == (0 if given is None else len(given))
        if given is not None:
          np.testing.assert_array_equal(row[name], given)
      known = bool(item.labels)
      assert row['sentiment_weights'] == known
      assert row['emotion_weights'].tolist() == [known, known]
      if known:
        assert row['sentiment'] == np.float32(item.labels['sentiment'])
        assert row['emotion'].tolist() == [0, 1]


def test_dialogues_are_windows_in_order_of_turn(tmp_path):
  builder = build(tmp_path, window=3, eval_hop=2)
  items = {i.id: i for i in toy_utterances.utterances('val', 14)}
  rows = builder.as_dataset(split='val').as_numpy_iterator()
  seen = []
  for row in rows:
    ids = [x.decode() for x in row['id']]
    assert 1 <= len(ids) <= 3
    assert len({items[i].dialogue for i in ids}) == 1
    assert row['turn'].tolist() == [items[i].turn for i in ids]
    for i, length, text in zip(
      ids, row['text_length'], row['text'], strict=True
    ):
      np.testing.assert_array_equal(text[:length], items[i].sequences['text'])
      assert not text[length:].any()
    seen += ids
  # Windows of 3, every 2, of dialogues of 5, 5 and 4: two each.
  assert set(seen) == set(items)
  assert len(seen) == 2 * 6 + 3 + 2


def test_what_is_left_out_and_cut_is_counted(tmp_path):
  items = [
    *toy_utterances.utterances('train', 3),
    face_listing.LeftOut('rows without words', count=4),
  ]
  builder = build(tmp_path, items, max_steps=4)
  skipped = records.metadata(builder)['skipped']
  assert skipped['rows without words'] == 4
  for name in toy_utterances.DIMS:
    lost = sum(
      max(0, len(i.sequences[name]) - 4) for i in items[:3] if i.sequences
    )
    assert skipped.get(f'{name} {utterances.CUT}', 0) == lost
  assert all(r['text_length'] <= 4 for r in read(builder, 'train').values())


def test_columns_are_left_out_of_every_split_and_of_the_dimensions(tmp_path):
  dims = toy_utterances.DIMS
  builder = build(tmp_path, without_features={'audio': (2, 0), 'text': [1]})
  assert builder.data_dir != build(tmp_path).data_dir
  kept = {'audio': dims['audio'] - 2, 'text': dims['text'] - 1}
  assert records.metadata(builder)['dims'] == {**dims, **kept}
  for split, count in toy_utterances.COUNTS.items():
    found = read(builder, split)
    for item in toy_utterances.utterances(split, count):
      for name, x in item.sequences.items():
        left = [k for k in range(dims[name]) if (name, k) not in LEFT_OUT]
        np.testing.assert_array_equal(found[item.id][name], x[:, left])


@pytest.mark.parametrize(
  ('columns', 'said'),
  [
    ({'audio': (99,)}, 'audio has the columns 0 to 2, not 99'),
    ({'audio': (-1,)}, 'not -1'),
    ({'audio': (0, 1, 2)}, 'one at least must be left'),
    ({'adio': (0,)}, "did you mean 'audio'"),
    ({'audio': 2}, r"write \{'audio': \(2,\)\}"),
  ],
)
def test_columns_that_do_not_exist_are_refused(tmp_path, columns, said):
  with pytest.raises(UserError, match=said):
    build(tmp_path, without_features=columns)


@pytest.mark.parametrize(
  ('text', 'left'), [('none', ['u1', 'u3']), ('given', ['u1'])]
)
@pytest.mark.parametrize('window', [0, 3])
def test_utterances_of_text_that_is_not_used_are_counted(
  tmp_path, text, left, window
):
  there = {'audio': np.ones((2, 3), np.float32)}
  given = {'text': np.ones((2, 5), np.float32)}
  items = [
    utterance_listing.Utterance(f'u{i}', {}, dialogue='d', turn=i, **content)
    for i, content in enumerate(
      [
        {'sequences': there, 'transcript': 'yes'},
        {'transcript': 'no'},
        {'sequences': there},
        {'sequences': given},
      ]
    )
  ]
  builder = build(tmp_path, items, text=text, window=window)
  kept = [
    name.decode()
    for row in builder.as_dataset(split='train').as_numpy_iterator()
    for name in np.ravel(row['id'])
  ]
  assert sorted({*kept, *left}) == ['u0', 'u1', 'u2', 'u3']
  assert not {*kept} & {*left}
  skipped = records.metadata(builder)['skipped']
  assert skipped == {'utterances with no modality in use': len(left)}


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'sequences': {}}, 'u0: has none of the modalities'),
    ({'sequences': {'audio': np.full((2, 3), np.nan)}}, 'not finite'),
    ({'sequences': {'audio': np.ones((2, 9))}}, r'audio is \(2, 9\), not'),
    ({'labels': {'joy': 1.0}}, "labels \\['joy'\\] are not among"),
  ],
)
def test_bad_utterances_are_errors_that_name_them(tmp_path, changes, message):
  good = {'id': 'u0', 'labels': {}, 'sequences': {'text': np.ones((2, 5))}}
  bad = utterance_listing.Utterance(**{**good, **changes})
  fine = utterance_listing.Utterance(**{**good, 'id': 'u1'})
  with pytest.raises(ValueError, match=message):
    build(tmp_path, [fine, bad])


def test_an_id_that_is_there_twice_is_an_error(tmp_path):
  twice = [*toy_utterances.utterances('train', 1)] * 2
  with pytest.raises(ValueError, match="'train0' appears twice"):
    build(tmp_path, twice)


def test_another_source_is_prepared_anew(tmp_path):
  one, other = build(tmp_path), build(tmp_path, longest=5)
  assert one.data_dir != other.data_dir
  assert build(tmp_path).data_dir == one.data_dir


def test_context_is_what_was_said_before_in_the_dialogue():
  items = [*toy_utterances.utterances('train', 7)]
  found = {i.id: c for i, c in text_inputs._with_context(iter(items), 2)}
  assert found['train0'] == []
  assert found['train1'] == ['utterance number 0']
  assert found['train4'] == ['utterance number 2', 'utterance number 3']
  assert found['train5'] == []  # Another dialogue.
  alone = utterance_listing.Utterance(
    'a', {}, context=('x', 'y', 'z'), transcript='w'
  )
  ((_, context),) = text_inputs._with_context(iter([alone]), 2)
  assert context == ['y', 'z']


def test_context_says_who_spoke_if_that_is_wanted():
  one = utterance_listing.Utterance(
    'a',
    {},
    context=('x', 'y'),
    context_speakers=('SHOW/ANN', ''),
    transcript='w',
    speaker='SHOW/BOB',
    dialogue='d',
  )
  two = utterance_listing.Utterance('b', {}, transcript='v', dialogue='d')
  pairs = text_inputs._with_context(iter([one, two]), 3, speakers=True)
  found = {item.id: context for item, context in pairs}
  assert found == {'a': ['ANN: x', 'y'], 'b': ['BOB: w']}
  assert text_inputs._said(one, True) == 'BOB: w'
  assert text_inputs._said(one, False) == 'w'
  assert text_inputs._said(two, True) == 'v'


def test_text_of_an_unknown_kind_or_without_model(tmp_path):
  with pytest.raises(ValueError, match="text 'bag'; known: given"):
    build(tmp_path, text='bag')
  with pytest.raises(ValueError, match='needs text_model: a BERT folder'):
    build(tmp_path, text='tokens')
  with pytest.raises(FileNotFoundError, match=r'tokenizer\.json'):
    build(tmp_path, text='features', text_model=str(tmp_path))


@pytest.mark.parametrize('count', [1, 2, 3])
def test_features_are_the_mean_of_the_last_states(tmp_path, count):
  builder = build(
    tmp_path,
    text='features',
    text_model=str(TINY_BERT),
    max_tokens=16,
    average_layers=count,
  )
  found = read(builder, 'val')
  options, params = hugging_face.load(TINY_BERT)
  tokenizer = text_tokens.load(TINY_BERT)
  for item in toy_utterances.utterances('val', 3):
    (ids,) = text_tokens.encode(tokenizer, [item.transcript], max_length=16).ids
    states = bert.Bert(**options).apply(
      {'params': params},
      jnp.asarray(ids)[np.newaxis],
      jnp.ones((1, len(ids)), bool),
      train=False,
      method='states',
    )
    expected = np.mean([np.asarray(x[0]) for x in states[-count:]], axis=0)
    np.testing.assert_allclose(
      found[item.id]['text'], expected, rtol=1e-4, atol=1e-5
    )


def test_a_sentence_is_the_mean_of_its_features(tmp_path):
  model = {'text_model': str(TINY_BERT), 'max_tokens': 16}
  steps, means = (
    read(build(tmp_path / kind, text=kind, **model), 'val')
    for kind in ('features', 'sentence')
  )
  assert steps.keys() == means.keys()
  for name, row in means.items():
    expected = steps[name]['text'].mean(0, keepdims=True)
    np.testing.assert_allclose(row['text'], expected, rtol=1e-4, atol=1e-6)


def test_layers_that_are_not_there_are_refused(tmp_path):
  model = {'text_model': str(TINY_BERT)}
  with pytest.raises(ValueError, match=r'average_layers must be in \[1, 3\]'):
    build(tmp_path, text='features', average_layers=4, **model)
  with pytest.raises(ValueError, match=r'utterance\.text\.average_layers'):
    build(tmp_path, text='tokens', average_layers=2, **model)


def test_a_split_of_which_nothing_is_left_is_an_error(tmp_path):
  items = [utterance_listing.Utterance('u0', {}, transcript='yes')]
  with pytest.raises(ValueError, match=r'no utterance of train is left; .* 1}'):
    build(tmp_path, items, text='none')
