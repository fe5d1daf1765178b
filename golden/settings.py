"""What the user and the adapter decide about a quantisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .network import Reals
from .normratio import Effect, Saturation


@dataclass(frozen=True, slots=True)
class Image:
    """What the float input's values are: pixels 0..255 less `mean` over `scale`, per channel, float64 [c]."""

    mean: Reals
    scale: Reals


@dataclass(frozen=True, slots=True)
class Settings:
    """`mixed` maps layers to bits, `bits` holds for the others. `per` is the weights' step: a channel's or the layer's.

    `effects` says, for maps that leave the network, what their reader makes of the values (a sigmoid of the scores).
    """

    bits: int = 8
    mixed: Mapping[str, int] = field(default_factory=dict)
    saturation: Saturation = "aware"
    per: Literal["tensor", "channel"] = "channel"
    effects: Mapping[str, Effect] = field(default_factory=dict)

    def bits_of(self, layer: str) -> int:
        """The layer's width."""
        return self.mixed.get(layer, self.bits)
