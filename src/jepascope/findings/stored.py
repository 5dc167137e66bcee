"""What the JSON files of a run folder say, as they are read: each value that anything reads has its type here.

Keys that are not named pass, those of other versions among them. A value of another type is one sentence where its file is read, and
nothing later on.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from jepascope.disk.plain import parsed
from jepascope.findings.names import short

Figure = float | None
ByName = dict[str, dict[str, Any]]
WANTED = {  # by pydantic's kind of error
    **{"int_type": "a whole number", "float_type": "a number", "bool_type": "true or false", "string_type": "a text"},
    **{"list_type": "a list", "dict_type": "an object", "model_type": "an object", "model_attributes_type": "an object"},
    "greater_than": "above 0",
    "greater_than_equal": "0 or more",
    "less_than": "below 1",
}


def _layer(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 10_000:
        raise PydanticCustomError("layer", "a layer")
    return value


def _command(value: Any) -> str | list[str]:
    if not isinstance(value, str) and not (isinstance(value, list) and all(isinstance(word, str) for word in value)):
        raise PydanticCustomError("command", "a text")
    return value


Layer = Annotated[int, BeforeValidator(_layer)]


class Stored(BaseModel):
    """A JSON object. Whole numbers do as numbers; nothing else is taken for something else."""

    model_config = ConfigDict(extra="allow", strict=True)


class Refused(Stored):
    """Why some videos or windows are not used, and how many."""

    reason: str
    count: int


class Film(Stored):
    """figures/film.png: how many pictures lie side by side, and which classes the clip and its partner show."""

    frames: Annotated[int, Field(ge=1, le=1000)]
    clip: str = ""
    partner: str = ""


class Replied(Stored):
    """An answer of the first screen, in words."""

    ask: str
    word: str
    number: str
    control: str


class Footage(Stored):
    """What was used of a folder of videos."""

    refused: list[Refused] = []


class Summary(Stored):
    """summary.json of a run and of the folders inside it; each has some of these keys."""

    headline: str | None = None
    title: str | None = None
    confidence: Annotated[float, Field(gt=0, lt=1)] | None = None
    model: str = ""
    clips: str = ""
    variable: str = ""
    kind: str | None = None
    classes: int | None = None
    labels_read: str | None = None
    tokens: str = ""
    scope: str | None = None
    ablate_to: str | None = None
    doses: list[float] = []
    layers: list[Layer] = []
    full_layers: list[Layer] = []
    best_layer: Layer | None = None
    rank: int | None = None
    swap_donor: str | None = None
    splits: dict[str, int] = {}
    chance: Figure = None
    reading: dict[str, Any] = {}
    probe: dict[str, dict[str, Figure]] = {}
    values: dict[str, dict[str, ByName]] = {}
    ce: ByName = {}
    controls: ByName = {}
    ce_ratio: ByName = {}
    judges: list[str] = []
    skipped: dict[str, str] = {}
    judge_reading: ByName = {}
    by_judge: dict[str, ByName] = {}
    ratio_by_judge: dict[str, ByName] = {}
    refit: ByName = {}
    isolation: ByName = {}
    calibration: dict[str, ByName] = {}
    forecast: dict[str, Any] = {}
    sas: dict[str, dict[str, Figure]] = {}
    rce: dict[str, dict[str, Figure]] = {}
    degeneracy: dict[str, Any] = {}
    leaks: ByName = {}
    seconds: dict[str, float] = {}
    stimuli_caption: str | None = None
    film: Film | None = None
    replies: list[Replied] = []
    footage: Footage = Footage()
    leave_one_out: dict[str, Any] = {}


class Encoder(Stored):
    """What an encoder says of itself."""

    name: str = ""
    digest: str | None = None
    head_digest: str | None = None
    width: Annotated[int, Field(ge=0)] | None = None
    depth: Annotated[int, Field(ge=0)] | None = None


class Provenance(Stored):
    """provenance.json."""

    command: Annotated[str | list[str], BeforeValidator(_command)] = ""
    spec_digest: str = ""
    seed: int | None = None
    encoder: Encoder = Encoder()
    device: str = ""
    device_name: str | None = None
    dtype: str = "float32"
    also_computed_by: list[dict[str, Any]] = []
    jepascope: str = ""


class Claim(Stored):
    """An entry of claims.json."""

    sentence: str = ""


class Claims(Stored):
    """claims.json."""

    claims: list[Claim]


class Seconds(Stored):
    """seconds.json: nothing but numbers."""

    __pydantic_extra__: dict[str, float]


MODELS: dict[str, type[Stored]] = {
    "summary.json": Summary,
    "provenance.json": Provenance,
    "claims.json": Claims,
    "seconds.json": Seconds,
}


def typed(name: str, contents: bytes) -> dict[str, Any]:
    """The JSON object in a file of that name. ValueError says what is wrong with the first value that is."""
    values = parsed(contents)
    if name in MODELS:
        try:
            MODELS[name].model_validate(values)
        except ValidationError as error:
            raise ValueError(_said(error)) from None
    return values


def _said(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = short(".".join(str(part) for part in first["loc"]))
    if first["type"] == "missing":
        return f"it has no '{where}'"
    return f"'{where}' is not {WANTED.get(first['type'], first['msg'])}"
