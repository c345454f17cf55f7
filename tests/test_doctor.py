"""The doctor finds what was planted, and nothing else."""

import csv
import dataclasses
import importlib.util
import io
import itertools
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
from PIL import Image
import pytest
import toy

from affect_jax.doctor import counts
from affect_jax.doctor import duplicates
from affect_jax.doctor import examine
from affect_jax.doctor import findings
from affect_jax.doctor import pictures
from affect_jax.doctor import survey
from affect_jax.doctor import visit

ROOT = pathlib.Path(__file__).parents[1]
CLASSES = ('neutral', 'happiness')
UNITS = ('AU1', 'AU12')
OUTPUTS = {
  'expression': CLASSES,
  'action_units': UNITS,
  'valence_arousal': ('valence', 'arousal'),
}


def encode(image, kind='PNG', **options):
  data = io.BytesIO()
  Image.fromarray(image).save(data, kind, **options)
  return data.getvalue()


def face(seed, pixels=48):
  """Something smooth, as pictures are."""
  r = np.random.default_rng(seed)
  coarse = r.integers(30, 200, (9, 9, 3), np.uint8)
  picture = Image.fromarray(coarse).resize((pixels, pixels), 3)
  return np.asarray(picture)


def sample(name, image, *, subject='', expression='', units=None, va=None):
  """A record; labels that are not given have weight 0."""
  units, va = dict(units or {}), va or (None, None)
  number = lambda values: np.array([v or 0 for v in values], np.float32)
  there = lambda values: np.array([v is not None for v in values], np.float32)
  aus = [units.get(u) for u in UNITS]
  return {
    'id': name.encode(),
    'subject': subject.encode(),
    'image': image if isinstance(image, bytes) else encode(image),
    'expression': np.array([c == expression for c in CLASSES], np.float32),
    'expression_weights': np.float32(bool(expression)),
    'action_units': number(aus),
    'action_units_weights': there(aus),
    'valence_arousal': number(va),
    'valence_arousal_weights': there(va),
  }


def part(split, samples, stored=None, corpus='toy'):
  def stream():
    for at in range(0, len(samples), 3):
      rows = samples[at : at + 3]
      yield {
        k: np.array(
          [r[k] for r in rows],
          object if k in ('id', 'subject', 'image') else None,
        )
        for k in rows[0]
      }

  return survey.Part(
    split, corpus, stored or split, len(samples), OUTPUTS, stream
  )


def many(split, count, seed, **options):
  return [
    sample(
      f'{split}{i}', face(seed + i), **{'expression': CLASSES[i % 2]} | options
    )
    for i in range(count)
  ]


def kinds(result, level=None):
  return {
    f['kind']
    for f in result.report['findings']
    if level is None or f['level'] == level
  }


def only(result, kind):
  (found,) = (f for f in result.report['findings'] if f['kind'] == kind)
  return found


def test_clean_data_passes_without_findings():
  parts = [
    part(
      'train',
      many(
        'train', 12, 0, subject='a', units={'AU1': 1, 'AU12': 0}, va=(0.1, 0.2)
      )
      + [sample('more', face(900), subject='a', units={'AU12': 1})],
    ),
    part('test', many('test', 6, 100, subject='b')),
  ]
  result = examine.examine(parts)
  assert result.report['verdict'] == 'PASSED'
  assert result.report['exit_code'] == 0
  assert kinds(result) == set()


def test_exact_duplicates_across_splits_in_another_encoding():
  train, test = many('train', 8, 0), many('test', 8, 100)
  # A BMP has the pixels of a PNG, and other bytes.
  test[3]['image'] = encode(face(2), 'BMP')
  test[5]['image'] = train[2]['image']
  train[7]['image'] = train[6]['image']
  result = examine.examine([part('train', train), part('test', test)])
  assert result.report['exit_code'] == 1
  found = only(result, 'exact_across_splits')
  assert found['level'] == 'error'
  assert found['data'] == {
    'split': 'test',
    'pictures': 2,
    'in': {'train': 2},
  }
  assert only(result, 'exact_within_splits')['data'] == {
    'pictures': {'train': 1, 'test': 1}
  }
  pairs = {
    (result.survey.id(a), result.survey.id(b)) for a, b in result.groups.pairs()
  }
  assert pairs == {
    ('train2', 'test3'),
    ('train2', 'test5'),
    ('train6', 'train7'),
  }


@pytest.mark.parametrize(
  ('change', 'is_near'),
  [
    (lambda x: encode(np.clip(x * 1.15 + 8, 0, 255).astype(np.uint8)), True),
    (lambda x: encode(x, 'JPEG', quality=75), True),
    (
      lambda x: encode(np.asarray(Image.fromarray(x).resize((96, 96), 3))),
      True,
    ),
    (lambda x: encode(x[:, ::-1]), False),
    (lambda x: encode(np.roll(x, 8, 1)), False),
    (lambda x: encode(255 - x), False),
  ],
)
def test_near_duplicates(change, is_near):
  train, test = many('train', 30, 0), many('test', 10, 100)
  test[4]['image'] = change(face(17))
  parts = [part('train', train), part('test', test)]
  result = examine.examine(parts)
  assert 'exact_across_splits' not in kinds(result)
  assert ('near_across_splits' in kinds(result)) == is_near
  assert result.report['exit_code'] == 0
  if is_near:
    assert only(result, 'near_across_splits')['data']['in'] == {'train': 1}
    pairs = [
      [result.survey.id(row) for row in pair] for pair in result.near.pairs
    ]
    assert pairs == [['train17', 'test4']]
    strict = examine.examine(parts, strict=True)
    assert strict.report['exit_code'] == 1


@pytest.mark.parametrize('distance', [0, 1, 3, 5])
def test_near_search_finds_what_comparing_all_finds(distance):
  r = np.random.default_rng(distance)
  base = r.integers(0, 2**63, 300, np.uint64)
  flips = np.zeros(300, np.uint64)
  for k in range(6):
    bits = np.uint64(1) << r.integers(0, 64, 300, np.uint64)
    # Row i differs in about i % 7 bits.
    flips ^= np.where(np.arange(300) % 7 > k, bits, np.uint64(0))
  hashes = np.concatenate([base, base ^ flips])
  expected = {
    (i, j)
    for i, j in itertools.combinations(range(len(hashes)), 2)
    if int(hashes[i] ^ hashes[j]).bit_count() <= distance
  }
  cut = np.zeros(len(hashes), bool)
  found = set()
  for mask in duplicates.masks(distance):
    for i, j in duplicates.candidates(hashes, mask, distance, 128, cut):
      found |= {
        (min(p), max(p)) for p in zip(i.tolist(), j.tolist(), strict=True)
      }
  assert expected
  assert found == expected
  assert not cut.any()


def test_a_bucket_that_explodes_is_cut_and_says_so():
  hashes = np.full(5000, 77, np.uint64)
  cut = np.zeros(5000, bool)
  (mask,) = duplicates.masks(0)
  count = sum(
    len(i) for i, _ in duplicates.candidates(hashes, mask, 0, 10, cut)
  )
  # 10 pairs each, but for the last ten; not 12.5 million.
  assert count == 10 * 5000 - 55
  assert cut.sum() == 5000 - 11


def test_exact_groups_count_as_a_dictionary_does():
  r = np.random.default_rng(0)
  digests = r.integers(0, 4, (200, 2)).astype(np.uint64)
  split = np.sort(r.integers(0, 3, 200)).astype(np.int8)
  valid = r.random(200) < 0.9
  groups = duplicates.exact(digests, split, 3, valid)
  where = {}
  for i in np.flatnonzero(valid):
    where.setdefault(tuple(digests[i]), []).append(int(split[i]))
  for a, b in itertools.product(range(3), repeat=2):
    if a == b:
      expected = sum(max(s.count(a) - 1, 0) for s in where.values())
    else:
      expected = sum(s.count(a) for s in where.values() if b in s)
    assert groups.also_in(a, b) == expected
  assert groups.also_before(2) == sum(
    s.count(2) for s in where.values() if {0, 1} & set(s)
  )
  assert len(groups.pairs()) == valid.sum() - len(where)


def test_own_cut_of_a_split_is_a_warning_and_test_an_error():
  train, val, test = (
    many('train', 4, 0),
    many('val', 4, 50),
    many('test', 4, 100),
  )
  val[0]['image'] = train[0]['image']
  parts = [
    part('train', train, 'train[:50%]'),
    part('val', val, 'train[50%:]'),
    part('test', test, 'val'),
  ]
  assert only(examine.examine(parts), 'exact_across_splits')['level'] == (
    'warning'
  )
  strict = examine.examine(parts, strict=True)
  assert only(strict, 'exact_across_splits')['level'] == 'error'
  # Without a test split, val is what is reported.
  alone = examine.examine(parts[:2])
  assert only(alone, 'exact_across_splits')['level'] == 'error'
  test[1]['image'] = train[1]['image']
  result = examine.examine(parts, remedies={'toy': '--take_them_out'})
  assert result.report['exit_code'] == 1
  advice = {
    f['data']['split']: f['advice']
    for f in result.report['findings']
    if f['kind'] == 'exact_across_splits'
  }
  assert '--take_them_out' in advice['test']
  assert '--take_them_out' not in advice['val']


def test_overlapping_slices():
  rows = many('train', 9, 0)
  result = examine.examine(
    [part('train', rows[:6], 'train[:6]'), part('val', rows[4:], 'train[4:]')]
  )
  assert only(result, 'shared_samples')['data'] == {
    'split': 'val',
    'in': 'train',
    'samples': 2,
  }
  assert result.report['exit_code'] == 1
  assert 'exact_across_splits' not in kinds(result)
  twice = examine.examine(
    [part('train', rows[:4]), part('val', rows[4:]), part('test', rows[4:])]
  )
  assert only(twice, 'shared_samples')['level'] == 'warning'
  assert twice.report['exit_code'] == 0


def test_shared_subjects_are_those_of_one_corpus():
  def parts(corpus):
    return [
      part('train', many('train', 4, 0, subject='ann')),
      part(
        'test',
        many('test', 3, 50, subject='ann') + many('other', 2, 80, subject='bo'),
        corpus=corpus,
      ),
    ]

  result = examine.examine(parts('toy'))
  found = only(result, 'shared_subjects')
  assert found['data'] == {
    'splits': ['train', 'test'],
    'subjects': ['ann'],
    'count': 1,
    'samples': 3,
  }
  assert result.report['exit_code'] == 1
  assert 'shared_subjects' not in kinds(examine.examine(parts('another')))


def test_damage():
  nan = sample('nan', face(71), va=(0.1, 0.1))
  nan['valence_arousal'][1] = np.nan
  hidden = sample('hidden', face(72), expression='neutral')
  hidden['action_units'][0] = 7.0  # Not annotated.
  far = sample('far', face(73), va=(1.5, 0.0))
  halves = sample('halves', face(74), expression='neutral')
  halves['expression'] *= 0.5
  train = [
    *many('train', 4, 0),
    sample('broken', b'\x89PNG nothing', expression='neutral'),
    sample('cut', encode(face(70))[:200], expression='neutral'),
    sample('black', np.zeros((32, 32, 3), np.uint8), expression='neutral'),
    sample('dim', np.full((32, 32), 9, np.uint8), expression='happiness'),
    nan,
    hidden,
    far,
    halves,
  ]
  result = examine.examine([part('train', train)])
  assert result.report['exit_code'] == 1
  assert only(result, 'unreadable_pictures')['data'] == {
    'pictures': {'train': 2},
    'ids': ['train broken', 'train cut'],
  }
  assert only(result, 'constant_pictures')['level'] == 'warning'
  assert only(result, 'constant_pictures')['data']['ids'] == [
    'train black',
    'train dim',
  ]
  assert only(result, 'grey_pictures')['data'] == {'pictures': 2}
  bad = only(result, 'bad_labels')
  assert bad['level'] == 'error'
  assert bad['data']['samples'] == 3
  for words in (
    'train nan: valence_arousal arousal: label nan is not in [-1, 1]',
    'train far: valence_arousal valence: label 1.5',
    'train halves: expression: shares sum to 0.5',
  ):
    assert any(words in e for e in bad['data']['examples'])
  # Not looked at further.
  assert 'exact_within_splits' not in kinds(result)


def test_contradictions():
  same = face(0)
  train = [
    sample('a', same, expression='neutral'),
    sample('b', same, expression='happiness'),
    sample('c', same, units={'AU1': 1}),
    sample('d', face(1), units={'AU1': 1}, va=(0.3, 0.0)),
    sample('e', face(1), units={'AU1': 0}, va=(0.2, 0.0)),
    sample('f', face(2), expression='neutral', units={'AU1': 1}),
    sample('g', face(2), expression='neutral', units={'AU12': 0}),
  ]
  result = examine.examine([part('train', train)])
  assert only(result, 'contradictions')['data'] == {
    'sets': 2,
    'pictures': 5,
    'tasks': {'expression': 1, 'action_units': 1},
  }
  assert result.report['exit_code'] == 0


def test_counts_by_hand():
  train = [
    sample('a', face(0), expression='neutral', units={'AU1': 1, 'AU12': 1}),
    sample('b', face(1), expression='neutral', units={'AU1': 0}),
    sample('c', face(2), expression='happiness', va=(0.5, -0.5)),
    sample('d', face(3), units={'AU1': 1, 'AU12': 0}, va=(-0.5, None)),
    sample('e', face(4)),
  ]
  read = survey.read([part('train', train)])
  found = counts.tables(read)
  assert found['samples'] == {'train': 5}
  assert found['tasks'] == {
    'expression': {'train': 3},
    'action_units': {'train': 3},
    'valence_arousal': {'train': 2},
  }
  assert found['outputs']['expression'] == {
    'neutral': {'train': {'labelled': 3, 'count': 2}},
    'happiness': {'train': {'labelled': 3, 'count': 1}},
  }
  assert found['outputs']['action_units'] == {
    'AU1': {'train': {'labelled': 3, 'count': 2}},
    'AU12': {'train': {'labelled': 2, 'count': 1}},
  }
  valence = found['outputs']['valence_arousal']['valence']['train']
  assert valence == {
    'labelled': 2,
    'mean': 0.0,
    'std': 0.5,
    'min': -0.5,
    'max': 0.5,
  }
  assert found['combinations']['train'] == {
    'expression + action_units': 2,
    'expression + valence_arousal': 1,
    'action_units + valence_arousal': 1,
    'none': 1,
  }
  assert found['together']['train'] == {
    'neutral': {'AU1': 0.5, 'AU12': 1.0},
    'happiness': {'AU1': None, 'AU12': None},
    'AU1': {'AU1': 1.0, 'AU12': 0.5},
    'AU12': {'AU1': 1.0, 'AU12': 1.0},
  }
  (note,) = counts.neutral_with_units(read)
  assert note.data == {'samples': 1, 'of': 2}
  assert counts.missing(read, found) == []


def test_what_training_never_sees():
  train = [sample('a', face(0), expression='neutral', units={'AU1': 1})]
  test = [
    sample('b', face(1), expression='happiness', units={'AU12': 1}, va=(0, 0))
  ]
  result = examine.examine([part('train', train), part('test', test)])
  assert only(result, 'unlabelled_task')['data'] == {'task': 'valence_arousal'}
  never = [
    f['data']
    for f in result.report['findings']
    if f['kind'] == 'never_in_train'
  ]
  assert never == [
    {'task': 'expression', 'outputs': ['happiness']},
    {'task': 'action_units', 'outputs': ['AU12']},
  ]


def test_two_corpora_have_columns_by_name():
  """The second one has a class more, which stands behind the other tasks."""
  more = sample('x', face(9), expression='neutral')
  more['expression'] = np.array([0, 0, 1], np.float32)
  second = dataclasses.replace(
    part('train', [more], corpus='second'),
    outputs={'expression': (*CLASSES, 'fear')},
  )
  read = survey.read([part('train', many('train', 4, 0)), second])
  found = counts.tables(read)['outputs']['expression']
  assert [x['train']['count'] for x in found.values()] == [2, 2, 1]
  assert list(found) == [*CLASSES, 'fear']
  assert read.id(4) == 'second:x'


def test_every_level_of_the_verdict():
  f = lambda level: findings.Finding(level, 'kind', 'text')
  assert findings.verdict([f('note')]) == 'PASSED'
  assert findings.verdict([f('warning')]) == 'PASSED, with 1 warning'
  both = [f('warning'), f('error'), f('warning')]
  assert findings.verdict(both) == 'FAILED: 1 error, 2 warnings'
  assert findings.worst_first(both)[0].level == 'error'


def test_a_look_is_of_the_decoded_picture():
  grey = np.arange(0, 240, dtype=np.uint8).reshape(12, 20)
  a = pictures.look(encode(grey))
  b = pictures.look(encode(np.repeat(grey[..., None], 3, 2)))
  assert a is not None
  assert b is not None
  assert a.digest == b.digest
  assert a.grey
  assert a.size == (12, 20)
  # The same bytes in another shape are another picture.
  c = pictures.look(encode(grey.reshape(20, 12)))
  assert c is not None
  assert c.digest != a.digest
  assert a.gradient.all()  # Brighter from left to right.


def test_near_distance_out_of_range():
  with pytest.raises(ValueError, match='near_distance is 9'):
    examine.examine([], near_distance=9)


def load_config(name):
  path = ROOT / 'configs' / f'{name}.py'
  spec = importlib.util.spec_from_file_location(name, path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module.get_config()


@pytest.fixture
def faces(tmp_path):
  """24, 12, 12 pictures of faces.csv, with leaks."""
  path = toy.write_faces_csv(tmp_path / 'faces')
  folder = path.parent
  with open(folder / 'val1.png', 'wb') as f:
    f.write((folder / 'train0.png').read_bytes())
  with Image.open(folder / 'train3.png') as picture:
    picture.save(folder / 'test2.png', compress_level=0)
    brighter = np.clip(np.asarray(picture) * 0.9 + 12, 0, 255)
    Image.fromarray(brighter.astype(np.uint8)).save(folder / 'test4.png')
  with open(path, newline='') as f:
    rows = list(csv.reader(f))
  rows[0].append('subject')
  for i, row in enumerate(rows[1:]):
    row.append('eve' if row[0] in ('train5.png', 'val6.png') else f's{i}')
  with open(path, 'w', newline='') as f:
    csv.writer(f).writerows(rows)
  return path


def test_command_line_on_a_csv(faces, tmp_path):
  out = tmp_path / 'out'
  run = subprocess.run(
    [
      sys.executable,
      '-m',
      'affect_jax.doctor',
      '--config=configs/faces_csv.py',
      f'--config.data.path={faces}',
      f'--config.data.data_dir={tmp_path / "data"}',
      f'--out={out}',
    ],
    cwd=ROOT,
    env=os.environ,
    capture_output=True,
    text=True,
    check=False,
  )
  assert run.returncode == 1, run.stderr
  assert 'VERDICT: FAILED: 3 errors' in run.stdout
  report = json.loads((out / 'doctor.json').read_text())
  assert report['exit_code'] == 1
  errors = [f for f in report['findings'] if f['level'] == 'error']
  assert [f['kind'] for f in errors] == [
    'exact_across_splits',
    'exact_across_splits',
    'shared_subjects',
  ]
  assert errors[2]['data']['subjects'] == ['eve']
  assert report['counts']['samples'] == {'train': 24, 'val': 12, 'test': 12}
  assert report['picture_sizes'] == {'32x32': 48}
  with open(out / 'duplicates.csv', newline='') as f:
    rows = {tuple(row[:5]) for row in csv.reader(f)}
  assert rows == {
    ('kind', 'split_a', 'id_a', 'split_b', 'id_b'),
    ('exact', 'train', 'train0.png', 'val', 'val1.png'),
    ('exact', 'train', 'train3.png', 'test', 'test2.png'),
    ('near', 'train', 'train3.png', 'test', 'test4.png'),
  }
  text = (out / 'report.txt').read_text()
  assert text in run.stdout
  assert 'eve' in text


def write_fer2013(path):
  r = np.random.default_rng(0)
  train = r.integers(0, 256, (30, 48 * 48))
  public = r.integers(0, 256, (10, 48 * 48))
  public[:3] = train[[4, 9, 29]]
  lines = ['emotion,pixels,Usage']
  for usage, rows in (('Training', train), ('PublicTest', public)):
    for i, row in enumerate(rows):
      lines.append(f'{i % 7},{" ".join(map(str, row))},{usage}')
  path.write_text('\n'.join(lines) + '\n')
  return str(path)


def test_fer2013_says_how_to_leave_its_duplicates_out(tmp_path, capsys):
  c = load_config('fer2013')
  c.data.path = write_fer2013(tmp_path / 'fer2013.csv')
  c.data.data_dir = str(tmp_path / 'data')
  c.data.splits.train, c.data.splits.val = 'train[:90%]', 'train[90%:]'
  c.data.exclude_duplicates = False
  result = visit.visit(c)
  assert result.report['exit_code'] == 1
  found = only(result, 'exact_across_splits')
  # Whichever part of Training they are in.
  assert found['data']['pictures'] == 3
  assert found['data']['split'] == 'test'
  assert '--config.data.exclude_duplicates' in found['advice']
  assert '--config.data.exclude_duplicates' in capsys.readouterr().out
  c.data.exclude_duplicates = True
  clean = visit.visit(c, out=str(tmp_path / 'out'))
  assert clean.report['exit_code'] == 0
  assert 'exact_across_splits' not in kinds(clean)
  assert only(clean, 'left_out')['data']['reasons']
  few = visit.visit(c, sample=2)
  assert set(few.report['counts']['samples'].values()) == {2}


def test_a_run_without_some_splits(tmp_path):
  c = load_config('faces_csv')
  c.data.path = str(toy.write_faces_csv(tmp_path / 'faces'))
  c.data.data_dir = str(tmp_path / 'data')
  c.data.splits.val = c.data.splits.test = ''
  result = visit.visit(c)
  assert list(result.report['counts']['samples']) == ['train']
  assert result.report['exit_code'] == 0
