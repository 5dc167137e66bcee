"""Probes: what can be read at a layer, and what a reading is worth."""
