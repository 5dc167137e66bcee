"""Stage two: the encoder's own action-conditioned predictor as judge."""

from __future__ import annotations

from jepascope.schema.column import Table
from jepascope.schema.effects import CE_COLUMNS, ONE_FIT
from jepascope.schema.vocabulary import columns, integer, number, text

_SAME = "value low high n draws difference difference_low difference_high excess_low excess_high ratio ratio_low ratio_high ratio_is_bound"
_TESTED = "percentile p p_holm p_floor accuracy accuracy_before"
_OF_CE = {column.name: column for column in CE_COLUMNS if column.name in f"tokens {_SAME} {_TESTED} {ONE_FIT}".split()}
_CONTEXT, _STEP = integer("context", "times of the clip that the rollout starts from"), integer("step", "of the rollout, from 1")

ROLLOUTS = (
    Table(
        "rollouts",
        "CE on what the encoder's own action-conditioned predictor arrives at, step by step, under the clips' actions; columns as in ce",
        columns(
            f"layer tokens context reading step finder rank edit control dose judge {_SAME} {_TESTED} {ONE_FIT}",
            *_OF_CE.values(),
            _CONTEXT,
            text("reading", "rollout, code: 1 is what the twin's own rollout moves; future: what its real future moves (see fidelity)"),
            _STEP,
        ),
        key=("layer", "tokens", "reading", "step", "finder", "edit", "control", "dose"),
    ),
    Table(
        "fidelity",
        "Unedited rollouts of the test scenes beside what really comes: latents, and what probes trained on real latents of that step "
        "(rolled, real, present) or on rollouts (code) read rightly",
        columns(
            "context step n error error_low error_high natural natural_low natural_high real real_low real_high rolled rolled_low"
            " rolled_high code code_low code_high present present_low present_high chance",
            _CONTEXT,
            _STEP,
            number(
                "error", "squared distance of the rollout from the real latents, over that of the present repeated; below 1: it follows"
            ),
            number("natural", "what the twin's own rollout moves the margin, over what its real future moves it"),
            number("real", "share of real futures that are read rightly"),
            number("rolled", "share of rollouts, by the same probe"),
            number("code", "share of rollouts, by a probe of rollouts"),
            number("present", "share of clips of which the present is repeated, by the probe of real latents"),
        ),
        key=("context", "step"),
    ),
)
