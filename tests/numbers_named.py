"""Every number that a finished run names, found by what it is of, wherever it stands: tables, summary.json, headline, page, comparison,
terminal. A test asks that all places agree; what is printed may be rounded, and no more."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from jepascope.findings.claims import claims_json, claims_of
from jepascope.findings.names import EDIT_WORDS, JUDGE_WORDS
from jepascope.findings.questions import effect_and_closest, replies
from jepascope.findings.title import title_of
from jepascope.intervention.control_words import CONTROL_WORDS, DOERS
from jepascope.report.blocks import Cards, Finding, Grid, Section, flat
from jepascope.report.compare.comparison import Comparison
from jepascope.report.compare.page import to_json
from jepascope.report.compare.reading import read_runs
from jepascope.report.compare.table import RATIOS, groups
from jepascope.report.folder import RunFolder, read_run
from jepascope.report.sections.degeneracy import degeneracy_section
from jepascope.report.sections.emergence import emergence_section
from jepascope.report.sections.headline import headline
from jepascope.report.sections.intervention import effects_section
from jepascope.report.sections.leaks import leaks
from jepascope.report.sections.portability import portability
from jepascope.report.terminal import effect_table

Key = tuple[str, ...]
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
BESIDE = re.compile(r"(?:more than|less than|apart from what) ((?:(?! do\b).)+?) do\b \(by ([^)]*) points(?:; no power)?\)")
ENDS = ("value", "low", "high")
CONTROL_OF = {words: name for name, words in CONTROL_WORDS.items()}
DOER_OF = {words: name for name, words in DOERS.items()}
EDIT_OF = {words: name for name, words in EDIT_WORDS.items()}
JUDGE_OF = {words: name for name, words in JUDGE_WORDS.items()}


@dataclass(frozen=True)
class Named:
    """A number or a word, what it is of, and where it stands: stored (a number, None for none) or printed (text)."""

    key: Key
    place: str
    stands: float | str | None
    scale: float = 1.0  # of what is printed: 100 for per cent

    def agrees(self, true: float | str | None) -> bool:
        if isinstance(true, str) or self.key[0] in WORDS:
            return self.stands == true
        if true is None or math.isnan(true):
            return self.stands is None or (isinstance(self.stands, float) and math.isnan(self.stands))
        if self.stands is None:
            return False
        if isinstance(self.stands, str):
            digits = len(self.stands.partition(".")[2]) if "e" not in self.stands else 99
            room = 0.501 * 10.0**-digits if digits < 99 else abs(true) * self.scale * 0.006
            return abs(float(self.stands) - true * self.scale) <= room
        return math.isclose(self.stands, true, rel_tol=1e-9, abs_tol=1e-12)


WORDS = ("standing", "verdict", "shows")


def everything(run: Path) -> dict[Key, list[Named]]:
    """All that the run names, by what it is of; places are in the order in which a reader meets them, the tables first."""
    found: dict[Key, list[Named]] = defaultdict(list)
    folder = read_run(run)
    for reader in (tables, summary, claims, headline_words, first, page, comparison, terminal):
        for one in reader(run, folder):
            found[one.key].append(one)
    return found


def disagreements(found: dict[Key, list[Named]]) -> list[str]:
    """Whatever is not what the tables (else the first place) say."""
    said = []
    for key, places in found.items():
        first = places[0].stands
        for other in places[1:]:
            if not other.agrees(first):
                said.append(f"{key}: {places[0].place} {first!r}, {other.place} {other.stands!r}")
    return said


def spread(key: Key, place: str, ends: Any, scale: float = 1.0) -> Iterator[Named]:
    """A value with its interval; fewer than three numbers are a value alone, and none is none."""
    three = [*ends, *[None] * (3 - len(ends))] if len(ends) in (0, 3) else [*ends[:1]]
    for end, number in zip(ENDS, three, strict=False):
        yield Named((*key, end), place, number, scale)


def printed(text: str) -> list[str]:
    return NUMBER.findall(text.replace("\u2212", "-").split("\n")[0])


def tables(run: Path, folder: RunFolder) -> Iterator[Named]:
    best, tokens = folder.summary["best_layer"], folder.summary["tokens"]
    ce = pd.read_parquet(run / "ce.parquet")
    ce = ce[(ce["layer"] == best) & (ce["dose"] == 1)]
    own = {(row["judge"], row["finder"], row["edit"]): row for row in ce[ce["control"] == "subspace"].to_dict("records")}
    reads = {judge: _reads(own, judge, folder) for judge, _, _ in own}
    for (judge, finder, edit), row in own.items():
        yield from spread(("ce", judge, finder, edit), "ce.parquet", [row[end] for end in ENDS])
    for row in ce[ce["control"] != "subspace"].to_dict("records"):
        where = (row["judge"], row["finder"], row["edit"])
        yield from spread(("control", *where, row["control"]), "ce.parquet", [row[end] for end in ENDS])
        stated = (
            own[where]["low"] > 0
            and (row["draws"] >= 10 or row["control"] == "top_pca")
            and math.isfinite(row["ratio_low"])
            and reads[row["judge"]]
        )
        stated = stated and not (row["ratio_is_bound"] and row["ratio"] <= 1)
        ends = [row["ratio"]] if row["ratio_is_bound"] else [row[name] for name in ("ratio", "ratio_low", "ratio_high")]
        yield from spread(("ratio", *where, row["control"]), "ce.parquet", ends if stated else [])
        of = "difference" if row["draws"] == 1 else "excess"
        beyond = [row.get(name, math.nan) for name in ("difference", f"{of}_low", f"{of}_high")]
        if all(map(math.isfinite, beyond)):
            yield from spread(("beyond", *where, row["control"]), "ce.parquet", beyond)
    rce = _reported(pd.read_parquet(run / "portability.parquet"))
    for row in rce.to_dict("records"):
        key = ("rce", row["across"], row["a"], row["b"])
        yield Named((*key, "dose"), "portability.parquet", float(row["dose"]))
        # stored as measured; of a judge that does not read the variable no ratio is stated (another clip set has its own judge)
        stated = reads.get("probe", True) or row["across"] == "clip set"
        yield from spread(key, "portability.parquet", [row[end] for end in ENDS] if stated else [])
    sas = pd.read_parquet(run / "portability.parquet").query("metric == 'sas' and layer == @best")
    for row in sas.to_dict("records"):
        yield Named(("sas", row["a"], row["b"]), "portability.parquet", row["value"])
    probes = pd.read_parquet(run / "probes.parquet")
    dense = probes[(probes["probe"] == "dense") & probes["chosen"] & (probes["layer"] == best) & (probes["tokens"] == tokens)]
    at = dense[dense["encoder"] == "model"].iloc[0]
    yield from spread(("accuracy",), "probes.parquet", [at["accuracy"], at["low"], at["high"]])
    yield Named(("untrained",), "probes.parquet", float(dense[dense["encoder"] == "untrained"]["accuracy"].mean()))
    for row in pd.read_parquet(run / "leaks.parquet").to_dict("records"):
        yield Named(("leak", row["baseline"]), "leaks.parquet", row["accuracy"])
    if (run / "values.parquet").exists():
        values = pd.read_parquet(run / "values.parquet")
        values = values[(values["layer"] == best) & (values["tokens"] == tokens) & (values["held_out"] == "clips")]
        for row in values[values["encoder"] == "model"].to_dict("records"):
            r2 = row["probe"] != "circular" and math.isfinite(row["r2_low"])
            yield from spread(
                ("value", row["output"]),
                "values.parquet",
                [row["r2"], row["r2_low"], row["r2_high"]] if r2 else [row["error"], row["low"], row["high"]],
            )
    if (run / "verdicts.parquet").exists():
        for row in pd.read_parquet(run / "verdicts.parquet").to_dict("records"):
            yield Named(("verdict", row["a"], row["b"]), "verdicts.parquet", row["verdict"])


def _reads(own: dict[Any, dict[Any, Any]], judge: str, folder: RunFolder) -> bool:
    """By the test's own arithmetic: whether Wilson's interval of the judge's accuracy on unedited scenes lies above chance."""
    rows = [row for (name, _, edit), row in own.items() if name == judge and edit == "ablate" and "accuracy_before" in row]
    rows = [row for row in rows if math.isfinite(row["accuracy_before"])]
    if not rows:
        return True
    row = rows[0]
    p, n, z = row["accuracy_before"], row["n"], 1.959964
    low = (p + z * z / (2 * n) - z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)
    chance = (
        0.5
        if judge == "predictor"
        else folder.summary.get("judge_reading", {}).get(judge, {}).get("chance", folder.summary.get("chance", math.nan))
    )
    return bool(not math.isfinite(chance) or low > chance)


def _reported(portability: pd.DataFrame) -> pd.DataFrame:
    """By the rule as docs/science.md has it."""
    rce = portability[portability["metric"] == "rce"]
    picked = []
    for _, rows in rce.groupby(["across", "a", "b", "layer"], sort=False):
        rows = rows[rows["value"].notna()] if rows["value"].notna().any() else rows
        clear = rows[~rows["saturated"].astype(bool)]
        picked.append(clear.sort_values("dose").iloc[-1] if len(clear) else rows.sort_values("dose").iloc[0])
    return pd.DataFrame(picked)


def summary(run: Path, folder: RunFolder) -> Iterator[Named]:
    said = json.loads((run / "summary.json").read_text())
    by_judge = {"probe": said["ce"], **said.get("by_judge", {})}
    for judge, finders in by_judge.items():
        for finder, edits in finders.items():
            for edit, figure in edits.items():
                yield from spread(("ce", judge, finder, edit), "summary by_judge", [figure[end] for end in ENDS])
    for finder, edits in said["ce"].items():
        for edit, figure in edits.items():
            yield from spread(("ce", "probe", finder, edit), "summary ce", [figure[end] for end in ENDS])
    for control, edits in said["controls"].items():
        for edit, figure in edits.items():
            for finder, own in figure.get("by_finder", {}).items():
                yield from spread(("control", "probe", finder, edit, control), "summary controls", [own[end] for end in ENDS])
    across = {(a, b): key for key, a, b in _transfers(run)}
    blind = not said.get("judge_reading", {}).get("probe", {}).get("reads", True)
    for a, native in said["rce"].items():
        for b, value in native.items():
            stated = not blind or across[a, b] == "clip set"
            yield Named(("rce", across[a, b], a, b, "value"), "summary rce", value if stated else None)
    for a, other in said["sas"].items():
        for b, value in other.items():
            yield Named(("sas", a, b), "summary sas", value)
    layer = str(said["best_layer"])
    yield Named(("accuracy", "value"), "summary probe", said["probe"]["dense"][layer])
    yield Named(("untrained",), "summary probe", said["probe"]["dense_untrained"][layer])
    for baseline, row in said["leaks"].items():
        yield Named(("leak", baseline), "summary leaks", row["accuracy"])
    for measure in said.get("reading", {}).get("measures", []):
        key = ("value", measure["output"]) if measure["output"] else ("accuracy",)
        yield from spread(key, "summary reading", [measure[end] for end in ENDS])
    for row in said.get("degeneracy", {}).get("verdicts", []):
        yield Named(("verdict", row["a"], row["b"]), "summary degeneracy", row["verdict"])


def _transfers(run: Path) -> list[tuple[str, str, str]]:
    rce = pd.read_parquet(run / "portability.parquet").query("metric == 'rce'")
    return list(rce[["across", "a", "b"]].drop_duplicates().itertuples(index=False, name=None))


def claims(run: Path, folder: RunFolder) -> Iterator[Named]:
    """Every number that a claim rests on."""
    for claim in claims_json(claims_of(folder))["claims"]:
        at = claim["evidence"][0]["key"] if claim["evidence"] else {}
        for number in claim["numbers"]:
            ends, control = [number[end] for end in ENDS], number["control"]
            if found := re.match(r"CE of (\w+)$", number["what"]) if "judge" in at and "edit" in at else None:
                kind = ("control", at["judge"], at["finder"], found[1], control) if control else ("ce", at["judge"], at["finder"], found[1])
                yield from spread(kind, "claims", ends)
            elif found := re.match(r"CE ratio of (\w+)", number["what"]):
                one = ends[:1] if "at least" in number["what"] else ends
                yield from spread(("ratio", at["judge"], at["finder"], found[1], control), "claims", one)
            elif (found := re.match(r"RCE of (.+) in place of (.+)$", number["what"])) and not control:
                yield from spread(("rce", str(at["across"]), found[1], found[2]), "claims", ends)
            elif claim["name"] == "no shortcut" and not control:
                yield Named(("leak", number["what"].removeprefix("accuracy from ")), "claims", number["value"])
            elif claim["name"] == "read" and not control:
                key = ("accuracy",) if number["what"] == "accuracy" else ("value", number["what"].split(" ", 1)[1])
                yield from spread(key, "claims", ends)


def headline_words(run: Path, folder: RunFolder) -> Iterator[Named]:
    """Of the first finder's ablation: its CE, and every ratio that is stated."""
    said = json.loads((run / "summary.json").read_text())
    text, finder = said["headline"], next(iter(said["ce"]))
    if found := re.search(r"removes (-?\d+) \[(-?\d+), (-?\d+)\] %", text):
        yield from spread(("ce", "probe", finder, "ablate"), "headline", list(found.groups()), 100)
    for clause in text.split(" By the ")[0].split("; ablating"):  # what follows is of another judge
        edit = "swap" if "A swap of" in clause else "ablate"
        for doer, points in BESIDE.findall(clause):
            yield from spread(("beyond", "probe", finder, edit, DOER_OF[doer]), "headline", printed(points), 100)
    if found := re.search(r"accuracy ([\d.]+) \[([\d.]+), ([\d.]+)\]", text):
        yield from spread(("accuracy",), "headline", list(found.groups()))
    for output, *ends in re.findall(r"(?:R\^2 of|error of the) (\w+) (-?[\d.]+) \[(-?[\d.]+), (-?[\d.]+)\]", text):
        yield from spread(("value", output), "headline", ends)


def grids(section: Section) -> list[Grid]:
    return [block for block in flat(section.blocks) if isinstance(block, Grid)]


def first(run: Path, folder: RunFolder) -> Iterator[Named]:
    """The first screen: the title's points, and the number and control of the question on use."""
    told = claims_of(folder)
    reply, finder = replies(told)[1], next(iter(folder.summary["ce"]))
    if not reply.number:
        return
    own, closest = effect_and_closest(reply.claims[0])
    assert own is not None
    where = ("probe", finder, own.what.removeprefix("CE of "))
    yield Named(("ce", *where, "value"), "first screen", printed(reply.number)[0], 100)
    if closest is not None:
        yield Named(("control", *where, closest.control, "value"), "first screen", printed(reply.control)[-1], 100)
    if found := re.search(r"(\d+) points (more|less) than", title_of(folder, told)):
        assert closest is not None
        sign = "-" if found[2] == "less" else ""
        yield Named(("beyond", *where, closest.control, "value"), "first screen", sign + found[1], 100)


def page(run: Path, folder: RunFolder) -> Iterator[Named]:
    top = headline(folder)
    finder = next(iter(folder.summary["ce"]))
    for card in (card for block in top.blocks if isinstance(block, Cards) for card in block.cards):
        if found := re.match(r"CE of (ablation|swap), ", card.title):
            yield Named(
                ("ce", "probe", finder, EDIT_OF[found[1]], "value"), "card", printed(card.value)[0] if printed(card.value) else None
            )
        elif card.title.startswith("CE ratio, "):
            key = ("ratio", "probe", finder, "ablate", CONTROL_OF[card.title.removeprefix("CE ratio, ")])
            yield Named((*key, "value"), "card", printed(card.value)[0] if printed(card.value) else None)
        elif card.title.startswith("Accuracy"):
            yield Named(("accuracy", "value"), "card", printed(card.value)[0], 100)
    for finding in (block.text for block in top.blocks if isinstance(block, Finding)):
        if found := re.match(r"(?:By (?P<judge>[^:]+): )?(?P<finder>[\w ()]+): (?P<edit>ablation|swap) ", finding):
            where = (JUDGE_OF.get(found["judge"] or "", "probe"), found["finder"], EDIT_OF[found["edit"]])
            size = re.search(r"\(CE ([^)]*)\)", finding)
            if size and printed(size[1]):
                yield from spread(("ce", *where), "verdict", printed(size[1]))
            for doer, words in BESIDE.findall(finding):
                yield from spread(("beyond", *where, DOER_OF[doer]), "verdict", printed(words), 100)
    yield from _effects(effects_section(folder))
    for grid in grids(portability(folder)):
        if grid.head[:4] == ("a (used)", "b (native)", "dose", "RCE"):
            yield from _retained(run, grid)
    for grid in grids(degeneracy_section(folder)):
        if grid.head[0] == "a" and grid.head[-1] == "RCE":
            for row in grid.rows:
                yield Named(("sas", str(row[0]), str(row[1])), "page degeneracy", printed(str(row[2]))[0])
    for grid in grids(leaks(folder)):
        for row in grid.rows:
            yield Named(("leak", str(row[0]).replace(" ", "_")), "page leaks", printed(str(row[1]))[0], 100)
    for grid in grids(emergence_section(folder))[:1]:
        place = [number for number, name in enumerate(grid.head) if name == f"trained, {folder.summary['tokens']} tokens"]
        for row in grid.rows:
            if str(row[0]).endswith("*") and place:
                yield from spread(("accuracy",), "page emergence", printed(str(row[place[0]])), 100)


def _effects(section: Section) -> Iterator[Named]:
    for grid in grids(section):
        edit = EDIT_OF.get(re.split(r"[: ]", grid.caption)[0].lower(), "")
        if grid.head[0] == "control":
            finder = ""
            for row in grid.rows:
                if len(row) == 1:
                    finder = str(row[0]).split(":")[0] if ": CE " in str(row[0]) else finder
                    if ": CE " in str(row[0]):
                        yield from spread(
                            ("ce", "probe", finder, edit), "page effects", printed(str(row[0]).split(": CE ")[1].split("n =")[0])
                        )
                    continue
                where = ("probe", finder, edit, CONTROL_OF[str(row[0])])
                yield Named(("standing", *where), "page effects", str(row[1]))
                yield from spread(("control", *where), "page effects", printed(str(row[2])))
                yield from spread(("ratio", *where), "page effects", printed(str(row[4])))
        elif grid.head[:2] == ("finder", "CE"):
            judge = ""
            for row in grid.rows:
                if len(row) == 1:
                    judge = JUDGE_OF[str(row[0]).split(", n =")[0]]
                    continue
                yield from spread(("ce", judge, str(row[0]), edit), "page other judges", printed(str(row[1])))
                for name, cell in zip(grid.head[2:], row[2:], strict=True):
                    where = (judge, str(row[0]), edit, CONTROL_OF[name])
                    ratio, _, standing = str(cell).partition("\n")
                    yield from spread(("ratio", *where), "page other judges", printed(ratio))
                    yield Named(("standing", *where), "page other judges", standing)


def _retained(run: Path, grid: Grid) -> Iterator[Named]:
    """The row that says what a transfer shows stands at the dose that is reported."""
    across = ""
    for row in grid.rows:
        if len(row) == 1:
            across = str(row[0]).removeprefix("across ").split(" (n =")[0]
        elif str(row[6]):
            key = ("rce", across, str(row[0]), str(row[1]))
            yield Named((*key, "dose"), "page retained", printed(str(row[2]))[0])
            yield from spread(key, "page retained", printed(str(row[3])))


def comparison(run: Path, folder: RunFolder) -> Iterator[Named]:
    runs, _ = read_runs([run])
    said = to_json(Comparison(runs, [], None), run)["runs"][0]
    for finder, edits in said["ce"].items():
        for edit, figure in edits.items():
            yield from spread(("ce", "probe", finder, edit), "compare JSON", [figure[end] for end in ENDS])
    for finder, controls in said["ce_ratio"].items():
        for control, one in controls.items():
            where = ("probe", finder, "ablate", control)
            yield Named(("standing", *where), "compare JSON", one["standing"])
            yield from spread(("control", *where), "compare JSON", [one["control"][end] for end in ENDS])
            ends = [] if not one["stated"] else [one["value"]] if one["bound"] else [one[end] for end in ENDS]
            yield from spread(("ratio", *where), "compare JSON", ends)
    for one in said["rce"]:
        key = ("rce", "finder", one["a"], one["b"])
        yield Named((*key, "dose"), "compare JSON", one["dose"])
        yield from spread(key, "compare JSON", [one[end] for end in ENDS])
    if said["sas"]:
        yield Named(("sas", said["sas"]["a"], said["sas"]["b"]), "compare JSON", said["sas"]["value"])
    yield from spread(("accuracy",), "compare JSON", [said["accuracy"][end] for end in ENDS])
    for one in said["values"]:
        yield from spread(("value", one["output"]), "compare JSON", [one[end] for end in ENDS])
    yield from _compared(runs, said)


def _compared(runs: Any, said: Any) -> Iterator[Named]:
    """The table that page and terminal of compare show."""
    controls = {words: name for name, words in RATIOS.items()}
    edits = {"CE of ablation": "ablate", "CE of swaps": "swap", "CE of steering": "steer"}
    for group in groups(runs):
        for label, cell in group.rows:
            name, numbers = str(label), printed(str(cell))
            if group.heading in edits:
                yield from spread(("ce", "probe", name, edits[group.heading]), "compare table", numbers)
            elif group.heading == "CE ratio of ablation":
                finder, words = name.split(" / ")
                yield from spread(("ratio", "probe", finder, "ablate", controls[words]), "compare table", numbers)
            elif name.startswith("RCE, ") and numbers:
                a, b = re.fullmatch(r"RCE, (.+) used for (.+)", name).groups()  # type: ignore[union-attr]
                yield from spread(("rce", "finder", a, b), "compare table", numbers)
            elif name == "dense accuracy":
                yield from spread(("accuracy",), "compare table", numbers, 100)
            elif found := re.match(r"(?:R² of|error of) ([^,]+)", name):
                yield from spread(("value", found[1]), "compare table", numbers)


def terminal(run: Path, folder: RunFolder) -> Iterator[Named]:
    """The table of effects, as ``run`` on videos and ``intervene`` print it."""
    table = effect_table(run, folder.best_layer)
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    where: Key = ()
    for what, against, size, ratio, _, reading, _ in zip(*columns, strict=True):
        if what:
            found = re.fullmatch(r"(\w+) (.+) \(rank \d+\) at [\d.]+, (\w+)", what)
            assert found is not None
            where = (found[3], found[2], found[1])
            yield from spread(("ce", *where), "terminal", printed(size))
            continue
        control = CONTROL_OF[against]
        yield Named(("standing", *where, control), "terminal", reading)
        yield from spread(("control", *where, control), "terminal", printed(size))
        yield from spread(("ratio", *where, control), "terminal", printed(ratio))
