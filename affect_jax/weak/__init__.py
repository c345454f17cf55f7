"""Weak labels, from tables or made while a model trains.

  table        the file: one row per sample and task, and who labelled it
  selection    which of them count, and how much
  calibration  temperatures that make a teacher's confidence honest
  rules        labels from gold of other tasks; `regions`, `lexicon` beside it
  combination  several labellers make one table, by `label_models`
  quality      how good labels are where there is gold
  on_line      joins what makes labels, or asks for consistency, in the training
               step: `pseudo_labels`, `consistency`, `coupling`; with `ramps`

`run.teachers` makes them with trained runs, `data.weak_labels` joins them to
the rows of training.
"""
