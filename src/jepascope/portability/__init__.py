"""Portability: how aligned two subspaces are, and what share of the causal effect carries over."""
