"""A page that shows what runs learned.

  python -m affect_jax.report RUN [RUN ...] --output report.html

Each RUN is a run's folder, or a folder of seed_0, seed_1, ... with a run each.
Only these folders are read: no corpus, and no checkpoint. The page is one file
that opens offline; report_files beside it holds its figures as PNG and SVG, its
tables as CSV and LaTeX, and contents.json, which says what each of them shows.
Sections without data are left out; what is missing or damaged is named.

Several runs are compared by the headline metric of each task, as does
`affect_jax.compare`; this takes a minute or more, and --draws=0 leaves it out.
"""
