"""The report as a page, and the verdict on a corpus without faults."""

import base64
import io
import re
import sys

import numpy as np
from PIL import Image
import pytest
from toys import doctor as toy_doctor

from affect_jax.doctor import examine
from affect_jax.doctor import page
from affect_jax.doctor import report
from affect_jax.errors import MissingExtra


@pytest.fixture(scope='module')
def with_leak():
  """Red and blue faces; test has a red one of train, and a brighter one."""
  train = toy_doctor.many('train', 6, 0)
  red = np.zeros((64, 48, 3), np.uint8)
  red[..., 0] = np.linspace(120, 250, 48)
  train.append(toy_doctor.sample('<b>red</b>', red, expression='neutral'))
  test = toy_doctor.many('test', 4, 90)
  test.append(toy_doctor.sample('red2', red, expression='neutral'))
  test[1]['image'] = toy_doctor.encode(toy_doctor.face(3) // 2 + 20)
  return examine.examine(
    [toy_doctor.part('train', train), toy_doctor.part('test', test)]
  )


def page_of(result):
  pytest.importorskip('jinja2', reason="needs the extra 'report'")
  return page.text(result.report, result.survey, result.groups, result.near)


def test_a_page_needs_nothing_else_and_shows_what_was_found(with_leak):
  html = page_of(with_leak)
  assert '<h1 class="error">FAILED: 1 error' in html
  assert not re.search(r'https?:|<script|src="(?!data:)|@import|url[(]', html)
  found = [f['kind'] for f in with_leak.report['findings']]
  assert re.findall(r'<article class="\w+" id="(\w+)-', html) == found
  assert found[0] == 'exact_across_splits'
  # What comes from a corpus is no markup.
  assert '<b>red</b>' not in html
  assert '&lt;b&gt;red&lt;/b&gt;' in html
  assert 'expression: samples with labels' in html


def test_pairs_are_shown_as_small_pictures(with_leak):
  html = page_of(with_leak)
  captions = re.findall(r'<figcaption>(\w+): train (\S+) .*? test (\S+)<', html)
  assert captions == [
    ('exact', '&lt;b&gt;red&lt;/b&gt;', 'red2'),
    ('near', 'train3', 'test1'),
  ]
  uris = re.findall(r'base64,([^"]+)"', html)
  assert len(uris) == 4
  sides = [
    np.asarray(Image.open(io.BytesIO(base64.b64decode(uri)))) for uri in uris
  ]
  for shown in sides[:2]:
    assert shown.shape == (64, 48, 3)
    assert shown[..., 0].mean() > 150
    assert shown[..., 2].mean() < 20
  expected = toy_doctor.face(3).mean((0, 1))
  np.testing.assert_allclose(sides[2].mean((0, 1)), expected, atol=3)
  np.testing.assert_allclose(sides[3].mean((0, 1)), expected / 2 + 20, atol=3)


def test_large_pictures_become_small():
  large = toy_doctor.sample('a', np.zeros((300, 600, 3), np.uint8))
  result = examine.examine([toy_doctor.part('train', [large, large])])
  (uri,) = page.thumbnails(result.survey, [1]).values()
  data = base64.b64decode(uri.partition(',')[2])
  assert Image.open(io.BytesIO(data)).size == (96, 48)


def test_without_jinja2_a_line_says_what_to_install(with_leak, monkeypatch):
  monkeypatch.setitem(sys.modules, 'jinja2', None)
  with pytest.raises(MissingExtra, match=r"pip install 'affect_jax\[report\]'"):
    page.text(with_leak.report, with_leak.survey, {}, None)


def test_a_corpus_without_faults_says_so_in_one_line():
  result = examine.examine(
    [
      toy_doctor.spoken_part('train', toy_doctor.talk('train', 12, 0)),
      toy_doctor.spoken_part('test', toy_doctor.talk('test', 8, 500)),
    ]
  )
  line = 'PASSED: no fault found in 20 utterances (train 12, test 8)'
  first, second, *_ = report.text(result.report).splitlines()
  assert first == f'VERDICT: {line}'
  assert not second
  assert f'<h1 class="passed">{line}</h1>' in page_of(result)
