"""One update, its state, and how both are spread, saved and restored."""
