"""How much of a GPU a capture uses: FLOP/s of whole captures as a share of the bf16 matrix-product peak measured in the same process.

The peak is the best of square bf16 matrix products (not the data sheet's, which no shape reaches). A capture is timed as a study runs it:
pixels in the computer's memory, pinned and copied while the batch before is at work, all blocks, activations pooled over two selections
at every layer and brought back; nothing is rendered and nothing written to disk. Beside it the blocks alone, on embeddings that lie on
the device: what no capture can beat. A sweep ablates half way through the network under many conditions, folded into batches with their
clips, and runs the blocks after it; what the edits themselves cost is not counted as work. FLOPs are counted by formula (products alone:
patches, queries to projection, attention, MLP), and the formula is held against torch's own counter. Weights are random: time does not
depend on them. TF32 is off. At the end, in bfloat16: first-order effects of every control at every layer beside one pass forward and back,
and how closely they follow exact draws half way through (see surrogate.py).

    python benchmarks/gpu.py       # ViT-L, 16 frames, eight minutes at most on one data-centre card; without CUDA the formula's check alone
    python benchmarks/gpu.py --batches 16 25 50 --variants float32 bfloat16 bfloat16-compiled
    python benchmarks/gpu.py --device cpu --model nano --clips 12 --batches 4 --rounds 1 --matrices 256 --variants float32 bfloat16
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from machine import facts, shown, source, spread, table
from ready import encoder_of, ready
from surrogate import screened
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from jepascope.activations.capture import capture
from jepascope.activations.suffix import PooledReader, Rerun, Sweep, rerun
from jepascope.clips.clipset import ClipSet
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.intervention.conditions import Condition
from jepascope.intervention.run import Group

VARIANTS = ("float32", "float32-compiled", "bfloat16", "bfloat16-compiled")
MLP = 4  # times wider than the model
REPEATS = 10  # matrix products timed together
RANK = 7  # of what a sweep ablates: eight classes
SWEPT = 8  # clips of a sweep


def block_flops(encoder: VJepa2Encoder, tokens: int | None = None) -> int:
    """Of one clip through one block: 2 a product and sum. 8 w^2 n for queries, keys, values and projection, 4 n^2 w for attention, 16 w^2 n
    for the MLP, with n tokens of width w."""
    n, w = tokens or encoder.card.tokens, encoder.card.width
    return (8 + 4 * MLP) * w**2 * n + 4 * n**2 * w


def patch_flops(encoder: VJepa2Encoder) -> int:
    """Of one clip through the patch embedding: a product of the pixels of a tubelet with a matrix."""
    card = encoder.card
    pixels = 3 * (card.frames // card.grid[0]) * (card.size // card.grid[1]) * (card.size // card.grid[2])
    return 2 * card.places * pixels * card.width


def clip_flops(encoder: VJepa2Encoder) -> int:
    """Of one clip through the encoder."""
    return patch_flops(encoder) + encoder.card.depth * block_flops(encoder)


@torch.inference_mode()
def check_formula(encoder: VJepa2Encoder, clips: int = 2) -> int:
    """The formula's count of so many clips; raises where torch's counter disagrees. Attention as plain products, which it can count."""
    card = encoder.card
    video = torch.rand(clips, card.frames, 3, card.size, card.size, device=encoder.device)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        encoder.run(encoder.embed(video), 0)
    expected, counted = clips * clip_flops(encoder), counter.get_total_flops()
    if counted != expected:
        raise SystemExit(f"For {clips} clips of {card.name} the formula counts {expected:,} FLOPs and torch {counted:,}: one is wrong.")
    return expected


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """By the clock, with everything that was asked of the device done."""
    wait(device)
    start = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - start


@torch.inference_mode()
def peak_flops(device: torch.device, sizes: Sequence[int], rounds: int) -> dict[int, float]:
    """FLOP/s of bf16 matrix products of each size, the best round; the largest of them is the peak."""
    found = {}
    for size in sizes:
        a, b = (torch.randn(size, size, device=device).to(torch.bfloat16) for _ in range(2))
        out = torch.empty_like(a)

        def products(a: torch.Tensor = a, b: torch.Tensor = b, out: torch.Tensor = out) -> None:
            for _ in range(REPEATS):
                torch.mm(a, b, out=out)

        products()  # warms up: libraries are loaded and a kernel is chosen
        found[size] = max(REPEATS * 2 * size**3 / seconds(products, device) for _ in range(rounds))
    return found


class Variant:
    """One precision, compiled or not, with its own copy of the model."""

    def __init__(self, name: str, model: str, frames: int | None, device: str) -> None:
        dtype, _, compiled = name.partition("-")
        self.name, self.wanted = name, bool(compiled)
        self.encoder = encoder_of(model, frames, device, getattr(torch, dtype), self.wanted)
        self.flops = clip_flops(self.encoder)
        self.first = 0.0  # seconds of the round that warms up, and compiles
        self.captures: list[float] = []
        self.blocks: list[float] = []
        self.sweeps: list[float] = []
        self.memory = 0

    @torch.inference_mode()
    def run_blocks(self, batch: int, count: int) -> None:
        """The blocks alone, on hidden states made on the device."""
        card = self.encoder.card
        hidden = torch.randn(batch, card.tokens, card.width, device=self.encoder.device).to(self.encoder.dtype)
        for start in range(0, count, batch):
            self.encoder.run(hidden[: min(batch, count - start)], 0)

    def sweep(self, batch: int, conditions: int) -> None:
        """Random subspaces ablated half way through the network, read at its end."""
        encoder, card, layer = self.encoder, self.encoder.card, self.encoder.card.depth // 2
        hidden = torch.randn(SWEPT, card.tokens, card.width, device=encoder.device).to(encoder.dtype)
        bases = torch.linalg.qr(torch.randn(conditions, card.width, RANK)).Q
        edits = Group([Condition(basis, basis, torch.zeros(card.width), False, False, 1.0) for basis in bases], -hidden.float(), None)
        sweep = Sweep(hidden, layer, edits, {card.depth: PooledReader()})
        rerun(encoder, [Rerun(sweep, conditions, lambda part, read: None)], batch)

    def round(self, clips: ClipSet, batch: int, conditions: int, kept: bool) -> None:
        device, count = self.encoder.device, len(clips)
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        captured = seconds(lambda: capture(self.encoder, clips, batch=batch, ahead=True), device)
        if device.type == "cuda":
            self.memory = torch.cuda.max_memory_allocated(device)
        blocks = seconds(lambda: self.run_blocks(batch, count), device)
        swept = seconds(lambda: self.sweep(batch, conditions), device)
        self.first = self.first or captured
        if kept:
            self.sweeps.append(swept / (SWEPT * conditions))
            self.captures.append(captured / count)
            self.blocks.append(blocks / count)

    def result(self, batch: int, peak: float) -> dict[str, Any]:
        """Shares of the peak, of captures and of blocks alone, with the rounds' spread."""
        of_blocks = self.flops - patch_flops(self.encoder)
        depth = self.encoder.card.depth
        of_sweep = (depth - depth // 2) * block_flops(self.encoder)
        rates = [self.flops / one for one in self.captures]
        return {
            "variant": self.name, "compiled": self.encoder.compiled, "batch": batch,
            "clips_per_second": spread([1 / one for one in self.captures]), "tflops": spread([rate / 1e12 for rate in rates]),
            "share": spread([rate / peak for rate in rates]), "blocks_share": spread([of_blocks / one / peak for one in self.blocks]),
            "edits_per_second": spread([1 / one for one in self.sweeps]),
            "sweep_share": spread([of_sweep / one / peak for one in self.sweeps]),
            "memory_gb": self.memory / 1e9, "first_seconds": self.first,
        }  # fmt: skip


def measured(chosen: argparse.Namespace) -> dict[str, Any]:
    """Everything; rounds alternate between the variants. Batches for which no time is left are left out."""
    began = time.monotonic()
    device = torch.device(chosen.device)
    told = facts(chosen.device)
    variants = [Variant(name, chosen.model, chosen.frames, chosen.device) for name in chosen.variants]
    card, flops = variants[0].encoder.card, variants[0].flops
    products = peak_flops(device, chosen.matrices, chosen.rounds + 1)
    peak = max(products.values())
    clips = ready(variants[0].encoder, chosen.clips)
    results, left_out = [], []
    for batch in chosen.batches:
        spent = (time.monotonic() - began) / 60
        if results and spent + spent / len(results) * len(variants) > chosen.minutes:
            left_out.append(f"batch {batch} (no time is left)")
            continue
        for turn in range(chosen.rounds + 1):  # the first warms up, and compiles
            for variant in variants:
                variant.round(clips, batch, chosen.conditions, kept=turn > 0)
        for variant in variants:
            if variant.wanted and not variant.encoder.compiled:
                left_out.append(f"{variant.name} (no compiler works here)")
            else:
                results.append(variant.result(batch, peak))
            variant.captures, variant.blocks, variant.sweeps = [], [], []
    first_order = screened(encoder_of(chosen.model, chosen.frames, chosen.device, torch.bfloat16), chosen.scenes)
    return {
        "name": "gpu", "first_order": first_order,
        "share": max((one["share"]["median"] for one in results if one["variant"].startswith("bf")), default=None),
        "model": card.name, "frames": card.frames, "tokens": card.tokens, "tflop_per_clip": flops / 1e12,
        "peak_tflops": peak / 1e12, "products_tflops": {str(size): rate / 1e12 for size, rate in products.items()},
        "clips": chosen.clips, "conditions": chosen.conditions, "variants": results, "left_out": sorted(set(left_out)), "machine": told,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else None, help="default: cuda where there is one")
    parser.add_argument("--model", default="vitl", help="vitl, vith (random weights), middle, nano, or a folder")
    parser.add_argument("--frames", type=int, default=None, help="default: 16 for vitl and vith")
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--conditions", type=int, default=32, help=f"of a sweep, on {SWEPT} clips")
    parser.add_argument("--scenes", type=int, default=8, help="of first-order effects")
    parser.add_argument("--minutes", type=float, default=8.0, help="after which no other batch size is begun")
    parser.add_argument("--batches", type=int, nargs="+", default=[16, 25, 50], help="a shard holds 50 clips: 16 leaves a batch of 2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=VARIANTS)
    parser.add_argument("--matrices", type=int, nargs="+", default=[4096, 8192, 16384], help="sides of the products that the peak is of")
    chosen = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    counted = check_formula(encoder_of("middle"))
    if chosen.device is None:
        print(f"No CUDA device here, so nothing is timed (--device cpu times the same on the CPU). {source(facts())}")
        print(json.dumps({"name": "gpu", "share": None, "formula": "agrees with torch's counter", "flops": counted}))
        return
    found = measured(chosen)
    print(table(
        ["blocks", "batch", "clips a second", "TFLOP/s", "share of the peak", "blocks alone", "edits a second", "share", "GPU memory, GB"],
        [[one["variant"], one["batch"], shown(one["clips_per_second"], 1), shown(one["tflops"], 3), shown(one["share"], 3),
          shown(one["blocks_share"], 3), shown(one["edits_per_second"], 1), shown(one["sweep_share"], 3),
          f"{one['memory_gb']:.1f}"] for one in found["variants"]],
    ))  # fmt: skip
    print(
        f"\n{found['model']}, {found['frames']} frames, {found['tokens']} tokens, {found['tflop_per_clip']:.4g} TFLOP a clip; "
        f"measured bf16 peak {found['peak_tflops']:.4g} TFLOP/s. Medians (least to largest) of {chosen.rounds} rounds. "
        f"{source(found['machine'])}"
    )
    print("First-order effects, seconds: " + ", ".join(f"{name} {value:.3g}" for name, value in found["first_order"].items()) + ".")
    for name in found["left_out"]:
        print(f"Left out: {name}.")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
