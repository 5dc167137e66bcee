"""Stage one: what is read from activations."""

from __future__ import annotations

from jepascope.schema.column import Table
from jepascope.schema.vocabulary import columns, flag, integer, number, text

READINGS = (
    Table(
        "probes",
        "Class probes: the encoder, its untrained twins, pixels (averaged to 16 x 16; grey, or in colour for the variable colour and "
        "labels of one's own) and their differences; control tasks (the dense probe on labels that are a random function of the scene's "
        "other factors) and permuted labels (scored on true ones) at the study's tokens, every layer",
        columns(
            "encoder seed layer tokens probe strength accuracy low high n chance support cv_accuracy cv_se gap chosen types type_columns"
            " layer_share open_ended",
            number("support", "share of coordinates with a weight that is not zero, in any class (l1)"),
            number("cv_accuracy", "cross-validated accuracy inside fit"),
            number("cv_se", "its standard error over folds"),
            number("gap", "certified duality gap of the fit (l1)"),
            number("types", "types of scenes, each with a random class of its own (control tasks)"),
            text("type_columns", "the factors that make the types; numbers among them are cut at the fit clips' median"),
            number(
                "layer_share",
                "share of resamples of folds and scenes that choose this layer for claims (the model's candidates)",
            ),
            flag("open_ended", "whether the path ended before the cross-validated accuracy turned: its support is not determined (l1)"),
            late="types type_columns gap layer_share open_ended",
        ),
        key=("encoder", "seed", "layer", "tokens", "probe", "strength"),
        evidence="probe",
    ),
    Table(
        "values",
        "Value probes (ridge to the variable itself); no rows for a variable with classes only",
        columns(
            "encoder seed layer tokens probe held_out output unit error low high n chance r2 r2_low r2_high strength floor gap gap_low "
            "gap_high p_order",
            text("unit", "of error"),
            number("error", "mean absolute error"),
            number("chance", "error of the best constant guess, the median of the fit clips; at most 90 degrees for angles"),
            number("r2", "1 - SSE over the spread around the mean of the fit clips (clips only)"),
            number("floor", "error on a perfect circle (arcs only)"),
            number("gap", "error less that on held-out clips, paired by clip (arcs only)"),
            number("p_order", "share of circular orders of the same classes that are read as well (arcs only, at the best layer)"),
            late="strength floor gap gap_low gap_high p_order",
        ),
        key=("encoder", "seed", "layer", "tokens", "probe", "held_out", "output"),
    ),
    Table(
        "readings",
        "What the value probes of the model read at the best layer, clip by clip; angles in radians",
        columns(
            "layer tokens scene held_out output true predicted",
            number("true", "the value"),
            number("predicted", "what is read"),
        ),
    ),
    Table(
        "dimensions",
        "In how many directions class means differ more than those of permuted labels, at the layer of the claims: the rank of a study "
        "that names none",
        columns(
            "layer tokens dimension spread null p n",
            integer("dimension", "the widest first"),
            number("spread", "singular value of the class means, each times the root of its clips", "latent units"),
            number("null", "95th percentile of permuted labels' first, in what the dimensions before leave of the clips", "latent units"),
            number("p", "of the spread among those of permuted labels"),
            integer("n", "fit clips"),
        ),
        key=("layer", "tokens", "dimension"),
    ),
    Table(
        "stability",
        "Stability selection: L1 probes of random halves of the fit clips",
        columns(
            "layer tokens strength support support_low support_high subsamples selected stable threshold false_bound "
            "permuted_support chosen",
            number("support", "mean share of coordinates with a weight; _low and _high hold the middle 95 % of the halves"),
            integer("subsamples", "halves"),
            number("selected", "mean number of coordinates"),
            number("stable", "share of coordinates selected in at least `threshold` of the halves"),
            number("threshold", "share of the halves"),
            number(
                "false_bound",
                "of coordinates that a half selects no more often than the average one, at most so many are expected among the stable; "
                "empty where the bound is void",
            ),
            number("permuted_support", "support of halves with permuted labels"),
        ),
        key=("layer", "tokens", "strength"),
    ),
    Table(
        "frequencies",
        "How often each coordinate is selected, at the one-standard-error choice",
        columns(
            "layer tokens coordinate frequency",
            integer("coordinate", "of the residual stream"),
            number("frequency", "share of the halves that select it"),
        ),
        key=("layer", "tokens", "coordinate"),
    ),
    Table(
        "token_map",
        "A reader of each token alone, at the best layer. A token counts above both null and chance",
        columns(
            "layer tokens token t row column accuracy low high n chance metric null draws",
            text("tokens", "each"),
            integer("token", "its number"),
            integer("t", "its tubelet"),
            integer("row", "its row"),
            integer("column", "its column"),
            number("accuracy", "accuracy, or R^2 where metric says r2"),
            text("metric", "accuracy or r2"),
            number("null", "the draw of rank ceil(0.95 (draws + 1)) of the largest of all tokens under permuted labels"),
            integer("draws", "of permuted labels"),
            late="draws",
        ),
        key=("layer", "token"),
    ),
    Table(
        "leaks",
        "The same probe on clips whose motion is taken away",
        columns(
            "baseline accuracy low high n chance leak explained",
            text("baseline", "what is read, and from which motionless clips"),
            flag("leak", "whether its interval lies above chance"),
            number("explained", "what position or axis alone allow"),
            late="explained",
        ),
        key=("baseline",),
        evidence="leaks",
    ),
)
