"""A run on a corpus' feature files predicts them as its evaluation did."""

import numpy as np
import pytest
from toys import files as toy_files
from toys import mmsa as toy_mmsa
from toys import mosi as toy_mosi
from toys import spoken as toy

import affect_jax
from affect_jax import train
from affect_jax.errors import UserError
from affect_jax.predict.spoken import batches
from affect_jax.predict.spoken import command
from affect_jax.predict.spoken import feature_files
from affect_jax.predict.spoken import text as text_lib


@pytest.fixture(scope='module')
def folder(tmp_path_factory, quick_runs):
  """MOSI in miniature, and a run that reads its dialogues, of two steps."""
  path = tmp_path_factory.mktemp('features')
  # Three utterances are in two windows.
  toy_mosi.write(path, toy_mosi.arrays(videos=8, segments=5))
  c = toy.config(path / 'mosi.npz', path)
  c.data.corpus, c.data.val_share = 'mosi', 0.2
  c.data.window, c.data.eval_hop = 4, 1
  c.data.without_features = {'vision': (1,)}
  c.data.splits.val = ''
  c.utterance.context, c.utterance.lstm.hidden = 'lstm', 4
  c.utterance.boundaries = (1,)
  c.tasks = ('sentiment',)
  train.train_and_evaluate(c, str(path / 'run'))
  return path


@pytest.fixture(scope='module')
def run(folder):
  return affect_jax.load(folder / 'run')


def rows_of(run, path, **options):
  output = path.with_name('out.parquet')
  found = command.predict(run, [str(path)], output, **options)
  import pyarrow.parquet as parquet

  rows = parquet.read_table(output).to_pylist()
  for name in ('out.parquet', 'out.json'):
    path.with_name(name).unlink()
  return rows, found


def test_a_test_split_is_predicted_as_in_the_test(folder, run):
  expected = toy.by_evaluation(folder / 'run')
  rows, found = rows_of(run, folder / 'mosi.npz', split='test')
  assert len(expected) == len(rows) == 10
  for row in rows:
    value = expected[row['id']]['sentiment/sentiment']
    assert row['sentiment'] == pytest.approx(value, abs=1e-5)
    assert row['used'] == 'text+audio+vision'
  # Context matters: a window alone is predicted otherwise.
  assert found['preprocessing']['window'] == 4
  every, _ = rows_of(run, folder / 'mosi.npz')
  assert len(every) == 40
  assert {r['id']: r for r in every}[rows[0]['id']][
    'sentiment'
  ] == pytest.approx(rows[0]['sentiment'], abs=1e-5)


def test_a_published_model_predicts_as_its_run_does(folder, run, tmp_path):
  pytest.importorskip('statsmodels', reason="needs the extra 'compare'")
  pytest.importorskip('matplotlib', reason="needs the extra 'report'")
  from affect_jax.publish import write

  write.write(str(folder / 'run'), tmp_path / 'model')
  for file in (tmp_path / 'model').glob('*.json'):
    assert str(folder) not in file.read_text()
  model = affect_jax.load(tmp_path / 'model')
  assert model.layout == run.layout
  # Its own reader, whose options are known.
  ours, theirs = (
    rows_of(x, folder / 'mosi.npz', split='test')[0] for x in (run, model)
  )
  assert ours == theirs


def test_features_of_another_kind_are_refused(run, tmp_path):
  data = toy_mosi.arrays()
  wider = np.repeat(data['audio'], 2, axis=1)
  path = toy_mosi.write(tmp_path, data, audio=wider)
  with pytest.raises(UserError, match=r'has 10 features of audio .* reads 5'):
    command.predict(run, [str(path)], tmp_path / 'out.csv')
  with pytest.raises(UserError, match=r"Unknown --split 'tests'.*did you mean"):
    command.predict(run, [str(path)], tmp_path / 'out.csv', split='tests')
  with pytest.raises(UserError, match=r"Unknown --reader 'mosis'"):
    command.predict(run, [str(path)], tmp_path / 'out.csv', reader='mosis')


def test_recordings_cannot_give_features_of_others(run, tmp_path):
  (tmp_path / 'clip.mp4').write_bytes(b'')
  (tmp_path / 'clip.srt').write_text('1\n00:00:01,0 --> 00:00:02,0\nYes\n')
  with pytest.raises(
    UserError,
    match=r'Nothing that this run reads .*text: .* audio: .* vision:',
  ):
    command.predict(run, [str(tmp_path / 'clip.mp4')], tmp_path / 'out.csv')
  table = tmp_path / 'table.csv'
  table.write_text('text,audio\nhello,a.wav\n')
  with pytest.raises(UserError, match=r'reads 5 of another program'):
    command.predict(run, [str(table)], tmp_path / 'out.csv')


def test_a_pickle_of_mmsa_becomes_batches(tmp_path):
  path = toy_files.write_pickle(tmp_path / 'x.pkl', toy_mmsa.three())
  dims = {'text': 4, 'audio': 2, 'vision': 3}
  layout = batches.Layout(
    dims=dims,
    own=dims,
    spaces={},
    without={},
    max_steps=3,
    window=0,
    hop=1,
    boundaries=(4,),
    together=(),
  )
  made = {'text': 'given', 'model': ''}
  source = feature_files.source(path, 'mmsa', {}, layout, made)
  parts = list(source.read(0))
  assert source.lacks == {}
  assert [part.place for part in parts] == list(range(6))
  assert {part.id for part in parts[-2:]} == {'d$_$4', 'd$_$5'}
  assert parts[0].text == f'text of {parts[0].id}'
  told = {}
  pairs = batches.pairs(
    iter(parts),
    layout,
    text_lib.build(made, 4),
    lambda part, used, reason: told.update({part.place: (used, reason)}),
  )
  (batch,) = batches.batches(list(pairs), layout, 8)
  assert told == {i: (['text', 'audio', 'vision'], '') for i in range(6)}
  assert list(batch['id'][:6]) == [str(i).encode() for i in range(6)]
  # Four steps of a voice are cut to three.
  assert batch['inputs']['audio_mask'].sum() == 6 * 3
  for i, part in enumerate(parts):
    voice = part.utterance.sequences['audio'][:3]
    np.testing.assert_array_equal(batch['inputs']['audio'][i, :3], voice)
