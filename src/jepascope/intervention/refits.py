"""What re-fits say of CE and of its comparison with controls: the intervals that are said of the encoder, from the table ``fits``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, nan

import numpy as np
import pandas as pd

from jepascope.stats import EffectRatio, Interval, Refitted, of_the_encoder

SAME = ("layer", "tokens", "finder", "rank", "edit", "dose", "judge")
SUBSPACE = "subspace"
FIT, JUDGE = "fit", "judge"  # whose clips are other ones
NEW, LEFT_OUT = "new clips", "left out"  # what they are


class Refits:
    """The table ``fits``, by condition."""

    def __init__(self, table: pd.DataFrame | None) -> None:
        parts = () if table is None else table.groupby(list(SAME), sort=False)
        self._parts = {key: part for key, part in parts}

    def of(self, condition: Mapping[str, object]) -> Again:
        """What was made anew of one condition: nothing where a read-out of another layer or variable reads it."""
        part = None if condition["read"] else self._parts.get(tuple(condition[name] for name in SAME))
        if part is None:
            return Again({})
        values = part.sort_values("fit").groupby(["control", "part"])["value"]
        made = {(str(control), str(split)): rows.to_numpy() for (control, split), rows in values}
        return Again(made, left_out=bool((part["how"] == LEFT_OUT).all()))


@dataclass(frozen=True)
class Again:
    """CE anew, by control ("subspace": the finder's own) and by the split that was another one."""

    values: Mapping[tuple[str, str], np.ndarray]
    left_out: bool = False

    def refitted(self, control: str = "") -> list[Refitted]:
        """Of the finder's own CE, or of that less the control's where this is found anew as well. Draws of other controls do not depend on
        the fit, but for the subspace that they avoid."""
        own, beside = self.values.get((SUBSPACE, FIT)), self.values.get((control, FIT))
        if own is None:
            return []
        read = self.values.get((SUBSPACE, JUDGE))
        found = [Refitted(own if beside is None else own - beside, self.left_out)]
        return found if read is None else [*found, Refitted(read, self.left_out)]

    def effect(self, ce: Interval) -> dict[str, float]:
        """Columns of a finder's own row."""
        return _wider("", ce, of_the_encoder(ce, self.refitted()))

    def against(self, compared: EffectRatio, control: str) -> dict[str, float]:
        """Columns of a control's row: the comparisons with it. A read-out trained anew changes a control as it changes the effect, at most:
        what it changes of the effect is counted in full."""
        again = self.refitted(control)
        columns: dict[str, float] = {}
        for name in ("difference", "excess"):
            own = getattr(compared, name)
            columns |= _wider(f"{name}_", own, of_the_encoder(own, again))
        ratio = self._ratio(compared, again)
        wider = _wider("ratio_", compared.ratio, ratio)
        # a lower bound is its own value
        return columns | wider | ({"ratio": ratio.value} if compared.is_bound and wider else {})

    def _ratio(self, compared: EffectRatio, again: list[Refitted]) -> Interval:
        if compared.is_bound:
            low = of_the_encoder(compared.effect, self.refitted()).low
            least = low / compared.control.high if low > 0 and compared.control.high > 0 else nan
            return Interval(least, least, compared.ratio.high, compared.ratio.n)
        return of_the_encoder(compared.ratio, again, scale=1 / compared.control.value if compared.control.value > 0 else nan)


def _wider(name: str, own: Interval, wider: Interval) -> dict[str, float]:
    """The wider interval in place of the one subspace's, which stands beside; nothing where it is not known."""
    if isnan(wider.low) or isnan(wider.high):
        return {}
    return {f"{name}low": wider.low, f"{name}high": wider.high, f"one_{name}low": own.low, f"one_{name}high": own.high}
