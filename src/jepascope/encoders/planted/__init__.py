"""Planted networks: small encoders whose causal subspace is known by construction."""
