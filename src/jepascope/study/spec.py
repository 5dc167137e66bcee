"""StudySpec: the whole experiment as data. A frozen typed object; its digest names the study. ``spec_file`` reads it from YAML.

Imports neither torch nor pandas, so that a spec is checked at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError, field_validator, model_validator

from jepascope.clips.column_kind import MISSING, Asked
from jepascope.clips.entries import CLIP_SETS
from jepascope.clips.variables import VARIABLES, Variable
from jepascope.clips.video.enough import official_number
from jepascope.clips.video.variable import Splits
from jepascope.encoders.part_names import RESIDUAL
from jepascope.intervention.control_entry import CONTROLS, MATCHED, on_request
from jepascope.intervention.edit_entry import USUAL
from jepascope.intervention.judge_entry import USUAL as USUAL_JUDGES
from jepascope.study.clips_asked import AskedClips, are_known, asked_clips, named_by_contents
from jepascope.study.field_types import (
    CHAPTERS,
    Chapter,
    Classes,
    Doses,
    Edits,
    ExtraControls,
    Finders,
    HeadClasses,
    Judges,
    Layers,
    OtherClips,
    Part,
    Scope,
)
from jepascope.study.identity import digest_of
from jepascope.study.ranks import check_finders, check_turned, rank_of
from jepascope.study.refusals import FieldRefused, refused


class StudySpec(BaseModel):
    """One study. Every field can be given in a YAML file or on the command line; the defaults are the demo."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, **values: Any) -> None:
        """Raises FieldRefused (a BadArgument) that names the field, what was given and what is allowed."""
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise refused(error, StudySpec.model_fields) from None

    model: str = Field("nano", description="shipped name, local folder or hub name of the encoder")
    clips: str = Field(
        "directions8", description="clip set that the study is made on: a name, the path of a folder of videos, or an .npz or .npy file"
    )
    clips_digest: str | None = Field(None, max_length=64, description="names the contents of the folder or file; filled in")
    seconds: float | None = Field(None, ge=0.1, le=60, description="length of a window of a video; default: 1")
    per_source: int | None = Field(None, ge=1, le=10_000, description="windows of one video at most, spread over it; default: 16")
    splits: Splits | None = Field(
        None,
        description="own, or official: those that the data set comes with (official-2, official-3: of UCF101 and HMDB51); default: own",
    )
    classes: Classes = Field(None, min_length=2, max_length=50, description="classes of the variable to keep (real videos); default: all")
    subspaces_from: str | None = Field(None, description="run folder whose subspaces are used beside the study's own (real videos)")
    subspaces_digest: str | None = Field(None, max_length=64, description="names what is taken from that run; filled in")
    labels: str | None = Field(None, description="CSV file of labels of one's own; the variable is then one of its columns")
    labels_digest: str | None = Field(None, description="names the contents of the labels file; filled in")
    variable: str = Field("direction", description="state variable that is looked for; default with labels: their only column")
    kind: Asked = Field("auto", description="how a column of labels is read: as names of classes (categorical), as numbers (numeric)")
    missing: tuple[StrictStr, ...] | None = Field(
        None, max_length=100, description="texts that stand for no label besides an empty cell; default: nan, NA, null and the like"
    )
    clips_per_class: int = Field(50, ge=10, le=100_000, description="clips of each direction")
    frames: int | None = Field(None, ge=1, le=1024, description="frames a clip; default: what the model was made for")
    size: int | None = Field(None, ge=8, le=2048, description="pixels a side; default: what the model was made for")
    seed: int = Field(0, ge=0, lt=2**31, description="seeds clips, splits, controls and resampling")
    tokens: Literal["all", "object"] = Field("all", description="tokens that are pooled, edited and read")
    finders: Finders = Field(
        ("diff_means", "lda", "l1_probe"), min_length=1, description="how subspaces are found; the first makes the claims"
    )
    rank: int | None = Field(
        None, ge=1, description="rank of every subspace; default: in how many directions class means differ more than by chance"
    )
    layers: Layers = Field(
        "survey",
        description="layers run in full besides the best one: all, or some; survey: none, a screen of a few draws at the others",
    )
    best_layer: int | None = Field(None, ge=0, description="layer that the claim is made for; default: chosen on the fit split")
    edits: Edits = Field(USUAL, min_length=1, description="what is done to subspaces, beside every control")
    ablate_to: Literal["mean", "zero", "resample"] = Field("mean", description="what ablation puts in place of a subspace")
    scope: Scope = Field(None, description="tokens that are edited: all, object, background, time:0-1; default: as tokens")
    part: Part = Field(
        RESIDUAL, description="what is edited: the residual stream after a block, or what the block's attention or mlp adds to it"
    )
    swap_donor: Literal["twin", "class"] | None = Field(
        None, description="what a swap takes from; default: the twin where one can be rendered"
    )
    edit_doses: Doses = Field(
        (1.0,), min_length=1, max_length=50, description="doses of the edits beside every control; 1 is the natural change"
    )
    chapters: tuple[Chapter, ...] = Field(
        CHAPTERS,
        description="what is run besides reading and cause: mechanism (doses, calibration, fresh probes, other variables), port "
        "(portability, degeneracy), trust (leak check)",
    )
    judges: Judges = Field(USUAL_JUDGES, description="read-outs; those that the model lacks are left out")
    context: int | None = Field(
        None,
        ge=1,
        le=1024,
        strict=True,
        description="tubelets that the predictor is shown, and that a rollout starts from; default: half of the clip",
    )
    head_classes: HeadClasses = Field(None, description="label (or its number) of the task head for classes of the variable")
    extra_controls: ExtraControls = Field((), description=f"controls on request: {', '.join(filter(on_request, CONTROLS.own))}")
    subspace: str | None = Field(None, max_length=64, description="digest of a subspace file given to intervene; filled in")
    fits: int = Field(
        10, ge=0, le=100, description="times that subspaces and read-outs are found anew, for intervals said of the encoder; 0: never"
    )
    test_scenes: int = Field(40, ge=8, description="test scenes that are intervened on, balanced over classes")
    draws: int = Field(60, ge=2, le=10_000, description="draws of every control at the best layer; 59 for three finders to reach p = 0.05")
    draws_beside: int = Field(
        20, ge=2, le=10_000, description="draws at the best layer at most: of edits and controls that stand beside, and by the predictor"
    )
    draws_elsewhere: int = Field(3, ge=2, le=10_000, description="draws of every control at layers that are screened")
    doses: Doses = Field((0.25, 0.5, 1.0), min_length=1, max_length=50, description="doses of the dose curves and of portability")
    port_clips: OtherClips = Field(
        ("circle", "complex"), description="clip sets that subspaces are carried to, besides the study's own (none for labels of one's own)"
    )
    peels: int = Field(4, ge=0, le=50, description="most subspaces peeled off for the degeneracy curve; 0 leaves degeneracy out")
    untrained_seeds: int = Field(3, ge=0, le=100, description="untrained twins beside the model")
    token_map: bool = Field(True, description="probe every token position at the best layer")
    stability_subsamples: int = Field(50, ge=0, le=10_000, description="half-samples of stability selection; 0 leaves it out")
    permutations: int = Field(20, ge=0, le=10_000, description="draws of permuted labels behind the nulls of discovery")
    control_seeds: int = Field(3, ge=0, le=100, description="control tasks of the probes (random labels of the other factors)")
    folds: int = Field(5, ge=2, le=20, description="cross-validation folds inside a split; fewer where a class has fewer clips")
    resamples: int = Field(2000, ge=100, le=1_000_000, description="bootstrap resamples")

    @model_validator(mode="before")
    @classmethod
    def _files_are_named_by_their_contents(cls, values: Any) -> Any:
        return named_by_contents({name: _plain(value) for name, value in values.items()}) if isinstance(values, dict) else values

    @field_validator("variable")
    @classmethod
    def _variable_is_known(cls, value: str, info: Any) -> str:
        if info.data.get("labels") is None and value not in VARIABLES and info.data.get("clips") in CLIP_SETS.own:
            raise ValueError(f"there is no such variable; known are {', '.join(VARIABLES)}, and columns of a file given with labels")
        return value

    @field_validator("clips")
    @classmethod
    def _clips_are_known(cls, value: str) -> str:
        if not are_known(value):
            raise ValueError(
                f"there is no such clip set; known are {', '.join(CLIP_SETS.names)}, folders of videos (write ./name for one here), "
                ".npz and .npy files, and code as package.module:attribute"
            )
        return value

    @field_validator("fits")
    @classmethod
    def _fits_are_enough(cls, value: int) -> int:
        if 0 < value < 5:
            raise ValueError("a spread over fewer than 5 says too little; ask for 5 or more, or for 0")
        return value

    @model_validator(mode="after")
    def _choices_fit_the_clips(self) -> StudySpec:
        self.asked.refuse(self)
        return self

    @model_validator(mode="after")
    def _choices_fit_the_variable(self) -> StudySpec:
        if self.labels is None and self.labels_digest is not None:
            raise FieldRefused("labels_digest", "labels_digest is given without labels; name the file")
        if not self.of_labels and (self.kind != "auto" or self.missing is not None):
            field = "missing" if self.kind == "auto" else "kind"
            raise FieldRefused(field, f"says how labels are read, and {self.variable} is none; leave it out")
        check_finders(self.finders, self.rank, self.state_variable)
        check_turned(self.edits, self.state_variable)
        if self.part != RESIDUAL and self.best_layer == 0:
            raise FieldRefused("best_layer", f"blocks count from 1: there is no {self.part} of block 0")
        unknown = [name for name in self.head_classes or {} if name not in self.state_variable.classes]
        if unknown:
            classes = ", ".join(self.state_variable.classes)
            raise FieldRefused("head_classes", f"{self.variable} has no class '{unknown[0][:60]}'; classes are {classes}")
        if self.swap_donor == "twin" and not self.state_variable.rendered and not self.of_arrays:
            raise FieldRefused("swap_donor", f"no twin can be rendered for the labels '{self.variable}'; leave swap_donor out")
        return self

    @property
    def class_count(self) -> int:
        return len(self.state_variable.classes)

    @property
    def asked(self) -> AskedClips:
        """What the clips are: of a set, a file of arrays or a folder of videos."""
        return asked_clips(self.clips)

    @property
    def of_videos(self) -> bool:
        """Whether the clips are those of a folder of videos."""
        return self.asked.of_videos

    @property
    def of_arrays(self) -> bool:
        """Whether the clips are those of a file of arrays."""
        return self.asked.of_arrays

    @property
    def other_variables(self) -> list[str]:
        """Factors of the scenes that are not what the study is about."""
        return self.asked.others(self.variable)

    @property
    def clips_name(self) -> str:
        """What the clips are called: their set's name, or the folder's."""
        return self.asked.name

    @property
    def state_variable(self) -> Variable:
        """What ``variable`` names: its kind, classes and values."""
        return self.asked.variable(self)

    @property
    def official_split(self) -> int | None:
        """The number of the data set's own split that is kept; None where it is not."""
        return official_number(self.splits)

    @property
    def renewable(self) -> bool:
        """Whether new scenes of the kind can be made, with labels: not for labels of one's own, and not for videos and arrays."""
        return self.labels is None and not self.of_videos and not self.of_arrays

    @property
    def of_labels(self) -> bool:
        """Whether the variable is one that people named: a column of a labels file, or classes of folders."""
        return self.variable != "direction" if self.of_videos else self.labels is not None or self.of_arrays

    @property
    def no_label(self) -> tuple[str, ...]:
        """Texts in a labels file that stand for no label, besides an empty cell."""
        return MISSING if self.missing is None else self.missing

    @property
    def carried_to(self) -> tuple[str, ...]:
        """The other clip sets of portability. Their scenes have no labels of one's own."""
        return () if not self.renewable else tuple(name for name in self.port_clips if name != self.clips)

    @property
    def edited_tokens(self) -> str:
        """The tokens that are edited."""
        return self.scope or self.tokens

    @property
    def controls(self) -> tuple[str, ...]:
        """Every control beside an edit: the matched ones, and those that are asked for."""
        return tuple(dict.fromkeys((*MATCHED, *self.extra_controls)))

    @property
    def full_rank(self) -> int:
        """The rank of a finder that gives as many directions as the classes can span."""
        return self.rank or self.class_count - 1

    def rank_of(self, finder: str) -> int:
        """The rank in force for a finder."""
        return rank_of(finder, self.rank, self.state_variable)

    @property
    def digest(self) -> str:
        """Names the study."""
        return digest_of(self)

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)


def _plain(value: Any) -> Any:
    """Paths as text, and NumPy's numbers and arrays as Python's."""
    return str(value) if isinstance(value, Path) else value.tolist() if hasattr(value, "tolist") else value
