"""A run folder -> one HTML file. Nothing but the folder is read; the same folder gives the same bytes."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined

from jepascope.errors import BadArgument, RunFolderError
from jepascope.report.blocks import Section
from jepascope.report.folder import RunFolder, read_run
from jepascope.report.sections.across_models import across_models
from jepascope.report.sections.calibration import calibration_section
from jepascope.report.sections.curves import curves_section
from jepascope.report.sections.degeneracy import degeneracy_section
from jepascope.report.sections.effect_map import map_section
from jepascope.report.sections.emergence import emergence_section
from jepascope.report.sections.forecasts import forecasts_section
from jepascope.report.sections.further import further_section
from jepascope.report.sections.headline import headline
from jepascope.report.sections.intervention import effects_section
from jepascope.report.sections.isolation import isolation_section
from jepascope.report.sections.leaks import leaks
from jepascope.report.sections.matching import matching_section
from jepascope.report.sections.others import others_section
from jepascope.report.sections.portability import portability
from jepascope.report.sections.provenance import provenance
from jepascope.report.sections.published import published
from jepascope.report.sections.reads import reads_section
from jepascope.report.sections.sparsity import l1_section
from jepascope.report.sections.stimuli import stimuli
from jepascope.report.sections.token_map import token_section
from jepascope.report.sections.value import value_section

SECTIONS: tuple[Callable[[RunFolder], Section], ...] = (
    headline,
    stimuli,
    emergence_section,
    value_section,
    token_section,
    l1_section,
    others_section,
    map_section,
    effects_section,
    matching_section,
    forecasts_section,
    curves_section,
    reads_section,
    isolation_section,
    calibration_section,
    further_section,
    portability,
    degeneracy_section,
    across_models,
    published,
    leaks,
    provenance,
)


def build_report(run: str | Path) -> Path:
    """Write ``run``/figures/*.svg and ``run``/report.html from what the run folder holds; returns the report's path.

    Raises RunFolderError for a folder or table that is missing, damaged or cannot be written.
    """
    if not isinstance(run, str | Path):
        raise BadArgument(f"A run folder is given by its path, not as {type(run).__name__}.")
    run = Path(run).expanduser()
    folder = read_run(run)
    sections = [make(folder) for make in SECTIONS]
    html = render(folder, sections)
    for drawing in (drawing for section in sections for drawing in section.drawings):
        write_text(run / "figures" / f"{drawing.name}.svg", f'<?xml version="1.0" encoding="utf-8"?>\n{drawing.svg}\n')
    return write_text(run / "report.html", html)


def render(folder: RunFolder, sections: list[Section]) -> str:
    """The page of a run folder."""
    return render_page("report.html.j2", sections=sections, run=folder)


def render_page(template: str, **values: object) -> str:
    """Every string is escaped by Jinja2; only our own SVG and style sheet are marked as markup in the templates."""
    here = files("jepascope.report") / "templates"
    loader = FunctionLoader(lambda name: (here / name).read_text(encoding="utf-8"))
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template(template).render(css=(here / "report.css").read_text(encoding="utf-8"), **values)


def write_text(path: Path, text: str) -> Path:
    """Write under a temporary name and rename, so that a reader never meets half a file."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise RunFolderError(
            f"{path} cannot be written ({error.strerror}); free space or make the folder writable and run 'jepascope report' again."
        ) from error
    return path
