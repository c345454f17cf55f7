"""Writes the page, and the files beside it."""

import base64
import json
import pathlib
import re
from typing import Any

from affect_jax import whole_file
from affect_jax.errors import UserError
from affect_jax.report import contents
from affect_jax.report import make
from affect_jax.report import style
from affect_jax.report import template

CONTENTS = 'contents.json'


def write(output: pathlib.Path, report: make.Report) -> pathlib.Path:
  """Writes report.html and the folder report_files; returns the folder.

  Files of an earlier report there, which its contents.json names, are removed;
  others stay.

  Raises:
    UserError: Something else has one of the names.
  """
  import jinja2

  folder = output.with_name(f'{output.stem}_files')
  if output.is_dir() or (folder.exists() and not folder.is_dir()):
    raise UserError(f'{output} is a folder, or {folder} is none.')
  folder.mkdir(parents=True, exist_ok=True)
  before = _known(folder)
  files: dict[str, str] = {}
  uris: dict[str, str] = {}
  tables = [report.overview]
  for section in report.sections:
    for part in section.parts:
      if isinstance(part, contents.Figure):
        name = _file_name(part.name)
        svg = style.to_svg(part.drawn)
        uris[part.name] = _uri('image/svg+xml', svg)
        pairs = {'svg': svg, 'png': style.to_png(part.drawn)}
        for ending, data in pairs.items():
          (folder / f'{name}.{ending}').write_bytes(data)
          files[f'{name}.{ending}'] = f'{section.title}: {part.title}'
      elif isinstance(part, contents.Table):
        tables.append(part)
  for table in tables:
    name = _file_name(table.name)
    for ending, text in (('csv', table.to_csv()), ('tex', table.to_latex())):
      (folder / f'{name}.{ending}').write_text(text, encoding='utf-8')
      files[f'{name}.{ending}'] = table.title
  page = jinja2.Environment(
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
  )
  html = page.from_string(template.PAGE).render(
    report=report, uris=uris, folder=folder.name, kind=_kind
  )
  whole_file.write_text(str(output), html)
  whole_file.write_text(
    str(folder / CONTENTS),
    json.dumps(files, indent=2, ensure_ascii=False) + '\n',
  )
  for name in before - files.keys():
    (folder / name).unlink(missing_ok=True)
  return folder


def _known(folder: pathlib.Path) -> set[str]:
  """Returns the files of an earlier report in this folder."""
  try:
    known = json.loads((folder / CONTENTS).read_text(encoding='utf-8'))
  except (OSError, ValueError):
    return set()
  # Nothing outside of the folder, whatever somebody wrote there.
  return {
    x for x in known if pathlib.PurePath(x).name == x and (folder / x).is_file()
  }


def _file_name(name: str) -> str:
  """Returns a name without what file systems do not like."""
  return re.sub(r'[^\w.-]+', '_', name)


def _uri(kind: str, data: bytes) -> str:
  return f'data:{kind};base64,{base64.b64encode(data).decode()}'


def _kind(part: Any) -> str:
  return type(part).__name__
