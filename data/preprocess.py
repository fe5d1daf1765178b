"""How a picture becomes the network's input tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PREPROCESSING_HINT = (
    "check the preprocessing: YOLOX takes BGR 0..255 (the default); older YOLOX and ByteTrack take "
    "--channels rgb --mean 123.675,116.28,103.53 --scale 58.395,57.12,57.375"
)


@dataclass(frozen=True, slots=True)
class Preprocess:
    """The convention a network was trained with. YOLOX's own is the default: BGR 0..255, letterbox, grey 114.

    `mean` and `scale` act per channel after the channel order is set: y = (x - mean) / scale, x in 0..255.
    `resize` "letterbox" keeps the aspect ratio and pads right and bottom with `pad`; "stretch" does not.
    """

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    channels: Literal["bgr", "rgb"] = "bgr"
    resize: Literal["letterbox", "stretch"] = "letterbox"
    pad: int = 114

    @property
    def value_range(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Per channel, the smallest and the largest value that the network's input can take."""
        low = tuple((0.0 - m) / s for m, s in zip(self.mean, self.scale, strict=True))
        high = tuple((255.0 - m) / s for m, s in zip(self.mean, self.scale, strict=True))
        return low, high
