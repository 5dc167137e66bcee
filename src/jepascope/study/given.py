"""What finders are given: the clips of a split at a site with their labels, and what some need besides."""

from __future__ import annotations

from jepascope.activations.activations import Activations
from jepascope.activations.site import Site
from jepascope.clips.presets import twins
from jepascope.discovery.finder_entry import needing
from jepascope.discovery.labelled import Labelled, Suffix
from jepascope.encoders.part_names import RESIDUAL
from jepascope.study.captures import Captures
from jepascope.study.labels import labelled


def given_in(captures: Captures, layer: int, finder: str, of: Activations | None = None) -> Labelled:
    """The fit split (or ``of``) at one layer, with what ``finder`` needs beside clips: the study's own L1 path, or tokens and twins."""
    part, site, spec = of or captures.fit, captures.site(layer), captures.spec
    path = captures.l1_paths[layer] if needing("path", [finder]) and of is None and spec.part == RESIDUAL else None
    suffix = suffix_of(captures, part, site) if needing("suffix", [finder]) and captures.variable.rendered else None
    return labelled(part, spec.variable, site, path, suffix)


def suffix_of(captures: Captures, part: Activations, site: Site) -> Suffix:
    """For finders that are trained through the network: tokens of these clips and of their twins. One pass for all sites where the
    study has such a finder; else (subspaces are peeled off so, at the best layer) for the one site, which takes far less disk."""
    spec = captures.spec
    sites = captures.sites if needing("suffix", spec.finders) else (site.layer,)
    key = (part.clips.digest, sites)
    if key not in captures.exchanged:
        own = captures.capture(part.clips, "capture tokens to train on", sites=sites, part=spec.part)
        other = twins(part.clips, spec.variable, spec.seed)
        captures.exchanged[key] = own, captures.capture(other, "capture twins to train on", sites=sites, part=spec.part)
    source, twin = captures.exchanged[key]
    return Suffix(captures.encoder, site, source, twin, captures.labels(twin))
