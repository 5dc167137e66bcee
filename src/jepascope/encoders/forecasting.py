"""How an encoder of V-JEPA 2 or 2.1 forecasts: what its predictor is shown, what it says of that, and what that is held against."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.encoders.dense_predictor import forecast_words
from jepascope.encoders.depths import LEVELS, TEACHER, context_layers
from jepascope.encoders.library import LibraryEncoder
from jepascope.encoders.predictor import centred_targets, foresee, mask_token, predict
from jepascope.encoders.rotary import RotaryTable, block_forward
from jepascope.errors import BadArgument


class DenseForecast(NamedTuple):
    """What a predictor of V-JEPA 2.1 says of the tokens that it is shown and of those that it is not: at every depth, side by side."""

    context: Float[Tensor, "clips context forecast"]
    targets: Float[Tensor, "clips targets forecast"]


class Forecasting(LibraryEncoder):
    """The predictor's part of a V-JEPA 2 encoder.

    A model without a predictor is one whose ``predictor`` is None. That of V-JEPA 2.1 is shown latents of several depths
    (``context_layers``), and where it forecasts a teacher's latents the card has no predictor: nothing of the encoder's own can be held
    against them.
    """

    @abstractmethod
    def table(self, head_dim: int | None = None) -> RotaryTable:
        """The rotary table of this encoder's grid, for heads of some width (its own by default)."""

    @cached_property
    def mask(self) -> int:
        """The mask token that stands for what is to be forecast."""
        return mask_token(self.model.predictor.embeddings.mask_tokens)

    @property
    def teacher(self) -> int:
        """How many numbers a token a distilled encoder's forecasts have, which are its teacher's latents; 0: its own are forecast."""
        return int(getattr(self.model.config, TEACHER, None) or 0)

    def forecasts(self) -> str:
        """What its predictor forecasts, and from which mask token, for the card; empty without one."""
        if self.model.predictor is None:
            return ""
        return forecast_words(self.model.config.to_dict(), self.model.predictor.embeddings.mask_tokens)

    @property
    def context_layers(self) -> tuple[int, ...]:
        levels = 1 if self.model.predictor is None else getattr(self.model.config, LEVELS, 1)
        return context_layers(self.card.depth, levels)

    def context(self, states: Mapping[int, Float[Tensor, "clips tokens width"]]) -> Float[Tensor, "clips tokens shown"]:
        """Final-norm latents; for V-JEPA 2.1 of several depths, each behind a norm of its own, side by side."""
        *earlier, _ = self.context_layers
        last = super().context(states)
        if not earlier:
            return last
        behind = [norm(states[layer]) for norm, layer in zip(self.model.predictor.norms, earlier, strict=True)]
        return torch.cat([*behind, last], dim=-1)

    def encode_context(
        self, video: Float[Tensor, "clips frames 3 rows columns"], ids: Int[Tensor, "clips tokens"]
    ) -> Float[Tensor, "clips tokens shown"]:
        """``context`` of the tokens ``ids`` when the encoder sees nothing else."""
        hidden = self.embed(video)
        hidden = torch.gather(hidden, 1, ids[..., None].expand(-1, -1, hidden.shape[-1]))
        table, states = self.table().at(ids), {}
        for index, layer in enumerate(self.blocks, start=1):
            hidden = block_forward(layer, hidden, table)
            if index in self.context_layers:
                states[index] = hidden
        return self.context(states)

    def forecast(
        self,
        context: Float[Tensor, "clips context shown"],
        context_ids: Int[Tensor, "clips context"],
        target_ids: Int[Tensor, "clips targets"],
    ) -> Float[Tensor, "clips targets forecast"]:
        """As wide as the encoder, of several depths the last; a distilled encoder's as wide as its teacher."""
        self._check_context(context)
        said = predict(self.model, context, context_ids, target_ids, self.table, self.mask)
        return said if self.teacher else said[..., -self.card.width :]

    def dense_forecast(
        self,
        context: Float[Tensor, "clips context shown"],
        context_ids: Int[Tensor, "clips context"],
        target_ids: Int[Tensor, "clips targets"],
    ) -> DenseForecast:
        """All that a predictor of V-JEPA 2.1 says, also of the tokens that it is shown; BadArgument without one that does."""
        self._check_context(context)
        of_context = getattr(self.model.predictor, "proj_context", None)
        if of_context is None:
            raise BadArgument(f"Encoder '{self.card.name}' has a predictor that forecasts targets alone; ask for its forecast.")
        hidden, seen = foresee(self.model, context, context_ids, target_ids, self.table, self.mask), context.shape[1]
        return DenseForecast(of_context(hidden[:, :seen]), self.model.predictor.proj(hidden[:, seen:]))

    def _check_context(self, context: Tensor) -> None:
        if self.model.predictor is None:
            raise self._without_predictor()
        if context.shape[-1] != (shown := len(self.context_layers) * self.card.width):
            layers = ", ".join(map(str, self.context_layers))
            raise BadArgument(
                f"The predictor of '{self.card.name}' is shown {shown:,} numbers a token, not {context.shape[-1]:,}: context() makes them "
                f"of hidden states at layers {layers}."
            )

    def forecast_space(self, latents: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        """Final-norm latents of whole clips as the predictor was trained to predict them.

        V-JEPA 2 predicts layer-normalised latents, and so does 2.1, at each depth by itself; the nano encoders latents centred over the
        clip's tokens (their card).
        """
        if not self.card.has_predictor:
            raise self._without_predictor()
        if self.extra.get("targets") == "centred":
            return centred_targets(latents)
        return F.layer_norm(latents, latents.shape[-1:])
