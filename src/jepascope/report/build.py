"""A run folder -> one HTML file. Nothing but the folder is read; the same folder gives the same bytes."""

from __future__ import annotations

from importlib import import_module
from importlib.resources import files
from pathlib import Path
from pkgutil import iter_modules

from jinja2 import Environment, FunctionLoader, StrictUndefined

from jepascope.disk.folder import Folder
from jepascope.encoders.base import Fits, one_by_one
from jepascope.errors import BadArgument
from jepascope.report import sections
from jepascope.report.blocks import DECLARED, Section
from jepascope.report.folder import RunFolder, read_run

ORDER = (
    *("headline", "stimuli", "emergence", "value", "tokens", "l1", "others"),
    *("map", "layer-choice", "screen", "effects", "heterogeneity", "distances", "matching", "predictor"),
    *("ranks", "doses", "reads", "isolation", "calibration", "further"),
    *("portability", "degeneracy", "across-models", "published", "leaks", "provenance"),
)
for _module in iter_modules(sections.__path__):
    import_module(f"{sections.__name__}.{_module.name}")  # each declares its own
SECTIONS = tuple(DECLARED[anchor] for anchor in ORDER)


def build_report(run: str | Path, fits: Fits = one_by_one) -> Path:
    """Write ``run``/figures/*.svg and ``run``/report.html from what the run folder holds; returns the report's path. ``fits`` draws the
    sections (see ``VideoEncoder.fits``).

    Raises RunFolderError for a folder or table that is missing, damaged or cannot be written.
    """
    if not isinstance(run, str | Path):
        raise BadArgument(f"A run folder is given by its path, not as {type(run).__name__}.")
    run = Path(run).expanduser()
    folder = read_run(run)
    made = list(fits(_made, ((folder, (entry.anchor,)) for entry in SECTIONS)))
    html = render(folder, made)
    write_drawings(run, made, "figures/")
    return write_text(run / "report.html", html)


def _made(_: object, folder: RunFolder, anchor: str) -> Section:
    return DECLARED[anchor](folder)


def render(folder: RunFolder, made: list[Section]) -> str:
    """The page of a run folder."""
    return render_page("report.html.j2", sections=made, run=folder)


def write_drawings(folder: Path, made: list[Section], below: str = "") -> None:
    """Every figure as a file of its own."""
    for drawing in (drawing for section in made for drawing in section.drawings):
        Folder(folder).write(f"{below}{drawing.name}.svg", f'<?xml version="1.0" encoding="utf-8"?>\n{drawing.svg}\n')


def render_page(template: str, **values: object) -> str:
    """Every string is escaped by Jinja2; only our own SVG and style sheet are marked as markup in the templates."""
    templates = files("jepascope.report") / "templates"
    loader = FunctionLoader(lambda name: (templates / name).read_text(encoding="utf-8"))
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template(template).render(css=(templates / "report.css").read_text(encoding="utf-8"), **values)


def write_text(path: Path, text: str) -> Path:
    """Write whole or not at all, so that a reader never meets half a file."""
    Folder(path.parent).sweep()
    Folder(path.parent).write(path.name, text)
    return path
