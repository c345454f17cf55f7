"""The page as a template of jinja2: nothing in it comes from elsewhere."""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Report: {{ report.title }}</title>
<style>
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  color: #1c2024; background: #fff; margin: 0 auto; max-width: 76rem;
  padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .75rem;
  overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 0 0 .25rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .3rem; }
section { border-top: 1px solid #d5dade; padding-top: 1.25rem;
  margin-top: 2.25rem; }
p { margin: .3rem 0; max-width: 46rem; }
a { color: #005a91; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .35rem .9rem;
  padding: 0; margin: 1rem 0; }
.notes { border-left: .35rem solid #D55E00; background: #fff6ef;
  padding: .5rem .9rem; margin: 1rem 0; overflow-wrap: anywhere; }
.notes ul { margin: .25rem 0; padding-left: 1.1rem; }
.figures { display: flex; flex-wrap: wrap; gap: 1.2rem 1rem; margin: 1rem 0; }
figure { margin: 0; max-width: 100%; }
figure .scroll { overflow-x: auto; }
figure img { width: 100%; height: auto; display: block; }
figure.wide img { min-width: 30rem; }
figcaption { font-size: .875rem; color: #3c464f; overflow-wrap: anywhere; }
figcaption b { color: #1c2024; }
.table { overflow-x: auto; margin: .3rem 0 .2rem; }
table { border-collapse: collapse; font-size: .875rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: .22rem .7rem .22rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid #e3e6e8; }
td { overflow-wrap: break-word; max-width: 30rem; }
th { font-weight: 600; border-bottom: 2px solid #9aa5ae; white-space: nowrap; }
th.number, td.number { text-align: right; white-space: nowrap; }
.caption { font-size: .875rem; color: #3c464f; }
summary { cursor: pointer; margin: .6rem 0; font-weight: 600; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f5f6f7;
  padding: .8rem; font-size: .82rem; line-height: 1.4; margin: .3rem 0; }
.pictures { display: grid; gap: .9rem; margin: 1rem 0;
  grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); }
.pictures img { width: 9rem; height: 9rem; object-fit: contain;
  background: #f5f6f7; max-width: 100%; }
.none { display: grid; place-items: center; width: 9rem; height: 9rem;
  max-width: 100%; background: #f5f6f7; color: #5a656e; font-size: .8rem; }
@media print {
  body { font-size: 10.5pt; max-width: none; padding: 0; }
  nav { display: none; }
  figure, tr, .pictures figure { break-inside: avoid; }
  h2, h3, summary { break-after: avoid; }
  table { font-size: 8pt; }
  th { white-space: normal; }
  .table, figure .scroll { overflow: visible; }
  figure.wide img { min-width: 0; }
  .figures figure { max-width: 48%; }
  .figures figure.wide { max-width: 90%; }
  a { color: inherit; text-decoration: none; }
}
</style>
</head>
<body>
{% macro table_of(table) %}
<div class="table" tabindex="0" role="region" aria-label="{{ table.title }}">
<table>
<thead><tr>
{% for head in table.columns %}
<th scope="col"{{ ' class="number"'|safe if table.is_number(loop.index0) }}>
{{- head }}</th>
{% endfor %}
</tr></thead>
<tbody>
{% for row in table.shown() %}
<tr>
{% for cell in row %}
<td{{ ' class="number"'|safe if table.is_number(loop.index0) }}>{{ cell }}</td>
{% endfor %}
</tr>
{% endfor %}
</tbody>
</table>
</div>
{% if table.caption %}<p class="caption">{{ table.caption }}</p>{% endif %}
{% endmacro %}
<header>
<h1>{{ report.title }}</h1>
{{ table_of(report.overview) }}
{% if report.notes %}
<div class="notes" role="note" id="notes">
<b>Missing or damaged</b>
<ul>
{% for note in report.notes %}
<li>{{ note }}</li>
{% endfor %}
</ul>
</div>
{% endif %}
<nav aria-label="Sections"><ul>
{% for section in report.sections %}
<li><a href="#{{ section.name }}">{{ section.title }}</a></li>
{% endfor %}
</ul></nav>
</header>
<main>
{% for section in report.sections %}
<section id="{{ section.name }}">
<h2>{{ section.title }}</h2>
{% for sentence in section.sentences %}
<p>{{ sentence }}</p>
{% endfor %}
{% set figures = section.parts | selectattr('drawn', 'defined') | list %}
{% if figures %}
<div class="figures">
{% for part in figures %}
<figure{{ ' class="wide"'|safe if part.width > 5 }}
 style="width: {{ part.width }}in">
<div class="scroll"><img src="{{ uris[part.name] }}"
 alt="{{ section.title }}: {{ part.title }}"></div>
<figcaption><b>{{ part.title }}.</b> {{ part.caption }}</figcaption>
</figure>
{% endfor %}
</div>
{% endif %}
{% set pictures = section.parts | selectattr('uri', 'defined') | list %}
{% if pictures %}
<div class="pictures">
{% for part in pictures %}
<figure>
{% if part.uri %}
<img src="{{ part.uri }}" alt="{{ part.lines | join(', ') }}">
{% else %}
<div class="none">no picture</div>
{% endif %}
<figcaption>{% for line in part.lines %}
{{ line }}{{ '<br>'|safe if not loop.last }}
{% endfor %}</figcaption>
</figure>
{% endfor %}
</div>
{% endif %}
{% for part in section.parts %}
{% if kind(part) == 'Table' and part.on_page %}
{% if part.is_folded %}
<details><summary>{{ part.title }}</summary>
{{ table_of(part) }}
</details>
{% else %}
<h3>{{ part.title }}</h3>
{{ table_of(part) }}
{% endif %}
{% elif kind(part) == 'Text' %}
<details><summary>{{ part.title }}</summary>
<pre>{{ part.text }}</pre>
</details>
{% elif kind(part) == 'Points' %}
<h3>{{ part.title }}</h3>
<ul>
{% for sentence in part.sentences %}
<li>{{ sentence }}</li>
{% endfor %}
</ul>
{% endif %}
{% endfor %}
</section>
{% endfor %}
</main>
<footer>
<p class="caption">Figures (SVG, PNG) and tables (CSV, LaTeX):
<a href="{{ folder }}/contents.json">{{ folder }}</a>.</p>
</footer>
</body>
</html>
"""
