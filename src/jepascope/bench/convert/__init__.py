"""Trained networks that others published in another format, as checkpoint folders that ``load_encoder`` reads."""
