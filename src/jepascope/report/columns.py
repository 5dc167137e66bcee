"""The tables of a run folder: which columns the report reads from each, and of what kind they are."""

from __future__ import annotations

from dataclasses import dataclass

WORDS = "encoder tokens probe baseline finder edit control judge metric across a b held_out output unit type_columns found_for read"
TEXT = frozenset(WORDS.split())
"""Columns that hold words."""

TRUTH = frozenset({"chosen", "leak", "ratio_is_bound", "saturated", "readable", "equivalent"})
"""Columns that hold truth values, missing where the question does not arise (read as no); every other column holds numbers."""


@dataclass(frozen=True)
class Table:
    """The columns that the report reads from one table, and the summary key that is filled when its stage has run."""

    columns: tuple[str, ...]
    evidence: str  # empty for tables that folders of earlier versions lack
    added: tuple[str, ...] = ()
    """Columns that folders of earlier versions lack; read as missing there."""


def _table(evidence: str, columns: str, added: str = "") -> Table:
    return Table(tuple(columns.split()), evidence, tuple(added.split()))


TABLES = {
    "probes": _table(
        "probe",
        "encoder seed layer tokens probe strength accuracy low high n chance support cv_accuracy cv_se chosen",
        added="types type_columns",
    ),
    "leaks": _table("leaks", "baseline accuracy low high n chance leak", added="explained"),
    "effects": _table("ce", "layer tokens finder rank edit control draw dose judge scene numerator denominator", added="correct"),
    "matching": _table(
        "ce",
        "rank layer finder edit control draw variance_target variance norm_target norm",
        added="pooled_variance_target pooled_variance overlap",
    ),
    "ce": _table(
        "ce",
        "layer tokens finder rank edit control dose judge value low high n draws difference difference_low difference_high"
        " ratio ratio_low ratio_high ratio_is_bound percentile p p_holm",
        added="excess_low excess_high p_floor direct direct_low direct_high accuracy accuracy_before kl kl_low kl_high angle_error"
        " angle_error_low angle_error_high angle_error_before",
    ),
    "portability": _table(
        "sas",
        "metric across a b layer rank dose value low high n chance calibrated ceiling floor_random floor_variance saturated",
        added="edit",
    ),
    "angles": _table("sas", "a b across layer index degrees random_mean random_low random_high"),
    "values": _table(
        "",
        "encoder seed layer tokens probe held_out output unit error low high n chance r2 r2_low r2_high",
        added="strength floor gap gap_low gap_high p_order",
    ),
    "readings": _table("", "layer tokens scene held_out output true predicted"),
    "stability": _table(
        "",
        "layer tokens strength support support_low support_high subsamples selected stable threshold false_bound permuted_support chosen",
    ),
    "frequencies": _table("", "layer tokens coordinate frequency"),
    "token_map": _table("", "layer tokens token t row column accuracy low high n chance metric null", added="draws"),
    "curves": _table("", "layer tokens finder rank edit control dose judge value low high n draws"),
    "doses": _table("", "layer finder rank edit norm norm_twin shift shift_low shift_high n"),
    "reads": _table("", "layer read_layer tokens finder rank edit control judge draws value low high n accuracy accuracy_before"),
    "refits": _table("refit", "layer read_layer finder rank control draw judge accuracy low high n chance"),
    "isolation": _table(
        "isolation",
        "layer finder rank found_for edit control read value low high n draws accuracy accuracy_before readable equivalence_low"
        " equivalence_high equivalent margin",
    ),
    "calibration": _table("calibration", "layer finder rank edit control draw scene source requested decoded"),
    "forecasts": _table(
        "forecast",
        "layer tokens context finder rank edit control dose draws recovery recovery_low recovery_high identified identified_low"
        " identified_high angle_error angle_error_low angle_error_high n",
    ),
}
"""Every table by its file's name."""
