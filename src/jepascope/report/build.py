"""A run folder -> one HTML file. Nothing but the folder is read; the same folder gives the same bytes."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from hashlib import sha256
from importlib import import_module
from importlib.resources import files
from itertools import count
from pathlib import Path
from pkgutil import iter_modules

from jinja2 import Environment, FunctionLoader, StrictUndefined

from jepascope.disk.folder import Folder
from jepascope.encoders.base import Fits, one_by_one
from jepascope.errors import BadArgument
from jepascope.findings.claims import claims_of
from jepascope.findings.glossary import GLOSSARY, explained
from jepascope.findings.openings import opening
from jepascope.report import sections
from jepascope.report.blocks import DECLARED, Chapter, Section
from jepascope.report.chapters import CHAPTERS, ORDER
from jepascope.report.csv_text import csv_uri
from jepascope.report.first import FirstScreen, first_screen
from jepascope.report.folder import RunFolder, read_run

for _module in iter_modules(sections.__path__):
    import_module(f"{sections.__name__}.{_module.name}")  # each declares its own
SECTIONS = tuple(DECLARED[anchor] for anchor in ORDER)


def build_report(run: str | Path, fits: Fits = one_by_one) -> Path:
    """Write ``report.html`` and ``figures/*.svg`` in ``run`` from what the run folder holds; returns the page's path. ``fits`` draws the
    sections (see ``VideoEncoder.fits``).

    Raises RunFolderError for a folder or table that is missing, damaged or cannot be written.
    """
    if not isinstance(run, str | Path):
        raise BadArgument(f"A run folder is given by its path, not as {type(run).__name__}.")
    run = Path(run).expanduser()
    folder = read_run(run)
    made = list(fits(_made, ((folder, (entry.anchor,)) for entry in SECTIONS)))
    chapters = chapters_of(folder, made)
    first = first_screen(folder)
    html = render(folder, chapters, first)
    write_drawings(run, [first, *chapters], "figures/")
    return write_whole(run / "report.html", html)


def _made(_: object, folder: RunFolder, anchor: str) -> Section:
    return DECLARED[anchor](folder)


def chapters_of(folder: RunFolder, made: Iterable[Section]) -> list[Chapter]:
    """The sections of a run under their chapters."""
    by_anchor, claims = {section.anchor: section for section in made}, claims_of(folder)
    return [chapter(folder, by_anchor, opening(chapter.anchor, folder, claims)) for chapter in CHAPTERS]


def render(folder: RunFolder, chapters: list[Chapter], first: FirstScreen | None = None) -> str:
    """The page of a run folder."""
    return render_page("report.html.j2", chapters, run=folder, first=first or first_screen(folder))


def write_drawings(folder: Path, parts: Iterable[Section | Chapter | FirstScreen], below: str = "") -> None:
    """Every figure as a file of its own."""
    for drawing in (drawing for part in parts for drawing in part.drawings):
        Folder(folder).write(f"{below}{drawing.name}.svg", f'<?xml version="1.0" encoding="utf-8"?>\n{drawing.svg}\n')


def render_page(template: str, chapters: Iterable[Chapter], **values: object) -> str:
    """A page of chapters. Every string is escaped by Jinja2; only our own SVG, style sheet and script are marked as markup in the
    templates, and only that script may run, by its digest."""
    templates = files("jepascope.report") / "templates"

    def read(name: str) -> str:
        return (templates / name).read_text(encoding="utf-8")

    environment = Environment(loader=FunctionLoader(read), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals["number"] = count(1).__next__  # of what needs an id of its own
    environment.filters.update(terms=explained, csv=csv_uri, parted=parted)
    script = read("report.js")
    digest = base64.b64encode(sha256(script.encode()).digest()).decode()
    return environment.get_template(template).render(
        css=read("report.css"), script=script, digest=digest, chapters=list(chapters), glossary=GLOSSARY, **values
    )


LONG_CAPTION = 220  # characters, of which more is folded than the first sentence


def parted(caption: str) -> tuple[str, str]:
    """What a caption says first, and the rest of a long one."""
    first, stop, rest = caption.partition(". ")
    return (f"{first}.", rest) if stop and len(caption) > LONG_CAPTION else (caption, "")


def write_whole(path: Path, contents: str | bytes) -> Path:
    """Write whole or not at all, so that a reader never meets half a file."""
    Folder(path.parent).sweep()
    Folder(path.parent).write(path.name, contents)
    return path
