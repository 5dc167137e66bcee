"""The planted scorecard: what is recovered, what is rejected, and that verdicts follow their criteria."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from jepascope.cli.main import app
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument, RunFolderError
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.control_entry import AS_GIVEN
from jepascope.intervention.controls import matched_controls
from jepascope.intervention.effects import intervene
from jepascope.planted.as_json import Json, Tables, network_json
from jepascope.planted.bench import accuracy_inside, planted_benches
from jepascope.planted.degeneracy import planted_degeneracy
from jepascope.planted.reads import planted_reads
from jepascope.planted.rejection import area_under_curve, rejection_scores
from jepascope.planted.score import joined
from jepascope.planted.scorecard import Scorecard, scorecard
from jepascope.planted.verdict import CRITERIA, Measured, is_dormant, parts, verdict
from jepascope.report.planted import build_planted, headline


@pytest.fixture(scope="module")
def card(shared: Callable[..., Path]) -> Scorecard:
    def score(file: Path) -> None:
        file.write_bytes(pickle.dumps(scorecard(("clean", "dormant"), ("diff_means", "lda", "lda_pattern"), draws=4, peels=0)))

    return pickle.loads(shared("scorecard.pickle", score).read_bytes())


def test_on_clean_a_finder_recovers_the_plane_and_effects_are_those_of_the_equations(card: Scorecard) -> None:
    rows = card.tables["subspaces"].set_index(["network", "finder"])
    assert rows.loc[("clean", "lda_pattern"), "sas_causal"] >= 0.95
    assert rows.loc[("clean", "lda_pattern"), "verdict"] == "recovered"
    # noise that is correlated with the code: the best reader is not what the network reads
    assert rows.loc[("clean", "lda"), "verdict"] == "partly causal"
    assert rows.loc[("clean", "lda"), "accuracy"] > rows.loc[("clean", "truth"), "accuracy"]
    assert rows.loc[("dormant", "illusion"), "verdict"] == "effect through a dormant path"
    assert rows.loc[("clean", "inert"), "verdict"] == "finds nothing"
    own = card.tables["effects"][card.tables["effects"]["control"] == "subspace"]
    assert own["inside"].astype(bool).mean() >= 0.9
    assert (own["value"] - own["expected"]).abs().max() < 0.1


def test_every_finder_edit_and_control_is_there(card: Scorecard) -> None:
    effects = card.tables["effects"]
    found = effects[effects["finder"] == "lda"]
    assert set(zip(found["network"], found["edit"], found["control"], strict=True)) == {
        (network, edit, control)
        for network in ("clean", "dormant")
        for edit in ("ablate", "swap", "steer")
        for control in ("subspace", *AS_GIVEN)
    }


def test_decoys_are_rejected_by_effects_and_not_by_what_a_probe_reads() -> None:
    scores = rejection_scores(range(2))
    for edit in ("ablate", "swap"):
        assert area_under_curve(scores, edit).value >= 0.95
    assert area_under_curve(scores, "accuracy").high < 0.5


def test_area_under_the_curve_counts_pairs() -> None:
    table = pd.DataFrame({"seed": [0, 0, 1, 1], "kind": ["causal", "inert"] * 2, "score": [2.0, 1.0, 1.0, 1.0]})
    # 2 > 1, 2 > 1, 1 = 1, 1 = 1
    assert area_under_curve(table, "score").value == 0.75


NOTHING = Measured(2, 2, 0.0, 0.0, -0.1, -0.1, float("nan"), float("nan"), 0.05, 0.125, True)


def test_verdicts_follow_the_criteria() -> None:
    assert verdict(NOTHING) == "finds nothing"
    assert verdict(replace(NOTHING, accuracy_low=0.5)) == "decodable, no effect"
    assert verdict(replace(NOTHING, accuracy_low=0.5, sas_inert=0.9)) == "finds the decoy"
    assert verdict(replace(NOTHING, accuracy_low=0.5, sas_inert=0.9, has_decoy=False)) == "decodable, no effect"
    assert verdict(replace(NOTHING, swap_low=0.3)) == "partly causal"
    assert verdict(replace(NOTHING, sas_causal=0.95)) == "recovered"
    assert verdict(replace(NOTHING, sas_causal=0.95, rank=1)) == "recovers a part"
    assert verdict(replace(NOTHING, sas_causal=0.95, rank=4)) == "contains the causal subspace"
    assert verdict(replace(NOTHING, swap_low=0.9, natural_part=0.1, rest=0.0)) == "effect through a dormant path"
    assert not is_dormant(0.9, 0.8, 0.0)
    assert {verdict(NOTHING), "recovered", "refuses"} <= set(CRITERIA)


def test_a_subspace_is_parted_into_what_varies_and_what_never_does() -> None:
    covariance = torch.diag(torch.tensor([1.0, 1.0, 0.0, 0.0], dtype=torch.float64))
    mixed = torch.tensor([[1.0], [0.0], [1.0], [0.0]]) / 2**0.5
    natural, rest = parts(mixed, covariance)
    torch.testing.assert_close(natural.abs(), torch.eye(4)[:, :1])
    torch.testing.assert_close(rest.abs(), torch.eye(4)[:, 2:3])
    assert parts(torch.eye(4)[:, :2], covariance)[1].shape[1] == 0


@pytest.mark.slow
def test_where_nothing_varies_a_probe_reads_nothing() -> None:
    benches = planted_benches([("dormant", 0), ("dormant", 1)], fit=6, judge=6, test=2)
    read = accuracy_inside({seed: (bench, bench.encoder.references["dormant plane"]) for seed, bench in enumerate(benches)})
    assert [one.value for one in read.values()] == [0.125, 0.125]


@pytest.mark.parametrize(
    ("network", "fading"),
    [("self_repair", [1, 0.5, 0.25, 0.25]), pytest.param("clean", [1, 1, 1, 1], marks=pytest.mark.slow)],
)
def test_an_ablation_fades_along_the_layers_where_a_later_block_repairs_it_and_nowhere_else(network: str, fading: list[float]) -> None:
    (bench,) = planted_benches([(network, 0)], fit=12, judge=6, test=4)
    reads = planted_reads(bench, draws=3, resamples=100)
    own = reads[reads["control"] == "subspace"].set_index("read_layer").sort_index()
    assert own.index.tolist() == [2, 3, 4, 5]
    assert own["expected"].tolist() == pytest.approx(fading, abs=0.03)  # the mean that ablation goes to is that of few clips
    assert own["inside"].astype(bool).all()
    np.testing.assert_allclose(own["value"], own["expected"], atol=0.1)
    random = reads[reads["control"] == "random"]
    assert random["value"].abs().max() < 0.2 and random["inside"].isna().all() and random["expected"].isna().all()


@pytest.mark.slow
def test_a_decoy_is_not_told_from_its_controls_and_the_truth_is() -> None:
    """The decoy is decodable, and nothing downstream reads it: no edit of it may come out above what random directions do."""
    (bench,) = planted_benches([("decoy", 0)], fit=12, judge=6, test=4)
    known = {name: Subspace(basis, bench.mean) for name, basis in {"truth": bench.encoder.causal, "decoy": bench.encoder.inert}.items()}
    controls = {name: matched_controls(one, bench.covariance, 20, 0, names=("random", "norm")) for name, one in known.items()}
    effects, _ = intervene(bench.encoder, bench.site, bench.scenes, known, controls, [bench.judge], ("ablate", "swap"), batch=512)
    table = ce_table(effects, resamples=200).set_index(["finder", "control", "edit"])
    for edit in ("ablate", "swap"):
        assert abs(table.loc[("decoy", "subspace", edit), "value"]) < 0.02 < 0.9 < table.loc[("truth", "subspace", edit), "value"]
        for control in ("random", "norm"):
            decoy, truth = (table.loc[(name, control, edit)] for name in ("decoy", "truth"))
            assert not decoy["excess_low"] > 0 and decoy["p"] > 0.05
            assert truth["excess_low"] > 0 and truth["p"] == pytest.approx(1 / 21)
    inside = accuracy_inside({"decoy": (bench, bench.encoder.inert)})["decoy"]
    assert inside.low > 0.5


def test_read_layers_are_in_the_json_as_in_the_table(card: Scorecard) -> None:
    said, table = card.to_json()["networks"]["clean"]["reads"], card.tables["reads"]
    assert list(said) == ["2", "3", "4", "5"]
    rows = table[(table["network"] == "clean") & (table["control"] == "subspace")].set_index("read_layer")
    assert [said[str(layer)]["subspace"]["value"] for layer in rows.index] == rows["value"].tolist()
    assert all(one["subspace"]["inside"] for one in said.values())


def degeneracy_of(tables: Tables, network: str) -> Json | None:
    """What the JSON holds of it, with no other table there."""
    none = pd.DataFrame(columns=["network", "finder", "edit", "control", "read_layer"])
    return network_json({"effects": none, "subspaces": none, "reads": none, **tables}, network)["degeneracy"]


@pytest.fixture(scope="module")
def copies() -> Tables:
    """One read plane, one beside an idle plane with the same code, and two copies."""
    benches = planted_benches([(name, 0) for name in ("clean", "correlated", "degenerate")], fit=24, judge=6, test=4)
    return joined([planted_degeneracy(bench, resamples=200, rounds=1) for bench in benches])


@pytest.mark.slow
def test_copies_are_told_from_a_correlated_plane_that_nothing_reads(copies: Tables) -> None:
    own = copies["peeling"][copies["peeling"]["control"] == "subspace"]
    first = own.drop_duplicates("network").set_index("network")
    assert first["copies"].to_dict() == {"clean": 1, "correlated": 1, "degenerate": 2}
    assert first["verdict"].to_dict() == {"clean": "not degenerate", "correlated": "not degenerate", "degenerate": "degenerate"}
    pairs = copies["verdicts"].drop_duplicates("network").set_index("network")  # carriers, or else the causal and the inert subspace
    verdicts = {"clean": "not degenerate", "correlated": "redundant by correlation", "degenerate": "degenerate"}
    assert pairs["verdict"].to_dict() == verdicts
    # the idle plane reads what the causal one reads, and does nothing; what noise reads is neither
    assert pairs.loc["correlated", "readings_low"] > 0.5 and abs(pairs.loc["correlated", "b_alone"]) < 0.01
    assert pairs.loc["clean", "readings"] < 0.2
    assert pairs.loc["degenerate", "surplus_low"] > 0.25
    assert set(own.loc[own["network"] == "degenerate", "nearest"].head(2)) == {"copy A", "copy B"}
    assert own.loc[own["above"].astype(bool) & (own["network"] != "correlated"), "nearest_sas"].min() > 0.8
    nulls = copies["peeling"][copies["peeling"]["control"] != "subspace"]
    assert (nulls["draws"] >= 20).all() and nulls["value"].abs().max() < 0.2


@pytest.mark.slow
def test_degeneracy_is_in_the_json_as_in_the_tables(copies: Tables) -> None:
    said = degeneracy_of(copies, "degenerate")
    assert said is not None and said.keys() == {"peeling", "pairs"}
    curve = said["peeling"]
    assert (curve["copies"], curve["carriers"], curve["verdict"]) == (2, 2, "degenerate") and curve["reason"]
    assert [stage["stage"] for stage in curve["stages"]] == [1, 2, 3] and not curve["stages"][2]["above"]
    own = copies["peeling"][(copies["peeling"]["control"] == "subspace") & (copies["peeling"]["network"] == "degenerate")]
    assert [stage["value"] for stage in curve["stages"]] == own["value"].tolist()
    assert curve["stages"][2]["alone"] is None and curve["stages"][0]["controls"].keys() == {"random", "variance"}
    first = said["pairs"][0]
    assert {first["a"], first["b"]} == {"das stage 1", "das stage 2"}
    for side, part in (("a", "a without b"), ("b", "b without a")):
        assert first[f"{side}_alone"] == first["parts"][part]["value"]
        assert first[f"{side}_floor"] == first["parts"][part]["controls"]["variance"]["value"]
    # what one does alone is what its stage does with all others ablated
    assert first["a_alone"] == pytest.approx(curve["stages"][0]["alone"], abs=1e-5)
    json.dumps(said, allow_nan=False)
    assert degeneracy_of(copies, "decoy") is None


@pytest.mark.slow
def test_degeneracy_is_written_and_shown(copies: Tables, card: Scorecard, tmp_path: Path) -> None:
    replace(card, tables={**card.tables, **copies}).write(tmp_path)
    for name, table in (("degeneracy", copies["degeneracy"]), ("verdicts", copies["verdicts"]), ("peeling", copies["peeling"])):
        assert len(pd.read_parquet(tmp_path / f"planted-{name}.parquet")) == len(table)
    written = json.loads((tmp_path / "planted.json").read_text())
    assert written["networks"]["clean"]["degeneracy"]["peeling"]["copies"] == 1
    assert written["networks"]["dormant"]["degeneracy"] is None
    clean = written["networks"]["clean"]
    written["networks"] = {name: {**clean, "degeneracy": degeneracy_of(copies, name)} for name in ("clean", "correlated", "degenerate")}
    line = "called degenerate: degenerate (2 copies); not degenerate: clean (1 copy), correlated (1 copy)."
    assert any(said.endswith(line) for said in headline(written))
    (tmp_path / "planted.json").write_text(json.dumps(written))
    page = build_planted(tmp_path).read_text()
    assert line in page and "Degeneracy curve" in page and "each enough by itself" in page
    assert "redundant by correlation" in page and (tmp_path / "planted-degeneracy.svg").exists()
    written["networks"] = {"degenerate": {**clean, "degeneracy": degeneracy_of(copies, "clean")}}
    assert any("called degenerate: none; not degenerate: degenerate (1 copy)." in said for said in headline(written))


@pytest.fixture(scope="module")
def written(card: Scorecard, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("planted")
    card.write(out)
    return out


def test_the_page_and_its_figures_are_made_from_the_json_alone(written: Path, tmp_path: Path) -> None:
    shutil.copy(written / "planted.json", tmp_path)
    text = (tmp_path / "planted.json").read_text().replace('"about": "one plane is read', '"about": "<script>one plane is read')
    (tmp_path / "planted.json").write_text(text)
    page = build_planted(tmp_path).read_text()
    assert page.count("<script") == 1 and "&lt;script&gt;" in page.lower()  # our own
    assert (tmp_path / "planted.svg").exists() and (tmp_path / "planted-effects.svg").exists()
    assert "recovered by diff_means" in page or "recovered by lda_pattern" in page
    (tmp_path / "planted.json").write_text("{}")
    with pytest.raises(RunFolderError, match="run jepascope planted again"):
        build_planted(tmp_path)


def test_unknown_names_are_listed() -> None:
    with pytest.raises(BadArgument, match="clean, decoy"):
        scorecard(("messy",))
    with pytest.raises(BadArgument, match="diff_means"):
        scorecard(("clean",), ("guess",))
    result = CliRunner().invoke(app, ["planted", "--finders", "guess"])
    assert result.exit_code == 2 and "known are" in result.stderr


@pytest.mark.slow
def test_the_command_writes_and_prints_and_numbers_repeat_themselves_whatever_else_is_scored(card: Scorecard, tmp_path: Path) -> None:
    args = ["planted", "--networks", "clean", "--finders", "diff_means", "--draws", "4", "--workers", "1", "--peels", "0"]
    result = CliRunner().invoke(app, [*args, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "recovered by" in result.stdout and "diff_means" in result.stdout and "degenerate" not in result.stdout
    networks = json.loads((tmp_path / "planted.json").read_text())["networks"]
    assert networks.keys() == {"clean"} and networks["clean"]["degeneracy"] is None
    beside_others = card.to_json()["networks"]["clean"]
    assert networks["clean"]["reads"] == beside_others["reads"]
    for name in ("diff_means", "truth"):
        assert networks["clean"]["subspaces"][name]["edits"] == beside_others["subspaces"][name]["edits"]


def test_json_is_what_is_written(card: Scorecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jepascope.planted.scorecard.scorecard", lambda *args: card)
    result = CliRunner().invoke(app, ["planted", "--out", str(tmp_path), "--json"])
    assert json.loads(result.stdout) == json.loads((tmp_path / "planted.json").read_text()) == card.to_json()


@pytest.mark.slow
@pytest.mark.long("a scorecard of every network takes minutes")
def test_the_whole_scorecard_shows_what_the_networks_were_made_for() -> None:
    whole = scorecard(workers=2)
    rows = whole.tables["subspaces"].set_index(["network", "finder"])
    clean = rows.loc["clean"]
    assert clean[~clean["reference"].astype(bool)]["sas_causal"].max() >= 0.95
    assert rows.loc[("decoy", "class_pca"), "verdict"] == "finds the decoy"
    assert rows.loc[("decoy", "das"), "sas_causal"] >= 0.9
    assert rows.loc[("nonlinear", "diff_means"), "verdict"] == "finds nothing"
    assert rows.loc[("degenerate", "copy A"), "verdict"] == "recovers a part"
    areas = whole.to_json()["decoy_rejection"]
    assert areas["ablate"]["area"] >= 0.95 and areas["swap"]["area"] >= 0.95 and areas["accuracy"]["area"] < 0.5
    curves = {name: network["degeneracy"]["peeling"] for name, network in whole.to_json()["networks"].items()}
    for name, curve in curves.items():
        copies = 2 if name in ("degenerate", "self_repair") else 1
        assert (curve["copies"], curve["verdict"] == "degenerate") == (copies, copies == 2), name
    assert [stage["nearest"] for stage in curves["self_repair"]["stages"]][:2] == ["truth", "backup"]
