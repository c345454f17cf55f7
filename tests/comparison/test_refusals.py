"""What cannot be compared is refused in one line that says why."""

import pathlib
import shutil
import sys

import pytest
from toys import compared

from affect_jax import compare as command
from affect_jax.comparison import compare
from affect_jax.errors import UserError


@pytest.fixture(scope='module')
def pair(tmp_path_factory):
  folder = tmp_path_factory.mktemp('pair')
  return [compared.write(folder / x, seed=s) for s, x in enumerate('ab')]


def refuse(paths, match, **options):
  with pytest.raises(UserError, match=match) as error:
    compare.compare(paths, draws=100, **options)
  assert '\n' not in str(error.value)


def copy(pair, tmp_path):
  return shutil.copytree(pair[1], tmp_path / 'copy')


def test_a_run_and_itself(pair, tmp_path):
  refuse([pair[0], pair[0] + '/'], 'are the same run')
  link = tmp_path / 'link'
  link.symlink_to(pair[0])
  refuse([pair[0], str(link)], 'are the same run')
  refuse(pair[:1], 'nothing to compare')


def test_no_run(pair, tmp_path):
  refuse([pair[0], str(tmp_path / 'none')], 'none: no such folder')
  refuse([pair[0], str(tmp_path)], 'There is no run in')
  (tmp_path / 'seed_0').mkdir()
  refuse([pair[0], str(tmp_path)], 'There is no run in .*seed_0')
  (tmp_path / 'point_0').mkdir()
  refuse([pair[0], str(tmp_path)], 'points of a sweep: give one, as .*/point_0')


def test_other_corpora(pair, tmp_path):
  other = compared.write(tmp_path / 'other', corpus='raf_db')
  refuse(
    [pair[0], other], 'is of raf_db, that of .* of faces: runs of different'
  )


def test_no_predictions(pair, tmp_path):
  other = compared.write(tmp_path / 'other', counts=(60, 0))
  refuse([pair[0], other], r'no predictions/test.csv: it has no split')
  pathlib.Path(other, 'evaluated_at_step_8').mkdir()
  refuse([pair[0], other], r'not finished \(evaluated_at_step_8')


def test_no_signature(pair, tmp_path):
  other = copy(pair, tmp_path)
  (other / 'signature.json').unlink()
  refuse([pair[0], str(other)], 'no signature.json: repeat')


def test_truncated_predictions(pair, tmp_path):
  other = copy(pair, tmp_path)
  file = other / 'predictions' / 'test.csv'
  text = file.read_bytes()
  file.write_bytes(text[:-4])
  refuse([pair[0], str(other)], 'truncated: its last line has no end')
  file.write_bytes(text[: text[:-300].rindex(b',')] + b'\r\n')
  refuse([pair[0], str(other)], r'test.csv:\d+: \d+ cells, where the header')
  compared.edit(other, lambda lines: lines[:-5])
  file.write_bytes(b'\r\n'.join(text.split(b'\r\n')[:-5]) + b'\r\n')
  refuse([pair[0], str(other)], 'gold labels of expression, results.json')
  file.write_bytes(b'')
  refuse([pair[0], str(other)], 'truncated')
  file.write_bytes(text.split(b'\r\n')[0] + b'\r\n')
  refuse([pair[0], str(other)], 'has no row')


def test_damaged_predictions(pair, tmp_path):
  other = copy(pair, tmp_path)
  column = 'predicted/action_units/AU1'

  def put(text):
    def change(lines):
      lines[3][lines[0].index(column)] = text
      return lines

    compared.edit(other, change)

  put('high')
  refuse([pair[0], str(other)], r"test.csv:4: .*'high'")
  put('nan')
  refuse([pair[0], str(other)], r'test.csv:4: a prediction is not finite')
  put('0.5')
  compared.edit(other, lambda lines: [*lines, lines[1]])
  refuse([pair[0], str(other)], r"test.csv:82: 'test/0000' appears twice")
  compared.edit(other, lambda lines: [[x + '!' for x in lines[0]], *lines[1:]])
  refuse([pair[0], str(other)], r"test.csv:1: no column 'id'")


def test_other_samples_and_labels(pair, tmp_path):
  other = copy(pair, tmp_path)

  def rename(lines):
    lines[1][0], lines[2][0] = 'x', 'y'
    return lines

  compared.edit(other, rename)
  refuse(
    [pair[0], str(other)],
    r'different ids: 2 of 80 only in .*a \(first: test/0000\); 2 of 80 only in '
    r'.*copy \(first: x\)',
  )
  relabelled = compared.write(tmp_path / 'gold', data_seed=1)
  refuse([pair[0], relabelled], r'gold labels of expression: \d+ of 80 samples')


def test_thresholds_of_other_samples(pair, tmp_path):
  other = compared.write(tmp_path / 'val', counts=(50, 80))
  refuse(
    [pair[0], other],
    r'val of .* have different ids: 10 of 60 only in .*Thresholds were tuned',
  )
  shutil.rmtree(other)
  other = compared.write(tmp_path / 'val', counts=(0, 80))
  refuse([pair[0], other], 'no corpus; faces. Thresholds were tuned on them')
  both = [other, compared.write(tmp_path / 'too', seed=1, counts=(0, 80))]
  found = compare.compare(both, draws=100)
  assert 'Without predictions/val.csv there are no tuned' in found.notes[0]


def test_other_outputs_and_tasks(pair, tmp_path):
  options = dict(compared.OPTIONS)
  options['action_units'] = {'outputs': ('AU1', 'AU2')}
  other = compared.write(tmp_path / 'units', options=options)
  refuse([pair[0], other], 'outputs AU1, AU12 in .*, AU1, AU2 in')
  single = [
    compared.write(tmp_path / name, options={name: compared.OPTIONS[name]})
    for name in ('expression', 'valence_arousal')
  ]
  refuse(single, 'no task in common')


def test_seeds_without_a_partner(pair, tmp_path):
  for name, seed in (('x', 0), ('y', 1)):
    compared.write(tmp_path / name / f'seed_{seed}')
  folders = [str(tmp_path / x) for x in 'xy']
  refuse(folders, 'has seed 0, .* has seed 1: there is no pair')
  refuse([pair[0], folders[0]], 'has a single run, .* has seed 0')


def test_one_cluster(tmp_path):
  runs = [compared.write(tmp_path / x, clusters=1) for x in 'ab']
  refuse(runs, "one cluster of samples only, 'c0'")


def test_unknown_metrics(pair):
  refuse(pair, "did you mean 'expression/uar'", metrics=['expression/uarr'])


def test_the_command_ends_with_one_line(pair, tmp_path, capsys):
  with pytest.raises(SystemExit) as end:
    command.main([pair[0], str(tmp_path / 'none')])
  assert str(end.value).startswith('Error: ')
  for wrong in (['--draws=10'], ['--split=train'], ['--pairs=some']):
    with pytest.raises(SystemExit):
      command.main([*pair, *wrong])
    assert 'error: argument' in capsys.readouterr().err


def test_missing_libraries(pair, monkeypatch):
  for name in [x for x in sys.modules if x.startswith('affect_jax.comparison')]:
    monkeypatch.delitem(sys.modules, name)
  monkeypatch.setitem(sys.modules, 'statsmodels.stats.multitest', None)
  with pytest.raises(SystemExit, match=r"pip install 'affect_jax\[compare\]'"):
    command.main(pair)
