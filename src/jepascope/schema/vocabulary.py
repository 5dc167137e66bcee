"""Words that many tables share: a column of one name means the same wherever it stands, unless its table says otherwise."""

from __future__ import annotations

from dataclasses import replace

from jepascope.schema.column import Column


def text(name: str, meaning: str) -> Column:
    return Column(name, "text", meaning)


def sentence(name: str, meaning: str) -> Column:
    return Column(name, "sentence", meaning)


def flag(name: str, meaning: str) -> Column:
    return Column(name, "flag", meaning)


def integer(name: str, meaning: str, unit: str = "") -> Column:
    return Column(name, "integer", meaning, unit)


def number(name: str, meaning: str, unit: str = "") -> Column:
    return Column(name, "number", meaning, unit)


SHARED: dict[str, Column] = {
    column.name: column
    for column in (
        integer("layer", "block after which the residual stream is read or edited; 0: the patch embedding"),
        integer("read_layer", "block after which the judge reads"),
        text("tokens", "token selection: all, object, background, or tubelets such as time:0-1"),
        text("encoder", "what is probed: model, untrained, pixels, frame_differences, control_task, permuted"),
        integer("seed", "of the untrained twin, the control task or the permutation; -1 where there is none"),
        text("probe", "dense (L2), l1, circular, ridge"),
        number("strength", "of the penalty"),
        number("accuracy", "share of clips that are read right"),
        number("low", "lower end of the 95 % interval; of a control with fewer than 10 draws, the least of its draws"),
        number("high", "upper end of the 95 % interval; of a control with fewer than 10 draws, the largest of its draws"),
        integer("n", "what the interval resamples: test clips of a reading, test scenes (of real videos: videos) of an effect"),
        number("chance", "what guessing gets: the share of the largest class, or the error of the best constant"),
        flag("chosen", "whether this is the probe of the cross-validated strength"),
        text("finder", "what found the subspace"),
        integer("rank", "dimensions of the subspace"),
        text("edit", "ablate, swap, steer, rotate, spline"),
        text("control", "subspace: the finder's own; else the name of the control"),
        integer("draw", "of the control; 0 for the subspace's own"),
        integer("draws", "of the control that the row is over"),
        number("dose", "of the edit; 1 is the natural change, or the whole ablation"),
        text("judge", "who reads the effect: probe, mlp, predictor, head, rollout"),
        number("value", "causal effect (CE)"),
        text("a", "the subspace that is used"),
        text("b", "the native one"),
        text("across", "what is crossed: finder, data seed, layer, clip set, run"),
        flag("saturated", "whether either effect reaches 0.95 of what there is to move"),
        text("output", "what is read: angle, speed, x, y, ..."),
        text("held_out", "clips, or arcs: the whole arc of angles that holds the clip"),
        text("read", "the variable that is read; empty: the study's own"),
        integer("scene", "the scene; of real videos the source video"),
        number("accuracy_before", "the same of the unedited clips"),
        number("sas", "alignment of the two subspaces, |U'V|^2 / min(rank)"),
        number("sas_chance", "SAS that random subspaces of these ranks have on average"),
        text("verdict", "in one or two words"),
        sentence("reason", "why, with the figures that decide"),
        number("excess", "effect less the mean of the control's"),
        text("source", "the model that the subspace comes from"),
        text("target", "the model in which it is used"),
    )
}

ENDS = {"_low": "lower end of the interval of", "_high": "upper end of the interval of"}


def columns(names: str, *own: Column, late: str = "", videos: str = "") -> tuple[Column, ...]:
    """The columns ``names`` in order, each as ``own`` or the shared vocabulary has it; ``x_low`` and ``x_high`` follow from ``x``.

    ``late``: those that older folders lack; ``videos``: those that only studies of real videos have.
    """
    own_by_name = {column.name: column for column in own}
    out = []
    for name in names.split():
        column = own_by_name.get(name) or SHARED.get(name) or _end(name)
        out.append(replace(column, late=name in late.split(), only_videos=name in videos.split()))
    if unused := own_by_name.keys() - set(names.split()):
        raise ValueError(f"columns are declared and not listed: {sorted(unused)}")
    return tuple(out)


def _end(name: str) -> Column:
    for ending, meaning in ENDS.items():
        if name.endswith(ending):
            return number(name, f"{meaning} {name.removesuffix(ending)}")
    raise ValueError(f"no meaning is declared for the column '{name}'")
