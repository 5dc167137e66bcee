"""A run that is opened: it answers with the study's own numbers, and refuses in one line what it does not have."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from jepascope.cli.main import app
from jepascope.errors import BadArgument, JepascopeError
from jepascope.explore.asked import Asked
from jepascope.explore.explorer import Explorer, exploring
from jepascope.explore.export import export
from jepascope.explore.measured import over_clips
from jepascope.explore.page import render
from jepascope.explore.reading import answer
from jepascope.explore.replay import replayed
from jepascope.explore.serve import PageServer
from jepascope.report.build import build_report
from jepascope.study.machine import Machine


@pytest.fixture(scope="module")
def run(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path_factory.mktemp("explored") / "run"))


@pytest.fixture(scope="module")
def explorer(run: Path) -> Iterator[Explorer]:
    with exploring(run, Machine(workers=1)) as opened:
        yield opened


@pytest.mark.parametrize("edit", ["ablate", "swap", "steer"])
def test_one_clip_is_answered_with_what_the_study_measured_of_it(explorer: Explorer, edit: str) -> None:
    table = explorer.effects
    rows = table[(table["layer"] == explorer.best) & (table["edit"] == edit)]
    assert len(rows) == explorer.count
    for clip, row in enumerate(rows.to_dict("records")):
        read = answer(explorer, {"clip": clip, "edit": edit})
        # pixels of 16 bits: nothing else differs
        assert read["moved"] == pytest.approx(row["numerator"], abs=2e-3) and read["whole"] == pytest.approx(row["denominator"], abs=2e-3)
        assert read["mahalanobis"] == pytest.approx(row["mahalanobis"], rel=2e-3)
        assert read["nearest"] == pytest.approx(row["nearest"], abs=2e-3)


@pytest.mark.parametrize("control", ["random", "variance", "carried", "norm", "shuffled", "top_pca"])
def test_a_control_is_a_draw_of_the_studys_own(explorer: Explorer, control: str) -> None:
    table = explorer.tables.tables["effects"]
    assert table is not None
    here = (table["layer"] == explorer.best) & (table["edit"] == "swap") & (table["judge"] == "probe")
    (draw, *_) = table[here & (table["control"] == control)]["draw"].unique()
    rows = table[here & (table["control"] == control) & (table["draw"] == draw)]
    for clip, moved in enumerate(rows["numerator"].to_list()[:3]):
        assert answer(explorer, {"clip": clip, "control": control, "draw": int(draw)})["moved"] == pytest.approx(moved, abs=2e-3)


def test_nothing_is_moved_at_dose_nothing_and_each_token_has_its_share(explorer: Explorer) -> None:
    still = answer(explorer, {"dose": 0.0})
    assert abs(still["moved"]) < 1e-5 and max(map(max, still["displaced"])) < 1e-5
    for edit in explorer.edits:
        read = answer(explorer, {"edit": edit, "dose": 0.8})
        sign = -1 if edit == "ablate" else 1
        assert sum(read["changed"][-1]) == pytest.approx(sign * read["moved"], abs=1e-4)
        assert read["margin"] - read["margin_before"] == pytest.approx(sign * read["moved"], abs=1e-9)


def test_the_predictor_says_which_rendered_future_its_forecast_is_nearest_to(explorer: Explorer) -> None:
    read = answer(explorer, {"dose": 0.5})
    classes = explorer.scene(0).classes
    assert read["forecast"]["nearest"] == classes[read["forecast"]["apart"].index(min(read["forecast"]["apart"]))]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"clip": 10_000}, "clip is 10000, and must be a whole number from 0 to"),
        ({"clip": True}, "clip is True"),
        ({"clip": "../spec.yaml"}, "must be a whole number"),
        ({"edit": "erase"}, "There is no edit 'erase'; known are ablate, swap"),
        ({"layer": 9}, "layer is 9"),
        ({"finder": "lda"}, "There is no finder 'lda'"),
        ({"to": "sideways"}, "to is 'sideways'"),
        ({"dose": float("nan")}, "dose is nan"),
        ({"dose": 1e9}, "must be a number from"),
        ({"angle": "N"}, "angle is 'N'"),
        ({"control": "random", "draw": 99}, "has no draw 99 of a control 'random'"),
        ({"control": "__class__"}, "has no draw 0 of a control '__class__'"),
        ({"colour": "red"}, "There is nothing called 'colour' to ask for"),
    ],
)
def test_what_a_run_does_not_have_is_refused(explorer: Explorer, asked: dict[str, Any], why: str) -> None:
    with pytest.raises(BadArgument, match=re.escape(why)):
        Asked.of(explorer, asked)


def test_a_clip_cannot_go_to_the_class_that_it_shows(explorer: Explorer) -> None:
    with pytest.raises(BadArgument, match="can go to"):
        Asked.of(explorer, {"to": explorer.scene(0).own})


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda run: shutil.rmtree(run / "subspaces"), "has no subspaces/diff_means-layer"),
        (lambda run: (run / "effects.parquet").unlink(), "effects"),
        (lambda run: (run / "effects.parquet").write_bytes(b"PAR1"), "effects.parquet"),
        (lambda run: (run / "summary.json").unlink(), "summary.json is missing"),
        (lambda run: (run / "spec.yaml").unlink(), "it has no spec.yaml"),
        (lambda run: (run / "summary.json").write_text("{}"), "summary.json"),
    ],
)
def test_a_folder_that_lacks_something_is_refused_in_one_line(finished_run: Path, tmp_path: Path, harm: Any, why: str) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    harm(run)
    with pytest.raises(JepascopeError) as refused, exploring(run, Machine(workers=1)) as opened:
        export(opened, 2)
    assert why in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.slow
def test_the_command_writes_one_file(finished_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    made = CliRunner().invoke(app, ["explore", str(run), "--out", str(tmp_path / "live.html"), "--clips", "2", "--workers", "1"])
    assert made.exit_code == 0, made.output
    assert "Live page:" in made.output and (tmp_path / "live.html").read_text().startswith("<!doctype html>")


def test_a_page_holds_the_clips_asked_for_from_the_least_moved_to_the_most(explorer: Explorer) -> None:
    exported = export(explorer, 3)
    moved = explorer.effects.query("edit == 'swap' and layer == @explorer.best")["numerator"].to_list()
    held, best = [scene["clip"] for scene in exported.meta["scenes"]], explorer.best
    assert exported.meta["measured"]["effects"][f"{best} diff_means swap"]["moved"] == moved
    assert exported.meta["measured"]["nearest"][f"{best} diff_means"][0] > 0
    assert len(held) == 3 and held[0] == moved.index(min(moved)) and held[-1] == moved.index(max(moved))


HOSTILE = "</script><script>alert(1)</script>&<!--\u202e\U0001f600\u2028" + "x" * 300


def test_hostile_names_stay_text(explorer: Explorer) -> None:
    exported = export(explorer, 1)
    plain, hostile = (render(exported), render(type(exported)({**exported.meta, "model": HOSTILE, "run": HOSTILE}, exported.packs)))
    assert hostile.count("<script") == plain.count("<script") and hostile.count("</script") == plain.count("</script")
    assert "<!--" not in hostile.split("<script", 1)[1] and "alert(1)</" not in hostile


def test_nothing_runs_but_the_two_scripts_that_the_policy_names(explorer: Explorer) -> None:
    import base64
    import hashlib

    page = render(export(explorer, 1))
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    rules = dict(rule.split(" ", 1) for rule in policy.replace("&#39;", "'").split("; "))
    scripts = re.findall(r'<script(?: id="engine")?>(.*?)</script>', page, re.DOTALL)
    named = [f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts]
    assert rules["default-src"] == "'none'" and rules["script-src"].split() == named and "connect-src" not in rules
    assert "eval(" not in page and "innerHTML" not in page and "new Function" not in page


def test_a_run_whose_encoder_is_no_longer_here_replays_what_it_stored(finished_run: Path) -> None:
    exported = replayed(finished_run, 2)
    assert exported.meta["mode"] == "replay" and set(exported.packs) == {f"clip {scene['clip']}" for scene in exported.meta["scenes"]}
    assert len(exported.meta["scenes"]) == 2 and render(exported).startswith("<!doctype html>")


def test_effects_over_all_clips_are_stored_by_dose_and_unknown_ones_left_out() -> None:
    row = {"layer": 1, "finder": "lda", "edit": "swap", "judge": "probe", "read_layer": 3, "read": "", "n": 8, "low": 0.1, "high": 0.3}
    rows = [
        {**row, "dose": 1.0, "control": "subspace", "value": 0.2},
        {**row, "dose": 1.0, "control": "random", "value": float("nan")},
        {**row, "dose": 1.0, "control": "carried", "value": 0.1, "low": float("nan")},
        {**row, "dose": 1.0, "control": "subspace", "value": 0.9, "read_layer": 2},
        {**row, "dose": 1.0, "control": "subspace", "value": 0.9, "judge": "mlp"},
        {**row, "dose": 1.0, "control": "subspace", "value": 0.9, "read": "speed"},
    ]
    curves = pd.DataFrame([{**row, "dose": 0.25, "control": "subspace", "value": 0.05}]).drop(columns=["read_layer", "read"])
    assert over_clips(pd.DataFrame(rows), curves, 3) == {
        "1 lda swap": {
            "1": {"subspace": [0.2, 0.1, 0.3, 8], "carried": [0.1, None, 0.3, 8]},
            "0.25": {"subspace": [0.05, 0.1, 0.3, 8]},
        }
    }


@pytest.mark.parametrize("why", ["parameters", "not on this machine"])
def test_an_encoder_that_no_page_can_hold_is_replayed_and_it_is_said_why(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    if why == "parameters":
        monkeypatch.setattr("jepascope.explore.build.MOST", 10)
    else:
        monkeypatch.setattr("jepascope.explore.build.find", lambda name: (_ for _ in ()).throw(BadArgument("no such model")))
    made = CliRunner().invoke(app, ["explore", str(finished_run), "--out", str(tmp_path / "live.html"), "--workers", "1"])
    assert made.exit_code == 0 and "it replays what the run stored" in made.output and why in made.output
    assert '"mode":"replay"' in (tmp_path / "live.html").read_text()


@pytest.mark.slow
def test_the_server_says_its_address_and_ends_with_ctrl_c(finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(server: PageServer) -> None:
        assert server.page.startswith("<!doctype html>") and set(server.answers) == {"answer", "clip"}
        raise KeyboardInterrupt

    monkeypatch.setattr(PageServer, "serve_forever", stopped)
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    made = CliRunner().invoke(app, ["explore", str(run), "--serve", "--clips", "2", "--workers", "1"])
    assert made.exit_code == 0 and re.search(r"Live page: http://127\.0\.0\.1:\d+/\S{32}/", made.output), made.output


@pytest.mark.slow
def test_the_report_names_the_live_page_where_it_lies_beside_it(finished_run: Path, tmp_path: Path) -> None:
    run, link = Path(shutil.copytree(finished_run, tmp_path / "run")), 'href="explore.html"'
    assert link not in build_report(run).read_text()
    (run / "explore.html").write_text("<!doctype html>")
    assert link in build_report(run).read_text()
