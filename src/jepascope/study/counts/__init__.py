"""What a study draws whatever its spec says, and in the modules of this package how many clips its steps run through how many blocks.

Imports neither torch nor pandas.
"""

from __future__ import annotations

CONTROL_COUNT = 4
DEGRADED_SETS = 4
DIRECTIONS = 8  # classes that the clip set is balanced over
SPLIT_SHARES = (0.5, 0.3)  # fit and judge; test gets the rest
FOLDER_SHARES = {"fit": 0.4, "judge": 0.3, "test": 0.3}  # of videos, which are few: intervals over those in test would be too wide to read
PORT_DRAWS = 5  # of the random and of the variance control at each dose of the dose curves, which portability reads again
REFIT_DRAWS, ISOLATION_DRAWS, CALIBRATION_DRAWS = 3, 3, 2  # of the random control
REQUESTS = 12  # angles that clips are steered to
EXCHANGE_DRAWS = 20  # of the random and of the variance control of every exchange: the fewest that can say that an effect lies outside them
EXCHANGE_CONTROLS = 2
PEEL_ROUNDS = 1  # of finding peeled subspaces again: each training takes seconds on a small encoder and minutes on a large one
HALVINGS = 4  # of the fit clips behind each split-half ceiling
DAS_SEEDS, DAS_STEPS, DAS_CLIPS, DAS_EVERY, DAS_HELD = 3, 40, 16, 5, 1 / 5  # das: rotations, steps, clips of each, looks, share looked at
CARRIED = ("steer", "rotate")  # edits whose controls carry the finder's own step over
BACKWARD = 3  # a step forward and back costs about three passes
MOST_UNTRAINED = 9  # untrained twins that are edited: fewer than what an interval needs
SELF_SWAPS = 10  # draws of donors of the clip's own class
