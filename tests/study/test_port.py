"""What one run found, used in another model or run: pairs of clips, splits, floors, layers, and planted networks in two frames."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jepascope.discovery.subspace import Subspace
from jepascope.encoders.card import EncoderCard
from jepascope.encoders.load import load_encoder
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument, BadData, RunFolderError
from jepascope.findings.carried import FLOORS, FREE_FLOOR
from jepascope.study.captures import Captures
from jepascope.study.discover.subspaces import keep
from jepascope.study.folder import Run
from jepascope.study.port.asked import components_of, finders_of
from jepascope.study.port.carried import DRAWS
from jepascope.study.port.command import run_port
from jepascope.study.port.sides import Side, best_of, captures_of, names_of
from jepascope.study.progress import Silent
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import make_spec, saved_spec

MakeModel = Callable[..., Path]

# a whole port of tiny random models


@pytest.fixture
def run(tmp_path: Path, begun_run: Path) -> Path:
    return Path(shutil.copytree(begun_run, tmp_path / "run"))


def load(spec: StudySpec) -> VJepa2Encoder:
    return load_encoder(spec.model, frames=spec.frames, size=spec.size)


def begun(folder: Path, like: Path, **changes: Any) -> Path:
    """A run folder whose study differs from another's."""
    spec = saved_spec(like)
    Run.open(folder, make_spec({**spec.model_dump(exclude={"labels_digest"}), **changes}, "here")).close()
    return folder


@contextmanager
def opened(run: Path) -> Iterator[Run]:
    kept = Run.open(run, saved_spec(run))
    try:
        yield kept
    finally:
        kept.close()


def only_port(run: Path) -> Path:
    (folder,) = run.glob("port-*")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".jsonl"}


def strict(text: str) -> Any:
    def refused(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refused)


def test_both_ways_round_by_both_maps_beside_every_floor(ported_run: Path) -> None:
    folder = only_port(ported_run)
    similarity, transport = (pd.read_parquet(folder / f"{name}.parquet") for name in ("similarity", "transport"))
    assert set(zip(transport["source"], transport["target"], strict=True)) == {("tiny", "wide"), ("wide", "tiny")}
    for _, group in transport.groupby(["source", "source_layer", "target_layer", "map"]):
        ablated = group[group["edit"] == "ablate"]
        assert set(ablated["used"]) == {"native", "carried", "class-free", *FLOORS, FREE_FLOOR}
        single = ablated[~ablated["used"].isin([*FLOORS, FREE_FLOOR])]
        assert sorted(zip(single["used"], single["dose"], strict=True)) == sorted(
            (used, dose) for used in ("native", "carried", "class-free") for dose in (0.5, 1.0)
        )
        floors = ablated[ablated["used"].isin([*FLOORS, FREE_FLOOR])]
        assert set(floors["draws"]) == {DRAWS} and floors["dose"].nunique() == 1
        assert sorted(group[group["edit"] == "swap"]["used"]) == ["carried", "class-free", "native"]
        # drawn orthogonal to both, found in the target; a random subspace of the source is not
        overlap = floors.set_index("used")["sas"]
        assert overlap["random"] < 1e-6 and overlap["variance"] < 1e-6 and overlap["random source"] > 0.01
    grid = similarity[similarity["metric"] == "cka"]
    assert len(grid) == 4 * 6 and set(grid["n"]) == {24} and set(grid["source"]) == {"tiny"}
    fitted = similarity[similarity["metric"] == "cca_in_sample"]
    assert set(fitted["n"]) == {48} and fitted[["low", "high"]].isna().all(axis=None)
    held_out = similarity[similarity["metric"].isin(["cca", "ridge_r2", "procrustes_r2"])]
    assert set(held_out["n"]) == {24} and np.isfinite(held_out[["low", "high", "chance", "label_chance"]]).all(axis=None)
    # unrelated pairs: a fit to so few clips is far from chance in sample, and at chance held out
    assert (fitted["chance"] > 0.3).all() and (held_out["chance"].abs() < 0.2).all()


def test_the_summary_says_what_the_tables_hold(ported_run: Path) -> None:
    folder = only_port(ported_run)
    summary = strict((folder / "summary.json").read_text())
    assert set(summary) == {"schema", "kind", "headline", "a", "b", "finders", "pairs", "cca", "carried", "seconds"}
    assert summary["kind"] == "models" and summary["finders"] == ["diff_means"]
    assert {key: summary["a"][key] for key in ("model", "width", "depth", "grid")} == {
        "model": "tiny",
        "width": 48,
        "depth": 3,
        "grid": [2, 2, 2],
    }
    assert summary["b"]["grid"] == [2, 3, 3] and summary["b"]["depth"] == 5
    transport = pd.read_parquet(folder / "transport.parquet")
    keys = ["source", "target", "source_layer", "target_layer", "choice"]
    assert [{key: one[key] for key in keys} for one in summary["pairs"]] == transport[keys].drop_duplicates().to_dict("records")
    assert all(pair["source_layer"] == summary["a" if pair["source"] == "tiny" else "b"]["best_layer"] for pair in summary["pairs"])
    assert len(summary["carried"]) == 2 * len(summary["pairs"]) and len(summary["cca"]) == len(summary["pairs"])
    for row in summary["carried"]:
        assert set(row["floors"]) == set(FLOORS) and row["n"] == 8 and set(row["class_free"]) == {"rce", "sas", "floor"}
        assert list(row["rce"]) == ["value", "low", "high"]
    assert summary["headline"].count("Held-out CCA") == 1
    for name in ("tiny", "wide"):
        assert f"→ {name}, diff_means at layer" in summary["headline"]


def test_the_same_command_reads_what_is_there(ported_run: Path, wide_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Path(shutil.copytree(ported_run, tmp_path / "run"))
    encoders = {model: load(StudySpec(model=model)) for model in (str(wide_model), saved_spec(run).model)}
    before = files(run)
    for step in ("embed", "block"):
        monkeypatch.setattr(VJepa2Encoder, step, None)
    summary, folder = run_port(run, str(wide_model), lambda spec: encoders[spec.model])
    assert files(run) == before and summary == strict((folder / "summary.json").read_text())


@pytest.mark.slow
def test_stopped_on_the_way_it_ends_with_equal_bytes(run: Path, ported_run: Path, wide_model: Path) -> None:
    class Stopping(Silent):
        def start(self, what: str) -> Callable[[int, int], None]:
            def tick(done: int, total: int) -> None:
                if what.startswith("carried subspaces") and done == 2:
                    raise KeyboardInterrupt

            return tick

    with pytest.raises(KeyboardInterrupt):
        run_port(run, str(wide_model), load, progress=Stopping())
    folder = only_port(run)
    kept = folder / "parts" / "transport-0.parquet"
    assert not (folder / "transport.parquet").exists() and not (folder / "summary.json").exists()
    written = kept.stat().st_mtime_ns
    run_port(run, str(wide_model), load)
    assert kept.stat().st_mtime_ns == written
    tables = {name: data for name, data in files(only_port(ported_run)).items() if name.endswith(".parquet")}
    assert tables == {name: data for name, data in files(folder).items() if name.endswith(".parquet")}
    assert len(tables) == 2 + len(list((folder / "parts").iterdir()))


@pytest.mark.slow
def test_checkpoints_of_one_name_are_told_apart(run: Path, tmp_path: Path, make_model: MakeModel) -> None:
    """Two "tiny" of one depth: rows of the two ways round would fall together."""
    summary, folder = run_port(run, str(make_model(tmp_path / "later" / "tiny", seed=7)), load)
    names = {summary["a"]["model"], summary["b"]["model"]}
    assert len(names) == 2 and all(name.startswith("tiny (") for name in names)
    transport = pd.read_parquet(folder / "transport.parquet")
    assert {*transport["source"]} == names and (transport["source"] != transport["target"]).all()
    assert {row["target"] for row in summary["carried"]} == names


def test_names_are_told_apart_by_digests_where_weights_differ() -> None:
    card = EncoderCard("tiny", 1, 1, 1, 1, (1, 1, 1), "0123456789")
    assert names_of(card, card) == ("tiny", "tiny")
    assert names_of(card, replace(card, digest="9876543210")) == ("tiny (01234567)", "tiny (98765432)")
    assert names_of(card, replace(card, name="wide", digest="9876543210")) == ("tiny", "wide")


# two runs of one encoder


@pytest.fixture(scope="module")
def other_run(tmp_path_factory: pytest.TempPathFactory, begun_run: Path) -> Path:
    return begun(tmp_path_factory.mktemp("other") / "elsewhere", begun_run, seed=1, variable="speed", clips_per_class=10)


def test_subspaces_of_another_run_of_the_encoder_are_used_as_they_are(run: Path, other_run: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(other_run, tmp_path / "elsewhere"))
    summary, folder = run_port(run, str(other), load)
    assert summary["kind"] == "subspaces" and set(summary) == {"schema", "kind", "headline", "a", "b", "finders", "carried", "seconds"}
    assert (summary["a"]["variable"], summary["b"]["variable"]) == ("direction", "speed")
    portability, angles = (pd.read_parquet(folder / f"{name}.parquet") for name in ("portability", "angles"))
    assert {*portability["across"]} == {"run"} and {*portability["metric"]} == {"sas", "readings", "rce", "rce_norm"}
    assert {*portability["a"]} == {"diff_means (elsewhere)"} and {*portability["b"]} == {"diff_means"}
    retained = portability[portability["metric"] == "rce"]
    assert sorted(retained["dose"]) == [0.5, 1.0] and set(retained["n"]) == {8}
    assert set(retained["rank"]) == {3} and {*portability["layer"]} == {summary["a"]["best_layer"]}  # four classes of speed
    assert len(angles) == 3
    assert "elsewhere (directions8, speed) used in this run (directions8, direction)" in summary["headline"]
    assert strict(json.dumps(summary)) == strict((folder / "summary.json").read_text())


@pytest.mark.slow
def test_a_copy_of_the_run_holds_the_same_subspaces(run: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    summary, folder = run_port(run, str(copy), load, finders=("class_pca",))
    (row,) = summary["carried"]
    assert row["sas"] == pytest.approx(1) and row["a"] == "class_pca (copy)"
    portability = pd.read_parquet(folder / "portability.parquet").set_index("metric")
    assert portability.loc["readings", "value"] == pytest.approx(1)
    run_port(run, str(shutil.copytree(copy, tmp_path / "again")), load, finders=("class_pca",))
    assert len(list(run.glob("port-*"))) == 2  # one study, but names in the tables are those of folders


def test_a_subspace_that_the_run_keeps_is_used_and_not_found_anew(run: Path, tiny_encoder: VJepa2Encoder) -> None:
    with opened(run) as kept_in:
        side = Side(Captures.of_run(kept_in, tiny_encoder, Silent()), 1, run, "tiny")
        found = side.subspace("diff_means", 1, 7)
        name = "subspaces/diff_means-layer1.safetensors"
        keep(kept_in, Subspace(found.basis.flip(1).contiguous(), found.mean, {"marked": True}), name)
        assert side.subspace("diff_means", 1, 7).provenance == {"marked": True}
        for finder, layer, rank in (("diff_means", 1, 3), ("diff_means", 2, 7), ("lda", 1, 7)):  # others
            assert "marked" not in side.subspace(finder, layer, rank).provenance
        (run / name).write_bytes((run / name).read_bytes()[:60])
        assert "marked" not in side.subspace("diff_means", 1, 7).provenance  # it is set aside


def test_the_layer_is_the_one_that_the_run_claims_else_chosen_by_the_same_rule(run: Path, tiny_encoder: VJepa2Encoder) -> None:
    with opened(run) as kept_in:
        captures = Captures.of_run(kept_in, tiny_encoder, Silent())
        assert best_of(captures, 0) == 0 and best_of(captures, 99) == best_of(captures, None) in (1, 2)
        captures.spec = captures.spec.model_copy(update={"best_layer": 0})
        assert best_of(captures, None) == 0 and best_of(captures, 2) == 2


def test_tokens_are_kept_wherever_a_subspace_may_be_carried_to(run: Path, tmp_path: Path, tiny_encoder: VJepa2Encoder) -> None:
    with opened(begun(tmp_path / "one", run, layers=(0,), best_layer=0)) as one, opened(run) as all_of_them:
        assert Captures.of_run(one, tiny_encoder, Silent()).sites == (0,)
        assert captures_of(one, tiny_encoder, Silent()).sites == (0, 1, 2)
        # captures of a study of all layers serve as they are
        assert captures_of(all_of_them, tiny_encoder, Silent()).sites == Captures.of_run(all_of_them, tiny_encoder, Silent()).sites


# refusals


def refused(run: Path, match: str, other: str, error: type[Exception] = BadArgument, **options: Any) -> None:
    before = {path.name for path in run.iterdir()} | {"provenance.json"}
    with pytest.raises(error, match=match):
        run_port(run, other, load, **options)
    assert {path.name for path in run.iterdir()} | {"provenance.json"} == before


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"finders": ("magic",)}, BadArgument, "--finders: .*diff_means.*given: 'magic'"),
        ({"finders": ()}, BadArgument, "--finders: .*one or more"),
        ({"finders": ("lda", "lda")}, BadArgument, "--finders: .*twice"),
        ({"components": 6}, BadArgument, "subspace of rank 7 needs as many.*ask for 7..23"),
        ({"components": 24}, BadArgument, "CCA of 48 fit clips in width 48 takes 23 at most; ask for 7..23"),
    ],
)
def test_what_does_not_serve_is_refused_before_anything_is_made(
    options: dict[str, Any], error: type[Exception], match: str, run: Path, wide_model: Path
) -> None:
    refused(run, match, str(wide_model), error, **options)


def test_models_are_compared_on_the_same_scenes_alone(run: Path, wide_model: Path, tmp_path: Path) -> None:
    for name, changes in (("seed", {"seed": 1}), ("variable", {"variable": "speed"}), ("clips", {"clips": "circle"})):
        other = begun(tmp_path / name, run, model=str(wide_model), **changes)
        refused(run, rf"run on other scenes \({name} is .* there and .* here\).*`jepascope port /.* /.*`", str(other))


def test_other_folders_and_models_are_refused_in_a_sentence(run: Path, tmp_path: Path, tiny_model: Path) -> None:
    refused(run, "itself or a part of it", str(run))
    refused(run, "itself or a part of it", str(begun(run / "probe-speed", run, variable="speed")))
    shutil.rmtree(run / "probe-speed")
    refused(run, "is the encoder that .* was made with", str(tiny_model))
    refused(run, "neither a run folder .* nor a model's", str(tmp_path))
    refused(run, "There is nothing at", str(tmp_path / "runs"))  # and the hub is not asked
    other = begun(tmp_path / "lda", run, finders=("lda",))
    refused(run, "no finder in common .*; name one with --finders", str(other))
    refused(run, "--components is for maps between models", str(other), finders=("lda",), components=5)


def test_too_few_clips_are_refused(tmp_path: Path, run: Path, wide_model: Path) -> None:
    few = begun(tmp_path / "few", run, clips_per_class=10)
    refused(few, r"16 test clips, and models are compared over 20 at least; .*\(clips_per_class is 10\)", str(wide_model), BadData)


def test_another_rank_than_fits_is_refused(tiny_spec: StudySpec) -> None:
    spec = tiny_spec.model_copy(update={"clips_per_class": 13})
    cards = (EncoderCard("a", 48, 3, 4, 16, (2, 2, 2), "a"), EncoderCard("b", 60, 5, 4, 24, (2, 3, 3), "b"))

    def asked(components: int | None, **changes: Any) -> int | None:
        changed = spec.model_copy(update=changes)
        return components_of(components, changed, changed, changed.finders, cards)

    assert asked(None) is None and asked(7) == 7 and asked(23) == 23
    # 48 fit clips carry 9 axes by themselves, and a subspace of rank 12 needs 12
    assert asked(None, finders=("within_pca",), rank=12) == 12
    with pytest.raises(BadArgument, match=r"Rank 17 in width 48 leaves no control .* rank 16 or less"):
        asked(None, finders=("within_pca",), rank=17)
    assert finders_of(None, spec, spec, models=True) == ("diff_means",)


def test_a_folder_in_use_is_refused_and_no_port_is_begun(run: Path, wide_model: Path, tmp_path: Path) -> None:
    other = begun(tmp_path / "wide", run, model=str(wide_model))
    for busy in (other, run):
        with opened(busy):
            refused(run, rf"{busy.name}' is in use by another", str(other), RunFolderError)


def test_other_weights_under_the_same_name_are_refused(ported_run: Path, tmp_path: Path, wide_model: Path, make_model: MakeModel) -> None:
    run = Path(shutil.copytree(ported_run, tmp_path / "run"))
    changed = load_encoder(str(make_model(tmp_path / "changed", hidden_size=60, num_hidden_layers=5, crop_size=24, seed=5)))
    before = files(run)
    with pytest.raises(BadArgument, match=r"begun with other weights .*; put them back, or delete '.*port-"):
        run_port(run, str(wide_model), lambda spec: changed if spec.model == str(wide_model) else load(spec))
    assert files(run) == before


def test_damaged_files_of_either_side_are_named(run: Path, wide_model: Path, tmp_path: Path) -> None:
    other = begun(tmp_path / "wide", run, model=str(wide_model))
    for folder in (run, other):
        (folder / "summary.json").write_text("{")
        refused(run, rf"{folder.name}/summary.json' is damaged", str(other), RunFolderError)
        (folder / "summary.json").unlink()
