r"""Examines a run's data before anything is trained on it.

  python -m affect_jax.doctor --config=configs/fer2013.py \
      --config.data.path=fer2013.csv --out=doctor

Takes the config and overrides of training, prepares the corpora if need be,
and reads every picture or utterance once, windows and dialogues as single ones.
The exit code is 1 if there is any error. With --out, the report is a page
(report.html, needs affect_jax[report]), a text and JSON; duplicates.csv lists
pairs. Findings name samples (and, of your own table, their lines), the cause,
and the setting, or the file, that mends it.

For both:

  error    samples in train and in another split (overlapping slices)
  error    labels that are not finite or out of their range
  warning  val and test have samples in common
  warning  outputs or tasks without labels in train, or without any in val or
           test while train has some
  warning  splits whose pictures or features are on another scale than train's
  note     duplicates within a split, samples that were left out, samples whose
           subject is unknown

For pictures:

  error    pixel-identical pictures in two splits
  error    subjects (people, videos) in two splits
  error    pictures that cannot be decoded
  warning  pixel-identical pictures in train and val if both are slices of one
           stored split: they bias the choice of the checkpoint, but no score
           on other data (error with --strict)
  warning  near duplicates in two splits (error with --strict)
  warning  identical pictures of one split with contradicting labels
  warning  constant pictures
  warning  names of people in two splits that only case, accents, signs or zeros
           tell apart (of dialogues, too)
  note     grey pictures, neutral faces with several action units

For utterances:

  error    dialogues (or videos) in two splits
  error    the same audio and vision in two splits; a warning in train and val
           of one stored split, as above
  error    values that are not finite
  error    features that tell the labels of their own rows almost alone
  warning  speakers in two splits; not an error, as MELD's official splits share
           all of their main speakers
  warning  the same words in two splits (error with --strict)
  warning  the same words, or audio and vision, with contradicting labels; a
           sentiment_class against the sign of the sentiment
  warning  two utterances at one turn of a dialogue
  warning  sequences that begin or end with zeros, or are all zero
  warning  more than a tenth of a modality's features never varies (a note if
           fewer); |x| beyond 100 in a run that does not standardize
  warning  a modality that a split lacks altogether
  warning  recordings that are silent, clipped, cut short, or whose channels
           cancel out
  warning  transcripts without a word; text that was decoded wrongly
  note     sequences that were cut, utterances without a transcript, short
           utterances with the same words in two splits

Whether the turns of a dialogue ascend cannot be checked here, as prepared
utterances are shuffled.

Definitions:

  exact duplicate  Equal size and equal RGB values after decoding, whatever the
                   encoding.
  near duplicate   Not exact, and (1) the 64 bits "is this cell brighter than
                   its left neighbour" of the picture's mean grey in 8 x 9
                   cells (dHash) differ in at most --near_distance, and (2)
                   the mean greys of 16 x 16 cells correlate by .98 or more.
                   So another brightness, contrast, size or compression is a
                   near duplicate; a mirrored or shifted picture is not.
                   Constant pictures are left out.
  same words       Equal except for case, punctuation, spaces and apostrophes,
                   and six words or more (signs, in Chinese and Japanese).
                   Without a transcript, the sequences of text are compared.
  almost alone     Chatterjee's correlation xi of the label and the feature's
                   mean over steps, or its first step, is .9 or more: about .97
                   of an accuracy. Over the first 1,000 utterances of a split
                   (fewer above 4,000 features), 100 labelled ones or more, of
                   which 20 differ from the commonest label.
  another scale    The median feature spreads 10 times as much as in train or a
                   tenth, or its mean lies 10 standard deviations off; the mean
                   grey of pictures differs by 64 of 255, or their contrast by
                   a factor of 4. Of 10 samples or more.
  same audio and   Equal numbers in audio and vision, as far as present.
  vision           Utterances with fewer than 8 nonzero values are left out.
  contradiction    Exact duplicates with different expressions (the likeliest
                   class), with an action unit, an emotion or sarcasm present
                   (> .5) and absent, with sentiments of opposite signs, or
                   with valences or arousals more than .5 apart.
  constant         No channel's values range over more than 8 of 255.
  clipped          A thousandth of the samples lie in runs of three or more
                   equal ones at .98 of full scale or more.
  silent           No sample reaches .5 of 32768.
  grey             The three channels are equal everywhere.
  begin, end       Two or more all-zero steps that the length includes.

Memory: about 350 bytes per picture, 250 per utterance and its id, and up to 32
MB per split for features that are compared with labels; pictures and sequences
themselves are not kept.
"""
