"""EditEntry: what every edit declares of itself. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jepascope.catalog import Catalog, Entry
from jepascope.intervention.control_entry import CONTROLS


@dataclass(frozen=True, kw_only=True)
class EditEntry(Entry):
    """An edit is a function ``(made_from: EditInputs) -> displacement`` (clips, tokens or 1, width); its projection on a subspace is added.

    ``outcome``: its effect is the judge's margin that is "lost", or that moved "towards" the target's. ``carries``: it moves all tokens by
    what a subspace may hold whole, so controls drawn beside the subspace carry the finder's own step over. ``needs``: "angle" for one of
    circular variables alone. ``mean``: whether it depends on the subspace's mean ("ablate_to": where that is what ablation goes to).
    ``usual``: it is run where a study names none; ``compared``: subspaces are held against each other by it, so that read-outs of every
    later layer and of other factors read it too; ``to_angle``: how clips are steered by it to any angle ("": they cannot be); ``beside``:
    claims lead with others, and it has draws enough to lie outside them, not for corrections.

    Words: ``noun``; ``dose`` and ``donor_dose``, what dose 1 is with twins and with donors; ``doing``, ``does`` and ``share`` of a sentence
    ("ablating X removes 40 % of the judge's margin").
    """

    outcome: Literal["lost", "towards"] = "towards"
    carries: bool = False
    needs: tuple[Literal["angle"], ...] = ()
    mean: Literal["always", "ablate_to", "never"] = "always"
    usual: bool = False
    compared: bool = False
    to_angle: str = ""
    beside: bool = False
    noun: str = ""
    dose: str = ""
    donor_dose: str = ""
    doing: str = ""
    does: str = ""
    share: str = ""

    def of_mean(self, ablate_to: str) -> bool:
        """Whether subspaces of other means have another displacement."""
        return self.mean == "always" or (self.mean == "ablate_to" and ablate_to == "mean")


EDITS = Catalog("edit", EditEntry, "jepascope.intervention.edits")
USUAL = tuple(name for name, entry in EDITS.own.items() if entry.usual)
"""The edits that every study runs."""
COMPARED = tuple(name for name, entry in EDITS.own.items() if entry.compared)
"""Those that subspaces are held against each other by."""
LEADING = ("swap", "ablate")
"""Those that claims of use are made of, the one that leads first: deleting large directions of any kind costs margin."""
CALIBRATED = tuple(name for name, entry in EDITS.own.items() if entry.to_angle)


def takes_over(control: str, edit: str) -> bool:
    """Whether a control's draws take the coordinates of the true edit over, V R U^T r, instead of having their own, V V^T r."""
    entry = CONTROLS.look_up(control)
    return entry.carried or (EDITS.entry(edit).carries and entry.complement)
