"""The whole page: complete, self-contained, and with files beside it."""

import base64
import csv
import html.parser
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree

from PIL import Image
import pytest
from toys import compared
from toys import reported

pytest.importorskip('matplotlib', reason="needs the extra 'report'")
pytest.importorskip('jinja2', reason="needs the extra 'report'")
pytest.importorskip('statsmodels', reason="needs the extra 'compare'")

from affect_jax.report import contents
from affect_jax.report import make
from affect_jax.report import page
from affect_jax.report import style

SECTIONS = [
  *('scores', 'significance', 'settings', 'curves', 'cosines', 'confusion'),
  *('units', 'density', 'reliability', 'subsets', 'weak', 'mistakes', 'card'),
]
CHROMIUM = shutil.which('chromium') or shutil.which('google-chrome')


class Parsed(html.parser.HTMLParser):
  """What a page holds: its tags with attributes, and its text."""

  def __init__(self, text):
    super().__init__()
    self.tags, self.open, self.text = [], [], ''
    self.feed(text)
    self.close()

  def handle_starttag(self, tag, attrs):
    self.tags.append((tag, dict(attrs)))
    if tag not in ('img', 'meta', 'br'):
      self.open.append(tag)

  def handle_endtag(self, tag):
    assert self.open.pop() == tag

  def handle_data(self, data):
    self.text += data

  def of(self, tag):
    return [attrs for name, attrs in self.tags if name == tag]


def pictures_of(parsed, kind):
  start = f'data:image/{kind}'
  return [x for x in parsed.of('img') if x['src'].startswith(start)]


@pytest.fixture(scope='module')
def report(tmp_path_factory):
  """Two runs of two seeds, with everything; one is called <b>."""
  folder = tmp_path_factory.mktemp('runs')
  paths = [
    reported.with_all(folder / 'a', 0.4),
    reported.seeds(folder / '<b>', 0.8),
  ]
  pictures = folder / 'pictures'
  (pictures / 'test').mkdir(parents=True)
  for i in range(0, 80, 2):
    Image.new('RGB', (20, 30)).save(pictures / 'test' / f'{i:04d}.png')
  with style.applied():
    return make.make(paths, pictures=[pictures], draws=100)


@pytest.fixture(scope='module')
def written(report, tmp_path_factory):
  output = tmp_path_factory.mktemp('page') / 'report.html'
  with style.applied():
    folder = page.write(output, report)
  return output, folder


def test_every_section_has_its_place(report, written):
  assert [s.name for s in report.sections] == SECTIONS
  assert report.notes == []
  parsed = Parsed(written[0].read_text())
  assert parsed.open == []
  ids = [x['id'] for _, x in parsed.tags if 'id' in x]
  assert ids == SECTIONS
  links = [x['href'] for x in parsed.of('a')]
  assert links == [*(f'#{x}' for x in SECTIONS), 'report_files/contents.json']
  for section in report.sections:
    assert section.title in parsed.text
    assert section.parts


def test_the_comparison_is_of_headlines(report):
  (section,) = (s for s in report.sections if s.name == 'significance')
  (table,) = section.parts
  assert [row[:2] for row in table.rows] == [
    ['B: <b>', f'{task}/{metric}']
    for task, metric in (
      ('expression', 'macro_f1'),
      ('action_units', 'mean_f1'),
      ('valence_arousal', 'mean_ccc'),
    )
  ]
  first, second = (
    {row[1]: row[i] for row in report.sections[0].parts[0].rows} for i in (3, 5)
  )
  for row, task in zip(table.rows, reported.TASKS, strict=True):
    assert row[2:4] == pytest.approx([first[task], second[task]])
  assert 'affect_jax.compare' in section.sentences[-1]


def test_the_page_needs_nothing_else(written):
  text = written[0].read_text()
  assert not re.search(
    r'src="(?!data:)|<script|@import|url[(]|<link|<base', text
  )
  # Addresses are words here: readers of corpora tell where these are from.
  assert not re.search(r'(href|src|action)="\w+:(?<!data:)', text)


def test_what_comes_from_runs_is_no_markup(written):
  text = written[0].read_text()
  assert '<b>' not in re.sub(r'<b>Missing|<figcaption><b>', '', text)
  assert 'B: &lt;b&gt;' in text


def test_figures_are_pictures_with_words_and_widths(report, written):
  parsed = Parsed(written[0].read_text())
  figures = [
    x
    for section in report.sections
    for x in section.parts
    if isinstance(x, contents.Figure)
  ]
  vectors = pictures_of(parsed, 'svg')
  assert len(vectors) == len(figures) > 15
  for image, figure in zip(vectors, figures, strict=True):
    assert figure.title in image['alt']
    svg = base64.b64decode(image['src'].partition(',')[2])
    root = xml.etree.ElementTree.fromstring(svg)
    assert root.tag.endswith('svg')
    # Without a date, the same runs make the same page.
    assert b'dc:date' not in svg
  for image in parsed.of('img'):
    assert image['alt']


def test_no_chart_is_without_units(report):
  known = r'[(].+[)]|samples|class|modalities'
  for section in report.sections:
    for figure in section.parts:
      if isinstance(figure, contents.Figure):
        for axes in figure.drawn.axes:
          labels = [x for x in (axes.get_xlabel(), axes.get_ylabel()) if x]
          shared = axes in figure.drawn.axes[:-1]
          assert labels or shared, figure.name
          for label in labels:
            assert re.search(known, label), (figure.name, label)
        # A line of numbers has a label on each side.
        assert any(x.get_xlabel() for x in figure.drawn.axes) or (
          section.name == 'subsets'
        )


def test_pictures_of_mistakes_are_shown(report, written):
  parsed = Parsed(written[0].read_text())
  shown = pictures_of(parsed, 'jpeg')
  (section,) = (s for s in report.sections if s.name == 'mistakes')
  with_picture = [
    x for x in section.parts if isinstance(x, contents.Picture) and x.uri
  ]
  assert len(shown) == len(with_picture) > 0
  assert all(
    int(x.lines[1].removeprefix('test/')) % 2 == 0 for x in with_picture
  )
  assert 'no picture' in parsed.text


def test_files_beside_the_page(report, written):
  _, folder = written
  names = json.loads((folder / page.CONTENTS).read_text())
  found = {x.name for x in folder.iterdir()} - {page.CONTENTS}
  assert found == names.keys()
  stems = lambda ending: {x.stem for x in folder.glob(f'*.{ending}')}
  assert stems('svg') == stems('png')
  assert stems('csv') == stems('tex')
  for path in folder.glob('*.png'):
    assert Image.open(path).width >= 550
  for path in folder.glob('*.csv'):
    with open(path, newline='') as file:
      head, *rows = csv.reader(file)
    assert rows
    assert all(len(row) == len(head) for row in rows)
  tables = [report.overview] + [
    x for s in report.sections for x in s.parts if isinstance(x, contents.Table)
  ]
  for table in tables:
    tex = (folder / f'{table.name}.tex').read_text()
    assert tex.count(r'\\' + '\n') == 1 + len(table.rows)
  # Every digit.
  with open(folder / 'cosines.csv', newline='') as file:
    row = list(csv.reader(file))[1]
  assert float(row[2]) == report.sections[4].parts[-1].rows[0][2]


def test_what_has_no_data_is_left_out(tmp_path):
  folder = tmp_path / 'a'
  options = {'valence_arousal': compared.OPTIONS['valence_arousal']}
  compared.write(folder, options=options)
  made = make.make([str(folder)])
  assert [s.name for s in made.sections] == [
    *('scores', 'density', 'mistakes', 'card')
  ]
  assert made.notes == [
    'A: metrics.jsonl is missing: there are no curves.',
  ]
  with style.applied():
    page.write(tmp_path / 'x.html', made)
  text = (tmp_path / 'x.html').read_text()
  assert 'metrics.jsonl is missing' in text
  assert 'Calibration' not in text


def test_runs_that_cannot_be_compared_say_why(tmp_path):
  paths = [
    reported.write(tmp_path / 'a'),
    reported.write(tmp_path / 'b', data_seed=1),
  ]
  made = make.make(paths, draws=100)
  (section,) = (s for s in made.sections if s.name == 'significance')
  assert section.sentences[0].startswith('These runs cannot be compared: ')
  without = make.make(paths, draws=0)
  assert 'significance' not in [s.name for s in without.sections]


def test_files_of_an_earlier_report_go_and_others_stay(tmp_path):
  folder = tmp_path / 'report_files'
  folder.mkdir()
  for name in ('old.svg', 'mine.txt'):
    (folder / name).write_text('')
  outside = tmp_path / 'outside.txt'
  outside.write_text('')
  reported.save(
    folder / page.CONTENTS, {'old.svg': '', '../outside.txt': '', '..': ''}
  )
  made = make.Report('x', contents.Table('runs', '', ['a'], [['b']]), [], [])
  page.write(tmp_path / 'report.html', made)
  assert {x.name for x in folder.iterdir()} == {
    *('mine.txt', 'runs.csv', 'runs.tex', page.CONTENTS)
  }
  assert outside.exists()


def test_tables_as_latex_and_csv():
  table = contents.Table(
    'x', '50 %', ['a_b', 'n'], [['c & d', 0.12345], ['{e}', None], ['', 1e-5]]
  )
  assert table.to_latex().splitlines() == [
    '% 50 %',
    r'\begin{tabular}{lr}',
    r'\toprule',
    r'a\_b & n \\',
    r'\midrule',
    r'c \& d & 0.1235 \\',
    r'\{e\} & -- \\',
    r' & 1.0e-05 \\',
    r'\bottomrule',
    r'\end{tabular}',
  ]
  assert table.to_csv() == 'a_b,n\nc & d,0.12345\n{e},\n,1e-05\n'


@pytest.mark.skipif(not CHROMIUM, reason='there is no Chromium')
@pytest.mark.parametrize('width', [1280, 390])
def test_in_a_browser_nothing_is_lost_or_wider_than_the_screen(
  written, tmp_path, width
):
  output, _ = written
  measure = """<script>addEventListener('load', () => {
    const images = [...document.images];
    parent.postMessage([document.documentElement.scrollWidth, innerWidth,
      images.length, images.filter(x => x.naturalWidth).length].join(' '), '*');
  });</script>"""
  (tmp_path / 'page.html').write_text(output.read_text() + measure)
  # A window has at least 500 pixels, a frame in it may have fewer.
  frame = tmp_path / 'frame.html'
  show = "addEventListener('message', x => { document.title = x.data; });"
  frame.write_text(
    f'<title></title><script>{show}</script>'
    f'<iframe src="page.html" style="border: 0; width: {width}px"></iframe>'
  )
  done = subprocess.run(
    [
      *(CHROMIUM, '--headless', '--no-sandbox', '--disable-gpu'),
      *('--window-size=1400,900', f'--user-data-dir={tmp_path}/profile'),
      *('--virtual-time-budget=20000', '--dump-dom', frame.as_uri()),
    ],
    capture_output=True,
    text=True,
    timeout=300,
    check=True,
  )
  found = re.search(r'<title>(\d+) (\d+) (\d+) (\d+)</title>', done.stdout)
  wide, inner, images, shown = map(int, found.groups())
  assert inner == width
  assert wide <= width
  assert images == shown > 15
