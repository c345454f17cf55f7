"""Aff-Wild2: valence, arousal, expressions and action units of video frames.

594 videos, about 3 million frames, the data of the ABAW competitions. Access:
https://sites.google.com/view/dimitrioskollias/databases/aff-wild2. A person
with a permanent position at a university signs the agreement (EULA) that is
linked there, and mails it from an academic address to d.kollias@qmul.ac.uk;
industry asks at the same address. What you may do with the data stands in the
agreement that you signed; nothing of them may be passed on with this code.

Put the annotations of one edition beside the aligned crops:

  path/
    cropped_aligned/                         or wherever `images` says
      1-30-1280x720/00001.jpg, 00002.jpg, ...
      10-60-1280x720_right/00001.jpg, ...    a second person of a video
    VA_Estimation_Challenge/                 layout 'challenges' (ABAW2 on)
      Train_Set/1-30-1280x720.txt, ...       valence,arousal
      Validation_Set/...
    EXPR_Classification_Challenge/...        or EXPR_Recognition_Challenge
    AU_Detection_Challenge/...
    VA_Set/Training_Set, EXPR_Set, AU_Set    the same in ABAW1
    train_set.txt, validation_set.txt        layout 'mtl' (s-Aff-Wild2), or
    training_set_annotations[_22].txt, validation_set_annotations[_22].txt

The three folders may lie in one such as `6th ABAW Annotations`, the two lists
also in `MTL_Challenge`. Crops that came in several archives (such as
`cropped_aligned_new_50_vids`) belong into one folder; links will do.

A video's file has a header; line i after it is frame i, `%05d.jpg`. Frames in
which no face was found have no crop, and labels may miss or exceed the frames
by one. A list has the rows `video/00001.jpg,valence,arousal,expression,` and
12 action units. -5 (valence, arousal) and -1 (expression, each action unit)
mean "not annotated", of that label alone: no label hides another.

Names and order of classes and units are read from the headers: 7 or 8
expressions (0 neutral, 1 anger, 2 disgust, 3 fear, 4 happiness, 5 sadness,
6 surprise, 7 other), 8 or 12 units. Only a list has no names of expressions:
there the order of these 8 is assumed, and if its header sums the units up as
`aus`, that of `action_units.AFFWILD2_12`. Folders, headers and sentinels are
those that published code of participants reads; no file of the organisers was
at hand.
"""

import collections
from collections.abc import Iterator, Mapping, Sequence, Set
import functools
import pathlib
import re

from affect_jax.corpora import aff_wild2_files
from affect_jax.corpora import aff_wild2_labels
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import faces
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError

LAYOUTS = ('auto', 'challenges', 'mtl')

# Why something is left out. Damage is counted over all frames, whatever the
# stride.
LOST = 'labels without a frame'
UNLABELLED = 'frames without any label'
BETWEEN = 'frames between every k-th'
STRANGERS = 'files that are no frames'
TEST_LOST = 'test frames without a crop'
TEST_ABSENT = 'test videos without any crop'
TEST_UNLISTED = 'frames that the test list lacks'
# A video that several splits have belongs to the last of them.
_MOVED = {
  'val': 'labels of a video that another challenge validates on',
  'list': 'labels of a video that the validation list has',
  'test': 'labels of a video that the test list has',
}

Stream = Iterator[face_listing.Sample | face_listing.LeftOut]


def listing(
  path: str | pathlib.Path,
  *,
  images: str | pathlib.Path = '',
  layout: str = 'auto',
  stride: int = 1,
  test_list: str | pathlib.Path = '',
) -> face_listing.Listing:
  """The frames of Aff-Wild2 and their labels, by the official splits.

  One sample per frame with the labels of all tasks. Splits stay by video: one
  that is in the training set of a challenge and in the validation set of
  another, or in the test list, is only in the latter; so are the two persons
  of one video (`_left`, `_right`), who are one subject. The labels that this
  costs are counted, as is all that is left out, by video.

  Args:
    path: Folder with the annotations; see this module's text.
    images: Folder with one folder of crops per video; '':
      `<path>/cropped_aligned`.
    layout: 'challenges', 'mtl', or 'auto': the one that is there.
    stride: 1: every label line of a video; k: the 1st, the k+1-th, ... In
      challenges these are frames 1, k+1, ...; in lists, rows. Does not thin
      the test list.
    test_list: File of rows `video/00001.jpg[,...]`, such as the organisers'
      sample of a submission, or of names of videos: the split 'test', without
      labels.

  Raises:
    FileNotFoundError: a folder or file is missing; says what is looked for.
    ValueError: an option, name or header is not understood, editions are
      mixed, or a picture is listed twice. Values that cannot be read raise
      while a split streams, at its end or at the 20th.
  """
  if layout not in LAYOUTS:
    raise UserError(f'layout is {layout!r}; known: {", ".join(LAYOUTS)}.')
  if not isinstance(stride, int) or stride < 1:
    raise UserError(f'stride is {stride!r}; a whole number from 1 is needed.')
  root = pathlib.Path(path).expanduser().absolute()
  files = aff_wild2_files.find(root, layout)
  crops = root / 'cropped_aligned'
  if images:
    crops = pathlib.Path(images).expanduser().absolute()

  named: dict[str, set[str]] = {}
  if files[0].video:
    for file in files:
      named.setdefault(file.split, set()).add(file.video)
  else:
    videos = aff_wild2_labels.videos([file.path for file in files])
    named = {f.split: v for f, v in zip(files, videos, strict=True)}
  folders = aff_wild2_files.folders(crops, set().union(*named.values()))

  test = None
  if test_list:
    test = sources.existing(test_list, 'the list of test frames')
    named['test'] = aff_wild2_labels.videos([test], labelled=False)[0]
  home = {}
  for split in ('train', 'val', 'test'):
    home |= dict.fromkeys(map(_subject, named.get(split, ())), split)

  splits = {}
  for split in ('train', 'val'):
    own = [file for file in files if file.split == split]
    if own:
      stream = _from_challenges if own[0].video else _from_list
      unused = _unused(folders, named) if not splits else ()
      splits[split] = functools.partial(
        stream, root, own, home, crops, stride, unused
      )
  if test:
    splits['test'] = functools.partial(_from_test_list, test, crops)
  return face_listing.Listing(
    root=crops,
    outputs=aff_wild2_files.outputs(files),
    splits=splits,
    sources={
      **aff_wild2_files.fingerprints(root, files),
      'cropped_aligned': sources.fingerprint(folders=folders),
      'layout': 'challenges' if files[0].video else 'mtl',
      'stride': str(stride),
      'test_list': sources.sha256(test) if test else '',
    },
  )


def _from_challenges(
  root: pathlib.Path,
  files: Sequence[aff_wild2_files.LabelFile],
  home: Mapping[str, str],
  images: pathlib.Path,
  stride: int,
  unused: Sequence[str],
) -> Stream:
  """Streams a split of the challenges, one video at a time."""
  problems = sources.Problems(f'{root}')
  split = files[0].split
  by_video: dict[str, list[aff_wild2_files.LabelFile]] = {}
  for file in files:
    by_video.setdefault(file.video, []).append(file)
  for video in sorted(by_video):
    labels: dict[int, dict] = {}
    for file in by_video[video]:
      lines = aff_wild2_labels.frames(file.path, file.columns, problems)
      for frame, found in lines:
        if found:
          labels.setdefault(frame, {}).update(found)
    owner = home[_subject(video)]
    if owner != split:
      yield from _left_out(video, {_MOVED[owner]: len(labels)})
      continue
    crops, strangers = aff_wild2_files.crops(images / video)
    usable = sorted(crops & labels.keys())
    kept = [frame for frame in usable if (frame - 1) % stride == 0]
    for frame in kept:
      yield _sample(video, frame, labels[frame])
    yield from _left_out(
      video,
      {
        LOST: len(labels) - len(usable),
        UNLABELLED: len(crops) - len(usable),
        BETWEEN: len(usable) - len(kept),
        STRANGERS: strangers,
      },
    )
  yield from _without_labels(images, unused)
  problems.check()


def _from_list(
  root: pathlib.Path,
  files: Sequence[aff_wild2_files.LabelFile],
  home: Mapping[str, str],
  images: pathlib.Path,
  stride: int,
  unused: Sequence[str],
) -> Stream:
  """Streams an MTL list, row by row."""
  problems = sources.Problems(f'{root}')
  [file] = files
  crops = functools.lru_cache(maxsize=8)(aff_wild2_files.crops)
  counts: dict[str, collections.Counter] = {}
  lines = aff_wild2_labels.rows(file.path, problems, labelled=True)
  for number, video, frame, text in lines:
    try:
      labels = aff_wild2_labels.labels(text, file.columns)
    except ValueError as e:
      problems.add(f'{file.path}:{number}: {e}')
      continue
    count = counts.setdefault(video, collections.Counter())
    count['rows'] += 1
    owner = home[_subject(video)]
    if not labels or frame is None:
      continue
    if owner != file.split:
      count[_MOVED['list' if owner == 'val' else owner]] += 1
    elif frame not in crops(images / video)[0]:
      count[LOST] += 1
    elif (count['rows'] - 1) % stride:
      count[BETWEEN] += 1
    else:
      count['samples'] += 1
      yield _sample(video, frame, labels)
  for video, count in counts.items():
    if home[_subject(video)] == file.split:
      all_of_them, count[STRANGERS] = aff_wild2_files.crops(images / video)
      usable = count['samples'] + count[BETWEEN]
      count[UNLABELLED] = len(all_of_them) - usable
    del count['rows'], count['samples']
    yield from _left_out(video, count)
  yield from _without_labels(images, unused)
  problems.check()


def _from_test_list(path: pathlib.Path, images: pathlib.Path) -> Stream:
  """Streams the frames of a test list, or of its videos, without labels."""
  problems = sources.Problems(path)
  crops = functools.lru_cache(maxsize=8)(aff_wild2_files.crops)
  counts: dict[str, collections.Counter] = {}
  for _, video, frame, _ in aff_wild2_labels.rows(
    path, problems, labelled=False
  ):
    found, strangers = crops(images / video)
    if video not in counts:
      counts[video] = collections.Counter(
        {TEST_UNLISTED: len(found), STRANGERS: strangers}
      )
    if frame is None and not found:
      counts[video][TEST_ABSENT] += 1
    for each in sorted(found) if frame is None else [frame]:
      if each in found:
        counts[video][TEST_UNLISTED] -= 1
        yield _sample(video, each, {})
      else:
        counts[video][TEST_LOST] += 1
  for video, count in counts.items():
    yield from _left_out(video, count)
  problems.check()


def _sample(video: str, frame: int, labels: Mapping) -> face_listing.Sample:
  picture = f'{video}/{frame:05d}.jpg'
  return face_listing.Sample(picture, picture, _subject(video), labels)


def _left_out(video: str, counts: Mapping[str, int]) -> Stream:
  for reason, count in counts.items():
    if count:
      yield face_listing.LeftOut(reason, video, count)


def _without_labels(images: pathlib.Path, unused: Sequence[str]) -> Stream:
  for video in unused:
    crops, strangers = aff_wild2_files.crops(images / video)
    yield from _left_out(video, {UNLABELLED: len(crops), STRANGERS: strangers})


def _subject(video: str) -> str:
  return re.sub('_(left|right)$', '', video)


def _unused(folders: Sequence, named: Mapping[str, Set[str]]) -> list[str]:
  """Folders of crops whose video no label file and no list has."""
  used = set().union(*named.values())
  return [name for name, _ in folders if name not in used and name[:1] != '.']


class AffWild2(faces.FaceCorpus):
  """Frames of Aff-Wild2; options are those of `listing`."""

  LISTING = listing
