"""A study from Python, and what it found: the same steps, tables and page as the command line's.

>>> run = js.study(encoder, clips, variable="kind", out="runs/mine")
>>> run.claims, run.table("ce"), run.report()
>>> run = js.load_run("runs/mine")
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jepascope.clips.picture import image
from jepascope.disk.folder import Folder
from jepascope.disk.manifest import Manifest
from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument
from jepascope.study.own_study import fields_of

if TYPE_CHECKING:
    import pandas as pd

    from jepascope.clips.clipset import ClipSet
    from jepascope.study.progress import Progress
    from jepascope.study.shown import Effects


class Claims(list[dict[str, Any]]):
    """Claims as claims.json has them; in a notebook a table of questions, verdicts and sentences."""

    def _repr_html_(self) -> str:
        asked = [claim for claim in self if claim.get("sentence")]
        left = "; ".join(claim["question"] for claim in self if claim not in asked)
        table = _table((claim.get(name) or "" for name in ("question", "verdict", "sentence")) for claim in asked)
        return table + (f"<p>Not run: {html.escape(left)}</p>" if left else "")


@dataclass(frozen=True)
class Run:
    """A finished run folder. Everything is read from its files when it is asked for."""

    path: Path

    @property
    def summary(self) -> dict[str, Any]:
        """summary.json: the study's figures, and its headline in words."""
        return dict(self._json("summary.json"))

    @property
    def claims(self) -> list[dict[str, Any]]:
        """What was found, a claim an entry; of a folder without claims.json the headline alone."""
        if (self.path / "claims.json").exists():
            return Claims(self._json("claims.json")["claims"])
        return Claims([{"sentence": self.summary.get("headline") or ""}])

    def table(self, name: str) -> pd.DataFrame:
        """One of its tables: ``ce``, ``probes``, ``portability``, ... BadArgument that lists them where there is none of that name."""
        from jepascope.report.folder import read_run
        from jepascope.schema.parquet import frame_of

        tables = {path.stem: path for path in sorted(self.path.glob("*.parquet"))}
        if name not in tables:
            raise BadArgument(f"'{self.path}' has no table '{name}'; it has {', '.join(tables)}.")
        typed = read_run(self.path).tables.get(name)
        return frame_of(Manifest(Folder(self.path)).read(f"{name}.parquet")) if typed is None else typed

    def columns(self, name: str) -> pd.DataFrame:
        """What the columns of a table mean: a row for each, with kind, unit and meaning. BadArgument where none is named so."""
        import pandas as pd

        from jepascope.schema import TABLES

        if name not in TABLES:
            raise BadArgument(f"There is no table '{name}'; there are {', '.join(TABLES)}.")
        shown = [(column.name, column.kind, column.unit, column.meaning) for column in TABLES[name]]
        return pd.DataFrame(shown, columns=["column", "kind", "unit", "meaning"]).set_index("column")

    def effects(self, edit: str = "swap", judge: str = "probe", finder: str | None = None) -> Effects:
        """CE of an edit at the layer of the claims beside its controls, by one judge, as ``js.intervene`` returns it. ``finder``: by
        default the one that makes the claims. BadArgument that lists what there is where the run has no such rows."""
        from jepascope.study.shown import of_table

        return of_table(self.table("ce"), self.summary, {"edit": edit, "judge": judge, "finder": finder})

    def report(self) -> Path:
        """The page, made anew from the folder; its path."""
        from jepascope.report.build import build_report

        return build_report(self.path)

    @contextmanager
    def explore(self) -> Iterator[Callable[..., dict[str, Any]]]:
        """Edits of its test clips, one at a time, as the live page makes them: a function of ``clip``, ``edit``, ``finder``, ``layer``,
        ``to``, ``dose``, ``angle``, ``control`` and ``draw`` (see ``explore.asked``), which gives what ``explore.reading.read`` does.

        >>> with js.load_run("runs/demo").explore() as edit:
        ...     edit(clip=3, edit="swap", dose=0.5)["moved"]
        """
        from jepascope.explore.explorer import exploring
        from jepascope.explore.reading import answer
        from jepascope.study.machine import Machine

        with exploring(self.path, Machine(workers=1)) as explorer:
            yield lambda **asked: answer(explorer, asked)

    def __repr__(self) -> str:
        return f"Run('{self.path}'): {self.summary.get('headline') or ''}"

    def _repr_html_(self) -> str:
        """The title, the questions of the report's first screen with their answers, and a picture of the clips."""
        picture, files, summary = "figures/stimuli.png", Folder(self.path), self.summary
        title = summary.get("title") or summary.get("headline") or ""
        replies = _table((reply[name] for name in ("ask", "word", "number", "control")) for reply in summary.get("replies", ()))
        shown = image(files.read(picture), "clips of the study") if files.has(picture) else ""
        return f"<p><b>{html.escape(str(self.path))}</b>: {html.escape(title)}</p>{replies}{shown}"

    def _json(self, name: str) -> Any:
        from jepascope.report.folder import read_json

        return read_json(Manifest(Folder(self.path)), name)


def _table(rows: Iterable[Iterable[str]]) -> str:
    """Rows of texts as HTML, aligned to the left."""
    lines = ("".join(f'<td style="text-align: left; vertical-align: top">{html.escape(text)}</td>' for text in row) for row in rows)
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def load_run(path: str | Path) -> Run:
    """A finished run folder. BadArgument for a folder that is none."""
    folder = Path(path).expanduser()
    if not (folder / "summary.json").is_file():
        raise BadArgument(f"'{path}' is no finished run folder: it has no summary.json. Run the study to its end, or name another folder.")
    return Run(folder)


def study(
    encoder: VideoEncoder,
    clips: ClipSet | str | Path,
    variable: str | None = None,
    out: str | Path | None = None,
    progress: Progress | None = None,
    base: str | None = None,
    **fields: Any,
) -> Run:
    """The whole study of ``variable`` in ``encoder`` on ``clips``, as ``jepascope run`` does it; what is finished in ``out`` is kept.

    ``clips``: a clip set of ours or of ``from_arrays`` (which is saved beside the run, so that it can be gone on with), or what ``--clips``
    takes. ``fields``: any of a spec's: ``seed=1, finders=["lda"], draws=50``; ``base``: a preset ("quick") or a YAML file that gives the
    others. An encoder that has no untrained twin goes without one. ``out``: the run folder; default: runs/MODEL-CLIPS-DIGEST.
    Raises BadArgument for all that the command line refuses, before anything is captured.
    """
    from jepascope.study.notebook import in_kernel, watched
    from jepascope.study.pace import Pace, steps_expected
    from jepascope.study.run import run_study
    from jepascope.study.spec_file import make_spec, spec_values

    if not isinstance(encoder, VideoEncoder):
        raise BadArgument(f"study takes an encoder, as load_encoder and wrap make them, not {type(encoder).__name__}.")
    card = encoder.card
    named = {} if variable is None else {"variable": variable}
    without_twin = {"untrained_seeds": 0} if encoder.no_twin() else {}
    fields = {**spec_values(base)[0], **without_twin, **fields}
    about = {"model": card.name, "frames": card.frames, "size": card.size, **fields, **named}
    spec = make_spec({**about, **fields_of(clips, about)}, "jepascope.study")
    folder = Path("runs") / f"{Path(card.name).name}-{spec.clips_name}-{spec.digest[:8]}" if out is None else Path(out).expanduser()
    pace = Pace(steps_expected(spec, encoder.device.type)) if progress is None and in_kernel() else None
    with watched(progress, pace) as shown:
        run_study(spec, folder, encoder, shown, None if pace is None else pace.begin)
    return Run(folder)
