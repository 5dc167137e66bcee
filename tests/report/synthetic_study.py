"""What all synthetic tables share: the made-up study that they are of."""

from __future__ import annotations

FINDERS = ("diff_means", "class_pca", "l1_probe")
EDITS = ("ablate", "swap", "steer")
CONTROLS = ("random", "variance", "shuffled", "norm")
LAYERS = range(7)
BEST, RANK, SCENES = 4, 7, 80
