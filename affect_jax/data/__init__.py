"""From prepared corpora to batches."""
