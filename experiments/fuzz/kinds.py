"""All kinds of files, by name."""

import kind
import kinds_features
import kinds_media
import kinds_models
import kinds_runs
import kinds_tables

KINDS: dict[str, kind.Kind] = {
  **kinds_tables.KINDS,
  **kinds_features.KINDS,
  **kinds_media.KINDS,
  **kinds_models.KINDS,
  **kinds_runs.KINDS,
}
