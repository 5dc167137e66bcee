"""How clips are shared out among the splits, whatever a spec says. Imports nothing, so that a plan can count with them."""

DIRECTIONS = 8  # classes that the clip set is balanced over
SPLIT_SHARES = (0.5, 0.3)  # fit and judge; test gets the rest
