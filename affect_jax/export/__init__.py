r"""Writes a run's model in formats that other programs load.

  python -m affect_jax.export --workdir=RUN --output=exported \
      --format=stablehlo,safetensors,onnx

  stablehlo    model.jax: network and predictions for `jax.export`, on CPU, GPU
               and TPU, without this package
  safetensors  model.safetensors: weights alone, by torchvision's names
  onnx         model.onnx: network and predictions for ONNX Runtime, in Python,
               C++, C#, Java, browsers and phones; needs affect_jax[onnx]
  web          web/: a page that runs it in a browser, and sends nothing; needs
               affect_jax[onnx], and npm or --onnxruntime_web=DIR

A run that reads windows of frames, or utterances, has the first two: its
StableHLO takes a dict of arrays, which model.json lists, and its weights are
named by their paths in the model ('params/backbone/...').

Others take float32 pictures [B, S, S, 3], RGB in [0, 1], with any B. model.json
beside them says what else is needed: S, how pictures that are not square were
brought into shape, the names of all outputs, and thresholds of validation.
Each file is read again and compared with the run on random pictures before it
is kept. affect_jax/export/README.md has code that loads each.

Predictions are of the whole picture, also where the run's own evaluation
averages several views. jax2onnx is not used: version 0.17.1 mixes up the axes
of this network, and does not install beside the orbax that this package needs.
"""

# {format: types of numbers that it can have}.
PRECISIONS = {
  'stablehlo': ('float32',),
  'safetensors': ('float32', 'float16'),
  'onnx': ('float32', 'float16', 'int8'),
  'web': ('float32', 'float16', 'int8'),
}
