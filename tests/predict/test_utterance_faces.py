"""Faces of a video have the features that `export_features` writes of them."""

import json

import numpy as np
from PIL import Image
import pytest
from toys import face_runs
from toys import media as toy_media

from affect_jax import defaults
from affect_jax import export_features
from affect_jax.corpora import utterances_csv
from affect_jax.errors import UserError
from affect_jax.media import box as box_lib
from affect_jax.media import detector
from affect_jax.media import frame as frame_lib
from affect_jax.media import inputs as inputs_lib
from affect_jax.models import affect_model
from affect_jax.predict import settings as settings_lib
from affect_jax.predict.spoken import batches
from affect_jax.predict.spoken import faces as faces_lib
from affect_jax.predict.spoken import recordings
from affect_jax.run import folder as run_folder
from affect_jax.training import checkpoint

PIXELS = 16
GREYS = (20, 60, 100, 140, 180)


@pytest.fixture(scope='module')
def face_run(tmp_path_factory, quick_runs):
  """A run of faces with a checkpoint, never trained."""
  workdir = tmp_path_factory.mktemp('faces')
  config = defaults.get_config()
  config.image_size, config.model.stem = PIXELS, 'small'
  run_folder.write_json(str(workdir / 'config.json'), config.to_dict())
  model = affect_model.AffectModel(units=(('expression', 3),), stem='small')
  with checkpoint.build_manager(str(workdir), 1) as manager:
    state = face_runs.state(model, PIXELS)
    checkpoint.save(manager, 1, state, headline=0.9)
  return workdir


@pytest.fixture
def whole_frames(monkeypatch):
  """A detector that takes frames, but for the third, as faces, and a speck."""
  calls = []

  def detect(image, *, side, min_confidence):
    calls.append(side)
    if len(calls) == 3:
      return []
    height, width = image.shape[:2]
    whole = box_lib.Box(0, 0, width, height, 1.0)
    return [box_lib.Box(1, 1, 4, 4, 1.0), whole]

  monkeypatch.setattr(detector, 'detect', detect)


def test_segments_have_the_features_of_their_frames(
  face_run, whole_frames, tmp_path, monkeypatch
):
  images = toy_media.grey_images(GREYS, height=32, width=32)
  # One picture each second, without loss.
  video = toy_media.write_video(
    tmp_path / 'a.mkv',
    images,
    milliseconds=range(0, 5000, 1000),
    codec='ffv1',
  )
  from affect_jax.media import video as video_lib

  crops = [frame.image for frame in video_lib.frames(video)]
  for name, chosen in {'u1': crops[:2], 'u2': crops[3:]}.items():
    folder = tmp_path / 'frames' / name
    folder.mkdir(parents=True)
    for i, crop in enumerate(chosen):
      Image.fromarray(crop).save(folder / f'{i}.png')
  vision = tmp_path / 'vision'
  export_features.export(str(face_run), tmp_path / 'frames', vision)
  (tmp_path / 'table.csv').write_text(
    'id,split,vision,sentiment\nu1,train,vision/u1.npy,1\n'
    'u2,train,vision/u2.npy,0\n'
  )
  by = utterances_csv.listing(tmp_path / 'table.csv').computed['vision']
  assert faces_lib.is_computed(by)
  settings = settings_lib.Settings(margin=0)
  faces = faces_lib.Faces(face_run, by, settings)
  spans = [(0.0, 2.0), (2.0, 2.9), (2.5, 4.5)]
  item = inputs_lib.Input('a.mkv', video)
  first, second, third = faces.of_segments(item, spans)
  np.testing.assert_allclose(first[0], np.load(vision / 'u1.npy'), atol=1e-4)
  assert second == (None, faces_lib.NO_FACE)
  np.testing.assert_allclose(third[0], np.load(vision / 'u2.npy'), atol=1e-4)
  # Frames that differ have features that differ.
  assert np.abs(first[0][0] - first[0][1]).max() > 1e-3
  # A segment does not wait for the frames after it, nor needs those before.
  looked = []
  with monkeypatch.context() as patch:
    whole = box_lib.Box(0, 0, 32, 32, 1.0)
    patch.setattr(
      detector, 'detect', lambda *a, **o: looked.append(1) or [whole]
    )
    patch.setattr(faces_lib, '_BATCH', 1)
    patch.setattr(
      faces, '_features', lambda crops: np.array([[crops[0].mean()]])
    )
    parts = faces.of_segments(item, [(1.0, 3.0), (3.0, 5.0)])
    early = next(parts)[0]
    assert len(looked) == 3
    late = next(parts)[0]
    assert len(looked) == 4
    assert early.shape == late.shape == (2, 1)
    np.testing.assert_array_equal(
      next(faces.of_segments(item, [(3.0, 5.0)]))[0], late
    )
    assert len(looked) == 6
  other = ' '.join([*by.split()[:2], '0' * 64])
  with pytest.raises(UserError, match='by the checksum of its weights'):
    faces_lib.Faces(face_run, other, settings)
  # Features of others, with a file of that name beside them.
  (vision / 'features.json').write_text(json.dumps({'tool': 'OpenFace'}))
  assert not utterances_csv.listing(tmp_path / 'table.csv').computed


def without_run(monkeypatch):
  """Faces whose only feature is how bright a frame is."""
  faces = object.__new__(faces_lib.Faces)
  faces._settings = settings_lib.Settings()
  monkeypatch.setattr(faces, '_crop', lambda image: image)
  mean = lambda crops: np.array([[x.mean()] for x in crops], np.float32)
  monkeypatch.setattr(faces, '_features', mean)
  return faces


def test_a_video_without_sound_has_faces(tmp_path, monkeypatch):
  video = toy_media.write_video(
    tmp_path / 'a.mkv',
    toy_media.grey_images(GREYS, height=32, width=32),
    milliseconds=range(0, 5000, 1000),
    codec='ffv1',
  )
  dims = {'audio': 43, 'vision': 1}
  layout = batches.Layout(dims, dims, {}, {}, 9, 0, 1, (9,), ())
  item = inputs_lib.Input('a.mkv', video)
  read = lambda missing: list(
    recordings.source(
      [item], layout, missing, seconds=2.0, faces=without_run(monkeypatch)
    ).read(0)
  )
  parts = read({})
  assert [(p.start, len(p.utterance.sequences['vision'])) for p in parts] == [
    *((0.0, 2), (2.0, 2), (4.0, 1))
  ]
  assert {p.reason for p in parts} == {'audio: a.mkv has no sound'}
  # A run that wants its voice alone has nothing of it.
  (only,) = read({'vision': 'another program'})
  assert (only.reason, only.utterance) == ('has no sound', None)


def test_frames_without_time_stamps_are_not_called_faceless(monkeypatch):
  faces = without_run(monkeypatch)
  picture = np.zeros((8, 8, 3), np.uint8)
  frames = [
    frame_lib.Frame(i, seconds, picture)
    for i, seconds in enumerate([2.0, 4.0, float('nan'), 6.0])
  ]
  video = faces_lib.video
  monkeypatch.setattr(video, 'began', lambda path: 0.0)
  monkeypatch.setattr(video, 'frames', lambda path, every: iter(frames))
  spans = [(0.0, 1.0), (2.0, 3.0), (5.0, 9.0)]
  none, one, lost = faces.of_segments(inputs_lib.Input('a', 'a'), spans)
  assert none == (None, faces_lib.NO_FACE)
  assert one[0].shape == (1, 1)
  assert lost == (None, faces_lib.NO_TIME)
