"""Which controls stand beside an effect, in the order of their rows, as they declare it."""

from jepascope.intervention.control_entry import AS_GIVEN, CONTROLS, DRAWN, FOUND

FIXED = "top_pca"
OF_FORMULA = ["subspace", *DRAWN, FIXED]
"""Of a finder that is a formula."""
OF_SEARCH = ["subspace", *AS_GIVEN, FIXED]
"""Of another one, which is not run again in clips made for a control."""
OF_NOTHING = [name for name in OF_SEARCH if name not in FOUND]
"""Of a subspace of which nothing shows what found it."""
SCREENED = ["subspace", *(name for name in DRAWN if not CONTROLS.entry(name).beside), FIXED]
"""At layers that no claim is made for."""
