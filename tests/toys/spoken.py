"""Recordings with words, and runs on them: what predicting utterances needs."""

import csv

import numpy as np

from affect_jax import defaults

RATE = 8000
WORDS = ('good', 'bad', 'so', 'not')
COUNTS = {'train': 8, 'val': 4, 'test': 4}


def write_corpus(folder):
  """corpus.csv of recordings and words, and words.txt, their vectors.

  Every recording lasts whole milliseconds. The last of each split has no
  recording, the first no words.
  """
  import soundfile

  folder.mkdir(parents=True, exist_ok=True)
  r = np.random.default_rng(0)
  vectors = r.normal(size=(len(WORDS), 3))
  (folder / 'words.txt').write_text(
    ''.join(
      f'{word} {" ".join(f"{x:.4f}" for x in vector)}\n'
      for word, vector in zip(WORDS, vectors, strict=True)
    )
  )
  with open(folder / 'corpus.csv', 'w', newline='') as file:
    rows = csv.writer(file)
    rows.writerow(['id', 'split', 'audio', 'text', 'emotion', 'sarcasm'])
    for split, count in COUNTS.items():
      for i in range(count):
        name = f'{split}{i}.wav'
        times = np.arange(RATE * (200 + 50 * i) // 1000) / RATE
        hum = 0.3 * np.sin(2 * np.pi * r.uniform(100, 300) * times)
        noise = 0.01 * r.normal(size=times.shape)
        soundfile.write(folder / name, hum + noise, RATE, subtype='PCM_16')
        words = ' '.join(r.choice(WORDS, 3)) if i else ''
        audio = name if i < count - 1 else ''
        emotion = ('anger', 'neutral')[i % 2]
        rows.writerow([f'{split}{i}', split, audio, words, emotion, i // 2 % 2])
  return folder / 'corpus.csv'


def joined(folder, names, gap=0.0):
  """Samples int16 [N] of recordings in a row, and the seconds of each."""
  import soundfile

  parts, spans, place = [], [], 0
  silence = np.zeros(round(gap * RATE), np.int16)
  for name in names:
    sound, _ = soundfile.read(folder / name, dtype='int16')
    spans.append((place / RATE, (place + len(sound)) / RATE))
    parts += [sound, silence]
    place += len(sound) + len(silence)
  return np.concatenate(parts), spans


def write_video(path, sound):
  """A video of one grey second after another, with lossless sound."""
  import av

  with av.open(str(path), 'w') as container:
    video = container.add_stream('mpeg4', rate=1)
    video.width = video.height = 16
    video.pix_fmt = 'yuv420p'
    voice = container.add_stream('flac', rate=RATE, layout='mono')
    for second in range(1 + len(sound) // RATE):
      grey = np.full((16, 16, 3), 128, np.uint8)
      picture = av.VideoFrame.from_ndarray(grey, format='rgb24')
      picture.pts = second
      container.mux(video.encode(picture))
    for first in range(0, len(sound), 1000):
      part = sound[np.newaxis, first : first + 1000]
      frame = av.AudioFrame.from_ndarray(part, 's16', 'mono')
      frame.sample_rate, frame.pts = RATE, first
      container.mux(voice.encode(frame))
    container.mux(voice.encode())
    container.mux(video.encode())
  return path


def subtitles(spans, texts):
  """The text of an .srt file."""
  time = lambda x: f'00:00:{x:06.3f}'.replace('.', ',')
  return '\n'.join(
    f'{i}\n{time(start)} --> {time(end)}\n{text}\n'
    for i, ((start, end), text) in enumerate(zip(spans, texts, strict=True), 1)
  )


def config(path, folder, **changes):
  """Two updates of means and a dense layer."""
  c = defaults.get_config()
  c.data.path = str(path)
  c.data.data_dir = str(folder / 'data')
  c.utterance.fusion, c.utterance.boundaries = 'concat', (64,)
  c.batch_size, c.num_train_steps, c.eval_every = 8, 2, 2
  c.schedule.warmup_steps = 1
  c.log_gradients = False
  c.update_from_flattened_dict(changes)
  return c


def of_recordings(folder):
  """A config of the corpus that `write_corpus` writes."""
  c = config(folder / 'corpus.csv', folder)
  c.data.corpus = 'utterances_csv'
  c.data.text, c.data.text_model = 'words', str(folder / 'words.txt')
  c.tasks = ('emotion', 'sarcasm')
  return c


def by_evaluation(workdir):
  """{id: {task/output: float}} of predictions/test.csv."""
  with open(workdir / 'predictions' / 'test.csv', newline='') as file:
    return {
      row['id']: {
        name.removeprefix('predicted/'): float(value)
        for name, value in row.items()
        if name.startswith('predicted/') and name.count('/') == 2
      }
      for row in csv.DictReader(file)
    }
