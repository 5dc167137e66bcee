"""What is true of every report: it is whole, safe, reproducible, and says what the run folder says."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from blank_figure import words_only
from jepascope.errors import RunFolderError
from jepascope.findings.numbers import shown, with_interval
from jepascope.report import build_report
from jepascope.report.blocks import Chapter
from jepascope.report.build import render
from jepascope.report.folder import read_run
from jepascope.report.sections.headline import headline
from jepascope.schema import TABLES

Make = Callable[..., Path]


class Page(HTMLParser):
    """Collects tags with their attributes and the text a reader sees outside the drawings."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.unread = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.unread += tag in {"style", "svg", "script"}

    def handle_endtag(self, tag: str) -> None:
        self.unread -= tag in {"style", "svg", "script"}
        self.text += " " if tag in {"td", "th"} else ""

    def handle_data(self, data: str) -> None:
        if not self.unread:
            self.text += data


def built(run: Path) -> Page:
    return Page(build_report(run).read_text(encoding="utf-8"))


def change(run: Path, table: str, edit: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = run / f"{table}.parquet"
    edit(pd.read_parquet(path)).to_parquet(path, index=False)


def drop_keys(run: Path, *keys: str) -> None:
    path = run / "summary.json"
    summary = json.loads(path.read_text())
    path.write_text(json.dumps({key: value for key, value in summary.items() if key not in keys}))


def keep(run: Path, *tables: str) -> None:
    """Leave only some tables, as if the other stages had not been run."""
    for name, table in TABLES.items():
        if name not in tables:
            (run / f"{name}.parquet").unlink(missing_ok=True)
            drop_keys(run, table.evidence)


@pytest.fixture(scope="module")
def page(shared: Callable[..., Path], make_run: Callable[..., Path]) -> tuple[Path, Page]:
    """One report that several tests read and none changes."""
    run = shared("report", lambda folder: build_report(make_run(folder)))
    return run, Page((run / "report.html").read_text(encoding="utf-8"))


def test_every_effect_in_the_summary_is_printed_with_its_interval(page: tuple[Path, Page]) -> None:
    run, html = page
    summary = json.loads((run / "summary.json").read_text())
    for edits in [*summary["ce"].values(), *summary["controls"].values()]:
        for effect in edits.values():
            assert with_interval(effect["value"], effect["low"], effect["high"]) in html.text
    exact = {attributes.get("value") for tag, attributes in html.tags if tag == "data"}
    for edits in summary["ce"].values():
        for effect in edits.values():
            assert f"{effect['value']!r} [{effect['low']!r}, {effect['high']!r}]" in exact  # not rounded away


def test_the_swap_leads_beside_the_control_that_comes_closest_and_the_published_ratio_ends(new_page: Page) -> None:
    places = [new_page.text.index(words) for words in ("CE of swap, ", "Beyond ", "CE of ablation, ", "CE ratio, random directions")]
    assert places == sorted(places) and places[-1] < new_page.text.index(": swap has an effect")
    assert new_page.text.index(": swap has an effect") < new_page.text.index(": ablation has an effect")


def test_every_figure_has_a_description_a_caption_and_a_file(page: tuple[Path, Page]) -> None:
    run, html = page
    drawings = [attributes for tag, attributes in html.tags if tag == "svg"]
    assert len(drawings) >= 10
    assert all(attributes["role"] == "img" and len(attributes["aria-label"] or "") > 40 for attributes in drawings)
    assert all(attributes["alt"] for tag, attributes in html.tags if tag == "img")
    tags = [tag for tag, _ in html.tags]
    below = tags[tags.index("main") :]  # the first screen's figure is told below it
    assert below.count("figcaption") == below.count("figure") == below.count("svg") + below.count("img") + below.count("table")
    for path in (run / "figures").glob("*.svg"):
        root = ElementTree.parse(path).getroot()
        names = [child.tag.rsplit("}", 1)[1] for child in root]
        assert names[:2] == ["title", "desc"] and root[1].text


def test_no_two_elements_share_an_id_and_every_reference_has_a_target(page: tuple[Path, Page]) -> None:
    _, html = page
    ids = [attributes["id"] for _, attributes in html.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    text = (page[0] / "report.html").read_text()
    targets = {a or b for a, b in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text)}
    assert len(targets) > 20 and targets <= set(ids)


def test_nothing_is_loaded_from_anywhere(page: tuple[Path, Page]) -> None:
    run, html = page
    for tag, attributes in html.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base"}
        for name in ("src", "href", "xlink:href", "action", "srcset"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/", "data:text/csv;"))
        assert not any(name.startswith("on") for name in attributes)
    style = (run / "report.html").read_text()
    assert "@import" not in style and not re.search(r"url\((?!#)", style)
    policy = [attributes["content"] for tag, attributes in html.tags if attributes.get("http-equiv") == "Content-Security-Policy"]
    assert policy and "default-src 'none'" in (policy[0] or "")
    (script,) = re.findall(r"<script>(.*?)</script>", style, flags=re.S)
    ours = (files("jepascope.report") / "templates" / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert script == ours and f"script-src 'sha256-{digest}';" in (policy[0] or "")  # no other script may run


@pytest.mark.slow
@pytest.mark.drawn
def test_what_the_run_folder_says_is_shown_and_never_run(make: Make) -> None:
    evil = '<script>alert("1")</script>$x_1$'
    run = make()
    keep(run, "ce", "effects", "matching", "portability", "leaks")
    summary = (run / "summary.json").read_text()
    (run / "summary.json").write_text(summary.replace(json.dumps("directions8"), json.dumps(evil)))
    for table in ("ce", "effects", "matching"):
        change(run, table, lambda t: t.assign(finder=t["finder"].replace("diff_means", evil)))
    change(run, "portability", lambda t: t.assign(a=t["a"].replace("diff_means", evil)))
    change(run, "leaks", lambda t: t.assign(baseline=evil))
    html = built(run)
    assert evil in html.text and (run / "report.html").read_text().count("<script") == 1  # our own
    for path in (run / "figures").glob("*.svg"):
        ElementTree.parse(path)  # still well-formed


@pytest.mark.slow
@pytest.mark.drawn
def test_the_same_tables_give_the_same_bytes(page: tuple[Path, Page], make: Make) -> None:
    run, again = page[0], make()
    build_report(again)
    for path in [run / "report.html", *sorted((run / "figures").iterdir())]:
        assert (again / path.relative_to(run)).read_bytes() == path.read_bytes(), path.name
    assert not list(run.rglob("*.part"))


@pytest.mark.parametrize("table", ["probes", "leaks", "effects", "matching", "ce", "portability", "angles"])
def test_a_damaged_a_missing_and_an_older_table_are_refused_by_name(make: Make, table: str) -> None:
    run = make()
    path = run / f"{table}.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RunFolderError, match=rf"{table}\.parquet' is damaged .*again"):
        build_report(run)
    path.write_bytes(whole)
    column = pd.read_parquet(path).columns[0]
    change(run, table, lambda t: t.drop(columns=column))
    with pytest.raises(RunFolderError, match=rf"{table}\.parquet has no column '{column}'"):
        build_report(run)
    path.unlink()
    with pytest.raises(RunFolderError, match=rf"{table}\.parquet is missing .*again"):
        build_report(run)
    assert not (run / "report.html").exists()


@pytest.mark.parametrize("name", ["summary.json", "provenance.json", "spec.yaml"])
def test_a_folder_that_is_not_a_finished_run_is_refused_by_name(make: Make, tmp_path: Path, name: str) -> None:
    run = make()
    (run / name).unlink()
    with pytest.raises(RunFolderError, match=rf"{name} is missing"):
        build_report(run)
    if name.endswith("json"):
        (run / name).write_text("{")
        with pytest.raises(RunFolderError, match=rf"{name}' is damaged .*again with: jepascope run"):
            build_report(run)
    with pytest.raises(RunFolderError, match="no run folder at"):
        build_report(tmp_path / "nowhere")


def test_a_truncated_picture_is_refused(make: Make) -> None:
    run = make()
    keep(run)
    path = run / "figures" / "stimuli.png"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(RunFolderError, match=r"stimuli\.png' is damaged"):
        build_report(run)


def test_a_stage_that_was_not_run_is_said_in_one_line(make: Make) -> None:
    run = make()
    for table in ("effects", "matching", "ce", "portability", "angles", "leaks"):
        (run / f"{table}.parquet").unlink()
    (run / "figures" / "stimuli.png").unlink()
    drop_keys(run, "ce", "controls", "ce_ratio", "sas", "rce", "leaks", "headline")
    html = built(run)
    assert html.text.count("Not run: no interventions (stage intervene).") == 3
    assert "Not run: no transfers (stage port)." in html.text and "Not run: no leak check" in html.text
    assert "Emergence over depth" in html.text and "Untrained twin" in html.text
    assert "not measured" in html.text


@pytest.mark.slow
def test_missing_numbers_are_said_to_be_missing(make: Make) -> None:
    run = make()
    unknown = {"ce": ("low", "high", "ratio", "ratio_low", "ratio_high", "p"), "portability": ("floor_variance", "ceiling")}
    for table, columns in unknown.items():
        change(run, table, lambda t, columns=columns: t.assign(**{name: np.nan for name in columns}))
    change(run, "probes", lambda t: t.assign(accuracy=t["accuracy"].where(t["layer"] != 0), support=np.nan))
    change(run, "matching", lambda t: t.assign(variance_target=np.nan))
    html = built(run)
    assert "n/a" in html.text and "[n/a, n/a]" in html.text
    assert "nan" not in html.text.lower().split()


def test_a_ratio_with_no_denominator_is_a_lower_bound(make: Make) -> None:
    run = make()
    keep(run, "ce")

    def bounded(table: pd.DataFrame) -> pd.DataFrame:
        table = table[table["edit"] == "ablate"]
        random = table["control"] == "random"
        return table.assign(ratio_is_bound=random, ratio=np.where(random, 31.4, 987.0), ratio_low=30.0, ratio_high=1234.0)

    change(run, "ce", bounded)
    html = built(run)
    table = pd.read_parquet(run / "ce.parquet")
    best = json.loads((run / "summary.json").read_text())["best_layer"]
    at_best = table[(table["control"] == "random") & (table["layer"] == best)]
    # in the table of effects, beside the published figures, and the first finder's on a card
    assert html.text.count("≥ 31.4") == 2 * len(at_best) + 1 > 1
    # of the three other controls in the table, and of the variance-matched one beside the published
    assert html.text.count(with_interval(987.0, 30.0, 1234.0)) == 4 * len(at_best)


def test_a_folder_that_cannot_be_written_is_one_clear_line(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make()
    keep(run)

    def full(*_: Any, **__: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(RunFolderError, match=r"The disk is full: .* could not be written"):
        build_report(run)


def test_no_headline_of_our_own_is_cut(make: Make) -> None:
    run = make()
    sentences = " ".join(f"Sentence {number} says something with a number in it." for number in range(60))
    summary = json.loads((run / "summary.json").read_text())
    (run / "summary.json").write_text(json.dumps({**summary, "headline": sentences}))
    folder = read_run(run)
    assert len(sentences) > 2500 and sentences in Page(render(folder, [Chapter("cause", "", (headline(folder),))])).text


def test_a_leak_is_printed_in_the_headline_and_in_its_table(page: tuple[Path, Page]) -> None:
    _, html = page
    assert "3 of 6 motionless baselines read the direction above chance" in html.text
    assert html.text.count("leaks") >= 3 and "displacement is last position minus first" in html.text


def test_shown_numbers_are_short(page: tuple[Path, Page]) -> None:
    assert not re.search(r"\d\.\d{6,}", page[1].text)
    assert shown(0.0123456) == "0.0123"


def newer(run: Path) -> None:
    """Give the folder the columns and keys that this version adds."""

    def effects(ce: pd.DataFrame) -> pd.DataFrame:
        few, own = ce["draws"] < 10, ce["control"] == "subspace"
        ce = ce.assign(excess_low=ce["difference_low"] - 0.01, excess_high=ce["difference_high"] + 0.01, p_floor=(6 / 21))
        ce.loc[few | own, ["difference", "difference_low", "difference_high", "excess_low", "excess_high", "p", "p_holm", "p_floor"]] = (
            np.nan
        )
        return ce.assign(direct=0.9 * ce["value"], direct_low=0.9 * ce["low"], direct_high=0.9 * ce["high"])

    change(run, "ce", effects)
    change(
        run,
        "matching",
        lambda t: t.assign(
            pooled_variance_target=2.0,
            pooled_variance=np.where(t["control"] == "variance", 0.4, 0.1),
            overlap=np.where(t["control"] == "shuffled", 0.55, 0.0),
        ),
    )
    change(run, "leaks", lambda t: t.assign(explained=np.where(t["baseline"] == "model_first_frame", 0.3, 0.5)))
    change(run, "portability", lambda t: t.assign(edit=np.where(t["metric"] == "rce", "ablate", "")))
    frames = {"encoder": "frame_differences", "seed": -1, "layer": 0, "tokens": "all", "probe": "dense", "accuracy": 0.777, "chosen": True}
    change(run, "probes", lambda t: pd.concat([t, pd.DataFrame([t.iloc[-1].to_dict() | frames])], ignore_index=True))
    summary = json.loads((run / "summary.json").read_text())
    for edits in summary["ce"].values():
        edits["ablate"]["direct"] = {key: 0.9 * edits["ablate"][key] for key in ("value", "low", "high")}
    (run / "summary.json").write_text(json.dumps(summary))


@pytest.fixture(scope="module")
def new_page(shared: Callable[..., Path], make_run: Callable[..., Path]) -> Page:
    def report(folder: Path) -> None:
        newer(make_run(folder))
        with words_only():
            build_report(folder)

    return Page((shared("newer-report", report) / "report.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "said",
    [
        "reaches the read-out by the residual stream alone",
        "Direct part of it",
        "With these draws no p (Holm) can fall below 0.29, so none can reach 0.05.",
        "reaches less than half of the pooled variance",
        "Overlap: SAS of the control",
        "frame differences 77.7",
        "1 of them above what position or axis explains",
        "Dose 1 of ablation removes the subspace's content in full.",
        "Subspaces found from all clips can exceed it",
        "they hold for this subspace, this judge and this encoder",
        "a read-out refitted after the edit",
    ],
)
def test_what_this_version_adds_is_said(new_page: Page, page: tuple[Path, Page], said: str) -> None:
    assert said in new_page.text
    always = ("Subspaces found", "they hold for", "a read-out refitted")
    assert (said in page[1].text) == said.startswith(always)  # and an older folder is still read


@pytest.mark.slow
def test_few_draws_are_not_read(make: Make) -> None:
    run = make()
    newer(run)
    change(run, "ce", lambda t: t.assign(draws=t["draws"].where(t["control"] == "subspace", 3)))
    text = built(run).text.replace("'outside its draws'", "")  # the caption explains the word
    assert text.count("too few draws") == 3 * 3 * 4 + 1  # edits x finders x controls, and a card
    assert "outside its draws" not in text


def test_nothing_is_called_no_more_than_a_control(page: tuple[Path, Page], new_page: Page) -> None:
    for text in (page[1].text, new_page.text):
        assert "no more than" not in text and "natural change" not in text
