"""Hand-made records, and what the doctor says of them."""

import io

import numpy as np
from PIL import Image

from affect_jax.doctor import parts

CLASSES = ('neutral', 'happiness')
UNITS = ('AU1', 'AU12')
OUTPUTS = {
  'expression': CLASSES,
  'action_units': UNITS,
  'valence_arousal': ('valence', 'arousal'),
}

SENTIMENTS = ('negative', 'neutral', 'positive')
SPOKEN = {
  'emotion': ('neutral', 'anger'),
  'sentiment': ('sentiment',),
  'sentiment_class': SENTIMENTS,
  'sarcasm': ('sarcasm',),
}
DIMS = {'text': 4, 'audio': 3, 'vision': 2}


def encode(image, kind='PNG', **options):
  data = io.BytesIO()
  Image.fromarray(image).save(data, kind, **options)
  return data.getvalue()


def face(seed, pixels=48):
  """Something smooth, as pictures are."""
  r = np.random.default_rng(seed)
  coarse = r.integers(30, 200, (9, 9, 3), np.uint8)
  picture = Image.fromarray(coarse).resize((pixels, pixels), 3)
  return np.asarray(picture)


def sample(name, image, *, subject='', expression='', units=None, va=None):
  """A record; labels that are not given have weight 0."""
  units, va = dict(units or {}), va or (None, None)
  number = lambda values: np.array([v or 0 for v in values], np.float32)
  there = lambda values: np.array([v is not None for v in values], np.float32)
  aus = [units.get(u) for u in UNITS]
  return {
    'id': name.encode(),
    'subject': subject.encode(),
    'image': image if isinstance(image, bytes) else encode(image),
    'expression': np.array([c == expression for c in CLASSES], np.float32),
    'expression_weights': np.float32(bool(expression)),
    'action_units': number(aus),
    'action_units_weights': there(aus),
    'valence_arousal': number(va),
    'valence_arousal_weights': there(va),
  }


def part(split, samples, stored=None, corpus='toy'):
  def stream():
    for at in range(0, len(samples), 3):
      rows = samples[at : at + 3]
      yield {
        k: np.array(
          [r[k] for r in rows],
          object if k in ('id', 'subject', 'image') else None,
        )
        for k in rows[0]
      }

  return parts.Part(
    split, corpus, stored or split, len(samples), OUTPUTS, stream
  )


def many(split, count, seed, **options):
  return [
    sample(
      f'{split}{i}', face(seed + i), **{'expression': CLASSES[i % 2]} | options
    )
    for i in range(count)
  ]


def sequences(seed, steps=6):
  """{modality: random f32 [T, D]}, T from `steps` on."""
  r = np.random.default_rng(seed)
  return {
    m: r.standard_normal((steps + k, d)).astype(np.float32)
    for k, (m, d) in enumerate(DIMS.items())
  }


def utterance(
  name,
  given,
  *,
  transcript='',
  dialogue='',
  turn=0,
  speaker='',
  emotion='',
  sentiment=None,
  sentiment_class='',
  sarcasm=None,
  dims=None,
):
  """A record; labels that are not given have weight 0."""
  one = lambda value: np.array([value or 0], np.float32)
  there = lambda value: np.array([value is not None], np.float32)
  emotions = SPOKEN['emotion']
  record = {
    'id': name.encode(),
    'subject': speaker.encode(),
    'dialogue': dialogue.encode(),
    'turn': np.int32(turn),
    'transcript': transcript.encode(),
    'emotion': np.array([e == emotion for e in emotions], np.float32),
    'emotion_weights': np.full(len(emotions), bool(emotion), np.float32),
    'sentiment': one(sentiment),
    'sentiment_weights': there(sentiment),
    'sentiment_class': np.array(
      [c == sentiment_class for c in SENTIMENTS], np.float32
    ),
    'sentiment_class_weights': np.float32(bool(sentiment_class)),
    'sarcasm': one(sarcasm),
    'sarcasm_weights': there(sarcasm),
  }
  for m, dim in (dims or DIMS).items():
    shape = (0, dim) if dim else (0,)
    record[m] = given.get(m, np.zeros(shape, np.float32 if dim else np.int32))
    record[m + '_length'] = np.int32(len(record[m]))
  return record


def talk(split, count, seed, **options):
  """Utterances of dialogues of four, with all labels, all different."""
  values = (-2, 0, 1.5)
  return [
    utterance(
      f'{split}{i}',
      sequences(seed + i),
      **{
        'transcript': f'This is what {split} has to say about {i}',
        'dialogue': f'{split}/{i // 4}',
        'turn': i % 4,
        'speaker': f'{split} person {i % 2}',
        'emotion': SPOKEN['emotion'][i % 2],
        'sentiment': values[i % 3],
        'sentiment_class': SENTIMENTS[i % 3],
        'sarcasm': i % 2,
        **options,
      },
    )
    for i in range(count)
  ]


def spoken_part(split, samples, stored=None, corpus='toy', dims=None):
  dims = dims or DIMS

  def stream():
    for at in range(0, len(samples), 3):
      rows = samples[at : at + 3]
      yield {
        k: [r[k] for r in rows]
        if k in dims
        else np.array(
          [r[k] for r in rows],
          object if isinstance(rows[0][k], bytes) else None,
        )
        for k in rows[0]
      }

  return parts.Part(
    split, corpus, stored or split, len(samples), SPOKEN, stream, dims
  )


def kinds(result, level=None):
  return {
    f['kind']
    for f in result.report['findings']
    if level is None or f['level'] == level
  }


def only(result, kind):
  (found,) = (f for f in result.report['findings'] if f['kind'] == kind)
  return found
