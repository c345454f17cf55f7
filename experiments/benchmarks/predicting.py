"""Measures predictions of videos: speed, its parts, and memory by length.

  python experiments/benchmarks/predicting.py [--seconds 10 1800 --every=15]

Writes videos of two rendered faces that move, of several lengths (10 seconds,
again and again), and predicts each in a process of its own with an untrained
ResNet-18 at 112 pixels, which costs as much as a trained one, or with
--workdir. Reports frames per second from the first row to the last, the share
of the time that reading, detecting and predicting take, and the peak memory of
the process.
"""

import argparse
import fractions
import os
import pathlib
import subprocess
import sys
import tempfile

import av
import jax
import jax.numpy as jnp
import numpy as np

from affect_jax import defaults
from affect_jax.run import folder as run_folder
from affect_jax.run import signature as signature_lib
from affect_jax.synthetic import gallery
from affect_jax.training import checkpoint
from affect_jax.training import train_state

PREDICT = """
import functools, resource, sys, time
from affect_jax.media import detector, video
from affect_jax.predict import predictor as predictor_lib, settings, table
spent = dict.fromkeys(('reading', 'detecting', 'resizing', 'predicting'), 0.0)
def timed(part, function):
  @functools.wraps(function)
  def call(*args, **options):
    start = time.monotonic()
    result = function(*args, **options)
    spent[part] += time.monotonic() - start
    return result
  return call
def timed_frames(function):
  def frames(*args, **options):
    iterator = function(*args, **options)
    step = timed('reading', lambda: next(iterator, None))
    while (frame := step()) is not None:
      yield frame
  return frames
predictor = predictor_lib.Predictor(sys.argv[1])
predictor.predict([__import__('numpy').zeros((9, 9, 3), 'uint8')] * 64)
detector.detect = timed('detecting', detector.detect)
video.frames = timed_frames(video.frames)
predictor.resized = timed('resizing', predictor.resized)
begin = predictor.start
predictor.start = lambda *args: timed(
  'predicting', timed('predicting', begin)(*args)
)
start = time.monotonic()
content = table.predict(
  predictor,
  [sys.argv[2]],
  sys.argv[3],
  settings=settings.Settings(every=int(sys.argv[4])),
)
seconds = time.monotonic() - start
counts = content['counts']
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
parts = ', '.join(f'{k} {v / seconds:.0%}' for k, v in spent.items())
print(
  f'{counts["frames"]} frames, {counts["predicted"]} faces: '
  f'{counts["frames"] / seconds:.1f} frames/s ({parts}), peak {peak:.0f} MB'
)
"""


def write_run(folder):
  """Writes a run with random weights."""
  tasks = {'expression': {}, 'action_units': {}, 'valence_arousal': {}}
  inputs = {'image_size': 112, 'crop_size': 0, 'window': 0, 'views': 'whole'}
  settings = defaults.get_config().model.to_dict()
  signature = signature_lib.Signature('faces', tasks, inputs, settings, {})
  folder.mkdir()
  signature_lib.write(str(folder), signature)
  run_folder.write_json(str(folder / 'config.json'), {'data': {}})
  model = signature_lib.build_model(signature)
  zeros = {'image': jnp.zeros((1, 112, 112, 3))}
  variables = jax.jit(lambda: model.init(jax.random.key(0), zeros, train=False))
  variables = jax.tree.map(np.asarray, variables())
  params = variables.pop('params')
  state = train_state.TrainState(jnp.int32(1), params, variables, (), {})
  with checkpoint.build_manager(str(folder), 1) as manager:
    checkpoint.save(manager, 1, state, headline=0.5)


def write_video(path, faces, seconds, height, width):
  """Writes two faces that move, at 25 frames a second."""
  size = faces[0].shape[0]
  with av.open(str(path), 'w') as container:
    stream = container.add_stream('libx264', rate=25)
    stream.height, stream.width, stream.pix_fmt = height, width, 'yuv420p'
    stream.codec_context.time_base = fractions.Fraction(1, 25)
    for i in range(25 * seconds):
      image = np.full((height, width, 3), 110, np.uint8)
      for k, face in enumerate(faces):
        room = width // 2 - size
        x = k * width // 2 + int(room * (0.5 + 0.5 * np.sin(i / 20 + k)))
        y = (height - size) // 2
        image[y : y + size, x : x + size] = face
      frame = av.VideoFrame.from_ndarray(image, format='rgb24')
      frame.pts = i
      container.mux(stream.encode(frame))
    container.mux(stream.encode())


def repeat(source, target, times):
  """Writes a video several times in one, without encoding it again."""
  with av.open(str(target), 'w') as out:
    stream, begin = None, 0
    for _ in range(times):
      with av.open(str(source)) as container:
        video = container.streams.video[0]
        stream = stream or out.add_stream_from_template(video)
        end = 0
        for packet in container.demux(video):
          if packet.pts is None or packet.dts is None:
            continue
          end = max(end, packet.pts + (packet.duration or 0))
          packet.pts, packet.dts = packet.pts + begin, packet.dts + begin
          packet.stream = stream
          out.mux(packet)
      begin += end


def main():
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  parser.add_argument('--seconds', type=int, nargs='+', default=[10, 60])
  parser.add_argument('--height', type=int, default=360)
  parser.add_argument('--width', type=int, default=640)
  parser.add_argument('--every', type=int, default=1)
  parser.add_argument('--workdir', default='')
  arguments = parser.parse_args()
  drawn = [gallery.draw(0, 'test', i, 1)[1] for i in range(2)]
  faces = gallery.pictures(drawn, 128)
  with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    run = arguments.workdir or folder / 'run'
    if not arguments.workdir:
      write_run(run)
    size = (arguments.height, arguments.width)
    write_video(folder / 'once.mp4', faces, 10, *size)
    for seconds in arguments.seconds:
      video = folder / f'{seconds}.mp4'
      repeat(folder / 'once.mp4', video, -(-seconds // 10))
      given = [run, video, folder / f'{seconds}.csv', arguments.every]
      print(f'{seconds} s of {size[1]} × {size[0]} pixels:', flush=True)
      subprocess.run(
        [sys.executable, '-c', PREDICT, *map(str, given)],
        env={**os.environ, 'PYTHONPATH': os.getcwd()},
        check=True,
      )


if __name__ == '__main__':
  main()
