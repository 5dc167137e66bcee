"""Engines: where passes run. Locally an encoder runs its own; with Ray its tasks go to workers, one model per device."""
