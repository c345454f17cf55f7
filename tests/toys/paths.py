"""Where the repository and its committed small files are."""

import pathlib

ROOT = pathlib.Path(__file__).parents[2]
GOLDEN = ROOT / 'tests' / 'golden'
TINY_BERT = GOLDEN / 'bert_tiny'
