"""What ``jepascope compare`` makes of several runs: differences that are tested, quantities over runs, and how often claims hold."""

from __future__ import annotations

from jepascope.schema.column import Table
from jepascope.schema.vocabulary import columns, integer, number, sentence, text

COMPARED = (
    Table(
        "comparisons",
        "Differences between two groups of runs, at each run's layer of the claims, on the test scenes that both tested; a group is the "
        "runs of one study of one encoder, which differ in seed alone",
        columns(
            "a b quantity finder control unit a_value b_value value low high p p_holm n runs of reason",
            text("a", "one group, by its runs"),
            text("b", "the other one"),
            text("quantity", "what is compared; empty where nothing can be"),
            text("finder", "of the first that both have; empty for what is read"),
            text("control", "what comes closest to the effect in a and in b, whose mean draw is taken off; empty: nothing is"),
            text("unit", "of the values"),
            number("a_value", "in a, on those scenes (of several runs their mean)"),
            number("b_value", "in b"),
            number("value", "a less b: paired over scenes; of several pairs of runs the mean over these"),
            number("low", "lower end of its 95 % interval: scenes and draws resampled; of several pairs of runs Student's over them"),
            number("high", "upper end of it"),
            number("p", "two-sided, of no difference; it belongs to the interval"),
            number("p_holm", "corrected over all rows that have one (Holm)"),
            integer("n", "test scenes that both tested"),
            integer("runs", "pairs of runs on the same scenes"),
            text("of", "what the interval is said of: the encoders, where re-fits are in it or several runs; else these fits"),
            sentence("reason", "why nothing is compared; empty where something is"),
        ),
        key=("a", "b", "quantity", "control"),
        where="compare",
    ),
    Table(
        "over_runs",
        "Quantities over the independent runs of a group",
        columns(
            "group quantity finder control unit value low high least largest runs",
            text("group", "by its runs"),
            text("quantity", "what is measured"),
            text("finder", "of the group's first; empty for what is read"),
            text("control", "what comes closest to the effect, whose mean draw is taken off; empty: nothing is"),
            text("unit", "of the values"),
            number("value", "mean over runs"),
            number("low", "lower end of Student's 95 % interval over runs"),
            number("high", "upper end of it"),
            number("least", "of the runs"),
            number("largest", "of the runs"),
            integer("runs", "that measure it"),
        ),
        key=("group", "quantity", "control"),
        where="compare",
    ),
    Table(
        "holds",
        "In how many independent runs of a group each claim holds",
        columns(
            "group claim question runs holds verdicts",
            text("group", "by its runs"),
            text("claim", "as in claims.json"),
            text("question", "that it answers"),
            integer("runs", "that it was run in"),
            integer("holds", "of these: its verdict is 'shown'"),
            text("verdicts", "of all of them, with how often"),
        ),
        key=("group", "claim"),
        where="compare",
    ),
)
