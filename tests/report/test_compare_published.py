"""A run beside the published figures: whose encoder it is of, what is asked of it, and what is missing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sections_said import edit, tell, words
from side_by_side import provide

from jepascope.encoders.models import published_models
from jepascope.findings.numbers import Cell
from jepascope.report.blocks import Grid, Section, flat
from jepascope.report.compare.comparison import Comparison
from jepascope.report.compare.encoders import commands, recognised
from jepascope.report.compare.paper_table import columns, distrust, entries, how, paper_sections
from jepascope.report.compare.reading import Compared, read_runs
from jepascope.report.folder import read_run
from jepascope.report.paper import PUBLISHED, VITH, VITL
from jepascope.report.sections.published import published
from jepascope.study.spec_file import make_spec, spec_values


def as_paper(run: Compared, model: str, width: int | None, depth: int | None) -> Any:
    return recognised(replace(run.study, model=model, width=width, depth=depth))


def test_the_papers_encoders_are_known_by_name_and_size(compared: Comparison) -> None:
    run = compared.runs[0]
    assert as_paper(run, "facebook/vjepa2-vitl-fpc64-256", 1024, 24).encoder == VITL
    assert as_paper(run, "vjepa2-vith-fpc64-256", None, None).by == "name alone"
    assert as_paper(run, "mine", 1280, 32).encoder == VITH
    assert "not checked" in as_paper(run, "mine", 1280, 32).by
    assert as_paper(run, "vjepa2-vitg-fpc64-256", 1024, 24) is None
    assert as_paper(run, "vjepa2-vitl-fpc64-256", 96, 4) is None
    assert as_paper(run, "nano", 96, 4) is None
    assert as_paper(run, "dinov2-large", 1024, 24) is None and as_paper(run, "ijepa_vith14_1k", 1280, 32) is None


def test_a_missing_encoder_comes_with_commands_that_work() -> None:
    for encoder in (VITL, VITH):
        download, plan, run = commands(encoder)
        assert download in {model.how for model in published_models()}
        folder = download.split()[-1]
        for command, verb in ((plan, "plan"), (run, "run")):
            assert command.startswith(f"jepascope {verb} paper --model ./{folder} ")
    text = " ".join(words(section) for section in paper_sections([]))
    assert text.count("no run of it was given") == 2
    assert "ViT-L: no run given" in [column.head for column in columns([])]
    assert commands(VITL)[2] in " ".join(str(getattr(block, "text", "")) for block in how([VITL, VITH]))


def test_the_preset_of_the_commands_is_a_spec() -> None:
    spec = make_spec(*spec_values("paper"))
    assert spec.finders == ("diff_means", "class_pca", "l1_probe")
    assert (spec.draws, spec.draws_elsewhere, spec.test_scenes) == (200, 20, 80)


def test_every_published_quantity_is_asked_of_a_run_and_has_an_answer() -> None:
    assert all(one.measured and (one.comparators or one.answer) for one in PUBLISHED)
    for row in distrust().rows:
        assert re.search(r"\. What answers it: .+\.$", str(row[1]))


def test_another_encoder_stands_in_a_column_that_says_so(compared: Comparison) -> None:
    shown = columns(compared.runs)
    assert [column.encoder for column in shown] == [VITL, VITH, "", ""]
    assert shown[3].head.startswith("another encoder: other (second,")
    by_key = {one.key: entries(one, shown) for one in PUBLISHED}
    ratio, variance, _ = by_key["ratio"]
    assert ratio.cells[0] == ("no run given",)
    own = compared.runs[0].measured.ce_ratio["diff_means"]
    assert f"{own['random'].value:.3g}"[:3] in ratio.cells[2][0]
    assert variance.label == "beside it: ratio to variance-matched"
    assert by_key["kinetics"][0].cells[2] == ("not measured: its clips are directions8, not Kinetics",)
    assert "jepascope port" in by_key["cca"][0].cells[2][0]


def test_the_papers_layers_are_read_in_a_run_of_its_encoder(copy: Path) -> None:
    provide(copy, "vjepa2-vitl-fpc64-256", width=1024, depth=24)
    edit(copy, "probes", lambda p: p.assign(layer=p["layer"].replace({4: 7, 3: 4})))
    tell(copy, best_layer=7)
    (run,), _ = read_runs([copy])
    first, *_ = columns([run])
    accuracy = entries(PUBLISHED[0], [first])[0].cells[0]
    assert [re.search(r"at layer (\d+) of 24", line)[1] for line in accuracy[:2]] == ["4", "7"]  # type: ignore[index]


def test_alignment_across_models_is_read_with_its_chance(copy: Path) -> None:
    port = copy / "port-12345678"
    port.mkdir()
    sides = {side: {"model": model} for side, model in (("a", "first"), ("b", "wide"))}
    (port / "summary.json").write_text(json.dumps({"schema": 1, "kind": "models", "headline": "", "pairs": [1], **sides}))
    row = {"source": "first", "target": "wide", "source_layer": 4, "target_layer": 5, "value": 0.81, "low": 0.7, "high": 0.9, "n": 80}
    row |= {"components": 50, "chance": 0.31, "chance_low": 0.28, "chance_high": 0.34} | dict.fromkeys(
        ("label_chance", "label_low", "label_high"), np.nan
    )
    rows = [row | {"metric": "cca"}, row | {"metric": "cca_in_sample", "value": 1.0, "low": np.nan, "high": np.nan}]
    pd.DataFrame(rows).to_parquet(port / "similarity.parquet", index=False)
    transport = "source target source_layer target_layer choice map finder rank edit dose used value low high n draws rce rce_low rce_high"
    pd.DataFrame(columns=f"{transport} saturated sas sas_chance".split()).to_parquet(port / "transport.parquet", index=False)
    (run,), _ = read_runs([copy])
    quantity = next(one for one in PUBLISHED if one.key == "cca")
    held, chance, sample = entries(quantity, columns([run])[2:])
    assert held.cells[0] == ("first, wide (layers 4, 5): 0.810 [0.700, 0.900], 50 components",)
    assert "0.310 [0.280, 0.340]" in chance.cells[0][0]
    assert "1.00" in sample.cells[0][0]


def test_the_report_and_the_comparison_show_one_set_of_published_figures(two: tuple[Path, Path]) -> None:
    section: Section = published(read_run(two[0]))
    (grid,) = [block for block in flat(section.blocks) if isinstance(block, Grid)]
    named = {str(row[0]): str(row[1]) for row in grid.rows if not isinstance(row[0], Cell)}
    assert {one.name: one.published for one in PUBLISHED}.items() <= named.items()
    assert named["CE ratio, ablation over variance-matched directions"] == "not published"
