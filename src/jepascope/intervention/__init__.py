"""Intervention: edits on a subspace, their matched controls, judges, and causal effects."""
