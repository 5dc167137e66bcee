"""Activations: sites, one-pass capture, the store on disk, and re-running the blocks after a site."""
