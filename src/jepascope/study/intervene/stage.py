"""Stage two of a study: the judges that are asked, and edits at every layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from jepascope.discovery.subspace import Subspace
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.forecast import ForecastJudge
from jepascope.intervention.forecast_tables import COLUMNS as FORECAST_COLUMNS
from jepascope.intervention.judges.predictor import context_of
from jepascope.study.captures import Captures
from jepascope.study.intervene.contexts import context_at
from jepascope.study.intervene.judges import JudgeSet, angle_decoder, panel, skipped_judges
from jepascope.study.intervene.layers import LayerEdits
from jepascope.study.intervene.scenes import early_encoder, judge_futures

MAIN = ("effects", "matching", "witnesses", "forecasts")


class Panels:
    """The judges of a study, trained when first asked for."""

    def __init__(self, captures: Captures, best: int) -> None:
        self.captures, self.best, self.skipped = captures, best, skipped_judges(captures)
        self._panel: JudgeSet | None = None
        self._forecast: ForecastJudge | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Who is asked."""
        return tuple(name for name in self.captures.spec.judges if name not in self.skipped)

    @property
    def panel(self) -> JudgeSet:
        if self._panel is None:
            self._panel = panel(self.captures)
        return self._panel

    @property
    def forecast(self) -> ForecastJudge:
        if self._forecast is None:
            captures = self.captures
            whole = ForecastJudge(captures.encoder, early_encoder(captures.encoder, context_of(captures.spec, captures.encoder.card)))
            circular = captures.variable.kind == "circular"
            decoder = angle_decoder(captures, judge_futures(captures, whole, self.best)) if circular else None
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
        if "untrained" in self.panels.captures.spec.extra_controls and not (self.tables["ce"]["control"] == "untrained").any():
            why["untrained"] = "the judges of untrained twins read no margin, so there is no effect to compare with"
        if self.unshuffled:
            why["shuffled"] = "; ".join(f"{name}: {reason}" for name, reason in self.unshuffled.items())
        return why


def run_edits(
    captures: Captures, panels: Panels, best: int, subspaces: Mapping[int, Mapping[str, Subspace]], context: InterventionContext
) -> tuple[pd.DataFrame, ...]:
    """Edits and controls at every layer: effects, matching, witnesses and forecasts. ``context``: of the best layer, which other steps
    use as well; those of the other layers are let go of, each when its layer is done."""
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in MAIN}
    full = captures.edited.full(best)
    for layer, here in sorted(subspaces.items()):
        at = context if layer == best else context_at(captures, layer, panels.panel.at(layer, layer in full))
        edits = LayerEdits(captures, at, here, layer in full)
        tables = [edits.by_probes(panels.panel)]
        if layer in full and "predictor" in panels.names:
            tables.append(edits.by_predictor(panels.forecast))
        if layer in full and "head" in panels.names:
            tables.append(edits.by_head())
        for name, parts in ((name, parts) for table in tables for name, parts in table.items()):
            found[name].append(pd.concat(parts, ignore_index=True))
    if not found["forecasts"]:
        found["forecasts"].append(pd.DataFrame(columns=FORECAST_COLUMNS))
    return tuple(pd.concat(found[name], ignore_index=True) for name in MAIN)
