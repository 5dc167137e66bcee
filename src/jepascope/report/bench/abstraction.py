"""The page of ``bench abstraction``: which scores tell valid explanations from invalid ones."""

from __future__ import annotations

from typing import Any

from jepascope.findings.numbers import Cell, cell_of, count, shown, stacked
from jepascope.report.blocks import Block, Finding, Paragraph, Section
from jepascope.report.grids import Column, grid, words

SCORES = {
    "ce": "CE",
    "beside": "less its largest control",
    "faithful": "less the leak",
    "agreement": "less what is unsaid",
    "CAE_down": "CAE",
    "CAE_down_nf": "CAE, not faithful",
    "IIAMetric": "IIA",
}
SAID = {
    "ce": "CE",
    "beside": "CE less its largest control",
    "faithful": "CE less its largest control and the leak",
    "agreement": "CE less its largest control, the leak and what is unsaid",
    "CAE_down": "The suite's own CAE, with noise in unmapped variables,",
    "CAE_down_nf": "CAE without that noise",
    "IIAMetric": "Interchange accuracy (IIA)",
}
MEANS = {
    "ce": "CE",
    "random": "random",
    "norm": "norm",
    "shuffled": "shuffled",
    "leak": "leak",
    "unsaid": "unsaid",
    "CAE_down": "CAE",
    "CAE_down_nf": "CAE, not faithful",
    "IIAMetric": "IIA",
}
ERRORS = ("CAE_down", "CAE_down_nf", "IIAMetric")

Json = dict[str, Any]


def sections(record: Json) -> list[Section]:
    """Pairs told apart, what every explanation scored, how, and what was not run."""
    return [_summary(record), _explanations(record), _method(), _left_out(record)]


def _summary(record: Json) -> Section:
    pairs, named = record["pairs"], {name: SCORES[name] for name in (*record["scores"], *record["theirs"])}
    columns = [
        words("system", lambda row: row["system"]),
        words("valid", lambda row: row["valid"]),
        words("invalid", lambda row: row["invalid"]),
        *(_area(name, said) for name, said in named.items()),
    ]
    caption = (
        f"Area under the ROC curve of each score, valid against invalid, over {record['settings']['runs']} runs of each explanation (1: "
        "every valid run scores above every invalid one; 0.5: the score does not tell; below: it prefers the invalid one). Brackets: "
        f"{100 * record['confidence']:g} % intervals over runs; none of any width where all runs agree."
    )
    return Section("summary", "Result", (*(Finding(line) for line in lines(record)), grid(pairs, columns, caption)))


def lines(record: Json) -> list[str]:
    """In how many pairs each score tells the two apart, and in which it does not."""
    made = []
    for name in (*record["scores"], *record["theirs"]):
        known = [pair for pair in record["pairs"] if pair["areas"][name]]
        told = [pair for pair in known if pair["areas"][name]["low"] > 0.5]
        missed = [f"{pair['invalid']} ({pair['system']}, {shown(pair['areas'][name]['value'])})" for pair in known if pair not in told]
        rest = f"; not: {', '.join(missed)}" if missed else ""
        made.append(f"{SAID[name]} tells the valid explanation from the invalid one in {len(told)} of {len(known)} pairs{rest}.")
    return made


def _area(name: str, said: str) -> Column:
    def cell(row: Json) -> Cell | str:
        return stacked(cell_of(row["areas"][name])) if row["areas"][name] else "n/a"

    return Column(said, cell)


def _explanations(record: Json) -> Section:
    def mean(name: str) -> Column:
        def cell(row: Json) -> Cell | str:
            if name not in row["means"]:
                return "n/a"
            value, sd = (row["means"][name][key] for key in ("value", "sd"))
            value = -value + 0.0 if name in ERRORS else value
            return Cell(f"{shown(value)}\n± {shown(sd)}", repr(value))

        return Column(MEANS[name], cell)

    columns = [
        words("explanation", lambda row: row["condition"]),
        words("the suite says", lambda row: "valid" if row["valid"] else "invalid"),
        Column("swaps a run", lambda row: count(row["means"].get("n", {}).get("value"))),
        *map(mean, MEANS),
    ]
    caption = (
        "Means over runs ± standard deviation between runs. CE and its controls: share of what the explanation says a swap moves; leak: "
        "squared distance that noise in unmapped variables moves the outputs, over the same; unsaid: squared distance of what a swap moves "
        "from what is said of it, over all mapped variables. CAE and IIA are errors of the suite's own: 0 is best."
    )
    return Section("explanations", "Every explanation", (grid(record["explanations"], columns, caption, lambda row: row["system"]),))


def _method() -> Section:
    text = (
        "A system's variables have names and no blocks, so that it cannot be made an encoder: what is exchanged are the variables that "
        "the explanation maps, with those of another run. CE is the study's: what the swap moves along what the explanation says it "
        "moves, over that, summed over scenes and variables. Controls: as many other variables from the same donor (random), the same "
        "variables moved as far in a random direction (norm), and the swap held against what the explanation says of another donor "
        "(shuffled). There is no control of equal variance: the variables have no common unit. Scores add up: CE; CE less its largest "
        "control; that less the leak; that less what is unsaid. The leak and what is unsaid are no part of a study's CE: what stands for "
        "them there is isolation, and exchanges of the complement."
    )
    blocks: list[Block] = [Paragraph(text)]
    return Section("method", "How it was measured", tuple(blocks))


def _left_out(record: Json) -> Section:
    columns = (words("system", lambda row: row[0]), words("why", lambda row: row[1]))
    caption = "Systems of the benchmark that were not run here, and why. Nothing above is said of them."
    return Section("not-run", "What was not run", (grid(record["left_out"].items(), columns, caption),))
