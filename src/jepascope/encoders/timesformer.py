"""TimeSformer (transformers' TimesformerModel): attention divided into time and space, a class token, tokens (row, column, time)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import TimesformerModel

from jepascope.encoders.entries import EncoderEntry
from jepascope.encoders.library import LibraryEncoder
from jepascope.encoders.pixels import Pixels

DECLARED = EncoderEntry(
    name="timesformer",
    meaning="TimeSformer",
    order=4,
    run="jepascope.encoders.timesformer:TimesformerEncoder",
    fields={"patch": ("patch_size", 16), "inside": ("intermediate_size", 3072), "frames": ("num_frames", 8)},
    choices={"attention_type": ("divided_space_time", "joint_space_time")},  # frames of "space_only" have no time
    fixed=True,
    class_token=True,
    checkpoints=(
        ("facebook/timesformer-base-finetuned-k400", 121_258_752, {}),
        ("facebook/timesformer-base-finetuned-ssv2", 121_258_752, {}),
        ("facebook/timesformer-hr-finetuned-k400", 121_716_480, {"frames": 16, "size": 448}),
        ("facebook/timesformer-hr-finetuned-ssv2", 121_716_480, {"frames": 16, "size": 448}),
    ),
)


class TimesformerEncoder(LibraryEncoder):
    """Its pixels are normalised as Meta trained it (_C.DATA.MEAN and STD of facebookresearch/TimeSformer), all three colours alike.

    Attention divided into time and space counts as one part: what both add, of which the second sees the first.
    """

    kind = TimesformerModel
    attention_adds = ("temporal_dense", "attention")
    trained = Pixels((0.45, 0.45, 0.45), (0.225, 0.225, 0.225))
    beside = ("attention_type",)

    def outward(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        """Class token, then (row, column, time) -> (time, row, column), then class token."""
        grid = hidden[:, 1:].unflatten(1, (-1, self.card.grid[0])).transpose(1, 2).flatten(1, 2)
        return torch.cat([grid, hidden[:, :1]], dim=1)

    def inward(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        grid = hidden[:, :-1].unflatten(1, (self.card.grid[0], -1)).transpose(1, 2).flatten(1, 2)
        return torch.cat([hidden[:, -1:], grid], dim=1)
