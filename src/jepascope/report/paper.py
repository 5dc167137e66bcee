"""What the paper publishes, what a reader should distrust in it, and how a run answers: each quantity declared once, here and nowhere else.

Source: the abstract of OpenReview CC5xKstwmf (CC BY 4.0); nothing else of the paper is public.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jepascope.report.answers import (
    Say,
    accuracy,
    carried,
    carried_pairs,
    cca,
    degeneracy,
    dimensions,
    floor,
    on_videos,
    ratio,
    rce,
    rce_pairs,
    sas,
    sas_ceiling,
    sas_chance,
    stable,
    support,
    untrained,
)

PAPER = "Causal State Variables in V-JEPA 2 Latents: Discovery, Intervention, and Portability (OpenReview CC5xKstwmf)"
CAVEAT = (
    "Other clips and, where the abstract leaves it open, other definitions: the columns stand side by side for orientation, not as a "
    "replication. Only the paper's abstract is public; it gives no intervals and names neither the rank behind SAS nor what its SAS and "
    "RCE were measured across."
)


@dataclass(frozen=True)
class Quantity:
    """One published quantity: ``published`` as printed, ``encoder`` and ``where`` it was measured, ``distrust`` a sentence.

    ``measured``: what a run says of it; ``comparators``: our figures that say what it is worth; ``answer``: what would settle it, where
    there are none; ``layers``: those that it is published for, told apart in a run of that encoder; ``missing``: why a run has none.
    """

    key: str
    name: str
    published: str
    encoder: str
    where: str
    distrust: str
    measured: Say
    comparators: Mapping[str, Say] = field(default_factory=dict)
    answer: str = ""
    layers: tuple[int, ...] = ()
    missing: str = "not measured"

    @property
    def words(self) -> dict[str, str]:
        """What JSON says of it."""
        return {name: getattr(self, name) for name in ("key", "name", "published", "encoder", "where", "distrust", "answer")}


VITL, VITH, BOTH = "ViT-L", "ViT-H", "ViT-L against ViT-H"

PUBLISHED = (
    Quantity(
        "accuracy",
        "dense-probe accuracy, 8 directions",
        "96 % at layer 4, 100 % by layer 7",
        VITL,
        "ViT-L, synthetic",
        "Direction decodes from untrained networks too, and another group (arXiv 2602.07050) finds it only from about a third of the depth "
        "on.",
        accuracy,
        {"untrained twins": untrained},
        layers=(4, 7),
    ),
    Quantity(
        "support",
        "share of latent dimensions of the direction subspace",
        "57 %",
        VITL,
        "ViT-L",
        "57 % of 1,024 is 584 coordinates, more than the 400 clips: a support, which depends on the basis, and no dimension; eight class "
        "means span at most 7.",
        support,
        {"dimensions (rank)": dimensions, "stable coordinates": stable},
    ),
    Quantity(
        "ratio",
        "CE ratio, ablation over random directions",
        "43× at layer 7",
        VITL,
        "ViT-L, synthetic",
        "If an effect goes with the square of the displacement, a rank-7 subspace that holds 29 % of the variance gives 43× by itself: "
        "only a variance-matched control settles it.",
        ratio("random"),
        {"ratio to variance-matched": ratio("variance"), "ratio to shuffled labels": ratio("shuffled")},
        layers=(7,),
    ),
    Quantity(
        "sas",
        "SAS",
        "0.35",
        VITL,
        "ViT-L",
        "It cannot be read without the rank: chance for two subspaces is k/d.",
        sas,
        {"chance (k/d)": sas_chance, "split-half reference": sas_ceiling},
    ),
    Quantity(
        "rce",
        "RCE",
        "0.99",
        VITL,
        "ViT-L",
        "Beside SAS 0.35 it can be a saturated metric (both ablations hit the floor) or correlated features (a probe's filter differs from "
        "the pattern that it reads).",
        rce,
        {"variance-matched ones keep": floor(rce_pairs, "floor_variance"), "random ones keep": floor(rce_pairs, "floor_random")},
    ),
    Quantity(
        "kinetics",
        "CE ratio on real Kinetics video",
        "5.3×",
        VITL,
        "ViT-L",
        "Over random directions as well, so that variance alone can give it; and real video brings camera motion, and labels that are "
        "themselves measured.",
        on_videos("random"),
        {"ratio to variance-matched": on_videos("variance")},
        "a run on real video, and its ratio to variance-matched",
        missing="not measured: its clips are {clips}, not Kinetics",
    ),
    Quantity(
        "larger",
        "CE ratio, larger encoder",
        "54×",
        VITH,
        "ViT-H",
        "Over random directions as well: what is said of the 43× holds here.",
        ratio("random"),
        {"ratio to variance-matched": ratio("variance")},
    ),
    Quantity(
        "cca",
        "cross-architecture CCA alignment",
        "near perfect",
        BOTH,
        BOTH,
        "A CCA near 1 is free where the width exceeds the number of clips: two independent Gaussian matrices of 400 × 1,024 and 400 × "
        "1,280 have all 399 canonical correlations equal to 1, and after 50 principal components chance is still about 0.30.",
        cca("cca"),
        {"chance (shuffled pairs)": cca("cca", chance=True), "in sample, not held out": cca("cca_in_sample")},
        missing="not measured: jepascope port RUN OTHER does",
    ),
    Quantity(
        "complex",
        "generalises to complex synthetic stimuli",
        "claimed, without a figure",
        VITL,
        "encoder not said",
        "A claim without a figure: what counts is how much more of the effect is kept than a matched subspace keeps.",
        carried,
        {"variance-matched ones keep": floor(carried_pairs, "floor_variance")},
        missing="not measured: no transfer to other clips",
    ),
    Quantity(
        "degeneracy",
        "causal degeneracy: distinct subspaces with one causal role",
        "claimed",
        VITL,
        "encoder not said",
        "Real degeneracy must survive both other explanations, saturation and correlated features: each subspace without the other has to "
        "be causal while its controls are not.",
        degeneracy,
        answer="the verdict itself, which is reached so",
        missing="not measured: no verdict in this folder",
    ),
)
"""In the order of the paper's abstract; the last two are claims without a number."""
