"""TaskHead: what a classifier checkpoint puts on its encoder, an attentive pooler and a linear layer.

The modules are transformers'. The pooler (the attentive probe of V-JEPA 2, Assran et al. 2025: blocks of self-attention, then one
learned query that attends to all tokens) has no positions, rotary or other: where a token is, it knows only from the token itself.
So a head runs at any length and size, though it was trained for one.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from jepascope.encoders.frozen import weights_digest
from jepascope.errors import BadArgument


class TaskHead(nn.Module):
    """Logits from final-norm latents. ``state_dict`` has the names of the checkpoint: ``pooler.*`` and ``classifier.*``."""

    def __init__(self, pooler: nn.Module, classifier: nn.Linear, labels: tuple[str, ...]) -> None:
        super().__init__()
        if classifier.out_features != len(labels):
            raise BadArgument(f"The classifier has {classifier.out_features} rows, but there are {len(labels)} labels.")
        self.pooler, self.classifier, self.labels = pooler, classifier, labels
        self.eval().requires_grad_(False)
        # Into memory of torch's own: transformers leaves weights in the mapped file, at whatever address they have there. A head ends in
        # products with one row a clip, and with a single clip their last bits depend on that address.
        for weight in self.parameters():
            weight.data = weight.data.clone()

    def forward(self, latents: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips labels"]:
        return self.classifier(self.pooler(latents))  # type: ignore[no-any-return]

    @property
    def dtype(self) -> torch.dtype:
        return self.classifier.weight.dtype

    @property
    def digest(self) -> str:
        """Of the weights and the labels. Not part of the encoder's digest: activations do not depend on the head."""
        return weights_digest(self, list(self.labels))
