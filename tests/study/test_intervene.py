"""Stage two alone on a run folder: any edit at any layer on the captures that are there, and the run's own tables as they were."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import jepascope as js
from controls_named import OF_FORMULA, OF_NOTHING
from jepascope.activations.activations import Activations
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument, RunFolderError
from jepascope.study.discover.subspaces import keep
from jepascope.study.folder import Run
from jepascope.study.intervene.command import best_layer_of, given_subspace, intervene_folder, intervened_spec, run_intervene
from jepascope.study.progress import Silent
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import make_spec, saved_spec

TABLES = {"effects", "matching", "witnesses", "forecasts", "ce", "reads", "first_order", "screen", "spread", "strata", "distances", "fits"}


@pytest.fixture
def run(tmp_path: Path, finished_run: Path) -> Path:
    shutil.copytree(finished_run, tmp_path / "run")
    return tmp_path / "run"


Intervene = Callable[..., tuple[dict[str, Any], dict[str, pd.DataFrame]]]


@pytest.fixture
def intervene(run: Path, tiny_encoder: VJepa2Encoder) -> Intervene:
    def called(subspace: Path | None = None, **changes: Any) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
        spec = saved_spec(run)
        changed = intervened_spec(spec, best_layer_of(run), changes, subspace)
        summary = run_intervene(run, spec, changed, tiny_encoder, subspace)
        folder = intervene_folder(run, changed)
        return summary, {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}

    return called


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_studys_own_edits_give_the_studys_own_tables(run: Path, intervene: Intervene) -> None:
    """One layer in full is the same whether the study ran it or this command."""
    before = {path: data for path, data in files(run).items() if "activations" not in path.parts}
    summary, found = intervene(edits=("swap",))
    assert set(found) == TABLES
    best = json.loads((run / "summary.json").read_text())["best_layer"]
    assert summary["best_layer"] == best and summary["judges"] == ["probe", "mlp", "predictor"]
    for name in ("effects", "matching", "forecasts", "witnesses", "first_order"):
        own = pd.read_parquet(run / f"{name}.parquet").query("layer == @best and edit == 'swap'").reset_index(drop=True)
        pd.testing.assert_frame_equal(found[name].query("edit == 'swap'"), own)
    key = ["finder", "edit", "control", "judge", "dose"]
    ce = pd.read_parquet(run / "ce.parquet").query("layer == @best and edit == 'swap'").merge(found["ce"], on=key, suffixes=("", "_here"))
    assert len(ce) == len(found["ce"]) > 0
    for name in ("value", "low", "high", "accuracy"):
        np.testing.assert_array_equal(ce[name], ce[f"{name}_here"])
    assert before == {path: path.read_bytes() for path in before}


@pytest.mark.slow
def test_a_second_time_nothing_is_computed(run: Path, intervene: Intervene, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = intervene(best_layer=2, edits=("swap",), judges=("probe",))
    (folder,) = run.glob("intervene-*")
    tables = {path: data for path, data in files(folder).items() if path.suffix == ".parquet"}
    monkeypatch.setattr(VJepa2Encoder, "block", None)
    again, _ = intervene(best_layer=2, edits=("swap",), judges=("probe",))
    assert list(run.glob("intervene-*")) == [folder]
    assert tables == {path: path.read_bytes() for path in tables}
    assert {**again, "seconds": 0} == {**first, "seconds": 0} == {**json.loads((folder / "summary.json").read_text()), "seconds": 0}


@pytest.mark.slow
@pytest.mark.parametrize(("layer", "judges"), [(0, ("probe",)), (2, ("probe", "predictor"))])
def test_clips_are_not_passed_again(layer: int, judges: tuple[str, ...], run: Path, intervene: Intervene) -> None:
    """All captures are the run's own, beginnings among them where the layer could have been the best one; but for the judge clips'
    tokens, from which the predictor's futures are run."""
    known = {path.name for path in (run / "activations").iterdir()}
    intervene(best_layer=layer, judges=judges, edits=("swap", "rotate"))
    more = {path.name for path in (run / "activations").iterdir()} - known
    assert len(more) == ("predictor" in judges) + 2  # and tokens of the untrained twin's scenes and twins at this layer
    assert not list(run.glob("intervene-*/activations"))


@pytest.mark.slow
def test_edits_doses_and_tokens_are_those_asked_for(intervene: Intervene) -> None:
    summary, found = intervene(
        best_layer=2, edits=("rotate", "ablate"), edit_doses=(0.5, 2.0), scope="time:0", ablate_to="resample", judges=("probe",), draws=3
    )
    effects = found["effects"]
    assert set(effects["edit"]) == {"rotate", "ablate"} and set(effects["dose"]) == {0.5, 2.0} and set(effects["tokens"]) == {"time:0"}
    assert set(effects["layer"]) == {2} == set(found["ce"]["layer"]) and set(effects["judge"]) == {"probe"}
    assert effects.query("control == 'norm'")["draw"].nunique() == 3
    assert (summary["scope"], summary["ablate_to"], summary["doses"]) == ("time:0", "resample", [0.5, 2.0])
    assert found["forecasts"].empty


@pytest.mark.slow
def test_tokens_that_are_edited_decide_the_effect(intervene: Intervene) -> None:
    """Edits of the two tubelets are edits of parts; each moves the read-out otherwise than the whole."""
    moved = {}
    for scope in ("all", "time:0", "time:1", "object", "background"):
        _, found = intervene(edits=("swap",), scope=scope, judges=("probe",))
        own = found["effects"].query("control == 'subspace'")
        moved[scope] = own["numerator"].to_numpy()
    arrays = list(moved.values())
    assert all(not np.allclose(a, b, atol=1e-7) for i, a in enumerate(arrays) for b in arrays[:i])


@pytest.mark.slow
def test_a_donor_is_another_clip_where_it_is_asked_for(run: Path, intervene: Intervene) -> None:
    summary, found = intervene(edits=("swap",), swap_donor="class", judges=("probe",))
    assert summary["swap_donor"] == "class"
    effects = found["effects"].query("control == 'subspace'")
    assert (effects["target"] >= 0).all() and set(effects["edit"]) == {"swap"}
    twins = pd.read_parquet(run / "effects.parquet").query("control == 'subspace' and edit == 'swap' and judge == 'probe'")
    twins = twins[twins["layer"] == effects["layer"].iloc[0]]
    assert effects["scene"].tolist() == twins["scene"].tolist()
    assert not np.allclose(effects["numerator"], twins["numerator"])


@pytest.mark.slow
def test_controls_on_request_stand_beside_the_four(intervene: Intervene) -> None:
    _, found = intervene(edits=("ablate", "swap"), extra_controls=("top_pca", "nuisance"), judges=("probe",))
    controls = found["ce"].groupby("edit")["control"].agg(set)
    every = {*OF_FORMULA, "nuisance"}
    assert controls["ablate"] == every == controls["swap"]
    draws = found["ce"].query("edit == 'swap'").set_index("control")["draws"]
    assert (draws["top_pca"], draws["nuisance"]) == (1, 1)


def test_a_swap_within_a_class_needs_two_scenes_of_it(intervene: Intervene) -> None:
    with pytest.raises(
        BadArgument, match=r"self_swap takes from another test scene of the same class: 8 classes need test_scenes of at least 16"
    ):
        intervene(edits=("swap",), extra_controls=("self_swap",), judges=("probe",))


@pytest.mark.slow
def test_the_untrained_twin_goes_through_the_whole_pipeline(run: Path, tiny_encoder: VJepa2Encoder) -> None:
    spec = saved_spec(run).model_copy(update={"untrained_seeds": 3, "seed": 5})
    changed = intervened_spec(spec, 1, {"extra_controls": ("untrained",), "judges": ("probe",)}, None)
    run_intervene(run.parent / "other", spec, changed, tiny_encoder)
    effects = pd.read_parquet(intervene_folder(run.parent / "other", changed) / "effects.parquet")
    twins = effects[effects["control"] == "untrained"]
    assert set(twins["draw"]) <= {0, 1, 2} and twins["numerator_direct"].isna().all()
    own = effects[(effects["control"] == "subspace")].set_index(["edit", "scene"])["denominator"]
    for _, rows in twins.groupby(["edit", "draw"]):
        keyed = rows.set_index(["edit", "scene"])["denominator"]
        np.testing.assert_array_equal(keyed, own.loc[keyed.index])


# a subspace of one's own


def saved(tmp_path: Path, rank: int = 3, width: int = 48, **said: Any) -> Path:
    basis = torch.linalg.qr(torch.randn(width, rank, generator=torch.Generator().manual_seed(0), dtype=torch.float64)).Q.float()
    path = tmp_path / "mine.safetensors"
    Subspace(basis, torch.zeros(width), said).save(path)
    return path


@pytest.mark.slow
def test_a_subspace_of_the_run_is_what_its_finder_found(run: Path, intervene: Intervene) -> None:
    best = best_layer_of(run)
    _, given = intervene(run / "subspaces" / f"diff_means-layer{best}.safetensors", edits=("ablate",), judges=("probe",))
    own = pd.read_parquet(run / "effects.parquet").query("layer == @best and judge == 'probe' and edit == 'ablate'")
    pd.testing.assert_frame_equal(own.reset_index(drop=True), given["effects"])


def shuffled(found: dict[str, pd.DataFrame]) -> bool:
    return "shuffled" in set(found["ce"]["control"])


@pytest.mark.slow
def test_a_finder_that_a_file_names_gets_no_shuffles_and_the_summary_says_why(run: Path, tmp_path: Path, intervene: Intervene) -> None:
    """diff_means is the run's own finder, at the same rank; the file's basis is none that it found."""
    path = saved(tmp_path, rank=7, finder="diff_means", variable="direction", layer=1, tokens="all", model="tiny")
    summary, found = intervene(path, best_layer=1, edits=("ablate", "swap"), judges=("probe",))
    assert set(found["effects"]["finder"]) == {"given"} and set(found["effects"]["rank"]) == {7}
    assert set(found["ce"]["control"]) == {*OF_NOTHING}
    assert summary["skipped"]["shuffled"].startswith("nothing shows which finder found this subspace")
    kept = Subspace.load(next(run.glob("intervene-*/subspaces/given.safetensors")))
    assert torch.equal(kept.basis, Subspace.load(path).basis)


@pytest.mark.slow
def test_a_file_that_jepascope_find_made_of_the_run_s_clips_is_shuffled(
    run: Path, tmp_path: Path, tiny_encoder: VJepa2Encoder, intervene: Intervene
) -> None:
    """And one found on other clips is not."""
    for seed, known in ((0, True), (1, False)):
        activations = js.capture(tiny_encoder, js.directions8(seed=seed, per_class=10), cache=False)
        js.find(activations, "direction", layer=1, finder="lda", rank=2).save(tmp_path / f"{seed}.safetensors")
        summary, found = intervene(tmp_path / f"{seed}.safetensors", best_layer=1, edits=("ablate",), judges=("probe",))
        assert shuffled(found) == known and set(found["ce"]["finder"]) == {"lda" if known else "given"}
        assert ("lda, run again on the true labels, finds another subspace" in summary["skipped"].get("shuffled", "")) == (not known)


@pytest.mark.slow
def test_a_folder_that_does_not_say_what_found_its_subspaces_is_read_as_it_was(run: Path, intervene: Intervene) -> None:
    """Folders of version 0.1: the run's own finder is run again on its own labels, and gives the same span."""
    options: dict[str, Any] = {"best_layer": 1, "edits": ("ablate",), "judges": ("probe",)}
    _, new = intervene(**options)
    shutil.rmtree(next(run.glob("intervene-*")))
    (run / "manifest.json").unlink()  # which such folders lack
    for path in (run / "subspaces").glob("*.safetensors"):
        kept = Subspace.load(path)
        Subspace(kept.basis, kept.mean, kept.provenance).save(path)
    _, old = intervene(**options)
    assert shuffled(old)
    pd.testing.assert_frame_equal(old["effects"], new["effects"])


@pytest.mark.slow
def test_a_subspace_put_in_place_of_a_run_s_own_gets_no_shuffles(run: Path, tmp_path: Path, intervene: Intervene) -> None:
    kept = Subspace.load(run / "subspaces" / "diff_means-layer1.safetensors")
    other = Subspace.load(saved(tmp_path, rank=kept.rank))
    (run / "manifest.json").unlink()  # as in a folder of version 0.1: a list would refuse it
    Subspace(other.basis, kept.mean, kept.provenance).save(run / "subspaces" / "diff_means-layer1.safetensors")
    summary, found = intervene(best_layer=1, edits=("ablate",), judges=("probe",))
    assert not shuffled(found)
    assert (
        summary["skipped"]["shuffled"] == "diff_means: its file does not say which finder found it, and that finder does not find it again"
    )


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"width": 40}, r"has width 40, encoder 'tiny' 48; find it again on this encoder"),
        ({"model": "nano"}, r"found in 'nano', not in 'tiny'; find it again here"),
        ({"layer": 0}, r"found at layer 0 and means nothing at layer 1; find one there"),
        ({"rank": 25}, r"rank 25 in width 48, which leaves no orthogonal control"),
    ],
)
def test_a_subspace_that_does_not_fit_is_refused_and_nothing_is_left(
    said: dict[str, Any], message: str, run: Path, tmp_path: Path, intervene: Intervene
) -> None:
    with pytest.raises(BadArgument, match=message):
        intervene(saved(tmp_path, **said), edits=("ablate",))
    assert not list(run.glob("intervene-*"))


def test_files_that_are_no_subspace_are_refused(run: Path, tmp_path: Path, intervene: Intervene) -> None:
    for path in (tmp_path / "missing.safetensors", tmp_path):
        with pytest.raises(BadArgument, match="is not the safetensors file of a subspace"):
            intervene(path)
    for data in (b"", b"no safetensors", saved(tmp_path).read_bytes()[:200]):
        (tmp_path / "file").write_bytes(data)
        with pytest.raises(BadArgument, match=r"is not a readable subspace file .*give one of a run's subspaces"):
            intervene(tmp_path / "file")
    assert not list(run.glob("intervene-*"))


def test_half_of_the_width_is_the_most_that_leaves_a_control(tmp_path: Path, tiny_encoder: VJepa2Encoder) -> None:
    assert given_subspace(saved(tmp_path, rank=24), tiny_encoder, 1).rank == 24
    with pytest.raises(BadArgument, match="rank 25 in width 48"):
        given_subspace(saved(tmp_path, rank=25), tiny_encoder, 1)


# specs and folders


def test_the_same_edits_have_the_same_folder_and_others_another(tiny_spec: StudySpec, tmp_path: Path) -> None:
    one = intervened_spec(tiny_spec, 1, {"edits": ("swap",)}, None)
    assert one.best_layer == 1 and one.layers == (1,) and one.edits == ("swap",)
    assert intervened_spec(tiny_spec, 0, {"edits": ("swap",), "best_layer": 1}, None) == one
    path = saved(tmp_path)
    others = [
        intervened_spec(tiny_spec, 2, {"edits": ("swap",)}, None),
        intervened_spec(tiny_spec, 1, {"edits": ("swap",), "scope": "object"}, None),
        intervened_spec(tiny_spec, 1, {"edits": ("swap",)}, path),
        intervened_spec(tiny_spec, 1, {"edits": ("swap",)}, saved(tmp_path, rank=2)),
    ]
    assert len({intervene_folder(tmp_path, spec) for spec in (one, *others)}) == 5


def test_a_run_without_a_best_layer_needs_one(tmp_path: Path, tiny_spec: StudySpec) -> None:
    Run.open(tmp_path / "run", tiny_spec).close()
    with pytest.raises(RunFolderError, match=r"has no best layer yet; name one with --layer, or finish the run"):
        best_layer_of(tmp_path / "run")


@pytest.mark.slow
def test_a_run_that_was_only_begun_is_edited_at_the_layer_that_is_named(
    tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder, finished_run: Path
) -> None:
    run = tmp_path / "run"
    own = pd.read_parquet(finished_run / "effects.parquet").query("layer == 1").reset_index(drop=True)
    spec = tiny_spec.model_copy(update={"rank": int(own["rank"].iloc[0])})  # which the finished run chose, by its probes
    Run.open(run, spec).close()
    changed = intervened_spec(spec, 1, {}, None)
    run_intervene(run, spec, changed, tiny_encoder)
    found = pd.read_parquet(intervene_folder(run, changed) / "effects.parquet")
    pd.testing.assert_frame_equal(found, own)


@pytest.mark.slow
def test_stopped_between_its_parts_it_ends_with_equal_tables(run: Path, intervene: Intervene, tiny_encoder: VJepa2Encoder) -> None:
    class Stopping(Silent):
        def start(self, what: str) -> Callable[[int, int], None]:
            def tick(done: int, total: int) -> None:
                if what.startswith("swap at layer 2"):
                    raise KeyboardInterrupt

            return tick

    spec = saved_spec(run)
    changed = intervened_spec(spec, 2, {"edits": ("ablate", "swap")}, None)
    with pytest.raises(KeyboardInterrupt):
        run_intervene(run, spec, changed, tiny_encoder, None, Stopping())
    _, resumed = intervene(best_layer=2, edits=("ablate", "swap"))
    shutil.rmtree(intervene_folder(run, changed))
    _, whole = intervene(best_layer=2, edits=("ablate", "swap"))
    for name in TABLES:
        pd.testing.assert_frame_equal(resumed[name], whole[name])


def test_a_twin_that_cannot_be_rendered_is_refused(tmp_path: Path, tiny_spec: StudySpec) -> None:
    path = tmp_path / "mine.csv"
    pd.DataFrame({"scene": range(80), "coin": ["heads", "tails"] * 40}).to_csv(path, index=False)
    mine = make_spec({**tiny_spec.model_dump(), "labels": str(path), "variable": "coin"}, "here")
    with pytest.raises(BadArgument, match=r"no twin can be rendered for the labels 'coin'; leave swap_donor out"):
        intervened_spec(mine, 1, {"swap_donor": "twin"}, None)
    assert intervened_spec(mine, 1, {"swap_donor": "class"}, None).swap_donor == "class"
    with pytest.raises(BadArgument, match="rotate turns an angle, and coin is none; use steer"):
        intervened_spec(mine, 1, {"edits": ("rotate",)}, None)


# in notebooks


@pytest.fixture(scope="module")
def found(tiny_encoder: VJepa2Encoder) -> tuple[Activations, Subspace]:
    activations = js.capture(tiny_encoder, js.directions8(seed=0, per_class=20), cache=False)  # five folds of every class
    return activations, js.find(activations, "direction", layer=1)


@pytest.fixture(scope="module")
def plain(tiny_encoder: VJepa2Encoder, found: tuple[Activations, Subspace]) -> pd.DataFrame:
    """The default edit, by control."""
    return js.intervene(tiny_encoder, *found, draws=2).set_index("control")


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [{"tokens": "background"}, {"tokens": "time:1"}, {"ablate_to": "zero"}, {"ablate_to": "resample"}, {"edit": "rotate"}],
)
def test_tokens_ablation_and_rotation_are_chosen_in_notebooks_too(
    options: dict[str, str], tiny_encoder: VJepa2Encoder, found: tuple[Activations, Subspace], plain: pd.DataFrame
) -> None:
    table = js.intervene(tiny_encoder, *found, draws=2, **options).set_index("control")
    assert set(table.index) == {*OF_FORMULA}
    assert set(table["tokens"]) == {options.get("tokens", "all")} and set(table["edit"]) == {options.get("edit", "ablate")}
    assert table.loc["subspace", "kl"] >= 0 and table.loc["subspace", "kl"] != plain.loc["subspace", "kl"]
    assert table["angle_error"].between(0, 180).all()


def test_only_an_angle_is_turned_in_notebooks_too(tiny_encoder: VJepa2Encoder, found: tuple[Activations, Subspace]) -> None:
    with pytest.raises(BadArgument, match=r"^edit: rotate turns an angle, and size is none; use steer"):
        js.intervene(tiny_encoder, found[0], js.find(found[0], "size", layer=1), "rotate", draws=2)


@pytest.mark.slow
def test_of_labels_of_ones_own_swaps_take_from_another_clip(tmp_path: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder) -> None:
    path = tmp_path / "mine.csv"
    pd.DataFrame({"scene": range(80), "coin": ["heads", "tails"] * 40}).to_csv(path, index=False)
    Run.open(tmp_path / "run", make_spec({**tiny_spec.model_dump(), "labels": str(path), "variable": "coin"}, "here")).close()
    path.unlink()
    spec = saved_spec(tmp_path / "run")  # its own copy of the labels
    changed = intervened_spec(spec, 1, {"extra_controls": ("self_swap", "untrained")}, None)
    summary = run_intervene(tmp_path / "run", spec, changed, tiny_encoder)
    assert summary["swap_donor"] == "class" and summary["judges"] == ["probe", "mlp"] and "predictor" in summary["skipped"]
    effects = pd.read_parquet(intervene_folder(tmp_path / "run", changed) / "effects.parquet")
    assert {"self_swap"} <= set(effects["control"]) and np.isfinite(effects[["numerator", "denominator"]]).all(axis=None)


@pytest.mark.slow
def test_the_run_s_own_subspaces_are_edited_and_not_found_anew(run: Path, tiny_spec: StudySpec, tiny_encoder: VJepa2Encoder) -> None:
    """A finder whose choice tips on rounding would find another one on another machine."""
    spec = saved_spec(run)
    stored = run / "subspaces" / "diff_means-layer1.safetensors"
    mine = Subspace.load(stored)
    turned = Subspace(mine.basis.flip(1).contiguous(), mine.mean, {**mine.provenance, "marked": True})
    copy = run.parent / "turned"
    shutil.copytree(run, copy)
    with Run.open(copy, spec) as kept_in:
        keep(kept_in, turned, f"subspaces/{stored.name}")
    changed = intervened_spec(spec, 1, {"edits": ("ablate",), "judges": ("probe",), "draws": 2}, None)
    run_intervene(copy, spec, changed, tiny_encoder)
    assert Subspace.load(intervene_folder(copy, changed) / "subspaces" / stored.name).provenance.get("marked") is True
