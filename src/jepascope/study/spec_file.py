"""Specs as people give them: YAML files, run folders and presets become a StudySpec, or one sentence that says what is refused and where.

YAML makes a number of 00 and a truth value of yes; names of classes, columns and files are the text that stands there.
"""

from __future__ import annotations

import stat
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from jepascope.clips.array_file import is_arrays
from jepascope.disk.entry import foreign
from jepascope.disk.folder import Folder
from jepascope.disk.named import NoFile, read_named
from jepascope.encoders.part_names import RESIDUAL
from jepascope.errors import BadArgument, RunFolderError, first_line, quoted
from jepascope.study.clips_asked import is_folder
from jepascope.study.files import SPEC
from jepascope.study.refusals import FieldRefused
from jepascope.study.spec import StudySpec
from jepascope.study.trust import check_code
from jepascope.study.videos.carried import with_carried

MAX_SPEC_BYTES = 20_000  # a spec is a page; YAML takes quadratic time on deep nesting
MAX_BRACKETS = 200
TEXTS = ("model", "clips", "variable", "labels", "subspaces_from")  # fields that are one name
LISTS = ("classes", "missing")  # fields that are a list of names
PAIRS = "head_classes"  # by the names of classes


def read_fields(text: str) -> Any:
    """What a YAML text holds, by field. Raises as yaml does."""
    values = yaml.safe_load(text)
    if not isinstance(values, dict):
        return values
    texts = yaml.load(text, yaml.BaseLoader)  # data only, as safe_load: every scalar is its text
    return {field: _named(str(field), value, texts.get(str(field))) for field, value in values.items()}


def read_value(field: str, text: str) -> Any:
    """What the text of one field holds. Raises as yaml does."""
    return _named(field, yaml.safe_load(text), yaml.load(text, yaml.BaseLoader))


def _named(field: str, value: Any, text: Any) -> Any:
    if field in TEXTS and value is not None and isinstance(text, str):
        return text
    if field in LISTS and isinstance(value, list):
        return text
    if field == PAIRS and isinstance(value, dict) and len(value) == len(text):
        return dict(zip(text, value.values(), strict=True))
    return value


def make_spec(values: dict[str, Any], source: str, called: Mapping[str, str] | None = None) -> StudySpec:
    """A checked spec, or BadArgument that says where a field was given, the reason and what is allowed.

    ``called``: what fields are called where they were given (an option of the command line); others were given in ``source``.
    """
    try:
        return StudySpec(**with_carried(values, saved_spec))
    except FieldRefused as error:
        where = (called or {}).get(error.field) or (f"{source}: {error.field}" if error.known else source)
        raise BadArgument(f"{where}: {error.reason}.") from None
    except TypeError as error:
        raise BadArgument(f"{source}: {error}.") from None


def with_changes(spec: StudySpec, changes: Mapping[str, Any], source: str, called: Mapping[str, str] | None = None) -> StudySpec:
    """The same study but for some fields, checked as ``make_spec`` does; its labels file is read anew."""
    return make_spec({**spec.model_dump(exclude={"labels_digest"}), **changes}, source, called)


def read_spec(path: Path, named: Collection[str] = ()) -> dict[str, Any]:
    """Fields of a YAML file (``yaml.safe_load``: data only, never objects). Code that it names is refused (``study.trust``), but for what
    is ``named`` besides."""
    try:
        text = read_named(path, MAX_SPEC_BYTES).decode()
        if text.count("[") + text.count("{") > MAX_BRACKETS:
            raise BadArgument(f"'{path}' nests more lists than a spec can hold.")
        # a few aliases of aliases can stand for more values than memory holds, and a spec needs none
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise BadArgument(f"'{path}' uses YAML aliases (*name); write the values out.")
        values = read_fields(text)
    except FileNotFoundError:
        raise BadArgument(f"There is no spec or preset '{path}'; presets are {', '.join(PRESETS)}, or give a YAML file.") from None
    except NoFile as error:
        raise BadArgument(f"'{path}' is no spec: {error}; give a YAML file or a preset ({', '.join(PRESETS)}).") from None
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise BadArgument(f"'{path}' is not a readable YAML spec: {first_line(error)[:200]}.") from None
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise BadArgument(f"'{path}' must hold 'field: value' lines; fields are {', '.join(StudySpec.model_fields)}.")
    check_code(values, path, named)
    return beside(path, values)


def beside(path: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a file with the files that they name beside it, so that both can be moved together."""
    placed = dict(values)
    for name in ("labels", "subspaces_from"):
        if isinstance(values.get(name), str):
            placed[name] = str(path.parent / Path(values[name]).expanduser())
    if is_folder(clips := values.get("clips")) or is_arrays(clips):
        placed["clips"] = str(path.parent / Path(str(clips)).expanduser())
    return placed


def saved_spec(folder: Path) -> StudySpec:
    """The spec of a run folder; RunFolderError where there is none."""
    try:
        with Folder(folder).reading(SPEC):  # nothing but a file of the folder's own
            pass
    except FileNotFoundError:
        free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
        instead = f"make one with `jepascope run --out {quoted(folder)}`" if free else "give the folder that `jepascope run` wrote"
        raise RunFolderError(f"'{folder}' is not a run folder (it has no {SPEC}); {instead}.") from None
    values = read_spec(folder / SPEC)
    for field in ("labels", "clips"):  # which may lie beside it
        beside = Path(str(values.get(field) or ""))
        if beside.parent == folder and stat.S_ISLNK(Folder(folder).kind(beside.name) or 0):
            raise foreign(beside, stat.S_IFLNK)
    if not values:  # an empty file would pass as the demo, whatever study the tables are of
        raise RunFolderError(
            f"'{folder / SPEC}' is empty and no longer says which study this is; put the file back, or run the study again."
        )
    return make_spec(values, f"'{folder / SPEC}'")


PRESETS: dict[str, dict[str, Any]] = {
    "demo": {},
    "quick": {
        **{"clips_per_class": 20, "test_scenes": 16, "draws": 20, "layers": (), "finders": ("diff_means",), "judges": ("probe",)},
        **{"edits": ("ablate", "swap"), "chapters": (), "untrained_seeds": 1, "control_seeds": 1, "permutations": 5},
        **{"stability_subsamples": 0, "token_map": False, "fits": 5},
    },
    "reduced": {
        **{"clips_per_class": 12, "test_scenes": 16, "draws": 3, "layers": (), "untrained_seeds": 1, "port_clips": (), "peels": 0},
        **{"stability_subsamples": 10, "permutations": 5, "control_seeds": 1, "resamples": 500, "fits": 0},
    },
    "full": {"test_scenes": 80, "draws": 200, "draws_beside": 200, "draws_elsewhere": 20},
    "paper": {
        **{"test_scenes": 80, "draws": 200, "draws_beside": 200, "draws_elsewhere": 20},
        **{"finders": ("diff_means", "class_pca", "l1_probe")},
    },
}
"""Specs by name: ``demo`` is the default study; ``quick`` reads and edits with one finder
and one read-out, with draws enough to state its ratios, and leaves the rest out; ``reduced`` takes a large encoder through
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


def check_whole(spec: StudySpec) -> None:
    """A whole study ablates, to the mean, at dose 1, the tokens that its subspaces are found on: its other stages are about that edit.

    BadArgument for a spec that says otherwise; ``jepascope intervene`` runs any other edit on the study's folder.
    """
    if "ablate" not in spec.edits:
        raise BadArgument("edits must include ablate: the causal-effect ratio and the portability sweep are defined by it.")
    for field, usual in (("edit_doses", (1.0,)), ("ablate_to", "mean"), ("scope", None), ("subspace", None), ("part", RESIDUAL)):
        if (given := getattr(spec, field)) != usual:
            raise BadArgument(
                f"{field}: a whole study has {usual}, not {given}; run it so, and then the other edit on its folder with "
                "jepascope intervene."
            )
