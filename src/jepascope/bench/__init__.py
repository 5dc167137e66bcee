"""Benchmarks of the method on ground truth from outside it: trained networks, other people's systems. Each is a command and a page."""
