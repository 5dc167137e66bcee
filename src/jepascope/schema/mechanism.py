"""Stage two: what is run beside the edits at the layer of the claims."""

from __future__ import annotations

from jepascope.schema.column import Table
from jepascope.schema.vocabulary import columns, flag, integer, number, text

MECHANISM = (
    Table(
        "screen",
        "CE at every layer of every subspace and control: few exact draws, and many first-order ones. Never a claim",
        columns(
            "layer tokens finder rank edit control dose judge read_layer read value low high n draws first_order slope correlation"
            " screened",
            text("tokens", "the tokens that are edited"),
            number("value", "CE: of a subspace exact, of a control its mean draw, adjusted by the many where first-order effects follow"),
            number("low", "lower end of the 95 % interval over scenes"),
            number("high", "upper end of it"),
            integer("draws", "that were run"),
            number("first_order", "the mean first-order effect of many draws, as a share like CE; biased, never an effect"),
            number("slope", "of exact effects over first-order ones, all controls of the layer and edit together"),
            number("correlation", "of the two, about each control's mean; below 0.5 the mean is the plain one"),
            flag("screened", "whether the draws are too few for anything but a look"),
        ),
        key=("layer", "tokens", "finder", "edit", "control", "dose", "judge", "read_layer", "read"),
    ),
    Table(
        "reads",
        "Edits by frozen probes of each later layer",
        columns("layer read_layer tokens finder rank edit control judge draws value low high n accuracy accuracy_before"),
        key=("layer", "read_layer", "tokens", "finder", "edit", "control", "judge"),
    ),
    Table(
        "curves",
        "Dose curves",
        columns("layer tokens finder rank edit control dose judge value low high n draws"),
        key=("layer", "tokens", "finder", "edit", "control", "dose", "judge"),
    ),
    Table(
        "ranks",
        "CE over the rank: the first finder's subspaces of several ranks beside PCA, permuted labels and the edit turned",
        columns(
            "layer tokens finder rank edit control dose judge value low high n draws chosen",
            text("tokens", "the tokens that are edited"),
            flag("chosen", "whether the rank is that of the claims"),
        ),
        key=("layer", "tokens", "finder", "rank", "edit", "control", "dose", "judge"),
    ),
    Table(
        "doses",
        "What dose 1 is",
        columns(
            "layer finder rank edit norm norm_twin shift shift_low shift_high n",
            number("norm", "mean norm of the edit", "latent units a token"),
            number("norm_twin", "mean norm of the twin's change inside the subspace", "latent units a token"),
            number("shift", "pooled shift over the natural one; 1: the natural change"),
        ),
        key=("layer", "finder", "edit"),
    ),
    Table(
        "forecasts",
        "The predictor in its own units. Without finder: the references natural (the twin's own beginning), none (the source's, "
        "identified as the twin) and persistence. Rows of a control: mean over draws, least and largest draw",
        columns(
            "layer tokens context finder rank edit control dose draws recovery recovery_low recovery_high identified identified_low"
            " identified_high angle_error angle_error_low angle_error_high n",
            integer("context", "tubelets that the predictor is shown"),
            number("recovery", "<z_edit - z, z_twin - z> / |z_twin - z|^2"),
            number("identified", "share of forecasts nearer to the twin's real future"),
            number("angle_error", "of the forecast's decoded angle", "degrees"),
        ),
        key=("layer", "tokens", "context", "finder", "edit", "control", "dose"),
        evidence="forecast",
    ),
    Table(
        "isolation",
        "What the edits do to the margin of other factors",
        columns(
            "layer finder rank found_for edit control read value low high n draws accuracy accuracy_before readable equivalence_low"
            " equivalence_high equivalent margin",
            text("found_for", "whose subspace"),
            text("control", "subspace, random, variance; twin: nothing edited, the twin shown"),
            text("read", "whose margin"),
            number("value", "share of the margin lost"),
            flag("readable", "whether the factor is read at all"),
            number("equivalence_low", "lower end of the 90 % interval"),
            number("equivalence_high", "upper end of it"),
            flag("equivalent", "whether that lies within +-margin"),
            number("margin", "what counts as no effect"),
        ),
        key=("layer", "finder", "found_for", "edit", "control", "read"),
        evidence="isolation",
    ),
    Table(
        "calibration",
        "Steering to requested angles; finder circle: the fitted plane; control none: unedited",
        columns(
            "layer finder rank edit control draw scene source requested decoded",
            number("source", "the scene's own angle", "degrees"),
            number("requested", "the angle asked for", "degrees"),
            number("decoded", "the angle read", "degrees"),
        ),
        evidence="calibration",
    ),
    Table(
        "refits",
        "What a fresh read-out still reads after ablation",
        columns(
            "layer read_layer finder rank control draw judge accuracy low high n chance",
            text("control", "clean, subspace, random"),
        ),
        key=("layer", "read_layer", "finder", "control", "draw", "judge"),
        evidence="refit",
    ),
)
