"""Running edits: scenes in chunks, conditions folded into batches, only the blocks after the site; judges read on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.site import Site, pool
from jepascope.activations.suffix import Placed, Reader, Rerun, Sweep, chunks, rerun
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.budget import BATCH
from jepascope.errors import BadArgument
from jepascope.intervention.conditions import Condition, alike
from jepascope.intervention.edit_entry import EDITS
from jepascope.intervention.edits import coordinates, displacement, edit, pool_inside
from jepascope.intervention.judges import Judge
from jepascope.intervention.manifold import NaturalClips
from jepascope.intervention.scenes import Scenes

Place = tuple[int, str]
"""Layer and source of what judges read: those that agree in both share it."""


@dataclass(frozen=True)
class Unedited:
    """What each judge reads of the scenes and of their partners when nothing is edited."""

    clean: Mapping[Place, Float[Tensor, "clips features"]]
    twin: Mapping[Place, Float[Tensor, "clips features"]]


@dataclass(frozen=True)
class Read:
    """One judge's logits: under each condition; under the edit's direct path alone (what was read there as it was, plus the mean edit:
    what residual connections carry to the read-out with no block seeing the edit; NaN for the task head); of the scenes and of their
    partners unedited. ``angle``: decoded, radians, NaN without a decoder.
    """

    logits: Float64[Tensor, "conditions clips classes"]
    direct: Float64[Tensor, "conditions clips classes"]
    clean: Float64[Tensor, "clips classes"]
    twin: Float64[Tensor, "clips classes"]
    angle: Float64[Tensor, "conditions clips"]
    angle_clean: Float64[Tensor, " clips"]


@dataclass(frozen=True)
class Edited:
    """What every judge read, in their order, and of every condition at dose 1 the mean norm of a token's edit, and of what the edit adds
    to the pooled read-out. ``nearest`` (edited, unedited) and ``mahalanobis``: how far clips lie from natural ones (see
    ``NaturalClips``), NaN where none are given."""

    reads: tuple[Read, ...]
    norms: Float64[Tensor, " conditions"]
    shifts: Float64[Tensor, " conditions"]
    nearest: Float64[Tensor, "2 conditions clips"]
    mahalanobis: Float64[Tensor, "conditions clips"]
    mahalanobis_before: Float64[Tensor, " clips"]


def place(judge: Judge, depth: int) -> Place:
    return (depth if judge.layer is None else judge.layer, judge.source)


def run_edit(
    encoder: VideoEncoder,
    site: Site,
    scenes: Scenes,
    conditions: Sequence[Condition],
    judges: Sequence[Judge],
    name: str,
    batch: int = BATCH,
    progress: Callable[[int], None] | None = None,
    ablate_to: str = "mean",
    unedited: Unedited | None = None,
    natural: NaturalClips | None = None,
) -> Edited:
    """Every condition of one edit on every scene, and what each judge reads.

    Scenes are taken in chunks of at most ``batch``, and conditions are folded so that about ``batch`` edited clips run at once: memory
    grows with neither. ``unedited`` (see ``read_unedited``) serves all edits of a site. ``progress(done)`` counts edited clips.
    """
    source, clips, device, depth = scenes.source, len(scenes), encoder.device, encoder.card.depth
    unedited = unedited or read_unedited(encoder, site, scenes, judges, batch)
    by_mean = EDITS.entry(name).of_mean(ablate_to)
    groups = alike(conditions, by_mean)
    reads = [_empty(judge, unedited, place(judge, depth), len(conditions)) for judge in judges]
    selected = scenes.mask(site.tokens)
    read = scenes.mask(judges[0].tokens)
    norm_sums, shift_sums = torch.zeros(2, len(conditions), dtype=torch.float64)
    edited_tokens = done = 0
    distances = torch.full((3, len(conditions), clips), torch.nan, dtype=torch.float64)
    nearest, away, before = distances[:2], distances[2], distances.new_full((clips,), torch.nan)
    last = (depth, judges[0].source) if judges[0].pooled else None
    if natural is not None and last is not None and last in unedited.clean:
        before = natural.mahalanobis(unedited.clean[last])

    def reruns() -> Iterator[Rerun]:
        nonlocal edited_tokens
        for rows in chunks(encoder.card, clips, batch):
            stream, hidden = (tokens.to(device) for tokens in source.edited(site, rows))
            mask = None if selected is None else selected[rows].to(device)
            seen = None if read is None else read[rows]
            readers = _readers(judges, encoder, scenes, rows)
            edited_tokens += hidden.shape[0] * hidden.shape[1] if mask is None else int(mask.sum())
            r = None if by_mean else displacement(name, scenes, site, rows, hidden, ablate_to=ablate_to)
            for members in groups:
                group = [conditions[i] for i in members]
                moved = displacement(name, scenes, site, rows, hidden, group[0].mean) if r is None else r
                edits, fold = Group(group, moved.float(), mask), max(1, batch // len(hidden))
                sums, shifts, shift = edits.amounts(hidden.shape[1], None if seen is None else seen.to(device), fold)
                index = torch.tensor(members)
                norm_sums[index] += sums
                shift_sums[index] += shifts
                if natural is not None:
                    own = pool(hidden, None if seen is None else seen.to(device)).cpu()
                    nearest[:, index, rows] = natural.distances(group, own, shift)
                keep = partial(kept, rows, index, shift)
                yield Rerun(Sweep(stream, site.layer, edits, readers, between=site.between), len(group), keep)

    def kept(rows: slice, index: Tensor, shift: Tensor, part: slice, read_by_layer: dict[int, Tensor]) -> None:
        nonlocal done
        by_source = _parted(read_by_layer, judges, encoder)
        for judge, read in zip(judges, reads, strict=True):
            at = place(judge, depth)
            read.logits[index[part], rows] = judge.logits(by_source[at])
            if (angle := judge.angle(by_source[at])) is not None:
                read.angle[index[part], rows] = angle
            if judge.pooled:
                read.direct[index[part], rows] = judge.logits(unedited.clean[at][rows] + shift[part])
        if natural is not None and last is not None and last in by_source:
            away[index[part], rows] = torch.stack([natural.mahalanobis(of_one) for of_one in by_source[last]])
        done += (part.stop - part.start) * (rows.stop - rows.start)
        if progress:
            progress(done)

    rerun(encoder, reruns(), batch)
    sizes = norm_sums / max(edited_tokens, 1), shift_sums / max(clips, 1)
    return Edited(tuple(reads), *sizes, nearest, away, before)


def read_unedited(encoder: VideoEncoder, site: Site, scenes: Scenes, judges: Sequence[Judge], batch: int = BATCH) -> Unedited:
    """What judges read of the scenes and of their twins, over the tokens that they read under edits as well; of donors, over their own.

    Activations pooled at capture serve where they are the same; else the blocks after the site run once more for both.
    """
    _check(judges, site, encoder)
    depth = encoder.card.depth
    both = scenes.mask(judges[0].tokens)
    pooled = both is None or scenes.donor == "class"  # at capture, over the tokens that are read
    kept = [judge for judge in judges if pooled and judge.pooled]
    wanted = [judge for judge in judges if not (pooled and judge.pooled)]
    reads: list[dict[Place, Tensor]] = []
    for part in (scenes.source, scenes.twin):
        read = {place(judge, depth): part.pooled(place(judge, depth)[0], judge.tokens) for judge in kept}
        reads.append(read | (_reread(encoder, site, part, wanted, scenes, batch) if wanted else {}))
    return Unedited(*reads)


def _reread(
    encoder: VideoEncoder, site: Site, part: Activations, judges: Sequence[Judge], scenes: Scenes, batch: int
) -> dict[Place, Tensor]:
    pieces: dict[Place, list[Tensor]] = {}

    def keep(_: slice, read: dict[int, Tensor]) -> None:
        for at, features in _parted(read, judges, encoder).items():
            pieces.setdefault(at, []).append(features[0])

    def reruns() -> Iterator[Rerun]:
        for rows in chunks(encoder.card, len(part), batch):
            readers = _readers(judges, encoder, scenes, rows)
            yield Rerun(Sweep(part.stream(site, rows), site.layer, _unedited, readers, between=site.between), 1, keep)

    rerun(encoder, reruns(), batch)
    return {at: torch.cat(kept) for at, kept in pieces.items()}


def _check(judges: Sequence[Judge], site: Site, encoder: VideoEncoder) -> None:
    if not judges:
        raise BadArgument("Nothing can be measured without a judge; give at least one.")
    if len({judge.tokens for judge in judges}) > 1:
        raise BadArgument(f"Judges of one run read the same tokens, not {', '.join(sorted({judge.tokens for judge in judges}))}.")
    for judge in judges:
        if judge.layer is not None and not site.layer <= judge.layer <= encoder.card.depth:
            raise BadArgument(f"An edit at {site} cannot be read at layer {judge.layer}; read it at {site.layer}..{encoder.card.depth}.")


def _at(judges: Sequence[Judge], encoder: VideoEncoder) -> dict[int, dict[Place, Judge]]:
    """By layer: the sources that are read there, each with the first of the judges that read it."""
    by_layer: dict[int, dict[Place, Judge]] = {}
    for judge in judges:
        at = place(judge, encoder.card.depth)
        by_layer.setdefault(at[0], {}).setdefault(at, judge)
    return by_layer


def _readers(judges: Sequence[Judge], encoder: VideoEncoder, scenes: Scenes, rows: slice) -> dict[int, Reader]:
    """One reader a layer: what all sources there read, side by side."""
    mask = scenes.mask(judges[0].tokens)
    read = None if mask is None else mask[rows]
    return {
        layer: _SideBySide(tuple(judge.reader(read, rows) for judge in first.values())) for layer, first in _at(judges, encoder).items()
    }


@dataclass(frozen=True)
class _SideBySide:
    """What several readers read, one beside the other."""

    readers: tuple[Reader, ...]

    def __call__(self, encoder: VideoEncoder, hidden: Tensor, clips: Tensor) -> Tensor:
        return torch.cat([reader(encoder, hidden, clips) for reader in self.readers], dim=1)


def _parted(read: Mapping[int, Tensor], judges: Sequence[Judge], encoder: VideoEncoder) -> dict[Place, Tensor]:
    """What each source read, of what ``_readers`` read."""
    parted: dict[Place, Tensor] = {}
    for layer, first in _at(judges, encoder).items():
        sizes = [judge.features(encoder.card.width) for judge in first.values()]
        parted.update(zip(first, read[layer].split(sizes, dim=-1), strict=True))
    return parted


def _empty(judge: Judge, unedited: Unedited, at: Place, conditions: int) -> Read:
    clean, twin = judge.logits(unedited.clean[at]), judge.logits(unedited.twin[at])
    clips, classes = clean.shape
    nothing = torch.full((conditions, clips), torch.nan, dtype=torch.float64)
    angle = judge.angle(unedited.clean[at])
    logits = torch.full((conditions, clips, classes), torch.nan, dtype=torch.float64)
    return Read(logits, logits.clone(), clean, twin, nothing, nothing[:0].new_full((clips,), torch.nan) if angle is None else angle)


def _unedited(hidden: Tensor, part: slice) -> Tensor:
    return hidden[None]


class Group(Placed):
    """Conditions of one rank and one displacement, as the edit of a sweep."""

    def __init__(self, group: Sequence[Condition], moved: Tensor, mask: Tensor | None) -> None:
        self.bases = torch.stack([condition.basis for condition in group]).to(moved)
        self.doses = torch.tensor([condition.dose for condition in group], dtype=moved.dtype, device=moved.device)
        self.moved, self.mask = moved, mask
        # a carried condition takes its coordinates in the true basis and moves along its own
        self.frames = torch.stack([c.true_basis for c in group]).to(moved) if group[0].carried else self.bases
        self.norms: Tensor | None = None
        if group[0].rescale:
            # the true edits' norms, once for each of the finders that share this group
            true = {condition.true_basis.numpy().tobytes(): condition.true_basis for condition in group}
            at = {key: i for i, key in enumerate(true)}
            self.norms = torch.stack([coordinates(moved, basis[None].to(moved))[0].norm(dim=-1) for basis in true.values()])
            self.true = torch.tensor([at[condition.true_basis.numpy().tobytes()] for condition in group], device=moved.device)

    def __call__(self, hidden: Tensor, part: slice) -> Tensor:
        return edit(hidden, self._inside(part), self.bases[part], self.doses[part])

    def amounts(
        self, tokens: int, read: Tensor | None, fold: int
    ) -> tuple[Float64[Tensor, " conditions"], Float64[Tensor, " conditions"], Float[Tensor, "conditions clips width"]]:
        """Of every condition: the norms of all tokens' edits at dose 1, summed; the norms of what they add to the pooled read-out over the
        tokens ``read``, summed; and what the edit alone adds there (residual connections carry it whatever the blocks do). ``fold``
        conditions at a time, as they are run."""
        sums, pooled, shifts = [], [], []
        for start in range(0, len(self.bases), fold):
            part = slice(start, start + fold)
            inside = self._inside(part)
            stands_for = tokens // inside.shape[2]  # a row that stands for all tokens of its clip counts for each
            sums.append(stands_for * inside.norm(dim=-1).sum(dim=(1, 2), dtype=torch.float64).cpu())
            mean = pool_inside(inside, None if read is None else read.to(inside))
            pooled.append(mean.norm(dim=-1).sum(dim=1, dtype=torch.float64).cpu())
            shifts.append(((mean * self.doses[part, None, None]) @ self.bases[part].transpose(1, 2)).cpu())
        return torch.cat(sums), torch.cat(pooled), torch.cat(shifts)

    def along(self, slope: Float[Tensor, "clips tokens width"], part: slice) -> Float64[Tensor, "conditions clips"]:
        """Of some conditions: the sum over tokens of <slope, what is added there>."""
        inside = self._inside(part)
        if inside.shape[2] == 1:  # the same is added to all tokens
            slope = slope.sum(dim=1, keepdim=True)
        read = coordinates(slope.to(self.bases), self.bases[part])
        return (inside * read).sum(dim=(2, 3), dtype=torch.float64) * self.doses[part, None]

    def _inside(self, part: slice) -> Tensor:
        norms = None if self.norms is None else self.norms[self.true[part]]
        return coordinates(self.moved, self.frames[part], self.mask, norms)
