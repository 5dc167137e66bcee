"""The study's stages as functions for notebooks: capture, find, intervene, port. Each captures what it needs and is not there.

>>> import jepascope as js
>>> encoder = js.load_encoder("nano")
>>> activations = js.capture(encoder, js.directions8(seed=0))
>>> subspace = js.find(activations, "direction", layer=3)
>>> effects = js.intervene(encoder, activations, subspace, draws=5)
>>> for line in js.explain(effects):
...     print(line)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

from jepascope.activations.activations import Activations
from jepascope.activations.capture import capture as capture_pass
from jepascope.activations.site import Site
from jepascope.cache import cache_folder
from jepascope.clips.clipset import ClipSet
from jepascope.discovery.arrays import as_whole
from jepascope.discovery.finders import find as find_in
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.part_names import PARTS, RESIDUAL
from jepascope.errors import BadArgument
from jepascope.findings.effect import judge_readings
from jepascope.findings.numbers import with_interval
from jepascope.intervention.causal_effect import by_draw, ce_table
from jepascope.intervention.control_entry import DRAWN
from jepascope.intervention.effects import check_subspaces
from jepascope.intervention.empty_cells import LEFT_OUT, NO_MARGIN
from jepascope.intervention.surrogate import Planned, first_order_effects
from jepascope.portability.alignment import calibrated, sas, sas_chance
from jepascope.portability.retained import SATURATED, rce
from jepascope.stats import Interval
from jepascope.study.arguments import check_edit, check_kinds, check_splits, named_site
from jepascope.study.captures import Captures
from jepascope.study.intervene.contexts import context_at, controls_at, many_at
from jepascope.study.intervene.judges import main_judge
from jepascope.study.notebook import watched
from jepascope.study.own_code import judges_of, name_of
from jepascope.study.progress import Progress
from jepascope.study.setting import given_to, shuffled_from
from jepascope.study.shown import READINGS, Effects
from jepascope.study.spec_file import make_spec


def capture(
    encoder: VideoEncoder,
    clips: ClipSet,
    cache: bool = True,
    progress: Progress | None = None,
    sites: Sequence[int] = (),
    tokens: str = "all",
    parts: bool = False,
) -> Activations:
    """One pass of the scenes through the encoder, rendered at the length and size that it takes; pooled at every layer.

    ``sites``: layers whose tokens are kept as well; ``tokens``: which of them, "all" or those of some tubelets ("time:2", "time:0-3").
    ``parts``: also what attention and MLP of every block add to the residual stream, for ``find(..., part="attention")``; of a module of
    your own whose blocks hand what lies between the two to no sub-module that takes two passes a block. BadArgument for an encoder that
    does not say what its parts add.

    Kept in the cache folder (JEPASCOPE_CACHE, or ~/.cache/jepascope) under the digest of encoder and clips, unless ``cache``
    is False.
    """
    check_kinds(encoder=(encoder, VideoEncoder), clips=(clips, ClipSet))
    store = cache_folder() / "activations" if cache else None
    with watched(progress) as shown:
        seen, tick = clips.at(encoder.card.frames, encoder.card.size), shown.start(f"capture {clips.name}")
        layers, part = tuple(as_whole(layer, "sites") for layer in sites), PARTS[-1] if parts else RESIDUAL
        return capture_pass(encoder, seen, store, layers, progress=tick, tokens=tokens, part=part)


def find(
    activations: Activations,
    variable: str,
    layer: int,
    finder: str | Callable[..., Any] = "diff_means",
    rank: int | None = None,
    tokens: str = "all",
    seed: int = 0,
    encoder: VideoEncoder | None = None,
    progress: Progress | None = None,
    part: str = RESIDUAL,
) -> Subspace:
    """The subspace that ``finder`` finds for ``variable`` at ``layer``, on the clips of split ``fit`` alone; with ``part``, in what
    "attention" or "mlp" of block ``layer`` adds to the residual stream, of activations captured with ``parts=True``.

    ``finder``: a name, or a function of your own (X, y, rank, seed) -> directions that can be imported (or stands in a notebook's cell).
    It refers to its finder (``found_by``), which ``intervene`` runs again on permuted labels. ``das`` is trained through the network and
    needs the ``encoder``; it captures tokens of the clips and of their twins. Raises BadArgument for an unknown finder, variable or layer,
    or a rank that the classes do not allow.
    """
    check_kinds(activations=(activations, Activations))
    named: str = name_of(finder, "finder")
    if encoder is not None:
        check_kinds(encoder=(encoder, VideoEncoder))
    seed = make_spec({"seed": seed, "tokens": tokens}, "jepascope.find", {"seed": "seed", "tokens": "tokens"}).seed
    check_splits(activations, variable, ("fit",))
    layer, rank = as_whole(layer, "layer"), None if rank is None else as_whole(rank, "rank")
    with watched(progress) as shown:
        shown.start(f"find {variable} with {named} at layer {layer}")
        data = given_to(named, activations.split("fit"), variable, Site(layer, tokens, part), encoder, seed, rank)
        found = find_in(named, data, rank, seed)
    where = {"layer": layer, "tokens": tokens, "model": activations.encoder_card.name, **({} if part == RESIDUAL else {"part": part})}
    return replace(found, provenance={**found.provenance, "variable": variable, **where})


def intervene(
    encoder: VideoEncoder,
    activations: Activations,
    subspace: Subspace,
    edit: str | Callable[..., Any] = "ablate",
    dose: float = 1.0,
    draws: int = 20,
    seed: int = 0,
    tokens: str | None = None,
    ablate_to: str = "mean",
    finder: str | Callable[..., Any] | None = None,
    judges: Sequence[Any] = ("probe",),
    progress: Progress | None = None,
) -> Effects:
    """CE of one edit on ``subspace`` beside its matched controls: the columns of ce.parquet, one row each. ``explain`` says in words why
    cells are empty (few draws, a judge that reads nothing) and why a control has no row.
    ``.frame`` is the table by itself, ``.plot()`` a figure of it, ``.verdicts()`` what a report would say of it.

    ``judges``: "probe", and any trained one by its name, or a classifier of scikit-learn, a torch module or a function of your own (see
    ``judges.own``), fitted to split ``judge`` at the last layer; column ``judge`` says whose row it is.
    ``edit``: ablate (to ``ablate_to``: mean, zero, resample), swap, steer, rotate (a circular variable), or a function of your own
    (made_from) -> displacement (see ``EditEntry``). A swap takes from the test clip's twin; where none can be rendered (labels of your
    own), from another clip of another class. ``tokens``: which are edited (all, object, background, or tubelets such as "time:0-1");
    default: those that the subspace was found on.

    The control ``shuffled`` is the same finder on permuted labels. What ``find`` returned refers to its finder. For a subspace of your own
    give ``finder``: a finder's name, or a function (X, y, rank, seed) -> directions of NumPy arrays: (clips, width) and (clips) in,
    (width, vectors) out. Either is run on the true labels first and has to give the subspace again. Without one there is no such row: a
    finder that the provenance names is a label.

    ``activations`` cover fit, judge and test clips (a plain ``capture``); tokens of the test clips and their twins at the
    subspace's layer are captured here. The judge is a probe trained on split ``judge`` at the last layer. Raises BadArgument for all that
    the command line refuses, the last layer among it, before anything is captured.
    """
    edits = (name_of(edit, "edit"),)
    asked = {"edits": edits, "edit_doses": (dose,), "draws": draws, "seed": seed, "scope": tokens, "ablate_to": ablate_to}
    site, spec = check_edit(encoder, activations, subspace, **asked)
    with watched(progress) as shown:
        captures = Captures.over(encoder, activations, spec, site.layer, shown)
        shown.start("train the judges")
        main = main_judge(captures)
        readers = judges_of(judges, main, activations.split("judge"), named_site(subspace)[0], spec.seed)
        source = shuffled_from(captures, site, subspace, finder)
        context, named = context_at(captures, site.layer, readers), {"subspace": subspace}
        sources = {} if isinstance(source, str) else {"subspace": source}
        shown.start("draw controls")
        controls = controls_at(captures, context, named, DRAWN, spec.draws, sources, fixed=True)
        effects, _ = context.edit(named, controls, spec.edits, spec.edit_doses, progress=shown.start(f"{spec.edits[0]} beside controls"))
        first_order = None
        if readers[0] is main:
            shown.start("many more draws, to first order")
            many = many_at(captures, context, named, DRAWN, spec.draws, sources=sources)
            first_order = first_order_effects([Planned(context, named, controls, many, spec.edits, spec.edit_doses, about_means=True)])
        table = ce_table(effects, spec.seed, first_order=first_order).assign(finder=str(subspace.provenance.get("finder", "given")))
    made = Effects(table)
    made.attrs[READINGS] = judge_readings(effects)
    if isinstance(source, str):
        made.attrs[LEFT_OUT] = {"shuffled": source}
    return made


@dataclass(frozen=True, repr=False)
class Portability:
    """``sas`` of two subspaces with its ``chance`` level and calibrated value, and ``rce`` of ``other`` used in place of the first.

    ``note`` says why there is no ``rce`` (NaN), or what it is not worth; "" where nothing is to be said.
    """

    sas: float
    chance: float
    calibrated: float
    rce: Interval
    native: Interval
    dose: float
    note: str = ""

    def __repr__(self) -> str:
        rce, native = (with_interval(*interval.ends) for interval in (self.rce, self.native))
        said = f"; {self.note}" if self.note else ""
        return f"Portability(SAS {self.sas:.2f} (chance {self.chance:.2f}), RCE {rce} of native CE {native} at dose {self.dose:g}{said})"


def port(
    encoder: VideoEncoder,
    activations: Activations,
    subspace: Subspace,
    other: Subspace,
    dose: float = 0.5,
    seed: int = 0,
    progress: Progress | None = None,
) -> Portability:
    """How ``other`` aligns with ``subspace`` and what share of its ablation effect it retains at the same site.

    ``native`` is the first subspace's own CE. There is no ratio where that is not shown; at 0.95 and more it is saturated: ask for a lower
    dose.
    """
    site, spec = check_edit(encoder, activations, subspace, edits=("ablate",), edit_doses=(dose,), seed=seed)
    seed, (dose,) = spec.seed, spec.edit_doses
    _, theirs = named_site(other, "other")
    if theirs != site:
        raise BadArgument(
            f"The subspaces are of two sites, {site} and {theirs}; one can stand in for the other at one site only. Find both at the same "
            "layer, on the same tokens."
        )
    check_subspaces(encoder, site, {"other": other})
    with watched(progress) as shown:
        captures = Captures.over(encoder, activations, spec, site.layer, shown)
        context = context_at(captures, site.layer, [main_judge(captures)], controlled=False)
        effects, _ = context.edit({"native": subspace, "other": other}, {}, ("ablate",), (dose,), progress=shown.start("ablate both"))
    numerators = {name: by_draw(rows).to_numpy()[0] for name, rows in effects.groupby("finder")}
    below = by_draw(effects[effects["finder"] == "native"], "denominator").to_numpy()[0]
    own = ce_table(effects[effects["finder"] == "native"], seed).iloc[0]
    value, chance = sas(subspace.basis, other.basis), sas_chance(subspace.width, subspace.rank, other.rank)
    native = Interval(float(own["value"]), float(own["low"]), float(own["high"]), int(own["n"]))
    kept = rce(numerators["other"], numerators["native"], below, seed)
    return Portability(value, chance, calibrated(value, chance), kept, native, dose, _note(native, kept, dose))


def _note(native: Interval, kept: Interval, dose: float) -> str:
    if isnan(native.value):
        return f"There is no effect to retain: {NO_MARGIN}."
    if isnan(kept.value):
        return "There is no RCE: the subspace's own effect cannot be told from zero at this dose; ask for a larger one."
    if native.value >= SATURATED:
        return f"At dose {dose:g} the subspace's own effect is {native.value:.2f}, so the ratio is saturated; ask for a lower dose."
    return ""
