"""The degeneracy curve, with a finder that hands out known planes: where it stops, what it counts, and what it never looks at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from known_ground import Known, known, random_basis
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument, BadData
from jepascope.intervention.control_entry import FLOORS
from jepascope.portability.degeneracy_tables import PEELING_COLUMNS, peeling_rows
from jepascope.portability.peeling import Peeling, never_varying, peel
from jepascope.portability.verdict import peeling_verdict


class Handing:
    """Hands out the first of some planes that is not gone; refuses when there is none. ``asked``: what was gone each time."""

    def __init__(self, known: Known, planes: Sequence[Tensor]) -> None:
        self.known, self.planes = known, planes
        self.asked: list[Tensor] = []

    def __call__(self, gone: Tensor) -> Subspace:
        self.asked.append(gone)
        for plane in self.planes:
            if float((gone.T @ plane).square().sum()) < plane.shape[1] - 0.5:
                return self.known.subspace(plane)
        raise BadData("There is nothing left to find.")


def peeled(known: Known, *planes: Tensor, most: int = 4) -> tuple[Peeling, Handing]:
    handing = Handing(known, planes)
    return peel(known.ground, handing, most), handing


def test_two_copies_are_counted_and_the_third_meets_its_controls(degenerate: Known) -> None:
    c, b, noise = degenerate.plane("C"), degenerate.plane("B"), degenerate.nuisance()
    peeling, handing = peeled(degenerate, c, b, noise)
    assert [stage.above for stage in peeling.stages] == [True, True, False]
    assert peeling.copies == 2 and len(peeling.carriers) == 2 and peeling.ended == "stage 3 met its controls"
    # as it is peeled the first is only half of what it does alone: the other copy is still there
    assert [stage.peeled.effect.value for stage in peeling.stages] == pytest.approx([0.5, 1, 0], abs=1e-3)
    assert [stage.alone.effect.value for stage in peeling.carriers if stage.alone] == pytest.approx([1, 1], abs=1e-3)
    assert peeling.stages[-1].alone is None
    assert peeling.whole is not None and peeling.whole.effect.value == pytest.approx(1, abs=1e-3)
    assert peeling.added is not None and peeling.added.surplus.value == pytest.approx(1, abs=1e-3)
    assert peeling_verdict(peeling, "das")[0] == "degenerate"
    # the first alone; the second; both once more, each without the other, which changes neither; the third without both
    assert [gone.shape[1] - handing.asked[0].shape[1] for gone in handing.asked] == [0, 2, 2, 2, 4]


def test_one_copy_is_not_degenerate(clean: Known) -> None:
    peeling, _ = peeled(clean, clean.plane("C"), clean.nuisance())
    assert peeling.copies == len(peeling.carriers) == 1 and len(peeling.stages) == 2
    assert peeling.added is not None and peeling.added.surplus.value == pytest.approx(0, abs=1e-6)
    assert peeling.rest is not None and abs(peeling.rest.value) < 1e-3
    assert peeling_verdict(peeling, "das")[0] == "not degenerate"


def test_a_search_that_fails_shows_no_absence(degenerate: Known) -> None:
    """After one copy is found the finder hands out noise, or nothing: the other copy is still there, and that is said."""
    for others in ((degenerate.nuisance(),), ()):
        peeling, _ = peeled(degenerate, degenerate.plane("C"), *others)
        assert len(peeling.carriers) == 1
        assert peeling.rest is not None and peeling.rest.value == pytest.approx(1, abs=1e-3)
        word, why = peeling_verdict(peeling, "das")
        assert word == "undecided" and "without it all that is left moves 1.00" in why and "was not found" in why


@pytest.mark.slow
def test_a_control_that_lies_in_the_other_copy_is_drawn_elsewhere_once_that_is_found() -> None:
    """With little nuisance nothing but the second copy holds as much variance as the first: there the variance control is drawn."""
    quiet = known("quiet")
    tilted = torch.linalg.qr(quiet.plane("C") + 0.3 * quiet.nuisance(4))[0]  # as a search finds it
    alone, _ = peeled(quiet, tilted, most=1)
    (stage,) = alone.stages
    assert stage.peeled.drowned and stage.peeled.against["variance"].control.value > 0.4
    assert peeling_verdict(alone, "das")[0] == "undecided" and alone.copies == 0
    both, _ = peeled(quiet, tilted, quiet.plane("B"), quiet.nuisance())
    assert [stage.above for stage in both.stages] == [True, True, False] and both.copies == 2
    assert all(abs(compared.control.value) < 0.05 for stage in both.stages for compared in stage.peeled.against.values())
    assert peeling_verdict(both, "das")[0] == "degenerate"


def test_two_lines_of_one_plane_are_no_copies(clean: Known) -> None:
    c = clean.plane("C")
    peeling, _ = peeled(clean, c[:, :1], c[:, 1:], clean.nuisance()[:, :1])
    alone = [stage.alone.effect.value for stage in peeling.carriers if stage.alone]
    assert len(alone) == 2 and sum(alone) == pytest.approx(1, abs=1e-3) and peeling.copies <= 1
    assert peeling.added is not None and peeling.added.surplus.value == pytest.approx(0, abs=1e-5)


def test_where_nothing_is_found_first_nothing_carries(clean: Known) -> None:
    peeling, _ = peeled(clean, clean.nuisance(), clean.plane("C"))
    assert peeling.ended == "stage 1 met its controls" and len(peeling.stages) == 1
    assert peeling.carriers == [] and peeling.copies == 0 and peeling.whole is None is peeling.added
    word, why = peeling_verdict(peeling, "das")  # what does nothing shows neither copies nor their absence
    assert word == "undecided" and "is not shown to move anything" in why
    assert peeling.rest is not None and peeling.rest.value == pytest.approx(1, abs=1e-3)  # the code is there, and the search missed it
    assert "all that is left moves 1.00" in why


def test_a_finder_that_refuses_ends_it_and_says_why(clean: Known) -> None:
    peeling, _ = peeled(clean, clean.plane("C"))
    assert peeling.ended == "stage 2 was not found: There is nothing left to find."
    assert len(peeling.stages) == 1 and peeling.copies == 1
    nothing, _ = peeled(clean)
    assert nothing.stages == () and nothing.ended.startswith("stage 1 was not found")
    assert peeling_verdict(nothing, "das")[0] == "undecided"


def test_no_more_are_peeled_than_were_asked_for(degenerate: Known) -> None:
    peeling, _ = peeled(degenerate, degenerate.plane("C"), degenerate.plane("B"), most=1)
    assert peeling.ended == "after 1 stage, the most that was asked for" and len(peeling.stages) == 1
    assert peeling.stages[0].above and peeling.copies == 1
    with pytest.raises(BadArgument, match="At least one subspace must be peeled off, not 0"):
        peeled(degenerate, most=0)


def test_without_room_for_controls_it_ends(clean: Known) -> None:
    """Two thirds of what varies: nothing as large is left to compare with."""
    whole = torch.cat([clean.plane("C"), clean.plane("N")[:, :38]], dim=1)
    peeling, _ = peeled(clean, whole)
    assert peeling.stages == () and peeling.ended == "no room was left for stage 1 and its controls"


def test_directions_that_never_vary_are_avoided_from_the_start(clean: Known) -> None:
    """A dormant plane is out of bounds, for stages and for their controls."""
    still = torch.cat([clean.plane(name) for name in ("R", "B", "E", "q")], dim=1)  # planes that this network writes nothing in
    dead = never_varying(clean.ground.covariance)
    torch.testing.assert_close(dead @ (dead.T @ still), still, atol=1e-4, rtol=0)
    # half of the first stage lies in one of them, and is left out
    peeling, handing = peeled(clean, (clean.plane("C") + clean.plane("E")) / 2**0.5, clean.nuisance())
    assert all(torch.equal(gone[:, : dead.shape[1]], dead) for gone in handing.asked)
    basis = peeling.stages[0].subspace.basis
    torch.testing.assert_close(basis @ basis.T, clean.plane("C") @ clean.plane("C").T, atol=1e-4, rtol=0)


def test_of_a_full_covariance_nothing_is_dead() -> None:
    basis = random_basis(6, 6, 0).double()
    spread = torch.tensor([1.0, 1e-3, 1e-5, 1e-7, 1e-9, 0.0], dtype=torch.float64)
    assert never_varying(torch.eye(6)).shape == (6, 0)
    found = never_varying(basis * spread @ basis.T)
    torch.testing.assert_close((found @ found.T).double(), basis[:, 3:] @ basis[:, 3:].T, atol=1e-5, rtol=0)


def test_carriers_are_found_again_without_each_other_until_they_settle(degenerate: Known) -> None:
    """The first was found while the second could help, here with some noise in it. Without the second it is found clean."""
    c, b, noise = degenerate.plane("C"), degenerate.plane("B"), degenerate.nuisance(8)
    tilted = torch.linalg.qr(c + 0.3 * noise)[0]
    handing = Handing(degenerate, [])

    def find_next(gone: Tensor) -> Subspace:
        without_b = float((gone.T @ b).square().sum()) > 1.5
        handing.planes = [c if without_b else tilted, b, noise]
        return handing(gone)

    found = [stage.subspace.basis for stage in peel(degenerate.ground, find_next, 4).carriers]
    assert len(found) == 2
    for basis, plane in zip(found, (c, b), strict=True):
        torch.testing.assert_close(basis @ basis.T, plane @ plane.T, atol=1e-4, rtol=0)
    once = [stage.subspace.basis for stage in peel(degenerate.ground, find_next, 4, rounds=0).carriers]
    torch.testing.assert_close(once[0] @ once[0].T, tilted @ tilted.T, atol=1e-4, rtol=0)


# the table


@pytest.mark.slow
def test_every_stage_has_a_row_of_its_own_and_one_for_each_control(degenerate: Known) -> None:
    peeling, _ = peeled(degenerate, degenerate.plane("C"), degenerate.plane("B"), degenerate.nuisance())
    rows = peeling_rows(peeling, 1, "das")
    assert [(row["stage"], row["control"]) for row in rows] == [(number, name) for number in (1, 2, 3) for name in ("subspace", *FLOORS)]
    assert all(set(row) <= set(PEELING_COLUMNS) for row in rows)
    own = [row for row in rows if row["control"] == "subspace"]
    assert [row["above"] for row in own] == [True, True, False] and {row["copies"] for row in own} == {2}
    assert {row["verdict"] for row in own} == {"degenerate"} and all(row["rank"] == 2 for row in rows)
    assert np.isnan(own[2]["alone"]) and own[0]["alone"] == peeling.stages[0].alone.effect.value  # type: ignore[call-overload, union-attr]
    (nothing,) = peeling_rows(peeled(degenerate)[0], 1, "das")  # that nothing was found, and why, is kept
    assert nothing["stage"] == 0 and nothing["verdict"] == "undecided" and "There is nothing left to find." in str(nothing["reason"])
