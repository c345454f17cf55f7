"""Finds the faces of frames: what becomes a row, and what is predicted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from affect_jax.corpora.files import pictures as picture_files
from affect_jax.media import box as box_lib
from affect_jax.media import detector
from affect_jax.media import frame as frame_lib
from affect_jax.media import inputs as inputs_lib
from affect_jax.media import quality
from affect_jax.media import tracks as tracks_lib
from affect_jax.media import video
from affect_jax.predict import columns
from affect_jax.predict import journal
from affect_jax.predict import settings as settings_lib


def of_inputs(
  inputs: Sequence[inputs_lib.Input],
  predictor: Any,
  settings: settings_lib.Settings,
  resume: journal.Resume = journal.NOTHING,
  *,
  seen: Callable[[frame_lib.Frame], None] = lambda frame: None,
) -> Iterator[list[columns.Face]]:
  """Yields the faces of each frame of each input; at least one, see `Face`.

  Args:
    inputs: Pictures and videos, in order.
    predictor: A `predictor.Predictor`, or what has its rules, read and
      resized.
    settings: How faces are found and cut out.
    resume: Where to begin.
    seen: Is told of each frame, before its faces.
  """
  names = [item.name for item in inputs]
  first = names.index(resume.input) if resume.input else 0
  for item in inputs[first:]:
    tracks = tracks_lib.Tracks(tracks_lib.PATIENCE * settings.every)
    start = 0
    if item.name == resume.input:
      start = resume.frame
      _replay(tracks, resume.boxes)
    for frame in frames(item, predictor, settings, start):
      seen(frame)
      faces = _faces(item.name, frame, tracks, settings)
      # At once, as crops may be much larger than what the model reads.
      yield [
        face
        if face.crop is None
        else face._replace(crop=predictor.resized(face.crop))
        for face in faces
      ]


def frames(
  item: inputs_lib.Input,
  predictor: Any,
  settings: settings_lib.Settings,
  start: int = 0,
) -> Iterator[frame_lib.Frame]:
  """Yields the frames of an input that are looked at; see `of_inputs`.

  Args:
    item: A picture, a video or a camera.
    predictor, settings: See `of_inputs`.
    start: The first frame; a picture has frame 0 alone.
  """
  if not item.is_picture:
    source = item.path if item.camera is None else item.camera
    yield from video.frames(source, every=settings.every, start=start)
  elif not start:
    # Faces are cut out of pictures as they are.
    whole = settings.faces == 'whole'
    rules = predictor.rules
    bits = picture_files.Rules(picture_bits=rules.picture_bits)
    yield predictor.read(item.path, rules if whole else bits)


def _replay(
  tracks: tracks_lib.Tracks,
  boxes: Mapping[int, Sequence[tuple[int, box_lib.Box]]],
) -> None:
  """Brings tracks to where they were after frames that are done."""
  for frame, faces in sorted(boxes.items()):
    tracks.update(frame, [box for _, box in faces])


def _faces(
  name: str,
  frame: frame_lib.Frame,
  tracks: tracks_lib.Tracks,
  settings: settings_lib.Settings,
) -> list[columns.Face]:
  """Returns the faces of a frame, by their number; crops are uint8."""
  row = columns.Face(name, frame.index, frame.seconds)
  if frame.image is None:
    return [row._replace(reason=frame.reason)]
  if settings.faces == 'whole':
    height, width = frame.image.shape[:2]
    boxes = [box_lib.Box(0, 0, width, height, 1.0)]
  else:
    boxes = detector.detect(
      frame.image,
      side=settings.detect_side,
      min_confidence=settings.min_confidence,
    )
  if not boxes:
    return [row._replace(reason=journal.NO_FACE)]
  numbered = sorted(zip(tracks.update(frame.index, boxes), boxes, strict=True))
  faces = []
  for number, box in numbered:
    crop = frame.image
    if settings.faces != 'whole':
      crop = box_lib.cut(crop, box, settings.margin)
    blur, yaw = quality.blur(crop), quality.yaw(box.points)
    good = quality.quality(box.side, blur, yaw, box.confidence)
    is_bad = good < settings.min_quality
    faces.append(
      row._replace(
        number=number,
        box=box,
        blur=blur,
        yaw=yaw,
        quality=good,
        reason=f'below min_quality={settings.min_quality:g}' if is_bad else '',
        crop=None if is_bad else crop,
      )
    )
  return faces
