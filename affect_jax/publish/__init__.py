r"""Published models: a folder, or a repository of huggingface.co.

  python -m affect_jax.publish --workdir=RUN --output=FOLDER \
      --upload=OWNER/NAME

  README.md          the model card, with the front matter that the Hub reads
  model.safetensors  all weights of the best checkpoint
  model.json         scores on validation with intervals, thresholds, how
                     pictures are brought into shape
  signature.json     tasks and network; signature.npz beside it
  config.json        settings of the network and of pictures alone

Such a folder, or the name of the repository, takes the place of a run:

  python -m affect_jax.predict --workdir=OWNER/NAME --input=photos ...
  python -m affect_jax.main --config.init.checkpoint_workdir=OWNER/NAME ...

It needs affect_jax[publish]; reading a repository needs affect_jax[hub].
"""
