"""What a YOLOX is made of and what it puts out, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import AdaptError

Activation = Literal["silu", "leaky", "relu", "relu6", "hardswish"]

STRIDES = (8, 16, 32)

# (depth, width, depthwise convolutions) of the YOLOX paper, table 3 and its lite models.
VARIANTS = {
    "nano": (0.33, 0.25, True),
    "tiny": (0.33, 0.375, False),
    "s": (0.33, 0.50, False),
}


@dataclass(frozen=True, slots=True)
class YoloxConfig:
    """One YOLOX; hashable, so that a network can be remembered by its configuration.

    `keypoints` = n adds a fourth head convolution with 2n raw channels to each level. `width` and `depth`
    override the variant's multipliers (a width of 0.125 makes a network fit for unit tests).
    Raises AdaptError for an unknown variant or counts below 1 (classes) or 0 (keypoints).
    """

    variant: Literal["nano", "tiny", "s"] = "nano"
    classes: int = 80
    activation: Activation = "silu"
    keypoints: int = 0
    focus: Literal["slices", "conv"] = "slices"
    width: float | None = None
    depth: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no network can be built from."""
        if self.variant not in VARIANTS:
            raise AdaptError(f"unknown variant {self.variant!r}", hint=f"one of {', '.join(VARIANTS)}")
        if self.classes < 1 or self.keypoints < 0:
            raise AdaptError(f"{self.classes} classes and {self.keypoints} key points make no head")

    @property
    def depthwise(self) -> bool:
        """Whether the 3x3 convolutions after the stem are depthwise separable."""
        return VARIANTS[self.variant][2]

    @property
    def blocks(self) -> int:
        """Bottlenecks in a short stage; the long ones have three times as many."""
        return max(round((VARIANTS[self.variant][0] if self.depth is None else self.depth) * 3), 1)

    def channels(self, full: int) -> int:
        """The channels of a layer that has `full` of them at width 1."""
        return int(full * (VARIANTS[self.variant][1] if self.width is None else self.width))


@dataclass(frozen=True, slots=True)
class OutputForm:
    """How the head's maps leave the network.

    `sigmoid`: obj and cls pass a sigmoid inside the graph.
    `decode`: boxes in input pixels, (xy + grid) * stride and exp(wh) * stride: "scatter" assigns in place,
    "concat" joins new tensors, both with grids computed in the graph; "constant" joins, with stored grids.
    `layout`: "flat" is [N, anchors, 5 + classes (+ 2 key points)], channels reg, obj, cls, key points;
    "scrambled" is flat with the anchors in a fixed random order, "transposed" flat with each level read
    column by column; "maps" is one NCHW map a level, "raw" one NCHW map a level and role.
    Raises AdaptError for a decode of maps.
    """

    sigmoid: bool = True
    decode: Literal["scatter", "concat", "constant"] | None = None
    layout: Literal["flat", "scrambled", "transposed", "maps", "raw"] = "flat"

    def __post_init__(self) -> None:
        """Refuse a decode where there is no list of anchors to decode."""
        if self.decode is not None and self.layout in ("maps", "raw"):
            raise AdaptError(f"layout {self.layout!r} has no anchors to decode", hint="decode=None")
