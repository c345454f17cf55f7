"""Looks a run's data over before anything is trained on it.

  python -m affect_jax.doctor --config=configs/fer2013.py \
      --config.data.path=fer2013.csv --out=doctor

Takes the config and overrides of training, prepares the corpus if need be,
and reads every picture once. Exit code 1 where there is any error:

  error    samples in train and in another split (overlapping slices)
  error    pixel-identical pictures in two splits
  error    subjects (people, videos) in two splits
  error    pictures that cannot be decoded
  error    labels that are not finite or out of their range
  warning  pixel-identical pictures in train and val where both are slices of
           one stored split: they bias the choice of the checkpoint, no score
           on other data (error with --strict)
  warning  near duplicates in two splits (error with --strict)
  warning  val and test have samples in common
  warning  identical pictures of one split with contradicting labels
  warning  constant pictures; outputs or tasks without labels in train
  note     duplicates within a split, grey pictures, samples that were left
           out, neutral faces with several action units

Definitions:

  exact duplicate  Equal size and equal RGB values after decoding, in whatever
                   encoding.
  near duplicate   Not exact, and (1) the 64 bits "is this cell brighter than
                   its left neighbour" of the picture's mean grey in 8 x 9
                   cells (dHash) differ in at most --near_distance, and (2)
                   the mean greys of 16 x 16 cells correlate by .98 or more.
                   So another brightness, contrast, size or compression is a
                   near duplicate; a mirrored or shifted picture is not.
                   Constant pictures are left out.
  contradiction    Exact duplicates with different expressions (the likeliest
                   class), with an action unit present (> .5) and absent, or
                   with valences or arousals more than .5 apart.
  constant         No channel's values range over more than 8 of 255.
  grey             The three channels are equal everywhere.

Memory: about 350 bytes per picture; pictures themselves are not kept.
"""
