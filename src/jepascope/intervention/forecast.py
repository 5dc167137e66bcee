"""The predictor as judge: edit the beginning of a clip, let the encoder's own predictor forecast the rest, and hold the forecast against
what is really rendered.

The encoder sees the first tubelets alone (``early``): a mask put on after encoding would leak the future. With f a forecast, t the
latents of the really rendered future in the predictor's target space, and d = t_twin - t_source:

    swap, steer:  CE = sum <f_edit - f_source, d> / sum <f_twin - f_source, d>      1: as good as really seeing the twin's beginning
    ablate:       CE = sum <f_edit - f_source, d> / sum <(t_source + t_twin) / 2 - f_source, d>    1: no longer tells source from twin
    recovery      R  = sum <f_edit - f_source, d> / sum |d|^2                       of the twin's real future

A predictor that is shown latents of several depths (V-JEPA 2.1) sees those before the site as they are: an edit reaches it through the
site's and later ones alone, and what it says of the last depth is what is held against.

Twin identification: whether a forecast is nearer to the twin's real future than to the source's, which is the sign of
<f - (t_source + t_twin) / 2, d>: the ablation's margin. All three are linear in f along d.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from jepascope.activations.site import Site
from jepascope.activations.suffix import Placed, Reader, Rerun, Sweep, chunks, rerun
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.budget import BATCH
from jepascope.encoders.precision import exact
from jepascope.intervention.conditions import Condition, alike
from jepascope.intervention.edit_entry import EDITS
from jepascope.intervention.edits import displacement
from jepascope.intervention.judges import ValueReadout
from jepascope.intervention.run import Group
from jepascope.intervention.scenes import Scenes

COARSE = 8  # places a side that the angle's reader sees of a future: a linear read-out of all of a large encoder's tokens would be millions


@dataclass(frozen=True)
class ForecastJudge:
    """``encoder`` sees whole clips, ``early`` the first ``context`` tubelets alone. ``decoder`` reads the angle from a future (coarse), and
    was trained on really rendered futures of split ``judge``. Latents are compared in float32 at least."""

    encoder: VideoEncoder
    early: VideoEncoder
    decoder: ValueReadout | None = None
    name: str = "predictor"

    @property
    def context(self) -> int:
        return self.early.card.grid[0]

    @torch.inference_mode()
    def future(self, last: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips future width"]:
        """Latents to be forecast, of whole clips' ``h_L``."""
        space: Tensor = self.encoder.forecast_space(exact(self.encoder.norm(last)))
        return space[:, self.early.card.tokens :]

    @torch.inference_mode()
    def forecast(self, begun: Mapping[int, Float[Tensor, "rows context width"]]) -> Float[Tensor, "rows future width"]:
        """The predictor's latents of the rest, from hidden states of beginnings at the encoder's ``context_layers``."""
        context = self.early.context(begun)
        ids = torch.arange(self.encoder.card.tokens, device=context.device).expand(len(context), -1)
        seen = self.early.card.tokens
        return exact(self.encoder.forecast(context, ids[:, :seen], ids[:, seen:]))

    @torch.inference_mode()
    def persistence(self, last: Float[Tensor, "rows context width"]) -> Float[Tensor, "rows future width"]:
        """The last tubelet of the beginning, repeated."""
        space = self.encoder.forecast_space(exact(self.early.norm(last)))
        per, times = self.early.card.tokens // self.context, self.encoder.card.grid[0] - self.context
        return space[:, -per:].repeat(1, times, 1)

    def coarse(self, future: Float[Tensor, "rows future width"]) -> Float[Tensor, "rows features"]:
        """A future as the angle's reader takes it: averaged to at most COARSE places a side."""
        _, height, width = self.encoder.card.grid
        maps = future.float().reshape(len(future), -1, height, width, future.shape[-1]).permute(0, 1, 4, 2, 3)
        small = torch.nn.functional.adaptive_avg_pool2d(maps.flatten(0, 1), (min(COARSE, height), min(COARSE, width)))
        return small.reshape(len(future), -1)

    def angle(self, future: Float[Tensor, "rows future width"]) -> Float64[Tensor, " rows"] | None:
        if self.decoder is None:
            return None
        read = torch.as_tensor(self.decoder.predict(self.coarse(future).cpu())).double()
        return torch.atan2(read[:, 1], read[:, 0])


class Forecasts(NamedTuple):
    """``moved``: <f - f_source, d>; ``margin``: <(t_source + t_twin) / 2 - f, d>, above zero where the forecast is nearer to the source's
    future; ``angle``: decoded from the forecast (NaN without a decoder)."""

    moved: Float64[Tensor, "*conditions clips"]
    margin: Float64[Tensor, "*conditions clips"]
    angle: Float64[Tensor, "*conditions clips"]


@dataclass(frozen=True)
class Foreseen:
    """Forecasts under every condition, and of the source, the twin and by persistence (of the twin's beginning) without an edit.

    ``apart``: |d|^2; ``norms``: mean norm of a token's edit at dose 1.
    """

    edited: Forecasts
    source: Forecasts
    twin: Forecasts
    persistence: Forecasts
    apart: Float64[Tensor, " clips"]
    norms: Float64[Tensor, " conditions"]


def run_forecast(
    judge: ForecastJudge,
    site: Site,
    scenes: Scenes,
    beginnings: Scenes,
    conditions: Sequence[Condition],
    name: str,
    batch: int = BATCH,
    progress: Callable[[int], None] | None = None,
    ablate_to: str = "mean",
) -> Foreseen:
    """Every condition of one edit, on the beginnings. ``scenes`` are the whole clips (with tokens at the site, from which their real
    futures are run), ``beginnings`` the same scenes as ``judge.early`` sees them.

    Scenes are taken in chunks and conditions folded, as in ``run_edit``; a forecast is reduced to a few numbers at once.
    """
    clips, device = len(scenes), judge.early.device
    by_mean = EDITS.entry(name).of_mean(ablate_to)
    groups = alike(conditions, by_mean)
    mask = beginnings.mask(site.tokens)
    edited, source, twin, still = (_empty(shape, clips) for shape in ((len(conditions),), (), (), ()))
    apart, norm_sums, edited_tokens, done = torch.empty(clips, dtype=torch.float64), torch.zeros(len(conditions), dtype=torch.float64), 0, 0
    depth = judge.early.card.depth

    def reruns() -> Iterator[Rerun]:
        nonlocal edited_tokens
        for rows in chunks(judge.encoder.card, clips, batch):
            ahead = _Ahead.of(judge, site, scenes, beginnings, rows)
            apart[rows] = ahead.d.double().square().sum(dim=(1, 2)).cpu()
            everyone = torch.arange(rows.stop - rows.start, device=device)
            for kept, guess in ((source, ahead.source), (twin, ahead.twin), (still, ahead.persistence)):
                _fill(kept, (rows,), ahead.read(judge, guess, everyone))
            stream, hidden = (tokens.to(device) for tokens in beginnings.source.edited(site, rows))
            seen = None if mask is None else mask[rows].to(device)
            edited_tokens += hidden.shape[0] * hidden.shape[1] if seen is None else int(seen.sum())
            r = None if by_mean else displacement(name, beginnings, site, rows, hidden, ablate_to=ablate_to)
            reader = _ForecastReader(ahead, judge.decoder, judge.encoder.card.frames)
            for members in groups:
                group = [conditions[i] for i in members]
                moved = displacement(name, beginnings, site, rows, hidden, group[0].mean) if r is None else r
                edits, index = Group(group, moved.float(), seen), torch.tensor(members)
                norm_sums[index] += edits.amounts(hidden.shape[1], None, max(1, batch // len(hidden)))[0]
                sweep = Sweep(stream, site.layer, edits, reader.of_layers(judge.early, site), between=site.between)
                yield Rerun(sweep, len(group), partial(keep, rows, index))

    def keep(rows: slice, index: Tensor, part: slice, read: dict[int, Tensor]) -> None:
        nonlocal done
        _fill(edited, (index[part], rows), read[depth])
        done += (part.stop - part.start) * (rows.stop - rows.start)
        if progress:
            progress(done)

    rerun(judge.early, reruns(), batch)
    return Foreseen(edited, source, twin, still, apart, norm_sums / max(edited_tokens, 1))


def forecast_outcome(name: str, foreseen: Foreseen) -> tuple[Float64[Tensor, "conditions clips"], Float64[Tensor, " clips"]]:
    """Numerator and denominator of the causal effect by the predictor (see the module)."""
    return foreseen.edited.moved, foreseen.source.margin if EDITS.entry(name).outcome == "lost" else foreseen.twin.moved


def forecast_right(name: str, margin: Float64[Tensor, "*conditions clips"]) -> Bool[Tensor, "*conditions clips"]:
    """Whether a forecast is nearer to the future that it should be nearer to: ablate: the source's own; else the twin's."""
    return margin > 0 if EDITS.entry(name).outcome == "lost" else margin < 0


@dataclass(frozen=True)
class _ForecastReader:
    """Lets the predictor go on from edited beginnings, and reads what it forecasts. ``frames``: of whole clips; ``passing``: states of
    the pass that is running, at depths that the predictor is shown before the last."""

    ahead: _Ahead
    decoder: ValueReadout | None
    frames: int
    passing: dict[int, Tensor] = field(default_factory=dict)

    def of_layers(self, early: VideoEncoder, site: Site) -> dict[int, Reader]:
        """Who reads what after the site: it forecasts at the last layer, with what passed the earlier ones of those that it is shown."""
        *earlier, last = early.context_layers
        return {**{layer: partial(self.keep, layer) for layer in earlier if layer >= site.layer}, last: self}

    def keep(self, layer: int, early: VideoEncoder, hidden: Float[Tensor, "rows context width"], clips: Tensor) -> Float[Tensor, "rows 1"]:
        """Nothing is read here but what the forecast of the same rows takes: one number stands for it."""
        self.passing[layer] = hidden
        return hidden[:, 0, :1]

    def __call__(self, early: VideoEncoder, last: Float[Tensor, "rows context width"], clips: Tensor) -> Float[Tensor, "rows 3"]:
        judge = ForecastJudge(early.at(self.frames, early.card.size), early, self.decoder)
        self.ahead.to(last.device)
        before = dict(zip(early.context_layers, self.ahead.before[:, clips], strict=False))
        return self.ahead.read(judge, judge.forecast({**before, **self.passing, early.card.depth: last}), clips)


@dataclass(frozen=True)
class _Ahead(Placed):
    """Of some scenes: unedited forecasts, the difference of the real futures and what lies half way between them; and the source's
    hidden states ``before`` the site, at depths that the predictor is shown."""

    source: Float[Tensor, "clips future width"]
    twin: Float[Tensor, "clips future width"]
    persistence: Float[Tensor, "clips future width"]
    d: Float[Tensor, "clips future width"]
    between: Float[Tensor, "clips future width"]
    before: Float[Tensor, "layers clips context width"]

    @classmethod
    @torch.inference_mode()
    def of(cls, judge: ForecastJudge, site: Site, scenes: Scenes, beginnings: Scenes, rows: slice) -> _Ahead:
        def after(encoder: VideoEncoder, hidden: Tensor) -> Tensor:
            hidden = hidden.to(encoder.device)
            return encoder.fed(at, hidden) if site.between else hidden

        whole, early, at = judge.encoder, judge.early, site.layer
        real = [judge.future(whole.run(after(whole, part.stream(site, rows)), at)) for part in (scenes.source, scenes.twin)]
        first = [layer for layer in early.context_layers if layer < at]
        before, begun = [], []
        for part in (beginnings.source, beginnings.twin):
            stream = after(early, part.stream(site, rows))
            seen = [part.tokens(layer, rows).to(early.device) for layer in first]
            states = early.states(stream, at, early.context_layers[len(first) :])
            before.append(torch.stack(seen) if seen else stream.new_empty(0, *stream.shape))
            begun.append({**dict(zip(first, seen, strict=True)), **states})
        source, twin = (judge.forecast(beginning) for beginning in begun)
        still = judge.persistence(begun[1][early.card.depth])
        return cls(source, twin, still, real[1] - real[0], (real[0] + real[1]) / 2, before[0])

    def read(self, judge: ForecastJudge, forecast: Float[Tensor, "rows future width"], clips: Tensor) -> Float[Tensor, "rows 3"]:
        """(moved, margin, angle) of forecasts of these scenes."""
        d = self.d[clips]
        moved = ((forecast - self.source[clips]) * d).sum(dim=(1, 2))
        margin = ((self.between[clips] - forecast) * d).sum(dim=(1, 2))
        angle = judge.angle(forecast)
        return torch.stack([moved, margin, torch.full_like(moved, torch.nan) if angle is None else angle.to(moved)], dim=1).float()


def _empty(shape: tuple[int, ...], clips: int) -> Forecasts:
    return Forecasts(*(torch.full((*shape, clips), torch.nan, dtype=torch.float64) for _ in range(3)))


def _fill(kept: Forecasts, at: tuple[Tensor | slice, ...], read: Float[Tensor, "*rows 3"]) -> None:
    values = read.double().cpu()
    for i, column in enumerate(kept):
        column[at] = values[..., i]
