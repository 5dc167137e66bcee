"""Stage two: what edits do."""

from __future__ import annotations

from jepascope.schema.column import Table
from jepascope.schema.vocabulary import columns, flag, integer, number, sentence, text

_EFFECT = (
    "layer tokens finder rank edit control draw dose judge read_layer read scene target numerator numerator_direct denominator correct"
    " correct_before kl angle_error angle_error_before nearest nearest_before mahalanobis mahalanobis_before"
    " clip"
)
_EFFECT_COLUMNS = columns(
    _EFFECT,
    text("tokens", "the tokens that are edited"),
    integer("target", "the class that the edit asks for"),
    number("numerator", "margin that is moved"),
    number("numerator_direct", "the part that reaches the read-out with no block seeing the edit; empty for predictor and head"),
    number("denominator", "margin that there is to move: the clean one (ablate), what the real twin moves (the others)"),
    flag("correct", "whether the judge reads the target"),
    flag("correct_before", "whether it does unedited"),
    number("kl", "divergence of the edited from the unedited reading", "nats"),
    number("angle_error", "of the decoded angle; empty where the variable is no angle", "degrees"),
    number("angle_error_before", "the same unedited", "degrees"),
    number("nearest", "inside the edited directions: distance of the edited clip to the nearest of split fit; first draws", "latent units"),
    number("nearest_before", "the same unedited", "latent units"),
    number("mahalanobis", "distance of the edited clip from those of split fit at the last layer", "standard deviations"),
    number("mahalanobis_before", "the same unedited", "standard deviations"),
    integer("clip", "as in clips: scene is the source video there, and has several"),
    late="target read_layer read numerator_direct correct correct_before kl angle_error angle_error_before nearest"
    " nearest_before mahalanobis mahalanobis_before",
    videos="clip",
)
_EFFECT_KEY = ("layer", "tokens", "finder", "edit", "control", "draw", "dose", "judge", "read_layer", "read", "scene", "clip")

ONE_FIT = "one_low one_high one_difference_low one_difference_high one_excess_low one_excess_high one_ratio_low one_ratio_high"
"""Intervals of one subspace and one read-out, where those of the row are said of the encoder."""

CE_COLUMNS = columns(
    "layer tokens finder rank edit control dose judge value low high n draws difference difference_low difference_high excess_low"
    " excess_high ratio ratio_low ratio_high ratio_is_bound percentile p p_holm p_floor direct direct_low direct_high accuracy"
    " accuracy_before kl kl_low kl_high angle_error angle_error_low angle_error_high angle_error_before read_layer read correlation worth"
    f" {ONE_FIT}",
    text("tokens", "the tokens that are edited"),
    number("difference", "the subspace's CE less the mean draw's"),
    number("excess_low", "lower end of the interval of the subspace's CE less that of one new draw"),
    number("excess_high", "upper end of it"),
    number("ratio", "the subspace's CE over the mean draw's"),
    flag("ratio_is_bound", "whether ratio is a lower bound: the control's effect cannot be told from zero"),
    number("percentile", "the subspace's place among the draws"),
    number("p", "of the subspace among the draws"),
    number("p_holm", "corrected over layers and finders"),
    number("p_floor", "the least p that so many draws can give"),
    number("direct", "CE that reaches the read-out with no block seeing the edit"),
    number("accuracy", "share of edited clips read as the target"),
    number("kl", "mean divergence of the edited from the unedited reading", "nats"),
    number("angle_error", "mean, of the decoded angle", "degrees"),
    number("angle_error_before", "the same unedited", "degrees"),
    number("correlation", "of the draws' effects with their first-order effects; below 0.5, and where empty, the mean is the plain one"),
    number("worth", "how many plain draws would give the control's mean as small a standard error"),
    number("one_low", "where low and high are said of the encoder (subspace and read-out were found anew): those of this one subspace"),
    number("one_high", "upper end of it"),
    number("one_difference_low", "the same of difference"),
    number("one_difference_high", "upper end of it"),
    number("one_excess_low", "the same of excess"),
    number("one_excess_high", "upper end of it"),
    number("one_ratio_low", "the same of ratio"),
    number("one_ratio_high", "upper end of it"),
    late=f"{ONE_FIT}"
    " correlation worth excess_low excess_high p_floor direct direct_low direct_high accuracy accuracy_before kl kl_low kl_high"
    " angle_error angle_error_low angle_error_high angle_error_before read_layer read",
)
CE_KEY = ("layer", "tokens", "finder", "edit", "control", "dose", "judge", "read_layer", "read")

EFFECTS = (
    Table(
        "effects",
        "Every edit of every test scene. CE of a condition is the sum of numerators over the sum of denominators",
        _EFFECT_COLUMNS,
        key=_EFFECT_KEY,
        evidence="ce",
    ),
    Table(
        "witnesses",
        "The same, read by probes of earlier layers and of other factors; controls subspace, random and variance, at most 20 draws",
        _EFFECT_COLUMNS,
        key=_EFFECT_KEY,
        reported=False,
    ),
    Table(
        "first_order",
        "First-order effects of the same edits by the judge that claims are made in: never an effect, but what the mean of a control is "
        "adjusted by",
        columns(
            "layer tokens finder edit control draw dose judge scene clip value expected many",
            text("tokens", "the tokens that are edited"),
            integer("clip", "as in clips, where a scene has several; else its place"),
            number("value", "slope of the margin at every token times what is added there, in the units of effects' numerator"),
            number("expected", "the mean of that over many draws of the control, empty for subspaces"),
            integer("many", "how many draws that is the mean of"),
        ),
        key=("layer", "tokens", "finder", "edit", "control", "draw", "dose", "judge", "scene", "clip"),
        reported=False,
    ),
    Table(
        "matching",
        "What every control draw shares with its subspace",
        columns(
            "layer finder edit control draw rank variance_target variance pooled_variance_target pooled_variance overlap norm_target norm"
            " shift_target shift",
            number("variance_target", "variance of tokens that the subspace holds at the site", "squared latent units a token"),
            number("variance", "that the draw holds", "squared latent units a token"),
            number("pooled_variance_target", "variance of pooled activations that the subspace holds", "squared latent units"),
            number("pooled_variance", "that the draw holds", "squared latent units"),
            number("overlap", "SAS of the draw with the subspace"),
            number("norm_target", "mean norm of the subspace's edit", "latent units a token"),
            number("norm", "of the draw's edit", "latent units a token"),
            number("shift_target", "mean norm of what the subspace's edit adds to the pooled read-out", "latent units"),
            number("shift", "of what the draw's edit adds", "latent units"),
            late="pooled_variance_target pooled_variance overlap shift_target shift",
        ),
        key=("layer", "finder", "edit", "control", "draw"),
        evidence="ce",
    ),
    Table(
        "fits",
        "CE of subspaces (and PCA of equal rank) found anew, and of the study's own read by probes trained anew: on clips of new seeds, "
        "or on the study's own with a part left out; at the layer of the claims, on the same test scenes",
        columns(
            "layer tokens finder rank edit control dose judge part fit how value",
            text("tokens", "the tokens that are edited"),
            text("control", "subspace, or a control in which nothing is random"),
            text("judge", "probe, predictor; of rollouts with the reading and the step: rollout code 1"),
            text("part", "fit, judge: which split is another one"),
            integer("fit", "which of them"),
            text("how", "new clips, left out"),
            number("value", "CE, on all test scenes"),
        ),
        key=("layer", "tokens", "finder", "edit", "control", "dose", "judge", "part", "fit"),
    ),
    Table(
        "ce",
        "CE of every subspace and control; in rows of a control also the subspace against it (empty with fewer than 10 draws)",
        CE_COLUMNS,
        key=CE_KEY,
        evidence="ce",
    ),
    Table(
        "spread",
        "How alike the scenes of an effect are, at the layer of the claims",
        columns(
            "layer tokens finder rank edit dose judge control draws n wrong wrong_low wrong_high effective top heavy",
            text("tokens", "the tokens that are edited"),
            number("wrong", "share of scenes moved the wrong way, against what the whole edit does; of a control the mean over its draws"),
            number("wrong_low", "lower end of Wilson's interval; of a control the least draw"),
            number("wrong_high", "upper end of it; of a control the largest draw"),
            number("effective", "scenes of equal margin that would weigh as much, (sum |margin|)^2 / sum margin^2"),
            number("top", "share of all margins that the tenth of scenes with the largest ones holds"),
            flag("heavy", "whether fewer than 0.6 of the scenes count: intervals are widened"),
        ),
        key=("layer", "tokens", "finder", "edit", "dose", "judge", "control"),
    ),
    Table(
        "strata",
        "CE of every subspace by classes of the scenes, at the layer of the claims, by the judge that claims are made in",
        columns(
            "layer tokens finder rank edit dose judge factor class value low high n p p_holm reason",
            text("tokens", "the tokens that are edited"),
            text("factor", "what the scenes are parted by; the study's own variable among them"),
            text("class", "of the factor"),
            integer("n", "test scenes of that class"),
            number("p", "of no difference between the classes of the factor, by permutation"),
            number("p_holm", "corrected over the factors of one edit"),
            sentence("reason", "why the class is not compared; empty where it is"),
        ),
        key=("layer", "tokens", "finder", "edit", "dose", "judge", "factor", "class"),
    ),
    Table(
        "distances",
        "How far edited clips lie from natural ones (split fit), at the layer of the claims, beside the same clips unedited",
        columns(
            "layer tokens finder rank edit dose control draws n nearest nearest_low nearest_high nearest_natural nearest_natural_low"
            " nearest_natural_high nearest_more nearest_more_low nearest_more_high mahalanobis mahalanobis_low mahalanobis_high"
            " mahalanobis_natural mahalanobis_natural_low mahalanobis_natural_high mahalanobis_more mahalanobis_more_low"
            " mahalanobis_more_high",
            text("tokens", "the tokens that are edited"),
            integer("draws", "of the control at the last layer; inside the first five at most"),
            number("nearest", "mean distance to the nearest natural clip, inside the directions that are edited", "latent units"),
            number("nearest_natural", "of the same clips unedited, inside the same directions", "latent units"),
            number("nearest_more", "the one less the other", "latent units"),
            number("mahalanobis", "mean distance from natural clips at the last layer, shrunk covariance", "standard deviations"),
            number("mahalanobis_natural", "of the same clips unedited", "standard deviations"),
            number("mahalanobis_more", "the one less the other", "standard deviations"),
        ),
        key=("layer", "tokens", "finder", "edit", "dose", "control"),
    ),
)
