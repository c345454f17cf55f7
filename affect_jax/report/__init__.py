"""A page that shows what runs learned.

  python -m affect_jax.report RUN [RUN ...] --output report.html

Each RUN is a run's folder, or a folder of seed_0, seed_1, ... with a run each.
Only these folders are read: no corpus, and no checkpoint. The page is one file
that opens offline; REPORT_files beside it holds its figures as PNG and SVG, its
tables as CSV and LaTeX, and contents.json, which says what each of them shows.

  folders      reads them as far as they can be read
  runs         what they hold
  predictions  predictions/*.csv as arrays
  contents     what a section consists of: figures, tables, pictures
  style        how figures look
  scores, curves, cosines, confusion, units, density, reliability, subsets,
  weak_quality, mistakes, differences, significance, card
               the sections, one file each; None where a run has no data for it
  make         from runs to sections
  page         from sections to files
"""
