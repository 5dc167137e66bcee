"""Clips: scenes and their factors, rendered on demand."""
