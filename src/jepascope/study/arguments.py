"""What the Python functions are given, checked by the rules of a study, before anything is captured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jepascope.activations.activations import Activations
from jepascope.activations.site import Site
from jepascope.clips.clipset import SPLITS, ClipSet
from jepascope.clips.video.source import VideoSource
from jepascope.discovery.arrays import as_whole
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.part_names import RESIDUAL
from jepascope.errors import BadArgument, BadData
from jepascope.intervention.effects import check_subspaces
from jepascope.study.checks import validate_for_encoder
from jepascope.study.edited_layers import check_edited_layer, check_room
from jepascope.study.ranks import check_turned
from jepascope.study.refusals import FieldRefused
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import make_spec

NAMES = {"edits": "edit", "edit_doses": "dose", "scope": "tokens", "draws": "draws", "seed": "seed", "ablate_to": "ablate_to"}
"""What fields of a spec are called in the Python functions."""


SOURCES: dict[type, str] = {
    VideoEncoder: "An encoder is what jepascope.load_encoder returns",
    ClipSet: "A clip set is what jepascope.directions8 or another function of jepascope.clips returns",
    Activations: "Activations are what jepascope.capture returns",
    Subspace: "A subspace is what jepascope.find or Subspace.spanned_by returns",
}
"""What the Python functions are handed from one to the next, and which of them makes it."""


def check_kinds(**kinds: tuple[object, type]) -> None:
    """BadArgument, with the argument's name, for the first that is not of its kind (one of SOURCES)."""
    for name, (given, kind) in kinds.items():
        if not isinstance(given, kind):
            raise BadArgument(f"{name}: {SOURCES[kind]}, not {type(given).__name__}.")


def check_edit(encoder: VideoEncoder, activations: Activations, subspace: Subspace, **fields: Any) -> tuple[Site, StudySpec]:
    """The site of a subspace that can be edited in this encoder, and how: ``fields`` of a spec (see NAMES), as they were checked, with the
    subspace's variable and tokens, and the probe of the last layer as its judge.

    BadArgument or BadData, in one sentence, for all that the command line refuses: what nothing runs after, another encoder's subspace or
    activations, no room for controls, edits, doses, tokens, draws and seeds that there are not, splits and classes without clips.
    """
    check_kinds(encoder=(encoder, VideoEncoder), activations=(activations, Activations))
    variable, site = named_site(subspace)
    card = encoder.card
    spec = make_spec(fields, "jepascope", NAMES)
    check_edited_layer(card.name, card.depth, site.layer, site.part)
    check_subspaces(encoder, site, {str(subspace.provenance.get("finder", "given")): subspace})
    check_room("The subspace", subspace.rank, subspace.width)
    check_same_encoder(encoder, activations)
    known = activations.clips.variable(variable)
    try:
        check_turned(spec.edits, known)
    except FieldRefused as error:
        raise BadArgument(f"edit: {error.reason}.") from None
    if isinstance(activations.clips.source, VideoSource) and {site.tokens, spec.scope} & {"object", "background"}:
        raise BadArgument("tokens: nobody drew where the object of these clips is; edit all tokens, or tubelets such as time:0-1.")
    validate_for_encoder(spec, encoder)
    check_splits(activations, variable)
    return site, spec.model_copy(update={"variable": variable, "tokens": site.tokens, "part": site.part, "judges": ("probe",)})


def named_site(subspace: Subspace, name: str = "subspace") -> tuple[str, Site]:
    """The variable and the site that a subspace's provenance names; BadArgument where it does not."""
    check_kinds(**{name: (subspace, Subspace)})
    provenance: Mapping[str, Any] = subspace.provenance
    for needed in ("variable", "layer"):
        if needed not in provenance:
            raise BadArgument(
                f"The subspace's provenance does not say its {needed}; make it with jepascope.find, or say it: "
                'Subspace.spanned_by(directions, mean, variable="direction", layer=3, tokens="all").'
            )
    return str(provenance["variable"]), Site(
        as_whole(provenance["layer"], "layer"), str(provenance.get("tokens", "all")), str(provenance.get("part", RESIDUAL))
    )


def check_same_encoder(encoder: VideoEncoder, activations: Activations) -> None:
    """BadArgument for activations of another encoder, or of the same one at another clip length or size."""
    if encoder.card.digest != activations.encoder_card.digest:
        raise BadArgument(
            f"The activations are those of '{activations.encoder_card.name}', not of '{encoder.card.name}' as it is given; capture the "
            "clips again with jepascope.capture(encoder, clips)."
        )


def check_splits(activations: Activations, variable: str, splits: tuple[str, ...] = SPLITS) -> None:
    """BadData where a split has no clips, or (of those that something is trained on) none of a class."""
    labels, classes = activations.clips.labels(variable)
    of, scenes = (activations.clips.factors[name].to_numpy() for name in ("split", "scene"))
    for split in splits:
        counts = np.bincount(labels[of == split], minlength=len(classes))
        if not counts.any() or (split != "test" and not counts.all()):
            lacking = "at all" if not counts.any() else f"of {variable} '{classes[int(counts.argmin())]}'"
            raise BadData(
                f"'{activations.clips.name}' has no {split} clips {lacking}; capture a whole clip set, with clips of every class in "
                f"the splits {', '.join(SPLITS)}."
            )
    if "test" in splits and len(shown := np.unique(scenes[of == "test"])) < 2:
        raise BadData(f"'{activations.clips.name}' has {len(shown)} test scene, and an interval takes two at least; capture more scenes.")
