"""Samples that resemble each other are known by their dialogue or subject."""

import pytest
from toys import utterances as toy_utterances

from affect_jax.data import clusters


@pytest.mark.parametrize('window', [0, 3])
def test_utterances_are_in_dialogues(tmp_path, window):
  builder = toy_utterances.Toy(data_dir=str(tmp_path), window=window)
  builder.download_and_prepare()
  found = clusters.read(builder, 'test')
  assert found == {f'test{i}': f'test-dialogue{i // 5}' for i in range(9)}
