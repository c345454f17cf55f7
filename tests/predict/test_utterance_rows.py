"""A run of recordings and words predicts them as its evaluation did."""

import csv
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from toys import media_commands
from toys import spoken as toy
from toys.paths import ROOT

import affect_jax
from affect_jax import train
from affect_jax.errors import UserError
from affect_jax.predict import table as table_lib
from affect_jax.predict.spoken import command
from affect_jax.predict.spoken import options
from affect_jax.predict.spoken import predictor as predictor_lib
from affect_jax.predict.spoken import table_rows
from affect_jax.run import hub
from affect_jax.run import signature

pytest.importorskip('librosa', reason="needs the extra 'audio'")
pytest.importorskip('soundfile', reason="needs the extra 'audio'")

NOT_UTF_8 = ('caf\udce9.csv', b'id,text\na,x\n', r"csv' is not UTF-8")


@pytest.fixture(scope='module')
def folder(tmp_path_factory, quick_runs):
  """A corpus, and a run on it of two steps."""
  path = tmp_path_factory.mktemp('spoken')
  toy.write_corpus(path)
  train.train_and_evaluate(toy.of_recordings(path), str(path / 'run'))
  shutil.rmtree(path / 'data')
  return path


@pytest.fixture(scope='module')
def run(folder):
  return affect_jax.load(folder / 'run')


@pytest.fixture(scope='module')
def corpus_rows(folder):
  with open(folder / 'corpus.csv', newline='') as file:
    return {row['id']: row for row in csv.DictReader(file)}


def write(path, rows):
  with open(path, 'w', newline='') as file:
    table = csv.DictWriter(file, [*rows[0]])
    table.writeheader()
    table.writerows(rows)
  return path


def read(path):
  with open(path, newline='') as file:
    return list(csv.DictReader(file))


def check(row, expected):
  """A row of the table has the numbers of predictions/test.csv."""
  names = {'emotion/anger': 'p_emotion_anger', 'sarcasm/sarcasm': 'sarcasm_p'}
  for name, column in names.items():
    assert float(row[column]) == pytest.approx(expected[name], abs=1e-5)
  likeliest = float(row['p_emotion_anger']) > 0.5
  assert row['emotion'] == ('anger' if likeliest else 'neutral')


def test_a_table_without_labels_is_predicted_as_in_the_test(
  folder, run, corpus_rows
):
  expected = toy.by_evaluation(folder / 'run')
  assert len(expected) == toy.COUNTS['test']
  kept = ('id', 'audio', 'text')
  rows = [{k: corpus_rows[x][k] for k in kept} for x in sorted(expected)[::-1]]
  np.save(folder / 'other.npy', np.ones((3, 5), np.float32))
  rows[1:1] = [
    {'id': 'empty', 'audio': '', 'text': ''},
    {'id': 'gone', 'audio': 'gone.wav', 'text': ''},
    {'id': 'other', 'audio': 'other.npy', 'text': rows[0]['text']},
  ]
  write(folder / 'table.csv', rows)
  found = command.predict(run, [str(folder / 'table.csv')], folder / 'out.csv')
  table = read(folder / 'out.csv')
  assert [row['id'] for row in table] == [row['id'] for row in rows]
  by_id = {row['id']: row for row in table}
  for name, of in expected.items():
    check(by_id[name], of)
    assert by_id[name]['success'] == '1'
    assert not by_id[name]['reason']
  assert by_id['test3']['used'] == 'text'
  assert by_id['test0']['used'] == 'audio'
  assert by_id['test1']['used'] == 'text+audio'
  # The text of another row, without its voice: as if that were missing.
  assert by_id['other']['success'] == '1'
  assert 'has 5 features per step, not 43' in by_id['other']['reason']
  check(by_id['other'], expected['test3'])
  for name, reason in (
    ('empty', 'are empty'),
    ('gone', "audio 'gone.wav' cannot be read: no such file"),
  ):
    assert by_id[name]['success'] == '0'
    assert reason in by_id[name]['reason']
    assert {by_id[name][k] for k in run.columns.of_predictions} == {''}
  assert found['counts']['predicted'] == 5
  sidecar = json.loads((folder / 'out.json').read_text())
  assert sidecar['finished']
  assert sidecar['kind'] == 'utterances'
  assert sorted(sidecar['tasks']['emotion']) == ['anger', 'neutral']
  assert sidecar['schema_version'] == 1
  assert sidecar['checkpoint_step'] == 2
  # The same again does nothing; another table does not replace it.
  before = (folder / 'out.csv').stat().st_mtime_ns
  command.predict(run, [str(folder / 'table.csv')], folder / 'out.csv')
  assert (folder / 'out.csv').stat().st_mtime_ns == before
  write(folder / 'table.csv', rows[:2])
  with pytest.raises(UserError, match=r'is of other settings \(inputs'):
    command.predict(run, [str(folder / 'table.csv')], folder / 'out.csv')


def test_a_stopped_table_goes_on_and_is_that_of_one_that_was_not(
  folder, run, corpus_rows, tmp_path, monkeypatch
):
  kept = ('id', 'audio', 'text')
  names = [f'{split}{i}' for split in ('val', 'test') for i in range(4)]
  rows = [{k: corpus_rows[x][k] for k in kept} for x in names]
  # Line breaks within a cell, and a row of which nothing can be read.
  rows[1]['text'] += '\n"so"\rbad'
  rows.insert(2, {'id': 'gone', 'audio': 'gone.wav', 'text': ''})
  table = write(folder / 'long.csv', rows)
  predict = lambda name, by=run: command.predict(
    by, [str(table)], tmp_path / name, batch_size=2
  )
  whole = predict('whole.csv')
  with monkeypatch.context() as patch:
    # Of the 7 recordings; `gone` is the third.
    media_commands.interrupt_at(patch, table_rows, '_features', 6)
    with pytest.raises(table_lib.Stopped, match=r': 5 rows are in .*partial'):
      predict('out.csv')
  partial = tmp_path / 'out.partial.csv'
  assert [row['id'] for row in read(partial)] == [row['id'] for row in rows[:5]]
  # What was killed while it wrote has the last rows in part.
  with open(partial, 'a') as file:
    file.write('0,5,0,long.csv,test1,,,"so\n')
  other = predictor_lib.UtterancePredictor(folder / 'run', threshold=0.9)
  with pytest.raises(UserError, match=r'other settings \(thresholds\.sarcasm'):
    predict('out.csv', other)
  read_again = []
  features = table_rows._features
  with monkeypatch.context() as patch:
    patch.setattr(
      table_rows,
      '_features',
      lambda *x: read_again.append(x[1]) or features(*x),
    )
    assert predict('out.csv')['counts'] == whole['counts']
  assert read_again == [row['audio'] for row in rows[5:] if row['audio']]
  out, expected = (tmp_path / f'{x}.csv' for x in ('out', 'whole'))
  assert out.read_bytes() == expected.read_bytes()
  assert [row['id'] for row in read(out)] == [row['id'] for row in rows]
  assert read(out)[1]['text'].endswith('\n"so"\nbad')
  assert not partial.exists()
  write(table, rows[:2])
  with pytest.raises(UserError, match=r'is of other settings \(inputs'):
    predict('out.csv')


def test_segments_of_a_video_are_predicted_as_their_recordings(
  folder, run, corpus_rows, tmp_path
):
  pytest.importorskip('av', reason="needs the extra 'video'")
  names = ['test0', 'test1', 'test2']
  files = [corpus_rows[name]['audio'] for name in names]
  sound, spans = toy.joined(folder, files, gap=0.1)
  video = toy.write_video(tmp_path / 'clip.mkv', sound)
  texts = [corpus_rows[name]['text'] for name in names]
  (tmp_path / 'clip.srt').write_text(
    toy.subtitles([*spans, (9.0, 9.5)], [*texts, ''])
  )
  found = command.predict(run, [str(video)], tmp_path / 'out.parquet')
  assert found['missing'] == []
  import pyarrow.parquet as parquet

  table = parquet.read_table(tmp_path / 'out.parquet')
  assert table.schema.field('p_emotion_anger').type == 'float'
  rows = table.to_pylist()
  expected = toy.by_evaluation(folder / 'run')
  for row, name, span in zip(rows[:3], names, spans, strict=True):
    check(row, expected[name])
    assert (row['start_s'], row['end_s']) == pytest.approx(span, abs=1e-6)
    assert (row['input'], row['success']) == ('clip.mkv', 1)
  assert rows[3]['success'] == 0
  assert rows[3]['emotion'] is None
  assert 'beyond the end' in rows[3]['reason']
  assert rows[0]['id'] == '0'
  assert rows[1]['used'] == 'text+audio'


def test_without_subtitles_a_recording_is_cut_into_windows(
  folder, run, tmp_path
):
  pytest.importorskip('av', reason="needs the extra 'video'")
  shutil.copy(folder / 'test1.wav', tmp_path / 'voice.wav')
  (tmp_path / 'damaged.mp3').write_bytes(b'no sound')
  paths = [str(tmp_path / '*.*')]
  found = command.predict(run, paths, tmp_path / 'out.csv', seconds=0.1)
  assert found['missing'] == ['text of damaged.mp3: no subtitles']
  rows = read(tmp_path / 'out.csv')
  assert [r['input'] for r in rows] == ['damaged.mp3', *3 * ['voice.wav']]
  assert rows[0]['success'] == '0'
  assert 'FFmpeg' in rows[0]['reason']
  assert {r['used'] for r in rows[1:]} == {'audio'}
  times = [(float(r['start_s']), float(r['end_s'])) for r in rows[1:]]
  assert times == [(0, 0.1), (0.1, 0.2), (0.2, pytest.approx(0.25))]
  with pytest.raises(UserError, match=r'--segment=0\.01 must be at least'):
    command.predict(run, paths, tmp_path / 'no.csv', seconds=0.01)
  assert not (tmp_path / 'no.csv').exists()


def test_rows_and_frames_are_predicted_from_python(folder, run, monkeypatch):
  pd = pytest.importorskip('pandas')
  monkeypatch.chdir(folder)
  rows = [{'text': 'so good'}, {'text': float('nan')}, {'audio': 'test0.wav'}]
  found = run.predict(rows)
  assert len(found) == 3
  assert list(found['success']) == [1, 0, 1]
  assert np.isnan(found['sarcasm_p'][1])
  assert found['emotion'][1] is None
  expected = toy.by_evaluation(folder / 'run')['test0']['sarcasm/sarcasm']
  assert found['sarcasm_p'][2] == pytest.approx(expected, abs=1e-5)
  again = run.predict(pd.DataFrame(rows)).to_pandas()
  np.testing.assert_array_equal(again['sarcasm_p'], found['sarcasm_p'])
  assert list(again.columns) == list(run.columns.names)
  with pytest.raises(UserError, match=r"column 'sarcasm'.*did you mean"):
    found['sarcasm']


def test_what_a_run_of_utterances_cannot_read_is_said(folder, run, tmp_path):
  for name, content, message in (
    ('a.png', b'', r'is a picture, and the run learned from utterances'),
    ('a.srt', b'', r'give the recording as --input'),
    ('a.csv', b'id,sentiment\na,1\n', r'at least one of the columns text'),
    ('b.csv', b'text\n\n', r'no rows below the header'),
    ('c.csv', b'id,text\na\n', r'c.csv:2: 1 cells, not 2'),
    ('d.csv', b'text,turn\nx,3\n', r'd.csv:2: turn .* but dialogue is empty'),
    ('e.csv', b'id,text\na,\n', r'None of the 1 utterances can be predicted'),
    ('f.npz', b'', r'--reader, one of'),
    *([NOT_UTF_8] if sys.platform == 'linux' else []),
  ):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
      command.predict(run, [str(tmp_path / name)], tmp_path / 'out.csv')
  (tmp_path / 'photos').mkdir()
  (tmp_path / 'photos' / 'a.png').write_bytes(b'')
  with pytest.raises(UserError, match='is a folder of pictures'):
    command.predict(run, [str(tmp_path / 'photos')], tmp_path / 'out.csv')
  assert not list(tmp_path.glob('out*'))


def test_a_moved_run_asks_for_its_word_vectors(folder, tmp_path):
  moved = shutil.copytree(folder / 'run', tmp_path / 'run')
  path = moved / 'signature.json'
  vectors = str(folder / 'words.txt')
  path.write_text(
    path.read_text().replace(vectors, str(tmp_path / 'words.txt'))
  )
  rows = [{'text': 'so good'}]
  with pytest.raises(UserError, match=r'no such file.*--text_model'):
    predictor_lib.UtterancePredictor(moved).predict(rows)
  (tmp_path / 'others.txt').write_text('so 1 2 3\n')
  other = predictor_lib.UtterancePredictor(
    moved, text_model=str(tmp_path / 'others.txt')
  )
  with pytest.raises(UserError, match=r'others.txt is not what this run read'):
    other.predict(rows)
  same = predictor_lib.UtterancePredictor(moved, text_model=vectors)
  assert same.predict(rows)['success'][0] == 1


def test_the_command_says_what_it_predicted(folder, tmp_path):
  (tmp_path / 'table.csv').write_text('id,text\na,so good\nb,\n')
  arguments = [
    *(sys.executable, '-m', 'affect_jax.predict'),
    *(f'--workdir={folder / "run"}', f'--input={tmp_path / "table.csv"}'),
    f'--output={tmp_path / "out.csv"}',
  ]
  process = subprocess.run(
    arguments, cwd=ROOT, capture_output=True, text=True, check=False
  )
  assert process.returncode == 0, process.stderr[-2000:]
  assert '2 utterances, 1 predicted, 1 not predicted' in process.stdout
  assert read(tmp_path / 'out.csv')[0]['emotion'] in ('anger', 'neutral')


def test_a_published_run_of_utterances_is_known_by_its_name(
  tmp_path, monkeypatch
):
  written = signature.Signature('utterances', {}, {}, {}, {})
  signature.write(str(tmp_path), written)
  monkeypatch.setattr(hub, 'local', lambda name: str(tmp_path))
  assert options.is_run('owner/name')
