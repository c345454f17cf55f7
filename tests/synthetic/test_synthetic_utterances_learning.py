"""What can be learned from the invented utterances, and what can not."""

import itertools

import numpy as np
import pytest
from sklearn import linear_model
from sklearn import metrics
from sklearn import pipeline
from sklearn import preprocessing

from affect_jax.corpora import synthetic_utterances
from affect_jax.synthetic import utterance_affect

MODALITIES = ('text', 'audio', 'vision')


def corpus(part, train, test):
  """{split: (pooled features by modality, labels by name, dialogue, turn)}."""
  listing = synthetic_utterances.listing(
    parts=part,
    num_train={part: train},
    num_test={part: test},
    all_labels=True,
    label_noise=0.0,
  )
  found = {}
  for split in ('train', 'test'):
    items = list(listing.splits[split]())
    pooled = {
      m: np.stack([pool(i.sequences[m]) for i in items]) for m in MODALITIES
    }
    labels = {
      n: np.array([i.labels[n] for i in items]) for n in items[0].labels
    }
    follows = np.array([i.turn > 0 for i in items])
    found[split] = pooled, labels, follows
  return found


def pool(x):
  """Mean over time, and mean of the second half less that of the first."""
  half = max(1, len(x) // 2)
  return np.concatenate([x.mean(0), x[-half:].mean(0) - x[:half].mean(0)])


@pytest.fixture(scope='module')
def sarcasm():
  return corpus('sarcasm', 4000, 2500)


@pytest.fixture(scope='module')
def sentiment():
  return corpus('sentiment', 3000, 2000)


def joined(pooled, modalities):
  return np.concatenate([pooled[m] for m in modalities], axis=1)


def crossed(pooled, a, b):
  """Every feature of one modality times every one of another."""
  products = pooled[a][:, :, None] * pooled[b][:, None]
  return products.reshape(len(products), -1)


def auc(corpus, features):
  """Area under the ROC curve of a logistic regression for sarcasm, on test."""
  (train, y, _), (test, z, _) = corpus['train'], corpus['test']
  model = pipeline.make_pipeline(
    preprocessing.StandardScaler(),
    linear_model.LogisticRegression(C=0.01, max_iter=300),
  )
  model.fit(features(train), y['sarcasm'])
  scores = model.predict_proba(features(test))[:, 1]
  return metrics.roc_auc_score(z['sarcasm'], scores)


@pytest.mark.parametrize('modality', MODALITIES)
def test_no_modality_tells_sarcasm(sarcasm, modality):
  assert auc(sarcasm, lambda p: p[modality]) == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize('modality', MODALITIES)
def test_no_modality_tells_sarcasm_by_its_squares(sarcasm, modality):
  # Not by the strength of what it says or shows, either.
  squared = lambda p: np.concatenate([p[modality], np.square(p[modality])], 1)
  assert auc(sarcasm, squared) == pytest.approx(0.5, abs=0.04)


def test_modalities_side_by_side_do_not_tell_sarcasm(sarcasm):
  found = auc(sarcasm, lambda p: joined(p, MODALITIES))
  assert found == pytest.approx(0.5, abs=0.04)


def test_comparing_words_with_voice_and_face_tells_sarcasm(sarcasm):
  assert auc(sarcasm, lambda p: crossed(p, 'text', 'vision')) > 0.75
  assert auc(sarcasm, lambda p: crossed(p, 'text', 'audio')) > 0.7
  # Voice and face agree always.
  both = auc(sarcasm, lambda p: crossed(p, 'audio', 'vision'))
  assert both == pytest.approx(0.5, abs=0.04)


def r2(corpus, modalities, target='sentiment'):
  """Explained variance of a ridge regression, on test."""
  (train, y, _), (test, z, _) = corpus['train'], corpus['test']
  model = pipeline.make_pipeline(
    preprocessing.StandardScaler(), linear_model.Ridge(100.0)
  )
  model.fit(joined(train, modalities), y[target])
  return model.score(joined(test, modalities), z[target])


def test_each_modality_tells_some_sentiment_and_all_tell_more(sentiment):
  alone = {m: r2(sentiment, [m]) for m in MODALITIES}
  together = r2(sentiment, MODALITIES)
  assert all(0.25 < score < 0.6 for score in alone.values()), alone
  assert together > max(alone.values()) + 0.1, (together, alone)
  assert together < 0.9


def emotion_of(labels):
  names = utterance_affect.EMOTIONS
  return np.argmax([labels[n] for n in names], axis=0)


def uar(corpus, modalities):
  """Mean recall of a logistic regression for emotions, on test."""
  (train, y, _), (test, z, _) = corpus['train'], corpus['test']
  model = pipeline.make_pipeline(
    preprocessing.StandardScaler(),
    linear_model.LogisticRegression(
      C=0.1, max_iter=300, class_weight='balanced'
    ),
  )
  model.fit(joined(train, modalities), emotion_of(y))
  guess = model.predict(joined(test, modalities))
  return metrics.balanced_accuracy_score(emotion_of(z), guess)


def test_each_modality_tells_some_emotion_and_all_tell_more(sentiment):
  alone = {m: uar(sentiment, [m]) for m in MODALITIES}
  together = uar(sentiment, MODALITIES)
  assert all(score > 1 / 7 + 0.2 for score in alone.values()), alone
  assert together > max(alone.values()) + 0.05, (together, alone)
  assert together < 0.9


def test_words_help_less_where_sarcasm_is_frequent(sentiment, sarcasm):
  # In half of the cases they say the opposite: they tell nothing alone.
  assert r2(sarcasm, ['text']) < 0.05 < 0.3 < r2(sentiment, ['text'])


def test_context_helps(sentiment):
  def scores(split):
    pooled, labels, follows = sentiment[split]
    now = joined(pooled, MODALITIES)
    before = np.concatenate([now[:1], now[:-1]])
    y = labels['sentiment'][follows]
    return now[follows], before[follows], y

  now, before, y = scores('train')
  now_test, before_test, z = scores('test')
  model = pipeline.make_pipeline(
    preprocessing.StandardScaler(), linear_model.Ridge(100.0)
  )
  alone = model.fit(now, y).score(now_test, z)
  both = np.concatenate([now, before], axis=1)
  in_context = model.fit(both, y).score(
    np.concatenate([now_test, before_test], axis=1), z
  )
  assert in_context > alone + 0.02


def test_speakers_can_be_told_apart():
  """Voices differ, so that a split by speaker matters."""
  listing = synthetic_utterances.listing(
    parts='emotion', num_train={'emotion': 400}
  )
  by = lambda item: item.speaker
  items = sorted(listing.splits['train'](), key=by)
  voices = [
    np.stack([i.sequences['audio'].mean(0) for i in group])
    for _, group in itertools.groupby(items, by)
  ]
  voices = [v for v in voices if len(v) >= 8]
  within = np.mean([v.var(0) for v in voices], axis=0).mean()
  between = np.var([v.mean(0) for v in voices], axis=0).mean()
  assert between > 0.3 * within
