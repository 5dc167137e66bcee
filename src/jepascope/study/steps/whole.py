"""A whole study: all steps in the order in which they run. ``run`` runs them, ``plan`` adds up what they cost."""

from jepascope.study.steps.at_best import AT_BEST, LEFT_OUT
from jepascope.study.steps.discover import CAPTURE, DIMENSIONS, LEAKS, READ, SUBSPACES
from jepascope.study.steps.intervene import EDITS
from jepascope.study.steps.port import PORT

STEPS = (CAPTURE, *READ, LEAKS, DIMENSIONS, SUBSPACES, *EDITS, *AT_BEST, *PORT, LEFT_OUT)
