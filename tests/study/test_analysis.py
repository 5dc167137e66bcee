"""The notebook functions: the README's lines, on few clips."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import jepascope as js
from controls_named import OF_FORMULA, OF_NOTHING, OF_SEARCH
from jepascope.discovery.subspace import digest_of
from jepascope.errors import BadArgument, JepascopeError
from jepascope.study.shown import Effects


@pytest.fixture(scope="module")
def encoder():
    return js.load_encoder("nano")


@pytest.fixture(scope="module")
def activations(encoder):
    return js.capture(encoder, js.directions8(seed=3, per_class=20), cache=False)


@pytest.fixture(scope="module")
def tiny(tiny_encoder):
    """A smaller encoder, of width 48, and its activations: for what is not about figures."""
    return tiny_encoder, js.capture(tiny_encoder, js.directions8(seed=3, per_class=20), cache=False)


def test_every_public_name_is_there() -> None:
    for name in js.__all__:
        assert getattr(js, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = js.nothing


def test_capture_renders_the_scenes_as_the_encoder_takes_them(encoder, activations) -> None:
    assert (activations.clips.frames, activations.clips.size) == (encoder.card.frames, encoder.card.size)


def test_a_cached_capture_is_read_back_equal(encoder) -> None:
    clips = js.directions8(seed=4, per_class=5)
    first, second = js.capture(encoder, clips), js.capture(encoder, clips)
    assert torch.equal(first.pooled(2), second.pooled(2))


@pytest.fixture(scope="module")
def ablated(encoder, activations):
    return js.intervene(encoder, activations, js.find(activations, "direction", layer=2), draws=10)


@pytest.mark.slow
def test_an_effect_stands_beside_its_four_controls(ablated) -> None:
    table = ablated.frame.set_index("control")
    assert list(table.index) == OF_FORMULA
    assert table["finder"].eq("diff_means").all() and table["n"].eq(32).all()
    assert table.loc["subspace", "value"] > table.loc["random", "value"]
    assert js.why_empty(table.reset_index()).loc[1, "excess_low"].startswith("10 draws: fewer than 20 cannot show")


def test_a_subspace_retains_all_of_its_own_effect(encoder, activations) -> None:
    subspace = js.find(activations, "direction", layer=2)
    found = js.port(encoder, activations, subspace, subspace)
    assert found.sas == pytest.approx(1) and found.rce.value == pytest.approx(1)
    assert found.chance == pytest.approx(subspace.rank / subspace.width)


def least_squares(x, y, rank, seed):
    """Weights of a linear reader, which is no finder of ours."""
    shown = np.eye(8)[y] - 1 / 8
    return np.linalg.solve(np.cov(x.T) + 0.01 * np.eye(x.shape[1]), (x - x.mean(axis=0)).T @ shown)


def of_ones_own(activations, **said):
    fit = activations.split("fit")
    x, y = fit.pooled(2).numpy(), fit.clips.labels("direction")[0]
    return js.Subspace.spanned_by(least_squares(x, y, 7, 0), x.mean(axis=0), 7, variable="direction", layer=2, **said)


@pytest.mark.parametrize("name", ["diff_means", "logreg"])
def test_a_finder_that_a_caller_names_is_a_label_and_no_control_comes_of_it(name: str, tiny) -> None:
    encoder, activations = tiny
    table = js.intervene(encoder, activations, of_ones_own(activations, finder=name), draws=2)
    assert list(table["control"]) == OF_NOTHING and table["finder"].eq(name).all()
    assert js.explain(table)[0].startswith("There is no row 'shuffled': nothing shows which finder found this subspace")


@pytest.mark.slow
def test_a_finder_of_ones_own_is_tried_on_the_true_labels_and_then_shuffled(encoder, activations) -> None:
    subspace = of_ones_own(activations)
    table = js.intervene(encoder, activations, subspace, draws=3, finder=least_squares).set_index("control")
    assert list(table.index) == OF_SEARCH and table["finder"].eq("given").all()
    diff_means = js.intervene(encoder, activations, js.find(activations, "direction", layer=2), draws=3).set_index("control")
    assert table.loc["shuffled", "value"] < diff_means.loc["shuffled", "value"] / 2  # another procedure, another null
    for finder, said in (
        ("diff_means", r"^finder: diff_means, run again on the true labels, finds another subspace \(SAS 0\."),
        ("magic", "no finder"),
    ):
        with pytest.raises(BadArgument, match=said):
            js.intervene(encoder, activations, subspace, finder=finder)


def test_what_a_function_found_here_is_shuffled_too_and_from_a_file_only_where_it_is_named(tiny, tmp_path) -> None:
    encoder, activations = tiny
    found = js.find(activations, "direction", layer=2, finder=least_squares, rank=3)
    assert "shuffled" in set(js.intervene(encoder, activations, found, draws=2)["control"])
    found.save(tmp_path / "found.safetensors")
    stored = js.Subspace.load(tmp_path / "found.safetensors")
    assert stored.found_by == found.found_by
    assert "code that its file names" in js.explain(js.intervene(encoder, activations, stored, draws=2))[0]


def test_a_subspace_found_on_other_clips_has_no_shuffles_here_and_says_so(tiny) -> None:
    encoder, activations = tiny
    there = js.capture(encoder, js.directions8(seed=4, per_class=5), cache=False)
    table = js.intervene(encoder, activations, js.find(there, "direction", layer=2, finder="lda"), draws=2)
    assert "shuffled" not in set(table["control"])
    assert re.search(r"lda, run again on the true labels, finds another subspace \(SAS 0\..*found on other clips", js.explain(table)[0])


@pytest.mark.slow
def test_what_is_found_stays_known_in_a_file_and_a_forged_file_does_not_pass(tiny, tmp_path) -> None:
    encoder, activations = tiny
    found = js.find(activations, "direction", layer=2, finder="lda", rank=3)
    found.save(str(tmp_path / "found.safetensors"))
    assert "shuffled" in set(js.intervene(encoder, activations, js.Subspace.load(str(tmp_path / "found.safetensors")), draws=2)["control"])
    basis = torch.linalg.qr(torch.randn(48, 3, generator=torch.Generator().manual_seed(0))).Q
    forged = js.Subspace(basis, found.mean, found.provenance, replace(found.found_by, basis=digest_of(basis)))
    assert forged.found_by is not None
    table = js.intervene(encoder, activations, forged, draws=2)
    assert "shuffled" not in set(table["control"]) and "finds another subspace" in js.explain(table)[0]


@pytest.mark.slow
def test_every_empty_cell_says_why(tiny) -> None:
    """Untrained: the judge reads nothing, and few draws compare nothing."""
    encoder, activations = tiny
    table = js.intervene(encoder, activations, js.find(activations, "direction", layer=2), draws=2)
    why = js.why_empty(table)
    assert table["value"].isna().all()
    assert why.shape == table.shape and (why.ne("") == table.isna()).all(axis=None)
    assert why["value"].str.startswith("the judge's margin").all()
    assert any(line.startswith("Empty in random; variance; carried; shuffled and 5 more: value, low, high") for line in js.explain(table))
    (said,) = table.verdicts()
    assert "no interval could be computed" in said and "nothing is claimed" in said


def test_a_ratio_that_there_is_not_is_said(encoder, activations) -> None:
    subspace = js.find(activations, "direction", layer=2)
    assert js.port(encoder, activations, subspace, subspace, dose=0.25).note == ""
    assert "the ratio is saturated; ask for a lower dose" in js.port(encoder, activations, subspace, subspace, dose=4).note


def test_a_subspace_of_unknown_or_other_origin_is_refused(encoder, activations) -> None:
    subspace = js.find(activations, "direction", layer=2)
    with pytest.raises(BadArgument, match="does not say its variable"):
        js.intervene(encoder, activations, js.Subspace(subspace.basis, subspace.mean))
    with pytest.raises(BadArgument, match="layer: must be a whole number"):
        js.intervene(encoder, activations, js.Subspace(subspace.basis, subspace.mean, {"variable": "direction", "layer": "two"}))
    with pytest.raises(BadArgument, match="not in 'nano-untrained-0'"):
        js.intervene(encoder.untrained(0), activations, subspace)
    with pytest.raises(BadArgument, match="The activations are those of 'nano', not of 'nano-untrained-0'"):
        js.intervene(encoder.untrained(0), activations, replace(subspace, provenance={"variable": "direction", "layer": 2}))


LAST = "layers 0..3 can be intervened on .*there is no layer 4 to edit"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"edit": "burn"}, r"^edit: must be one of ablate, swap, steer, rotate, spline \(given: 'burn'\)"),
        ({"dose": -1.0}, r"^dose: doses lie in \(0, 10\].*given: -1"),
        ({"dose": 0.0}, "^dose: doses lie in"),
        ({"dose": float("nan")}, "^dose: doses lie in"),
        ({"draws": 0}, "^draws: must be a whole number from 2 to 10,000"),
        ({"draws": 1}, "^draws: must be a whole number from 2 to 10,000"),
        ({"seed": -1}, "^seed: must be a whole number from 0 to"),
        ({"tokens": "sky"}, "^tokens: tokens to edit are all, object, background, or tubelets"),
        ({"tokens": "time:9"}, r"have no tokens 'time:9'"),
        ({"ablate_to": "noise"}, "^ablate_to: must be one of mean, zero, resample"),
    ],
)
def test_python_refuses_what_the_command_line_refuses(options, said, encoder, activations, monkeypatch) -> None:
    """And before anything is captured."""
    subspace = js.find(activations, "direction", layer=2)
    monkeypatch.setattr("jepascope.study.captures.capture", None)
    with pytest.raises(BadArgument, match=said):
        js.intervene(encoder, activations, subspace, **options)
    if set(options) <= {"dose", "seed"}:
        with pytest.raises(BadArgument, match=said):
            js.port(encoder, activations, subspace, subspace, **options)


def test_layers_ranks_and_clips_that_cannot_serve_are_refused_before_anything_is_captured(encoder, activations, monkeypatch) -> None:
    subspace, last = (js.find(activations, "direction", layer=layer) for layer in (2, 4))
    monkeypatch.setattr("jepascope.study.captures.capture", None)
    wide = js.Subspace(np.eye(96, 60), np.zeros(96), {"variable": "direction", "layer": 2})
    other = js.Subspace(np.eye(48, 2), np.zeros(48), {"variable": "direction", "layer": 2})
    for call, said in (
        (lambda: js.intervene(encoder, activations, last), LAST),
        (lambda: js.port(encoder, activations, last, last), LAST),
        (lambda: js.intervene(encoder, activations, wide), "rank 60 in width 96, which leaves no orthogonal control of equal rank"),
        (lambda: js.intervene(encoder, activations, other), "has width 48, encoder 'nano' 96"),
        (lambda: js.port(encoder, activations, subspace, other), "has width 48, encoder 'nano' 96"),
        (lambda: js.port(encoder, activations, subspace, last), "are of two sites, layer 2, all tokens and layer 4, all tokens"),
        (lambda: js.intervene(encoder, activations.split("fit"), subspace), "has no judge clips at all"),
        (lambda: js.find(activations.split("test"), "direction", layer=2), "has no fit clips at all"),
        (lambda: js.find(activations.select(range(20)), "direction", layer=2), "has no fit clips of direction 'NE'"),
        (lambda: js.find(activations, "direction", layer=2, rank=0), "cannot give rank 0 .*ranks 1..7"),
        (lambda: js.find(activations, "direction", layer=2, finder="das", rank=0, encoder=encoder), "cannot give rank 0"),
        (lambda: js.find(activations, "direction", layer=2, finder="magic"), "no finder 'magic'"),
        (lambda: js.find(activations, "direction", layer=2, seed=-1), "^seed: "),
        (lambda: js.find(activations, "direction", layer=2, tokens="sky"), "^tokens: must be all or object"),
        (lambda: js.find(activations, "direction", layer=9), "there is no layer 9"),
        (lambda: js.find(activations, "mass", layer=2), "no variable 'mass'"),
        (lambda: js.directions8(seed=-1), "A seed is a whole number of at least 0"),
    ):
        with pytest.raises(JepascopeError, match=said):
            call()


WRONG_TYPES = """
import sys, numpy as np, pandas as pd, jepascope as js
encoder, folder = js.load_encoder("nano"), sys.argv[1]
clips = js.directions8(seed=3, per_class=20)
activations = js.capture(encoder, clips, cache=False)
subspace = js.find(activations, "direction", layer=np.int64(2), rank=np.int32(2), seed=np.int64(3))
assert subspace.found_by == js.find(activations, "direction", layer=2, rank=2, seed=3).found_by
subspace.save(folder + "/a.safetensors")
assert js.Subspace.load(folder + "/a.safetensors").found_by == subspace.found_by
edit = lambda **options: js.intervene(encoder, activations, subspace, **options)
pd.testing.assert_frame_equal(edit(dose=np.float32(0.5), draws=np.int64(2), seed="0"), edit(dose=0.5, draws=2))
for call in CALLS:
    try:
        print("accepted:", call, eval(call))
    except js.JepascopeError as error:
        print(error)
"""


@pytest.mark.slow
def test_wrong_types_are_refused_by_name_and_numbers_of_numpy_are_numbers(tmp_path) -> None:
    """In a process of its own: the type checker that tests put around every function would answer first."""
    said = {
        'js.capture("nano", clips)': "encoder: An encoder is what jepascope.load_encoder returns, not str",
        "js.capture(clips, encoder)": "encoder: .*not ClipSet",
        "js.capture(encoder, [0, 1])": "clips: A clip set is what .*not list",
        'js.find(clips, "direction", layer=2)': "activations: Activations are what jepascope.capture returns, not ClipSet",
        'js.find(activations, "direction", layer=2, finder="das", encoder="nano")': "encoder: .*not str",
        'js.find(activations, ["direction"], layer=2)': r"There is no variable '\['direction'\]'",
        'js.find(activations, "direction", layer=2, rank="3")': "rank: must be a whole number",
        'js.find(activations, "direction", layer=2, rank=2.5)': "rank: must be a whole number",
        'js.find(activations, "direction", layer=2, finder=["lda"])': r"There is no finder '\['lda'\]'",
        "js.intervene(activations, encoder, subspace)": "encoder: .*not Activations",
        "js.intervene(encoder, clips, subspace)": "activations: .*not ClipSet",
        "js.intervene(encoder, activations, subspace.basis)": "subspace: A subspace is what .*not Tensor",
        "js.port(encoder, activations, subspace, None)": "other: A subspace is what .*not NoneType",
        "edit(draws=None)": "draws: must be a whole number .*given: None",
        "edit(draws=2.5)": "draws: must be a whole number .*given: 2.5",
        "edit(seed=None)": "seed: must be a whole number .*given: None",
        'edit(dose="much")': "dose: must be .*given: 'much'",
        'js.Subspace(subspace.basis, subspace.mean, "direction")': "The provenance of a subspace is a dict .*not str",
        'js.Subspace.spanned_by(subspace.basis, subspace.mean, rank="3")': "rank: must be a whole number",
        "js.Subspace.spanned_by(subspace.basis, subspace.mean, rank=2.0)": "rank: must be a whole number",
        "subspace.save(folder)": ".*is a folder; name the file in it",
        'subspace.save("")': "A subspace is stored in a file",
        "js.Subspace.load(folder)": ".*is a folder; name the file in it",
        "js.Subspace.load(None)": "A subspace is stored in a file",
        'js.load_encoder("nano", device=None)': "Device 'None' cannot be used",
        'js.load_encoder("nano", dtype="float32")': "dtype: must be torch.float32",
        "js.build_report(None)": "A run folder is given by its path, not as NoneType",
        "js.explain(None)": ".*this NoneType has no control",
        'js.why_empty(pd.DataFrame({"control": ["random"]}))': ".*this DataFrame has no draws, value, high",
    }
    code = WRONG_TYPES.replace("CALLS", repr(list(said)))
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [bool(re.match(wanted, line)) for wanted, line in zip(said.values(), lines, strict=True)] == [True] * len(said), lines


def test_das_without_the_encoder_or_with_another_is_refused(encoder, activations) -> None:
    with pytest.raises(BadArgument, match=r"'das' at layer 3, all tokens trains through the network.*encoder="):
        js.find(activations, "direction", layer=3, finder="das")
    with pytest.raises(BadArgument, match="not of 'nano-untrained-0'"):
        js.find(activations, "direction", layer=3, finder="das", encoder=encoder.untrained(0))


@pytest.mark.slow
def test_das_and_its_controls_are_trained_through_the_network(encoder, activations) -> None:
    subspace = js.find(activations, "direction", layer=3, finder="das", rank=3, encoder=encoder)
    assert subspace.rank == 3 and max(subspace.provenance["losses"]) < subspace.provenance["loss_without_edit"]
    table = js.intervene(encoder, activations, subspace, edit="swap", draws=2).set_index("control")
    assert table.loc["subspace", "value"] > table.loc["shuffled", "value"]


@pytest.mark.slow
def test_what_is_returned_shows_itself_in_a_notebook(encoder, activations, ablated) -> None:
    page = ablated._repr_html_()
    assert page.count("<img") == 1 and all(f"<td>{control}</td>" in page for control in ablated["control"])
    assert "judge" not in page and "above the mean draw" in page and ablated.plot()._repr_png_().startswith(b"\x89PNG")
    (said,) = ablated.verdicts()
    assert said.startswith("diff_means: ablation has an effect (CE ")
    two = Effects(pd.concat([ablated.frame, ablated.frame.assign(judge="mlp")], ignore_index=True))
    assert [label.get_text() for label in two.plot().axes[0].get_yticklabels()][-1] == "subspace, probe"
    assert len(two.verdicts()) == 2 and "<td>mlp</td>" in two._repr_html_()
    assert "8 frames x 48 px" in repr(encoder)
    subspace = js.find(activations, "direction", layer=2)
    assert "SAS 1.00" in repr(js.port(encoder, activations, subspace, subspace))


def test_clips_show_their_first_and_last_frames() -> None:
    clips = js.directions8(seed=3, per_class=10).at(4, 16)
    assert "of 8 of them" in clips._repr_html_() and clips._repr_html_().count("data:image/png;base64,") == 1
    assert "of 2 of them" in clips.select([0, 1])._repr_html_() and "<img" not in clips.select([])._repr_html_()
