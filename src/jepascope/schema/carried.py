"""Stage three: what carries over. ``similarity`` and ``transport`` lie in RUN/port-<digest>/."""

from __future__ import annotations

from jepascope.schema.column import Table
from jepascope.schema.vocabulary import columns, flag, integer, number, text

CARRIED = (
    Table(
        "portability",
        "Alignment and retained effect. Names: `lda (other seed)`, `lda (layer 1)`, `lda (complex)` were found there",
        columns(
            "metric across a b layer edit rank dose value low high n chance calibrated ceiling floor_random floor_variance saturated"
            " floor_random_low floor_random_high floor_variance_low floor_variance_high excess_low excess_high chance_sd null_shuffled"
            " null_shuffled_high null_pca pca_low pca_high fit_low fit_high p floor_shuffled floor_shuffled_low"
            " floor_shuffled_high floor_pca floor_pca_low floor_pca_high p_holm looked_at one_low one_high",
            text("metric", "sas, readings, rce; rce_norm: at equal token norm"),
            integer("layer", "where it is used"),
            number("value", "of the metric"),
            number("chance", "of random subspaces (sas) or shuffled pairs (readings)"),
            number("calibrated", "(value - chance) / (1 - chance)"),
            number("ceiling", "what one finder reaches with itself, on two halves of the clips"),
            number("floor_random", "RCE of random subspaces, mean over draws"),
            number("floor_variance", "RCE of variance-matched subspaces, mean over draws"),
            number("excess_low", "lower end of the interval of RCE less the variance floor"),
            number("excess_high", "upper end of it"),
            number("chance_sd", "standard deviation of SAS over random pairs"),
            number("null_shuffled", "SAS of a's finder on permuted labels of a's clips with b, mean over draws"),
            number("null_shuffled_high", "what one more such draw exceeds in 5 % of cases"),
            number("null_pca", "SAS of as many principal axes of a's clips with b"),
            number("pca_low", "lower end of the interval of SAS less PCA's, with the fit"),
            number("pca_high", "upper end of it"),
            number("fit_low", "lower end of the interval of SAS with the fit: of scenes, where both subspaces are found anew"),
            number("fit_high", "upper end of it"),
            number(
                "p",
                "one-sided: of sas, that it is not below half of the way from chance to the ceiling; of rce_norm, that no effect is kept",
            ),
            number("floor_shuffled", "RCE of a's finder on permuted labels at equal token norm, mean over draws"),
            number("floor_pca", "RCE of as many principal axes at equal token norm"),
            number("p_holm", "that the transfer is no dissociation, corrected for all that were looked at"),
            number("looked_at", "how many these are"),
            number("one_low", "of rce, where low and high are said of the encoder (both subspaces found anew): those of these subspaces"),
            number("one_high", "upper end of it"),
            late="edit floor_random_low floor_random_high floor_variance_low floor_variance_high excess_low excess_high chance_sd"
            " null_shuffled null_shuffled_high null_pca pca_low pca_high fit_low fit_high p floor_shuffled"
            " floor_shuffled_low floor_shuffled_high floor_pca floor_pca_low floor_pca_high p_holm looked_at one_low one_high",
        ),
        key=("metric", "across", "a", "b", "layer", "edit", "dose"),
        evidence="sas",
    ),
    Table(
        "angles",
        "Principal angles beside the law of random subspaces",
        columns(
            "a b across layer index degrees random_mean random_low random_high",
            integer("index", "of the angle, smallest first"),
            number("degrees", "the angle", "degrees"),
            number("random_mean", "of random subspaces", "degrees"),
        ),
        key=("a", "b", "across", "layer", "index"),
        evidence="sas",
    ),
    Table(
        "carried_readout",
        "A read-out used on another clip set",
        columns(
            "clips layer probe_from accuracy low high n chance",
            text("clips", "what it reads"),
            text("probe_from", "whose judge clips it was trained on"),
        ),
        key=("clips", "layer", "probe_from"),
    ),
    Table(
        "degeneracy",
        "Exchanges. `a without b`: b ablated, and what a then holds swapped; `whole`: both swapped; `a`: a swapped, nothing ablated. `b "
        "without a` is stored with a and b turned round",
        columns(
            "layer a b part rank control value low high n draws excess excess_low excess_high",
            text("a", "one subspace"),
            text("b", "the other"),
            text("part", "a without b, whole, a"),
            text("control", "subspace, random, variance"),
            number("excess_low", "lower end of the interval of the effect less that of one new draw"),
            number("excess_high", "upper end of it"),
        ),
        key=("layer", "a", "b", "part", "control"),
        evidence="degeneracy",
    ),
    Table(
        "verdicts",
        "Are two subspaces copies of each other",
        columns(
            "layer a b verdict reason sas sas_chance ceiling readings readings_low readings_high readings_chance rce rce_low rce_high "
            "rce_dose rce_floor saturated a_alone a_alone_low a_alone_high a_floor a_excess_low a_excess_high b_alone b_alone_low "
            "b_alone_high b_floor b_excess_low b_excess_high whole whole_low whole_high surplus surplus_low surplus_high a_held a_held_low "
            "a_held_high b_held b_held_low b_held_high surplus_held surplus_held_low surplus_held_high interplay interplay_low "
            "interplay_high a_spans b_spans refit_accuracy refit_low refit_high erased_accuracy erased_low erased_high refit_chance n",
            text("a", "one subspace"),
            text("b", "the other"),
            number("ceiling", "split-half reference of SAS"),
            number("readings", "held-out squared canonical correlation of what they read"),
            number("readings_chance", "the same of shuffled pairs"),
            number("rce", "the lower of the two ways round, at the dose that is reported"),
            number("rce_dose", "that dose"),
            number("rce_floor", "of variance-matched subspaces there"),
            number("a_alone", "effect of a while b is ablated"),
            number("a_floor", "of the variance control there"),
            number("b_alone", "effect of b while a is ablated"),
            number("b_floor", "of the variance control there"),
            number("whole", "effect of both"),
            number("surplus", "a alone and b alone, less the whole"),
            number("a_held", "effect of a while b is ablated and the norms' scales are held"),
            number("b_held", "effect of b while a is ablated and the norms' scales are held"),
            number("surplus_held", "a alone and b alone, less the whole, with the norms' scales held"),
            number("interplay", "what the part of one outside the other moves, less what it moves while the other is ablated; the larger"),
            flag("a_spans", "whether a holds all differences of class means"),
            flag("b_spans", "whether b does"),
            number("refit_accuracy", "of a fresh read-out after either is ablated, the lower of the two"),
            number("erased_accuracy", "the same after either is erased (LEACE)"),
            number("refit_chance", "chance of both"),
            late="rce_floor whole whole_low whole_high erased_accuracy erased_low erased_high a_held a_held_low a_held_high b_held "
            "b_held_low b_held_high surplus_held surplus_held_low surplus_held_high interplay interplay_low interplay_high a_spans b_spans",
        ),
        key=("layer", "a", "b"),
        evidence="degeneracy",
    ),
    Table(
        "peeling",
        "The degeneracy curve: subspaces peeled off one after another; some columns stand in a stage's own row alone",
        columns(
            "layer finder stage rank control value low high n draws excess excess_low excess_high above alone alone_low alone_high whole"
            " whole_low whole_high surplus surplus_low surplus_high surplus_held surplus_held_low surplus_held_high rest rest_low rest_high"
            " copies verdict reason",
            integer("stage", "from 1; 0: nothing was found"),
            number("rank", "of the subspace; none where nothing was found"),
            number("n", "test clips; none where nothing was found"),
            number("draws", "of the control; none where nothing was found"),
            number("value", "CE while all earlier stages are ablated"),
            number("excess_low", "lower end of the interval of the effect less that of one new draw"),
            number("excess_high", "upper end of it"),
            flag("above", "whether it lies outside its controls"),
            number("alone", "effect while all others are ablated"),
            number("whole", "effect of all carriers together"),
            number("surplus", "sum of what each does alone, less the whole"),
            number("surplus_held", "the same with the norms' scales held"),
            number("rest", "effect of everything outside the carriers while they are ablated"),
            number("copies", "subspaces that carry the variable alone"),
            late="excess whole whole_low whole_high surplus surplus_low surplus_high surplus_held surplus_held_low surplus_held_high rest "
            "rest_low rest_high copies verdict reason",
        ),
        key=("layer", "finder", "stage", "control"),
    ),
    Table(
        "similarity",
        "How alike two models represent the same clips (cka of all layers, the others where subspaces are carried)",
        columns(
            "source target source_layer target_layer metric value low high n components chance chance_low chance_high label_chance "
            "label_low label_high",
            integer("source_layer", "of the source"),
            integer("target_layer", "of the target"),
            text("metric", "cka, cca, cca_in_sample, ridge_r2, procrustes_r2"),
            number("value", "of the metric, on test clips"),
            integer("components", "principal components that the metric is of; 0: all"),
            number("chance", "of shuffled pairs"),
            number("label_chance", "of pairs shuffled within classes"),
            number("label_low", "lower end of the interval of label_chance"),
            number("label_high", "upper end of it"),
        ),
        key=("source", "target", "source_layer", "target_layer", "metric"),
        evidence="pairs",
        where="port",
    ),
    Table(
        "transport",
        "Subspaces of the source used in the target; in rows of floors also the carried less the mean draw",
        columns(
            "source target source_layer target_layer choice map finder rank edit dose used value low high n draws rce rce_low rce_high "
            "saturated sas sas_chance difference difference_low difference_high",
            integer("source_layer", "of the source"),
            integer("target_layer", "of the target"),
            text("choice", "how the layers were paired: relative depth, best match, both"),
            text("map", "ridge, procrustes"),
            text(
                "used",
                "native, carried, class-free, and the floors: random source, shuffled pairs, shuffled in class, random, variance; "
                "class-free random source is that of class-free",
            ),
            number("value", "CE in the target"),
            number("rce", "over the native subspace's"),
            number("sas", "with the native subspace"),
            number("difference", "effect of the carried less that of the mean draw"),
            late="difference difference_low difference_high",
        ),
        key=("source", "target", "source_layer", "target_layer", "choice", "map", "finder", "edit", "dose", "used"),
        evidence="pairs",
        where="port",
    ),
)
