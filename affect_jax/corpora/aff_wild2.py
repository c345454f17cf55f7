"""Aff-Wild2: valence, arousal, expressions and action units of video frames.

594 videos, about 3 million frames, the data of the ABAW competitions. Access:
https://sites.google.com/view/dimitrioskollias/databases/aff-wild2. A person
with a permanent position at a university signs the agreement (EULA) that is
linked there, and mails it from an academic address to d.kollias@qmul.ac.uk;
industry asks at the same address. The agreement that you signed says what you
may do with the data; none of it may be passed on with this code.

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

The three folders may lie inside a folder such as `6th ABAW Annotations`, and
the two lists also inside `MTL_Challenge`. Put crops that came in several
archives (such as `cropped_aligned_new_50_vids`) into one folder; links will do.

A video's file has a header; line i after it is frame i, `%05d.jpg`. A frame in
which no face was found has no crop, and a file may have one label more or less
than the video has frames. The rows of a list are
`video/00001.jpg,valence,arousal,expression,` and 12 action units. -5 (valence,
arousal) and -1 (expression, each action unit) mean that this one label is not
annotated; the other labels of the frame still count.

Names and order of classes and units are read from the headers: 7 or 8
expressions (0 neutral, 1 anger, 2 disgust, 3 fear, 4 happiness, 5 sadness,
6 surprise, 7 other), 8 or 12 units. A list alone does not name its expressions:
they are taken to be these 8 in this order, and its units, if the header sums
them up as `aus`, to be `action_units.AFFWILD2_12`. Folders, headers and
sentinels are those that the participants' published code reads; none of the
organisers' own files was at hand.
"""

import collections
from collections.abc import Iterator, Mapping, Sequence, Set
import functools
import pathlib
import re

from affect_jax import user_path
from affect_jax.corpora import aff_wild2_files
from affect_jax.corpora import aff_wild2_labels
from affect_jax.corpora.builders import face_listing
from affect_jax.corpora.builders import faces
from affect_jax.corpora.files import sources
from affect_jax.errors import UserError

LAYOUTS = ('auto', 'challenges', 'mtl')

# The reasons for leaving something out. Damage is counted over all frames,
# whatever the stride.
NO_CROP = 'labels without a frame'
UNLABELLED = 'frames without any label'
SKIPPED = 'frames that the stride skips'
NOT_FRAMES = 'files that are not frames'
TEST_NO_CROP = 'test frames without a crop'
TEST_ABSENT = 'test videos without any crop'
TEST_UNLISTED = 'frames that the test list does not name'
# A video that is in several splits belongs to the last of them.
_MOVED = {
  'val': 'labels of a video that another challenge validates on',
  'list': 'labels of a video that is in the validation list',
  'test': 'labels of a video that is in the test list',
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
  """Lists the frames of Aff-Wild2 and their labels, in the official splits.

  A frame is one sample, with the labels of all tasks. No video is in two
  splits: one that is in the training set of one challenge and in the
  validation set of another, or in the test list, is only in the latter. The
  two persons of one video (`_left`, `_right`) are one subject and stay
  together. The labels that are lost so, and all else that is left out, are
  counted by video.

  Args:
    path: Folder with the annotations; see the docstring of this module.
    images: Folder with one folder of crops per video; '':
      `<path>/cropped_aligned`.
    layout: 'challenges', 'mtl', or 'auto': the one that is found.
    stride: Keeps every k-th label line of a video: the 1st, the k+1-th, ...
      In challenges these are frames 1, k+1, ...; in lists, rows. The test
      list is always read in full.
    test_list: File that makes the split 'test', without labels: its rows are
      `video/00001.jpg[,...]`, as in the organisers' sample of a submission,
      or names of videos.

  Raises:
    FileNotFoundError: a folder or file is missing; the message says what was
      looked for.
    UserError: an option, name or header is not understood, editions are
      mixed, or a picture is listed twice. Values that cannot be read raise
      while a split streams: at its end, or after the 20th.
  """
  if layout not in LAYOUTS:
    raise UserError(f'layout is {layout!r}; known: {", ".join(LAYOUTS)}.')
  if not isinstance(stride, int) or stride < 1:
    raise UserError(f'stride is {stride!r}; a whole number from 1 is needed.')
  root = user_path.expand(path)
  files = aff_wild2_files.find(root, layout)
  crops = root / 'cropped_aligned'
  if images:
    crops = user_path.expand(images)

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
    split_files = [file for file in files if file.split == split]
    if split_files:
      stream = _from_challenges if split_files[0].video else _from_list
      unused = _unused(folders, named) if not splits else ()
      splits[split] = functools.partial(
        stream, root, split_files, home, crops, stride, unused
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
  """Streams one split of the challenges, video by video."""
  problems = sources.Problems(f'{root}')
  split = files[0].split
  by_video: dict[str, list[aff_wild2_files.LabelFile]] = {}
  for file in files:
    by_video.setdefault(file.video, []).append(file)
  for video in sorted(by_video):
    labels: dict[int, dict] = {}
    for file in by_video[video]:
      lines = aff_wild2_labels.frames(file.path, file.columns, problems)
      for frame, frame_labels in lines:
        if frame_labels:
          labels.setdefault(frame, {}).update(frame_labels)
    owner = home[_subject(video)]
    if owner != split:
      yield from _left_out(video, {_MOVED[owner]: len(labels)})
      continue
    crops, others = aff_wild2_files.crops(images / video)
    usable = sorted(crops & labels.keys())
    frames = [frame for frame in usable if (frame - 1) % stride == 0]
    for frame in frames:
      yield _sample(video, frame, labels[frame])
    yield from _left_out(
      video,
      {
        NO_CROP: len(labels) - len(usable),
        UNLABELLED: len(crops) - len(usable),
        SKIPPED: len(usable) - len(frames),
        NOT_FRAMES: others,
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
  """Streams an MTL list row by row."""
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
      count[NO_CROP] += 1
    elif (count['rows'] - 1) % stride:
      count[SKIPPED] += 1
    else:
      count['samples'] += 1
      yield _sample(video, frame, labels)
  for video, count in counts.items():
    if home[_subject(video)] == file.split:
      frames, count[NOT_FRAMES] = aff_wild2_files.crops(images / video)
      usable = count['samples'] + count[SKIPPED]
      count[UNLABELLED] = len(frames) - usable
    del count['rows'], count['samples']
    yield from _left_out(video, count)
  yield from _without_labels(images, unused)
  problems.check()


def _from_test_list(path: pathlib.Path, images: pathlib.Path) -> Stream:
  """Streams the frames that a test list names, or those of its videos."""
  problems = sources.Problems(path)
  crops = functools.lru_cache(maxsize=8)(aff_wild2_files.crops)
  counts: dict[str, collections.Counter] = {}
  for _, video, frame, _ in aff_wild2_labels.rows(
    path, problems, labelled=False
  ):
    frames, others = crops(images / video)
    if video not in counts:
      counts[video] = collections.Counter(
        {TEST_UNLISTED: len(frames), NOT_FRAMES: others}
      )
    if frame is None and not frames:
      counts[video][TEST_ABSENT] += 1
    for each in sorted(frames) if frame is None else [frame]:
      if each in frames:
        counts[video][TEST_UNLISTED] -= 1
        yield _sample(video, each, {})
      else:
        counts[video][TEST_NO_CROP] += 1
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
    crops, others = aff_wild2_files.crops(images / video)
    yield from _left_out(video, {UNLABELLED: len(crops), NOT_FRAMES: others})


def _subject(video: str) -> str:
  return re.sub('_(left|right)$', '', video)


def _unused(folders: Sequence, named: Mapping[str, Set[str]]) -> list[str]:
  """Lists the folders of crops whose video is in no label file or list."""
  used = set().union(*named.values())
  return [name for name, _ in folders if name not in used and name[:1] != '.']


class AffWild2(faces.FaceCorpus):
  """Frames of Aff-Wild2; see `listing` for the options."""

  LISTING = listing
