"""The tables of a run folder: which columns the report reads from each, and of what kind they are."""

from __future__ import annotations

from dataclasses import dataclass

WORDS = "encoder tokens probe baseline finder edit control judge metric across a b held_out output unit type_columns found_for read part"
WORDS += " verdict reason probe_from choice map used"
TEXT = frozenset(WORDS.split())
"""Columns that hold words."""

SENTENCES = frozenset({"reason"})
"""Of these, columns that hold whole sentences."""

TRUTH = frozenset({"chosen", "leak", "ratio_is_bound", "saturated", "readable", "equivalent", "above"})
"""Columns that hold truth values, missing where the question does not arise (read as no); every other column holds numbers."""


@dataclass(frozen=True)
class Table:
    """The columns that the report reads from one table, and the summary key that is filled when its stage has run."""

    columns: tuple[str, ...]
    evidence: str  # empty for tables that folders of earlier versions lack
    added: tuple[str, ...] = ()
    """Columns that folders of earlier versions lack; read as missing there."""
    words: frozenset[str] = frozenset()
    """Columns that hold words in this table and numbers in another."""


def _table(evidence: str, columns: str, added: str = "", words: str = "") -> Table:
    return Table(tuple(columns.split()), evidence, tuple(added.split()), frozenset(words.split()))


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
    "leave_one_out": _table(
        "leave_one_out",
        "layer tokens finder rank edit control dose judge value low high n draws ratio ratio_low ratio_high ratio_is_bound",
    ),
    "portability": _table(
        "sas",
        "metric across a b layer rank dose value low high n chance calibrated ceiling floor_random floor_variance saturated",
        added="edit floor_random_low floor_random_high floor_variance_low floor_variance_high excess_low excess_high",
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
    "carried_readout": _table("", "clips layer probe_from accuracy low high n chance", words="clips"),
    "degeneracy": _table("degeneracy", "layer a b part rank control value low high n draws excess excess_low excess_high"),
    "verdicts": _table(
        "degeneracy",
        "layer a b verdict reason sas sas_chance ceiling readings readings_low readings_high readings_chance rce rce_low rce_high rce_dose"
        " saturated a_alone a_alone_low a_alone_high a_floor a_excess_low a_excess_high b_alone b_alone_low b_alone_high b_floor"
        " b_excess_low b_excess_high surplus surplus_low surplus_high refit_accuracy refit_low refit_high refit_chance n",
        added="rce_floor whole whole_low whole_high erased_accuracy erased_low erased_high",
    ),
    "peeling": _table(
        "",
        "layer finder stage rank control value low high n draws excess_low excess_high alone alone_low alone_high above",
        added="whole whole_low whole_high surplus surplus_low surplus_high copies verdict reason",
    ),
}
"""Every table by its file's name."""

PORT_TABLES = {
    "similarity": _table(
        "pairs",
        "source target source_layer target_layer metric value low high n components chance chance_low chance_high label_chance label_low"
        " label_high",
        words="source target",
    ),
    "transport": _table(
        "pairs",
        "source target source_layer target_layer choice map finder rank edit dose used value low high n draws rce rce_low rce_high"
        " saturated sas sas_chance",
        added="difference difference_low difference_high",
        words="source target",
    ),
}
"""The tables of RUN/port-<digest>/ between models; between subspaces of one encoder they are those of a run."""
