"""How clips are shared out among the splits, whatever a spec says. Imports nothing, so that a plan can count with them."""

DIRECTIONS = 8  # classes that the clip set is balanced over
SPLIT_SHARES = (0.5, 0.3)  # fit and judge; test gets the rest
FOLDER_SHARES = {"fit": 0.4, "judge": 0.3, "test": 0.3}  # of videos, which are few: intervals over those in test would be too wide to read
