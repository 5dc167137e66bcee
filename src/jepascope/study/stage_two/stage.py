"""Stage two of a study: its steps in order, and their tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from jepascope.discovery.subspace import Subspace
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.forecast import ForecastJudge
from jepascope.intervention.forecast_tables import COLUMNS as FORECAST_COLUMNS
from jepascope.intervention.judges.predictor import context_of
from jepascope.study.bench import Bench
from jepascope.study.resumable import Steps
from jepascope.study.stage_two.calibration import run_calibration
from jepascope.study.stage_two.curves import run_curves
from jepascope.study.stage_two.isolation import run_isolation
from jepascope.study.stage_two.judges import Panel, angle_decoder, panel, skipped_judges
from jepascope.study.stage_two.layers import run_head, run_layer, run_predictor, without_shuffles
from jepascope.study.stage_two.reads import reads_table
from jepascope.study.stage_two.refits import run_refits
from jepascope.study.stage_two.scenes import early_encoder, judge_futures

MAIN = ("effects", "matching", "witnesses", "forecasts")


class Panels:
    """The judges of a study, trained when first asked for."""

    def __init__(self, bench: Bench, best: int) -> None:
        self.bench, self.best, self.skipped = bench, best, skipped_judges(bench)
        self._panel: Panel | None = None
        self._forecast: ForecastJudge | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Who is asked."""
        return tuple(name for name in self.bench.spec.judges if name not in self.skipped)

    @property
    def panel(self) -> Panel:
        if self._panel is None:
            self._panel = panel(self.bench)
        return self._panel

    @property
    def forecast(self) -> ForecastJudge:
        if self._forecast is None:
            bench = self.bench
            whole = ForecastJudge(bench.encoder, early_encoder(bench.encoder, context_of(bench.spec, bench.encoder.card)))
            circular = bench.variable.kind == "circular"
            decoder = angle_decoder(bench, judge_futures(bench, whole, self.best)) if circular else None
            self._forecast = ForecastJudge(whole.encoder, whole.early, decoder)
        return self._forecast


@dataclass(frozen=True)
class StageTwo:
    """Its tables by name, the judges that were asked, and why others were not. ``unshuffled``: subspaces without that control, and why."""

    tables: Mapping[str, pd.DataFrame]
    panels: Panels
    unshuffled: Mapping[str, str]

    @property
    def judges(self) -> tuple[str, ...]:
        return self.panels.names

    @property
    def skipped(self) -> Mapping[str, str]:
        """Judges that were not asked, and controls that came to nothing."""
        why = dict(self.panels.skipped)
        if "untrained" in self.panels.bench.spec.extra_controls and not (self.tables["ce"]["control"] == "untrained").any():
            why["untrained"] = "the judges of untrained twins read no margin, so there is no effect to compare with"
        if self.unshuffled:
            why["shuffled"] = "; ".join(f"{name}: {reason}" for name, reason in self.unshuffled.items())
        return why


def stage_two(bench: Bench, steps: Steps, best: int, subspaces: Mapping[int, Mapping[str, Subspace]], whole: bool = True) -> StageTwo:
    """Edits and controls at every layer, then, for the layer that claims are made for (``whole``): doses, other factors, steering to
    angles and refitted read-outs. Each table is made once and read from the folder after that."""
    panels = Panels(bench, best)
    main = dict(zip(MAIN, steps.tables("intervene", MAIN, lambda: _edits(bench, panels, best, subspaces)), strict=True))
    spec, found = bench.spec, subspaces[best]

    def statistics() -> tuple[pd.DataFrame, ...]:
        return ce_table(main["effects"], spec.seed, spec.resamples), reads_table(bench, main["effects"], main["witnesses"])

    tables = {**main, **dict(zip(("ce", "reads"), steps.tables("statistics", ("ce", "reads"), statistics), strict=True))}
    if whole:
        for step, names, make in (
            ("isolation", ("isolation",), lambda: (run_isolation(bench, best, panels.panel, main["effects"], main["witnesses"]),)),
            ("doses", ("curves", "doses"), lambda: run_curves(bench, best, found, lambda: panels.panel)),
            ("calibration", ("calibration",), lambda: (run_calibration(bench, best, found, panels.panel),)),
            ("refits", ("refits",), lambda: (run_refits(bench, best, found, panels.panel),)),
        ):
            tables.update(zip(names, steps.tables(step, names, make), strict=True))
    return StageTwo(tables, panels, without_shuffles(bench, found))


def _edits(bench: Bench, panels: Panels, best: int, subspaces: Mapping[int, Mapping[str, Subspace]]) -> tuple[pd.DataFrame, ...]:
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in MAIN}
    full = bench.full_layers(best)
    for layer, here in sorted(subspaces.items()):
        for name, table in run_layer(bench, layer, here, panels.panel, layer in full).items():
            found[name].append(table)
        if layer in full and "predictor" in panels.names:
            effects, forecasts = run_predictor(bench, layer, here, panels.forecast)
            found["effects"].append(effects)
            found["forecasts"].append(forecasts)
        if layer in full and "head" in panels.names:
            found["effects"].append(run_head(bench, layer, here))
        kept = () if layer == best else (f"unedited {layer} {layer in full}",)
        bench.forget(f"controls {layer} {layer in full}", f"beginnings {layer}", f"head unedited {layer}", *kept)
    if not found["forecasts"]:
        found["forecasts"].append(pd.DataFrame(columns=FORECAST_COLUMNS))
    return tuple(pd.concat(found[name], ignore_index=True) for name in MAIN)
