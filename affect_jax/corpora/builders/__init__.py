"""From a listing of samples to records of tfds."""
