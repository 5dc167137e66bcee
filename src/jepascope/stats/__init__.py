"""Intervals, permutation percentiles and corrections: every number on screen gets its uncertainty here.

All bootstraps resample whole scenes (and, where a control is involved, its draws as well) by multinomial counts, so that a
resampled sum is one row of a matrix product. Intervals are percentile intervals (Efron & Tibshirani 1993, chapter 13); those of
effects are expanded for few units (``expanded_level``).
"""

from __future__ import annotations

from jepascope.stats.bootstrap import LEVEL as LEVEL
from jepascope.stats.bootstrap import NOTHING as NOTHING
from jepascope.stats.bootstrap import RESAMPLES as RESAMPLES
from jepascope.stats.bootstrap import Interval as Interval
from jepascope.stats.bootstrap import bootstrap_weights as bootstrap_weights
from jepascope.stats.bootstrap import expanded_level as expanded_level
from jepascope.stats.bootstrap import joint_level as joint_level
from jepascope.stats.bootstrap import mean_interval as mean_interval
from jepascope.stats.bootstrap import r_squared as r_squared
from jepascope.stats.bootstrap import scene_weights as scene_weights
from jepascope.stats.clusters import clustered as clustered
from jepascope.stats.clusters import proportion as proportion
from jepascope.stats.clusters import scene_proportion as scene_proportion
from jepascope.stats.clusters import scene_sums as scene_sums
from jepascope.stats.clusters import wilson as wilson
from jepascope.stats.controlled import MIN_DRAWS as MIN_DRAWS
from jepascope.stats.controlled import OUTSIDE_DRAWS as OUTSIDE_DRAWS
from jepascope.stats.controlled import EffectRatio as EffectRatio
from jepascope.stats.controlled import causal_effect_ratio as causal_effect_ratio
from jepascope.stats.few import FEW as FEW
from jepascope.stats.few import widened as widened
from jepascope.stats.fits import FEWEST_GROUPS as FEWEST_GROUPS
from jepascope.stats.fits import Refitted as Refitted
from jepascope.stats.fits import fewest_scenes as fewest_scenes
from jepascope.stats.fits import groups_of as groups_of
from jepascope.stats.fits import of_the_encoder as of_the_encoder
from jepascope.stats.heavy import effective_scenes as effective_scenes
from jepascope.stats.heavy import heavy_tailed as heavy_tailed
from jepascope.stats.heavy import top_share as top_share
from jepascope.stats.inverted import p_of_interval as p_of_interval
from jepascope.stats.inverted import student as student
from jepascope.stats.jackknife import Jackknifed as Jackknifed
from jepascope.stats.jackknife import jackknifed as jackknifed
from jepascope.stats.jackknife import p_above_zero as p_above_zero
from jepascope.stats.nulls import holm as holm
from jepascope.stats.nulls import null_bound as null_bound
from jepascope.stats.nulls import p_value as p_value
from jepascope.stats.nulls import percentile_in_null as percentile_in_null
from jepascope.stats.paired import Difference as Difference
from jepascope.stats.paired import Share as Share
from jepascope.stats.paired import paired_difference as paired_difference
from jepascope.stats.ratios import EQUIVALENCE_ALPHA as EQUIVALENCE_ALPHA
from jepascope.stats.ratios import Equivalence as Equivalence
from jepascope.stats.ratios import equivalence as equivalence
from jepascope.stats.ratios import ratio_of_means as ratio_of_means
from jepascope.stats.sides import Side as Side
from jepascope.stats.sides import powerless as powerless
from jepascope.stats.sides import side as side
from jepascope.stats.variates import MIN_CORRELATION as MIN_CORRELATION
from jepascope.stats.variates import Variate as Variate
from jepascope.stats.variates import adjusted as adjusted
