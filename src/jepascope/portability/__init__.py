"""Portability: how aligned two subspaces are, what share of the causal effect carries over, also to another model, and are they copies?"""
