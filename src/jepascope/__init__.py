"""jepascope: causal state variables in the latents of frozen video encoders.

>>> import jepascope as js
>>> encoder = js.load_encoder("nano")
>>> clips = js.clips.directions8(seed=0)
>>> activations = js.capture(encoder, clips)
>>> subspace = js.find(activations, "direction", layer=3)
>>> js.intervene(encoder, activations, subspace)[["control", "value", "low", "high", "ratio"]]
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it; importing typing would double the time until Ctrl-C is answered (see __main__)
if TYPE_CHECKING:
    from jepascope import clips as clips
    from jepascope import study as study
    from jepascope.activations.activations import Activations as Activations
    from jepascope.activations.site import Site as Site
    from jepascope.clips.clipset import ClipSet as ClipSet
    from jepascope.clips.presets import directions8 as directions8
    from jepascope.clips.presets import reverse_twins as reverse_twins
    from jepascope.clips.presets import twins as twins
    from jepascope.discovery.probes.paths import dense_probes as dense_probes
    from jepascope.discovery.probes.paths import l1_paths as l1_paths
    from jepascope.discovery.subspace import Subspace as Subspace
    from jepascope.encoders.base import VideoEncoder as VideoEncoder
    from jepascope.encoders.load import load_encoder as load_encoder
    from jepascope.encoders.wrap import wrap as wrap
    from jepascope.errors import JepascopeError as JepascopeError
    from jepascope.intervention.controls import matched_controls as matched_controls
    from jepascope.intervention.empty_cells import explain as explain
    from jepascope.intervention.empty_cells import why_empty as why_empty
    from jepascope.intervention.judges import ProbeJudge as ProbeJudge
    from jepascope.report.build import build_report as build_report
    from jepascope.runs import Run as Run
    from jepascope.runs import load_run as load_run
    from jepascope.study.analysis import capture as capture
    from jepascope.study.analysis import find as find
    from jepascope.study.analysis import intervene as intervene
    from jepascope.study.analysis import port as port
    from jepascope.study.run import run_study as run_study
    from jepascope.study.spec import StudySpec as StudySpec
    from jepascope.study.traced import trace as trace
    from jepascope.study.trust import trusting as trusting
    from jepascope.sweeps import Sweep as Sweep
    from jepascope.sweeps import sweep as sweep

_FOLDERS = ("clips", "study")  # whose own names are reached through them (js.clips.circle), or that are called (js.study(...))


_HOMES: dict[str, str] = {}  # filled when a name is first asked for


def _homes() -> dict[str, str]:
    """Where each public name lives: the imports above, as a type checker sees them."""
    if not _HOMES:
        import ast
        from pathlib import Path

        (seen,) = (node for node in ast.parse(Path(__file__).read_text(encoding="utf-8")).body if isinstance(node, ast.If))
        imports = (node for node in seen.body if isinstance(node, ast.ImportFrom) and node.module != "jepascope")
        _HOMES.update((name.name, str(node.module)) for node in imports for name in node.names)
    return _HOMES


def __getattr__(name: str) -> object:
    """Public names are imported when first used, so that ``jepascope --help`` waits for none of them."""
    from importlib import import_module

    if name == "__all__":
        return __dir__()
    if name in _FOLDERS:
        return import_module(f"jepascope.{name}")
    if name not in _homes():
        raise AttributeError(f"module 'jepascope' has no attribute '{name}'")
    return getattr(import_module(_homes()[name]), name)


def __dir__() -> list[str]:
    return sorted([*_homes(), *_FOLDERS])
