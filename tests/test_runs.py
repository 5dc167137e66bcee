"""A study from Python is the command line's: the same folder, and what it found read from its files."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import jepascope as js
from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument
from jepascope.schema import TABLES
from jepascope.study.own_study import fields_of

KINDS = np.repeat(["left", "right"], 30)
VIDEOS = np.random.default_rng(0).integers(0, 120, (60, 4, 16, 16, 3), dtype=np.uint8) + 100 * (KINDS == "left")[
    :, None, None, None, None
].astype(np.uint8)
TINY: dict[str, Any] = {
    **{"test_scenes": 8, "draws": 2, "draws_elsewhere": 2, "untrained_seeds": 1, "finders": ("diff_means",), "resamples": 100},
    **{"stability_subsamples": 4, "permutations": 4, "control_seeds": 1, "doses": (0.5, 1.0)},
}


def test_a_finished_run_shows_its_tables_and_words(finished_run: Path) -> None:
    run = js.load_run(finished_run)
    assert run.summary["headline"] in repr(run) and run.claims
    assert isinstance(run.table("ce"), pd.DataFrame) and len(run.table("probes"))
    assert "data:image/png;base64" in run._repr_html_() and all(reply["ask"] in run._repr_html_() for reply in run.summary["replies"])
    assert all(html.escape(claim["question"]) in run.claims._repr_html_() for claim in run.claims)
    effects = run.effects("swap")
    assert {*effects["edit"]} == {"swap"} and {*effects["layer"]} == {run.summary["best_layer"]} and effects["control"].is_unique
    assert effects.standings().keys() == {*effects["control"]} - {"subspace"} and len(effects.verdicts()) == 1
    with pytest.raises(BadArgument, match="edit: this run has no 'turn' at the layer of its claims; it has ablate"):
        run.effects("turn")
    meanings = run.columns("ce")
    assert list(meanings.index) == TABLES["ce"].names and meanings.loc["kl", "unit"] == TABLES["ce"]["kl"].unit
    with pytest.raises(BadArgument, match="has no table 'nothing'; it has"):
        run.table("nothing")
    with pytest.raises(BadArgument, match="There is no table 'nothing'; there are"):
        run.columns("nothing")


def test_what_is_no_run_is_refused(tmp_path: Path, tiny_encoder: VideoEncoder) -> None:
    with pytest.raises(BadArgument, match=r"no finished run folder: it has no summary\.json"):
        js.load_run(tmp_path)
    with pytest.raises(BadArgument, match="nothing could make it again; name its function"):
        js.study(tiny_encoder, js.clips.twins(js.directions8(per_class=10)), out=tmp_path / "run")


def test_a_clip_set_in_memory_is_named_by_what_makes_it_again() -> None:
    drawn = js.directions8(seed=3, per_class=10).at(4, 16)
    assert fields_of(drawn, {}) == {"clips": "directions8", "seed": 3, "clips_per_class": 10}
    assert fields_of("complex", {}) == {"clips": "complex"}
    clips = js.clips.from_arrays(VIDEOS, {"kind": KINDS}, twins={"video": VIDEOS, "kind": KINDS[::-1]})
    saved = js.clips.from_file(fields_of(clips, {})["clips"])
    assert saved.factors.equals(clips.factors) and saved.own == clips.own
    assert fields_of(saved, {}) == fields_of(clips, {})


@pytest.mark.slow
def test_a_study_of_arrays_goes_to_its_end_with_twins_and_without(tmp_path: Path, tiny_encoder: VideoEncoder) -> None:
    for twins, donor in (({"video": VIDEOS[::-1].copy(), "kind": KINDS[::-1].copy()}, "twin"), (None, "class")):
        clips = js.clips.from_arrays(VIDEOS, {"kind": KINDS}, twins=twins)
        run = js.study(tiny_encoder, clips, variable="kind", out=tmp_path / donor, **TINY)
        assert len(run.table("effects").query("edit == 'swap'")) and run.summary["swap_donor"] == donor
        assert "kind" in run.summary["headline"].lower()
        assert run.report().is_file() and js.load_run(tmp_path / donor).summary == run.summary
