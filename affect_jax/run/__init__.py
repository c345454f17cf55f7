"""What a config describes, and what a run leaves."""
