"""Raw files: cells, pickles without running them, pictures."""
