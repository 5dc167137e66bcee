"""Interchange-intervention training: a nano encoder that is trained to hold a known variable in a known subspace."""
