"""What the paper publishes, and what a reader should distrust in it. Its figures stand here and nowhere else.

Source: the abstract of OpenReview CC5xKstwmf (CC BY 4.0); nothing else of the paper is public.
"""

from __future__ import annotations

from dataclasses import dataclass

PAPER = "Causal State Variables in V-JEPA 2 Latents: Discovery, Intervention, and Portability (OpenReview CC5xKstwmf)"
CAVEAT = (
    "Other clips and, where the abstract leaves it open, other definitions: the columns stand side by side for orientation, not as a "
    "replication. Only the paper's abstract is public; it gives no intervals and names neither the rank behind SAS nor what its SAS and "
    "RCE were measured across."
)


@dataclass(frozen=True)
class Quantity:
    """One published quantity: ``published`` as printed, ``encoder`` and ``where`` it was measured, ``distrust`` a sentence.

    ``answer``: what would settle it, where no row of ours is beside it.
    """

    key: str
    name: str
    published: str
    encoder: str
    where: str
    distrust: str
    answer: str = ""


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
    ),
    Quantity(
        "support",
        "share of latent dimensions of the direction subspace",
        "57 %",
        VITL,
        "ViT-L",
        "57 % of 1,024 is 584 coordinates, more than the 400 clips: a support, which depends on the basis, and no dimension; eight class "
        "means span at most 7.",
    ),
    Quantity(
        "ratio",
        "CE ratio, ablation over random directions",
        "43× at layer 7",
        VITL,
        "ViT-L, synthetic",
        "If an effect goes with the square of the displacement, a rank-7 subspace that holds 29 % of the variance gives 43× by itself: "
        "only a variance-matched control settles it.",
    ),
    Quantity("sas", "SAS", "0.35", VITL, "ViT-L", "It cannot be read without the rank: chance for two subspaces is k/d."),
    Quantity(
        "rce",
        "RCE",
        "0.99",
        VITL,
        "ViT-L",
        "Beside SAS 0.35 it can be a saturated metric (both ablations hit the floor) or correlated features (a probe's filter differs from "
        "the pattern that it reads).",
    ),
    Quantity(
        "kinetics",
        "CE ratio on real Kinetics video",
        "5.3×",
        VITL,
        "ViT-L",
        "Over random directions as well, so that variance alone can give it; and real video brings camera motion, and labels that are "
        "themselves measured.",
        "a run on real video, and its ratio to variance-matched",
    ),
    Quantity(
        "larger", "CE ratio, larger encoder", "54×", VITH, "ViT-H", "Over random directions as well: what is said of the 43× holds here."
    ),
    Quantity(
        "cca",
        "cross-architecture CCA alignment",
        "near perfect",
        BOTH,
        BOTH,
        "A CCA near 1 is free where the width exceeds the number of clips: two independent Gaussian matrices of 400 × 1,024 and 400 × "
        "1,280 have all 399 canonical correlations equal to 1, and after 50 principal components chance is still about 0.30.",
    ),
    Quantity(
        "complex",
        "generalises to complex synthetic stimuli",
        "claimed, without a figure",
        VITL,
        "encoder not said",
        "A claim without a figure: what counts is how much more of the effect is kept than a matched subspace keeps.",
    ),
    Quantity(
        "degeneracy",
        "causal degeneracy: distinct subspaces with one causal role",
        "claimed",
        VITL,
        "encoder not said",
        "Real degeneracy must survive both other explanations, saturation and correlated features: each subspace without the other has to "
        "be causal while its controls are not.",
        "the verdict itself, which is reached so",
    ),
)
"""In the order of the paper's abstract; the last two are claims without a number."""
