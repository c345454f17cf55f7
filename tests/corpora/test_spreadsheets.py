"""What spreadsheets and pandas write: read as it is meant, and said."""

import collections
import pathlib

from absl import logging
import numpy as np
import pytest

from affect_jax.corpora import utterances_csv
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import faces_table
from affect_jax.corpora.builders import utterances_row
from affect_jax.corpora.builders import utterances_table
from affect_jax.corpora.files import cells
from affect_jax.corpora.files import csv_form
from affect_jax.corpora.files import missing
from affect_jax.corpora.files import sources
from affect_jax.corpora.files import split_names

PATH = pathlib.Path('x.csv')


@pytest.fixture
def said(monkeypatch):
  """Lines of the log."""
  lines = []
  monkeypatch.setattr(logging, 'info', lambda m, *a: lines.append(m % a))
  return lines


def faces(folder, text, **options):
  """{image: (split, subject, labels)} of a table, encoded if it is text."""
  for name in 'abc':
    (folder / f'{name}.png').touch()
  data = text if isinstance(text, bytes) else text.encode()
  (folder / 'faces.csv').write_bytes(data)
  table = faces_table.read(folder / 'faces.csv', **options)
  names = [column.name for column in table.columns]
  rows = {
    row.image: (
      row.split,
      row.subject,
      dict(zip(names, row.labels, strict=True)),
    )
    for row in table.rows
  }
  return table, rows


def spoken(folder, text, **options):
  (folder / 'mine.csv').write_text(text, encoding='utf-8')
  return utterances_table.read(folder / 'mine.csv', **options)


def test_excel_with_semicolons_commas_capitals_and_empty_ends(tmp_path, said):
  text = (
    'Image;Split;Valence;Expression;;\n'
    'a.png;Train;0,5;Happy;;\n'
    ';;;;;\n'
    'b.png;dev;-0,25;sad;;\n'
  )
  wanted = {
    'a.png': ('train', '', {'expression': 'happiness', 'valence': 0.5}),
    'b.png': ('val', '', {'expression': 'sadness', 'valence': -0.25}),
  }
  table, rows = faces(tmp_path, text)
  assert rows == wanted
  assert table.understood == {cells.COMMA: 2}
  told = '\n'.join(said)
  assert 'faces.csv: read as cells separated by semicolons' in told
  assert 'not read: the one without a name in place 5, the one' in told
  # Line breaks, separators and encodings of Excel's other ways to save.
  for data in (
    text.replace('\n', '\r\n').encode('utf-8-sig'),
    b'sep=;\r\n' + text.encode(),
    text.replace(';', '\t').encode('utf-16'),
    b'\xfe\xff' + text.replace(';', '\t').encode('utf-16-be'),
  ):
    assert faces(tmp_path, data)[1] == wanted


def test_pandas_with_its_index_nan_and_none(tmp_path, said):
  table, rows = faces(
    tmp_path,
    ',image,split,subject,expression,valence,arousal,AU01_c\n'
    '0,a.png,train,NA,happy,,nan,1\n'
    '1,b.png,valid,7,None,<NA>,none,0\n',
  )
  label = {'valence': None, 'arousal': None}
  assert rows == {
    'a.png': ('train', '', {'expression': 'happiness', **label, 'AU1': 1}),
    'b.png': ('val', '7', {'expression': None, **label, 'AU1': 0}),
  }
  assert table.understood == {
    f'cells {word!r} (read as empty)': 1
    for word in ('NA', 'nan', 'None', '<NA>', 'none')
  }
  assert any('the one without a name in place 1' in line for line in said)
  faces(tmp_path, 'Unnamed: 0,image,split,AU1\n0,a.png,train,1\n')
  assert 'not read: Unnamed: 0.' in said[-1]


def test_flags_are_presence_and_turns_may_have_a_point(tmp_path):
  table = spoken(
    tmp_path,
    'id,split,text,dialogue,turn,sarcasm\n'
    'a,train,hi,d,1.0,True\n'
    'b,train,ho,d,0.0,FALSE\n',
  )
  assert [(r.id, r.turn, r.labels) for r in table.rows] == [
    ('b', 0, (0.0,)),
    ('a', 1, (1.0,)),
  ]
  assert table.understood == {cells.FLAG: 2}


def test_words_for_missing_are_no_words_and_join_nobody(tmp_path):
  text = (
    'id,split,text,audio,dialogue,turn,speaker,sarcasm\n'
    'a,train,nan,,nan,0,None,1\n'
    'b,train,well done,,nan,0.0,NULL,0\n'
    'c,train,Nan said none,,N/A,,Nan,0\n'
    'd,val,#NAME?,a.npy,,,,1\n'
  )
  np.save(tmp_path / 'a.npy', np.ones((2, 3)))
  table = spoken(tmp_path, text)
  assert [(r.id, r.text, r.dialogue, r.speaker) for r in table.rows] == [
    ('b', 'well done', '', ''),
    ('c', 'Nan said none', '', 'Nan'),
    ('d', '', '', ''),
  ]
  assert table.left_out['train'][utterances_table.NOTHING] == 1
  assert table.understood[utterances_row.ALONE] == 2
  listing = utterances_csv.listing(tmp_path / 'mine.csv')
  counted = {
    i.reason: i.count
    for i in listing.splits['train']()
    if isinstance(i, face_listing.LeftOut)
  }
  assert counted["cells 'nan' (read as empty)"] == 3
  # What was prepared when these were words is prepared anew; else it is not.
  assert "3 cells 'nan'" in listing.sources['understood']
  plain = spoken(tmp_path, 'id,split,text,sarcasm\na,train,None so,1\n')
  assert plain.understood == {}
  listing = utterances_csv.listing(tmp_path / 'mine.csv')
  assert not {'understood', 'sentinels', 'au_scale'} & set(listing.sources)


def test_intensities_need_their_scale(tmp_path):
  text = 'image,split,AU01_r,AU12_r\na.png,train,1.25,5\nb.png,val,0,\n'
  with pytest.raises(ValueError, match=r'AU01_r.*config\.data\.au_scale=5'):
    faces(tmp_path, text)
  _, rows = faces(tmp_path, text, au_scale=5.0)
  assert rows['a.png'][2] == {'AU1': 0.25, 'AU12': 1}
  assert rows['b.png'][2] == {'AU1': 0, 'AU12': None}
  with pytest.raises(ValueError, match=r"'5' is not in \[0, 3\]"):
    faces(tmp_path, text, au_scale=3.0)
  with pytest.raises(ValueError, match='au_scale must be in'):
    faces(tmp_path, text, au_scale=-5.0)
  both = 'image,split,AU01_r,AU01_c\na.png,train,5,1\n'
  with pytest.raises(ValueError, match=r"twice, in 'AU01_r', 'AU01_c'; name"):
    faces(tmp_path, both, au_scale=5.0)
  options = {'au_scale': 5.0, 'ignore_columns': ['AU01_c']}
  assert faces(tmp_path, both, **options)[1]['a.png'][2] == {'AU1': 1}


def test_sentinels_only_where_the_config_names_them(tmp_path):
  text = 'image,split,valence,arousal,AU1,AU2\na.png,train,-5,-1,9,-1\n'
  with pytest.raises(ValueError, match=r'or name the number in config\.data'):
    faces(tmp_path, text)
  sentinels = {'valence_arousal': (-2, -5), 'AU1': 9, 'action_units': (-1,)}
  table, rows = faces(tmp_path, text, sentinels=sentinels)
  wanted = {'valence': None, 'arousal': -1, 'AU1': None, 'AU2': None}
  assert rows['a.png'][2] == wanted
  assert table.understood == {cells.SENTINEL: 3}
  with pytest.raises(ValueError, match=r"'AU7' of .*; known: valence, arousal"):
    faces(tmp_path, text, sentinels={'AU7': (9,)})


@pytest.mark.parametrize('ignore', ['all', ('all',)])
def test_all_further_columns_are_ignored_and_named(tmp_path, said, ignore):
  text = 'image,age,split,AU1,AU01_r\na.png,40,train,1,3.5\n'
  _, rows = faces(tmp_path, text, ignore_columns=ignore)
  assert rows['a.png'][2] == {'AU1': 1}
  assert 'columns that are not read: age, AU01_r.' in said[-1]
  with pytest.raises(ValueError, match="or set it to 'all'"):
    faces(tmp_path, text)
  assert cells.ignored(ignore) == 'all'


@pytest.mark.parametrize(
  ('cell', 'value'),
  [
    *(('', None), ('-2', -2), ('2', 2), ('+1.5', 1.5), ('.5', 0.5), ('1.', 1)),
    *(('1e-1', 0.1), ('-0,25', -0.25), (',5', 0.5), ('NaN', None)),
  ],
)  # fmt: skip
def test_a_number_may_be_at_the_ends_or_not_there(cell, value):
  assert cells.number(cell, -2, 2) == value


@pytest.mark.parametrize(
  'cell', ['0_1', '１', '١', '1,0.5', '1,000,000', 'x', '1 2', '0x1', 'True']
)
def test_only_numbers_are_numbers(cell):
  with pytest.raises(ValueError, match='is not a number'):
    cells.number(cell, -2, 2)


@pytest.mark.parametrize('cell', ['0_1', '１', ''])
def test_digits_that_only_python_reads(cell):
  with pytest.raises(ValueError, match='could not convert'):
    cells.to_number(cell)
  assert cells.to_number('-1.5e2') == -150


@pytest.mark.parametrize(
  ('text', 'separator'),
  [
    *(('a,b\n', ','), ('a;b\n1,2', ';'), ('\n\na\tb', '\t'), ('a\n1;2', ',')),
    *(('"a,b";c\n', ';'), ('a,b;c', ','), ('sep=;\na,b', ';'), ('', ',')),
  ],
)  # fmt: skip
def test_separators(tmp_path, text, separator):
  (tmp_path / 'x.csv').write_text(text)
  assert csv_form.find(tmp_path / 'x.csv').separator == separator


def test_lines_are_those_of_an_editor(tmp_path):
  (tmp_path / 'x.csv').write_text('sep=;\na;b\n\n"1\n2";3\n4;5\n')
  rows = list(sources.read_rows(tmp_path / 'x.csv'))
  wanted = [(2, ['a', 'b']), (4, ['1\n2', '3']), (6, ['4', '5'])]
  assert rows == wanted


def test_rows_that_end_early_or_late():
  keys = ['a', 'b', 'ignored:2']
  assert cells.fitted(['1', ' 2 '], keys) == {'a': '1', 'b': '2', keys[2]: ''}
  assert cells.fitted(['1', '2', '3', ''], keys)
  assert cells.fitted(['1'], keys) is None
  assert cells.fitted(['1', '2', '3', '4'], keys) is None
  assert cells.fitted(['1'], ['ignored:0', 'b']) is None


@pytest.mark.parametrize(
  'value', [None, float('nan'), np.nan, 'nan', b'NA', [None], '', ' ', '#N/A']
)
def test_nothing_is_no_text(value):
  assert missing.to_text(value) == ''


@pytest.mark.parametrize(
  ('value', 'text'),
  [
    *(('Nan', 'Nan'), ('None of it', 'None of it'), (b'caf\xc3\xa9', 'café')),
    *((['a'], 'a'), (np.array(['b']), 'b'), (np.str_('c'), 'c'), (7, '7')),
  ],
)  # fmt: skip
def test_text_of_any_kind(value, text):
  assert missing.to_text(value) == text


def test_names_of_splits(said):
  for name in ('Train', 'TRAINING', ' train '):
    assert split_names.canonical(name) == 'train'
  for name in ('valid', 'dev', 'Validation', 'val'):
    assert split_names.canonical(name) == 'val'
  assert split_names.canonical('eval') == ''
  found = split_names.of_keys(PATH, ['config', 'test', b'dev', 'train', 3])
  assert found == {'train': 'train', 'val': b'dev', 'test': 'test'}
  assert said == ["x.csv: not read, as their names are no splits: 'config', 3."]
  with pytest.raises(ValueError, match="'valid' and 'dev' both mean"):
    split_names.of_keys(PATH, ['valid', 'dev'])


def test_words_are_counted_by_word():
  counts = collections.Counter()
  row = {'a': 'nan', 'b': 'x', 'c': '', 'ignored:3': 'nan'}
  emptied = cells.without_words(row, counts)
  assert emptied == {**row, 'a': ''}
  assert counts == {"cells 'nan' (read as empty)": 1}
