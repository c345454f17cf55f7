"""The report as one page of HTML that needs no other file and no network."""

import base64
from collections.abc import Mapping, Sequence
import io
from typing import Any

from PIL import Image

from affect_jax.doctor import duplicates
from affect_jax.doctor import report as report_lib
from affect_jax.doctor import survey as survey_lib
from affect_jax.errors import MissingExtra

# Pairs of duplicates that are shown, of each kind, and pixels of their sides.
MAX_PAIRS = 12
SIDE = 96
_TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Doctor: {{ verdict }}</title>
<style>
body { font: 16px/1.45 system-ui, sans-serif; color: #1c2024; margin: 2rem auto;
  max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; border-left: .5rem solid; padding-left: .75rem; }
h2 { font-size: 1.15rem; margin-top: 2rem; }
.error { border-color: #c62828; } .warning { border-color: #e09100; }
.note { border-color: #90a4ae; } .passed { border-color: #2e7d32; }
article { border-left: .3rem solid; padding: .1rem 0 .1rem .8rem;
  margin: .8rem 0; overflow-wrap: anywhere; }
article p { margin: .15rem 0; }
.level { font-size: .75rem; font-weight: 700; letter-spacing: .06em; }
.advice { color: #4a5560; }
pre { background: #f5f6f7; padding: .8rem; overflow-x: auto;
  font-size: .82rem; line-height: 1.35; }
.pairs { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; width: 13rem; } figure img { width: 6rem; height: 6rem;
  object-fit: contain; background: #f5f6f7; }
figcaption { font-size: .75rem; overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1 class="{{ worst }}">{{ verdict }}</h1>
{% for f in findings %}
<article class="{{ f.level }}" id="{{ f.kind }}-{{ loop.index }}">
<p><span class="level">{{ f.level | upper }}</span> {{ f.text }}</p>
{% if f.advice %}<p class="advice">&rarr; {{ f.advice }}</p>{% endif %}
</article>
{% endfor %}
{% if pairs %}
<h2>Duplicates</h2>
<p>The first of duplicates.csv.</p>
<div class="pairs">
{% for p in pairs %}
<figure>
{% for side in p.sides %}<img src="{{ side }}" alt="">{% endfor %}
<figcaption>{{ p.kind }}: {{ p.a }} &middot; {{ p.b }}</figcaption>
</figure>
{% endfor %}
</div>
{% endif %}
<h2>Tables</h2>
<pre>{{ tables }}</pre>
</body>
</html>
"""


def text(
  report: Mapping[str, Any],
  survey: survey_lib.Survey,
  groups: Mapping[str, duplicates.Exact],
  near: duplicates.Near | None,
) -> str:
  """Makes the page; arguments are those of `report.write`.

  Pictures of pairs are read once more, as the survey does not keep them.

  Raises:
    ImportError: jinja2 is not installed.
  """
  try:
    import jinja2
  except ImportError as e:
    raise MissingExtra(
      "report.html needs jinja2: pip install 'affect_jax[report]'."
    ) from e
  page = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
  levels = [f['level'] for f in report['findings']]
  return page.from_string(_TEMPLATE).render(
    verdict=report_lib.verdict(report),
    worst=next((x for x in ('error', 'warning') if x in levels), 'passed'),
    findings=report['findings'],
    pairs=_shown(survey, groups, near),
    tables='\n'.join(report_lib.tables(report)).strip('\n'),
  )


def _shown(
  survey: survey_lib.Survey,
  groups: Mapping[str, duplicates.Exact],
  near: duplicates.Near | None,
) -> list[dict[str, Any]]:
  if survey.things != 'pictures':
    return []
  chosen = []
  kinds = {kind: same.pairs() for kind, same in groups.items()}
  if near is not None:
    kinds['near'] = near.pairs
  for kind, pairs in kinds.items():
    # Those of two splits first.
    crossing = survey.split[pairs[:, 0]] != survey.split[pairs[:, 1]]
    order = (~crossing).argsort(kind='stable')[:MAX_PAIRS]
    chosen += [(kind, a, b) for a, b in pairs[order].tolist()]
  thumbs = thumbnails(survey, sorted({r for _, a, b in chosen for r in (a, b)}))
  who = lambda row: f'{survey.where(row)} {survey.id(row)}'
  return [
    {'kind': kind, 'sides': [thumbs[a], thumbs[b]], 'a': who(a), 'b': who(b)}
    for kind, a, b in chosen
  ]


def thumbnails(
  survey: survey_lib.Survey, rows: Sequence[int]
) -> dict[int, str]:
  """Returns {row: its picture as a small data URI} of ascending rows."""
  result: dict[int, str] = {}
  start = 0
  for part in survey.parts:
    wanted = [row for row in rows if start <= row < start + part.size]
    at = start
    for chunk in part.stream() if wanted else ():
      size = len(chunk['id'])
      for row in wanted:
        if at <= row < at + size:
          result[row] = _data_uri(chunk['image'][row - at])
      at += size
      if at > wanted[-1]:
        break
    start += part.size
  return result


def _data_uri(picture: bytes) -> str:
  small = io.BytesIO()
  with Image.open(io.BytesIO(picture)) as image:
    shown = image.convert('RGB')
  shown.thumbnail((SIDE, SIDE))
  shown.save(small, 'JPEG', quality=85)
  return f'data:image/jpeg;base64,{base64.b64encode(small.getvalue()).decode()}'
