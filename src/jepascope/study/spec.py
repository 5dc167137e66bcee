"""StudySpec: the whole experiment as data. YAML in, a frozen typed object inside; its digest names the study.

Imports neither torch nor pandas, so that a spec is checked at once.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError, field_validator, model_validator

from jepascope.catalog import is_code
from jepascope.clips.array_file import is_arrays
from jepascope.clips.column_kind import MISSING, Asked, was_numeric
from jepascope.clips.entries import CLIP_SETS
from jepascope.clips.labels_file import LabelsFile, read_labels
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.clips.variables import VARIABLES, Variable
from jepascope.clips.video.variable import folder_variable, variable_given
from jepascope.discovery.finder_entry import FINDERS
from jepascope.errors import BadArgument, RunFolderError, first_line, quoted
from jepascope.intervention.control_entry import CONTROLS, on_request
from jepascope.intervention.edit_entry import EDITS, USUAL
from jepascope.intervention.judge_entry import JUDGES
from jepascope.study.as_written import read_fields
from jepascope.study.files import SPEC
from jepascope.study.own_clips import (
    are_known,
    array_variable,
    clip_count,
    directions_drawn,
    has_masks,
    others_known,
    set_variable,
    with_array_defaults,
)
from jepascope.study.ranks import check_finders, rank_of
from jepascope.study.refusals import FieldRefused, Named, refused
from jepascope.study.trust import check_code
from jepascope.study.videos.asked import FOLDER_ONLY, is_folder, with_folder_defaults
from jepascope.study.videos.carried import with_carried

if TYPE_CHECKING:
    from jepascope.clips.video.labels import VideoLabels

Finder = Annotated[str, Named(FINDERS)]
Edit = Annotated[str, Named(EDITS)]
Judge = Annotated[str, Named(JUDGES)]
Extra = Annotated[str, Named(CONTROLS, on_request)]
Splits = Literal["own", "official", "official-2", "official-3"]
MAX_SPEC_BYTES = 20_000  # a spec is a page; YAML takes quadratic time on deep nesting
MAX_BRACKETS = 200
UNSAID = (("kind", "auto"), ("missing", None))  # fields that name a study only where they say something: older ones have none of them
SCOPE = re.compile(r"all|object|background|time:[0-9]{1,6}(-[0-9]{1,6})?")  # as activations.site has it, which would import torch


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
    classes: tuple[StrictStr, ...] | None = Field(
        None, min_length=2, max_length=50, description="classes of the variable to keep (real videos); default: all"
    )
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
    finders: tuple[Finder, ...] = Field(("diff_means", "lda", "l1_probe"), min_length=1)
    rank: int | None = Field(None, ge=1, description="rank of every subspace; default: classes - 1, or what the finder allows")
    layers: Literal["survey", "all"] | tuple[int, ...] = Field(
        "survey",
        description="layers run in full besides the best one: all, or some; survey: none, a few random draws of ablation at the others",
    )
    best_layer: int | None = Field(None, ge=0, description="layer that the claim is made for; default: chosen on the fit split")
    edits: tuple[Edit, ...] = Field(USUAL, min_length=1)
    ablate_to: Literal["mean", "zero", "resample"] = Field("mean", description="what ablation puts in place of a subspace")
    scope: str | None = Field(None, description="tokens that are edited: all, object, background, time:0-1; default: as tokens")
    swap_donor: Literal["twin", "class"] | None = Field(
        None, description="what a swap takes from; default: the twin where one can be rendered"
    )
    edit_doses: tuple[float, ...] = Field(
        (1.0,), min_length=1, max_length=50, description="doses of the edits beside every control; 1 is the natural change"
    )
    judges: tuple[Judge, ...] = Field(tuple(JUDGES.own), description="read-outs; those that the model lacks are left out")
    context: int | None = Field(
        None, ge=1, le=1024, strict=True, description="tubelets that the predictor is shown; default: half of the clip"
    )
    head_classes: dict[str, StrictStr | StrictInt] | None = Field(
        None, description="label (or its number) of the task head for classes of the variable"
    )
    extra_controls: tuple[Extra, ...] = Field((), description=f"controls on request: {', '.join(filter(on_request, CONTROLS.own))}")
    subspace: str | None = Field(None, max_length=64, description="digest of a subspace file given to intervene; filled in")
    test_scenes: int = Field(40, ge=8, description="test scenes that are intervened on, balanced over classes")
    draws: int = Field(20, ge=2, le=10_000, description="draws of every control at the best layer")
    draws_elsewhere: int = Field(3, ge=2, le=10_000, description="draws of the random control at surveyed layers")
    doses: tuple[float, ...] = Field(
        (0.25, 0.5, 1.0), min_length=1, max_length=50, description="doses of the dose curves and of portability"
    )
    port_clips: tuple[StrictStr, ...] = Field(
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

    @field_validator("classes", mode="before")
    @classmethod
    def _numbers_are_names(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return value
        return [str(name) if isinstance(name, int | float) and not isinstance(name, bool) else name for name in value]

    @field_validator("finders", "edits", "doses", "layers", "judges", "extra_controls", "edit_doses", "port_clips", "classes")
    @classmethod
    def _no_repeats(cls, value: Any) -> Any:
        twice = [one for i, one in enumerate(value) if one in value[:i]] if isinstance(value, tuple) else []
        if twice:
            raise ValueError(f"names {twice[0]} twice")
        return value

    @field_validator("doses", "edit_doses")
    @classmethod
    def _doses_are_finite(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < dose <= 10 for dose in value):
            raise ValueError("doses lie in (0, 10]; 1 is the whole edit")
        return value

    @field_validator("scope")
    @classmethod
    def _scope_is_known(cls, value: str | None) -> str | None:
        if value is not None and not SCOPE.fullmatch(value):
            raise ValueError("tokens to edit are all, object, background, or tubelets from 0 such as time:2 or time:0-1")
        return value

    @field_validator("judges")
    @classmethod
    def _the_probe_is_among_them(cls, value: tuple[Judge, ...]) -> tuple[Judge, ...]:
        if "probe" not in value:
            raise ValueError("judges must include probe: claims are made in its margin")
        return value

    @field_validator("head_classes")
    @classmethod
    def _few_pairs(cls, value: dict[str, str | int] | None) -> dict[str, str | int] | None:
        if value is not None and not 2 <= len(value) <= 64:
            raise ValueError("pairs at least two (and at most 64) classes of the variable with labels of the head")
        labels = list((value or {}).values())
        if any(isinstance(label, int) and not 0 <= label < 10_000 for label in labels):
            raise ValueError("a label of the head is its name, or its number from 0")
        if len(set(labels)) < len(labels):
            raise ValueError("gives two classes the same label, which nothing could tell apart")
        return value

    @model_validator(mode="before")
    @classmethod
    def _files_are_named_by_their_contents(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        values = {name: _plain(value) for name, value in values.items()}
        if is_folder(values.get("clips")):
            values = with_carried(with_folder_defaults(values), saved_spec)
        elif is_arrays(values.get("clips")):
            values = with_array_defaults(values)
        if not isinstance(values.get("labels"), str):
            return values
        path, said = Path(values["labels"]).expanduser(), values.get("labels_digest")
        file = _labels_of(path, is_folder(values.get("clips")))
        if said not in (None, file.digest):
            raise BadArgument(
                f"'{values['labels']}' is not the labels file that the spec was made with (labels_digest {str(said)[:16]}, now "
                f"{file.digest}); put that file back, or drop labels_digest for a new study."
            )
        variable = variable_given(list(file.columns), values["labels"], values.get("variable"))
        found = {"labels_digest": file.digest} | ({} if variable is None else {"variable": variable})
        fresh = said is None or "kind" in values or variable is None or variable not in file.columns
        if not fresh and was_numeric(str(variable), file.texts(str(variable))):
            found["kind"] = "numeric"  # a saved spec of a version that read whole numbers so
        return {**values, **found}

    @field_validator("variable")
    @classmethod
    def _variable_is_known(cls, value: str, info: Any) -> str:
        if info.data.get("labels") is None and value not in VARIABLES and info.data.get("clips") in CLIP_SETS.own:
            raise ValueError(f"there is no such variable; known are {', '.join(VARIABLES)}, and columns of a file given with labels")
        return value

    @field_validator("clips")
    @classmethod
    def _clips_are_known(cls, value: str) -> str:
        if not are_known(value) and not is_folder(value):
            raise ValueError(
                f"there is no such clip set; known are {', '.join(CLIP_SETS.names)}, folders of videos (write ./name for one here), "
                ".npz and .npy files, and code as package.module:attribute"
            )
        return value

    @field_validator("port_clips")
    @classmethod
    def _other_clips_are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in CLIP_SETS and not is_code(name):
                raise ValueError(f"there is no clip set '{name[:60]}'; known are {', '.join(CLIP_SETS.names)}")
        return value

    @model_validator(mode="after")
    def _choices_fit_the_clips(self) -> StudySpec:
        if not self.of_videos:
            named = ("clips_digest",) if self.of_arrays else ()
            given = [name for name in FOLDER_ONLY if name not in named and getattr(self, name) is not None]
            if given:
                raise FieldRefused(
                    given[0],
                    f"it is about real videos, and clips is {'' if self.of_arrays else 'the set '}'{self.clips}'; leave it out, or give "
                    "a folder",
                )
            if self.of_arrays and not self.has_objects and (self.tokens == "object" or self.scope in ("object", "background")):
                field = "tokens" if self.tokens == "object" else "scope"
                raise FieldRefused(field, f"'{self.clips}' has no masks of the object; save them as its array 'mask', or leave it out")
            if self.of_arrays and self.port_clips:
                raise FieldRefused("port_clips", "there are no other clips of the kind of a file of arrays; leave it out")
            return self
        if self.tokens == "object" or self.scope in ("object", "background"):
            field = "tokens" if self.tokens == "object" else "scope"
            raise FieldRefused(field, "nobody drew where the object of a real video is: tokens are all, or tubelets such as time:0-1")
        if self.port_clips:
            raise FieldRefused("port_clips", "a folder of videos has no other clip sets; carry a run's subspaces to it with subspaces_from")
        if self.peels:
            raise FieldRefused(
                "peels", "degeneracy is not tested on real videos, whose tests have no intervals over videos; leave peels out"
            )
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
    def of_videos(self) -> bool:
        """Whether the clips are those of a folder of videos."""
        return is_folder(self.clips)

    @property
    def of_arrays(self) -> bool:
        """Whether the clips are those of a file of arrays."""
        return is_arrays(self.clips)

    @property
    def has_objects(self) -> bool:
        """Whether it is known where the object is: nobody drew it in real videos, and arrays say it by their masks."""
        return has_masks(self.clips) if self.of_arrays else not self.of_videos

    @property
    def other_variables(self) -> list[str]:
        """Factors of the scenes that are not what the study is about."""
        return [] if self.of_videos else others_known(self.clips, self.variable)

    @property
    def angles(self) -> str:
        """Which directions the scenes move in, where they are drawn: eight, any, or "" where that is not known."""
        return "" if self.of_videos else directions_drawn(self.clips)

    @property
    def clip_count(self) -> int:
        """Clips of a set, which has so many a direction, or of a file; of real videos they are counted later."""
        return clip_count(self.clips) if self.of_arrays else len(DIRECTION_NAMES) * self.clips_per_class

    @property
    def official_split(self) -> int | None:
        """The number of the data set's own split that is kept; None where it is not."""
        return None if self.splits in (None, "own") else int(self.splits.partition("-")[2] or 1)

    @property
    def clips_name(self) -> str:
        """What the clips are called: their set's name, or the folder's."""
        return Path(self.clips).name if self.of_videos else Path(self.clips).stem if self.of_arrays else self.clips.rpartition(":")[2]

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
    def state_variable(self) -> Variable:
        """What ``variable`` names: its kind, classes and values."""
        if self.of_videos:
            made_of = (self.clips, str(self.clips_digest), self.labels, self.labels_digest, self.kind, self.no_label)
            return folder_variable(self.variable, self.classes, *made_of)
        if self.labels is not None:
            return _column(self.labels, str(self.labels_digest), self.variable, self.clip_count, self.kind, self.no_label)
        if self.of_arrays:
            return array_variable(self.variable, self.clips, str(self.clips_digest), self.kind, self.no_label)
        return set_variable(self.variable, self.clips, self.seed, self.clips_per_class)

    @property
    def carried_to(self) -> tuple[str, ...]:
        """The other clip sets of portability. Their scenes have no labels of one's own."""
        return () if not self.renewable else tuple(name for name in self.port_clips if name != self.clips)

    @property
    def edited_tokens(self) -> str:
        """The tokens that are edited."""
        return self.scope or self.tokens

    @property
    def full_rank(self) -> int:
        """The rank of a finder that gives as many directions as the classes can span."""
        return self.rank or self.class_count - 1

    def rank_of(self, finder: str) -> int:
        """The rank in force for a finder."""
        return rank_of(finder, self.rank, self.state_variable)

    @property
    def digest(self) -> str:
        """Names the study: SHA-256 of its canonical JSON."""
        named = {name: value for name, value in self.identity("json").items() if (name, value) not in UNSAID}
        return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:12]

    def identity(self, mode: Literal["json", "python"] = "python") -> dict[str, Any]:
        """The fields that make the study what it is. Files and folders count by their contents, wherever they lie."""
        said = self.model_dump(mode=mode, exclude={"labels", "subspaces_from"})
        if self.of_videos:
            own = ("splits",) if self.splits == "own" else ()  # studies from before there was a choice keep their names
            return {name: value for name, value in said.items() if name not in own} | {"clips": "a folder of videos"}
        named = {"clips": "a file of arrays", "clips_digest": self.clips_digest} if self.of_arrays else {}
        return {name: value for name, value in said.items() if name not in FOLDER_ONLY} | named

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)


def _plain(value: Any) -> Any:
    """Paths as text, and NumPy's numbers and arrays as Python's."""
    return str(value) if isinstance(value, Path) else value.tolist() if hasattr(value, "tolist") else value


@functools.lru_cache(maxsize=8)
def _column(path: str, digest: str, column: str, scenes: int, kind: Asked, missing: tuple[str, ...]) -> Variable:
    """A column of a labels file for scenes 0, 1, 2, ...; ``digest`` is there for the cache."""
    file = read_labels(Path(path).expanduser())
    if column in VARIABLES and column not in file.columns:
        raise BadArgument(
            f"'{column}' is a factor of the scenes and needs no labels: name a column of '{path}' ({', '.join(file.columns)}) with "
            "--variable, or leave the labels out."
        )
    return file.variable(column, range(scenes), kind, missing)


def _labels_of(path: Path, of_videos: bool) -> LabelsFile | VideoLabels:
    if not of_videos:
        return read_labels(path)
    from jepascope.clips.video.labels import read_video_labels

    return read_video_labels(path)


def check_whole(spec: StudySpec) -> None:
    """A whole study ablates, to the mean, at dose 1, the tokens that its subspaces are found on: its other stages are about that edit.

    BadArgument for a spec that says otherwise; ``jepascope intervene`` runs any other edit on the study's folder.
    """
    if "ablate" not in spec.edits:
        raise BadArgument("edits must include ablate: the causal-effect ratio and the portability sweep are defined by it.")
    for field, usual in (("edit_doses", (1.0,)), ("ablate_to", "mean"), ("scope", None), ("subspace", None)):
        if (given := getattr(spec, field)) != usual:
            raise BadArgument(
                f"{field}: a whole study has {usual}, not {given}; run it so, and then the other edit on its folder with "
                "jepascope intervene."
            )


def check_turned(edits: Sequence[str], variable: Variable) -> None:
    """Rotation turns an angle: FieldRefused for a variable that is none."""
    for edit in edits:
        if "angle" in EDITS.entry(edit).needs and variable.kind != "circular":
            raise FieldRefused("edits", f"{edit} turns an angle, and {variable.name} is none; use steer")


def make_spec(values: dict[str, Any], source: str, called: Mapping[str, str] | None = None) -> StudySpec:
    """A checked spec, or BadArgument that says where a field was given, the reason and what is allowed.

    ``called``: what fields are called where they were given (an option of the command line); others were given in ``source``.
    """
    try:
        return StudySpec(**values)
    except FieldRefused as error:
        where = (called or {}).get(error.field) or (f"{source}: {error.field}" if error.known else source)
        raise BadArgument(f"{where}: {error.reason}.") from None
    except TypeError as error:
        raise BadArgument(f"{source}: {error}.") from None


def read_spec(path: Path, named: Collection[str] = ()) -> dict[str, Any]:
    """Fields of a YAML file (``yaml.safe_load``: data only, never objects). Code that it names is refused (``study.trust``), but for what
    is ``named`` besides."""
    try:
        if path.exists() and not path.is_file():
            raise BadArgument(f"'{path}' is not a regular file; give a YAML file or a preset ({', '.join(PRESETS)}).")
        if path.stat().st_size > MAX_SPEC_BYTES:
            raise BadArgument(f"'{path}' is larger than a spec can be ({MAX_SPEC_BYTES} bytes).")
        text = path.read_text(encoding="utf-8")
        if text.count("[") + text.count("{") > MAX_BRACKETS:
            raise BadArgument(f"'{path}' nests more lists than a spec can hold.")
        # a few aliases of aliases can stand for more values than memory holds, and a spec needs none
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise BadArgument(f"'{path}' uses YAML aliases (*name); write the values out.")
        values = read_fields(text)
    except FileNotFoundError:
        raise BadArgument(f"There is no spec or preset '{path}'; presets are {', '.join(PRESETS)}, or give a YAML file.") from None
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise BadArgument(f"'{path}' is not a readable YAML spec: {first_line(error)[:200]}.") from None
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise BadArgument(f"'{path}' must hold 'field: value' lines; fields are {', '.join(StudySpec.model_fields)}.")
    check_code(values, path, named)
    for name in ("labels", "subspaces_from"):  # a file beside the spec, so that a run folder can be moved
        if isinstance(values.get(name), str):
            values[name] = str(path.parent / Path(values[name]).expanduser())
    if is_folder(clips := values.get("clips")) or is_arrays(clips):
        values["clips"] = str(path.parent / Path(str(clips)).expanduser())
    return values


def saved_spec(folder: Path) -> StudySpec:
    """The spec of a run folder; RunFolderError where there is none."""
    if not (folder / SPEC).is_file():
        free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
        instead = f"make one with `jepascope run --out {quoted(folder)}`" if free else "give the folder that `jepascope run` wrote"
        raise RunFolderError(f"'{folder}' is not a run folder (it has no {SPEC}); {instead}.")
    values = read_spec(folder / SPEC)
    if not values:  # an empty file would pass as the demo, whatever study the tables are of
        raise RunFolderError(
            f"'{folder / SPEC}' is empty and no longer says which study this is; put the file back, or run the study again."
        )
    return make_spec(values, f"'{folder / SPEC}'")


PRESETS: dict[str, dict[str, Any]] = {
    "demo": {},
    "quick": {"clips_per_class": 20, "test_scenes": 16, "draws": 5, "untrained_seeds": 1},
    "reduced": {
        **{"clips_per_class": 12, "test_scenes": 16, "draws": 3, "layers": (), "untrained_seeds": 1, "port_clips": (), "peels": 0},
        **{"stability_subsamples": 10, "permutations": 5, "control_seeds": 1, "resamples": 500},
    },
    "full": {"test_scenes": 80, "draws": 200, "draws_elsewhere": 20},
    "paper": {"test_scenes": 80, "draws": 200, "draws_elsewhere": 20, "finders": ("diff_means", "class_pca", "l1_probe")},
}
"""Specs by name: ``demo`` is the default study; ``quick`` looks, and proves little; ``reduced`` takes a large encoder through
every stage on a small machine, and proves nothing; ``full`` draws 200 of every control; ``paper`` does
so for the three discovery methods of the paper (``jepascope compare --preset paper`` sets its published figures beside the run)."""


def spec_values(name: str | None) -> tuple[dict[str, Any], str]:
    """Fields and a name for messages, from a preset, a YAML file, or nothing (the demo)."""
    if name is None or name in PRESETS:
        return dict(PRESETS[name or "demo"]), f"preset '{name or 'demo'}'"
    path = Path(name).expanduser()
    if path.suffix not in (".yaml", ".yml") and not path.exists():
        raise BadArgument(f"There is no preset '{name}'; presets are {', '.join(PRESETS)}, or give a YAML file.")
    return read_spec(path), f"'{path}'"
