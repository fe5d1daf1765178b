# mypy: disallow-subclassing-any=False
"""A YOLOv5-like detector: CSP backbone, fast pyramid pooling, path aggregation, three anchor boxes a cell.

Not a YOLOX: each level is one map of anchors x (4 + 1 + classes) channels. What is met as ONNX has its decode inside:
all numbers pass a sigmoid, centre (2 s - 0.5 + cell) * stride, size (2 s)^2 * anchor. Source: the YOLOv5 release 6
architecture and its documented box formulas.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from .blocks import ConvUnit, CspStage
from .config import STRIDES

ANCHORS = (((10, 13), (16, 30), (33, 23)), ((30, 61), (62, 45), (59, 119)), ((116, 90), (156, 198), (373, 326)))

Tail = Literal["decoded", "anchors", "maps"]


class FastPooling(nn.Module):
    """Pyramid pooling by the same 5x5 maximum three times over: the map beside its 5x5, 9x9 and 13x13 maxima."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = ConvUnit(channels, channels // 2, 1, "silu")
        self.pool = nn.MaxPool2d(5, stride=1, padding=2)
        self.expand = ConvUnit(channels // 2 * 4, channels, 1, "silu")

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to the same shape."""
        pooled = [self.reduce(x)]
        for _ in range(3):
            pooled.append(self.pool(pooled[-1]))
        return self.expand(torch.cat(pooled, 1))


class AnchorHead(nn.Module):
    """A 1x1 convolution a level to anchors x (x, y, w, h, objectness, classes), and the tail.

    `tail`: "decoded" is [N, cells x anchors, 5 + classes] in input pixels; "anchors" one [N, 3, h, w, 5 + classes] a
    level, raw; "maps" the convolutions' own [N, 3 x (5 + classes), h, w].
    """

    def __init__(self, widths: list[int], classes: int, tail: Tail) -> None:
        super().__init__()
        self.numbers, self.tail = 5 + classes, tail
        self.predictions = nn.ModuleList(nn.Conv2d(width, len(ANCHORS[0]) * self.numbers, 1) for width in widths)
        self.register_buffer("anchors", torch.tensor(ANCHORS).float().reshape(3, 1, 3, 1, 1, 2))

    def forward(self, maps: list[Tensor]) -> Tensor | tuple[Tensor, ...]:
        """Three maps at strides 8, 16, 32 to the output."""
        raw = [conv(x) for conv, x in zip(self.predictions, maps, strict=True)]
        if self.tail == "maps":
            return tuple(raw)
        levels = [x.reshape(x.shape[0], 3, self.numbers, *x.shape[2:]).permute(0, 1, 3, 4, 2) for x in raw]
        if self.tail == "anchors":
            return tuple(levels)
        parts = [self.boxes(x, level) for level, x in enumerate(levels)]
        return torch.cat([part.reshape(part.shape[0], -1, self.numbers) for part in parts], 1)

    def boxes(self, raw: Tensor, level: int) -> Tensor:
        """[N, 3, h, w, 5 + classes] raw to centre, size in pixels, scores in 0..1."""
        h, w = raw.shape[2:4]
        y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        cell = torch.stack((x, y), 2).float() - 0.5
        centre, size, scores = raw.sigmoid().split((2, 2, self.numbers - 4), 4)
        return torch.cat([(centre * 2 + cell) * STRIDES[level], (size * 2) ** 2 * self.anchors[level], scores], 4)


class YoloV5(nn.Module):
    """Images [N, 3, H, W], RGB 0..1, H and W multiples of 32, to the tail's output."""

    def __init__(self, classes: int, width: int = 4, tail: Tail = "decoded") -> None:
        super().__init__()
        one, two, four, eight, sixteen = (width * n for n in (1, 2, 4, 8, 16))

        def stage(cin: int, cout: int, *, blocks: int = 1, shortcut: bool = True) -> CspStage:
            return CspStage(cin, cout, "silu", blocks=blocks, depthwise=False, shortcut=shortcut)

        def half(cin: int, cout: int) -> ConvUnit:
            return ConvUnit(cin, cout, 3, "silu", stride=2)

        self.stem = ConvUnit(3, one, 6, "silu", stride=2)
        self.quarter = nn.Sequential(half(one, two), stage(two, two))
        self.fine = nn.Sequential(half(two, four), stage(four, four, blocks=2))
        self.middle = nn.Sequential(half(four, eight), stage(eight, eight, blocks=2))
        self.coarse = nn.Sequential(half(eight, sixteen), stage(sixteen, sixteen), FastPooling(sixteen))
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.lateral_coarse = ConvUnit(sixteen, eight, 1, "silu")
        self.up_middle = stage(sixteen, eight, shortcut=False)
        self.lateral_middle = ConvUnit(eight, four, 1, "silu")
        self.up_fine = stage(eight, four, shortcut=False)
        self.down_fine, self.down_middle = half(four, four), half(eight, eight)
        self.out_middle = stage(eight, eight, shortcut=False)
        self.out_coarse = stage(sixteen, sixteen, shortcut=False)
        self.head = AnchorHead([four, eight, sixteen], classes, tail)

    @property
    def output_names(self) -> list[str]:
        """One name, or one a level."""
        return ["output0"] if self.head.tail == "decoded" else [f"level{stride}" for stride in STRIDES]

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Images to predictions."""
        fine = self.fine(self.quarter(self.stem(images)))
        middle = self.middle(fine)
        coarse = self.lateral_coarse(self.coarse(middle))
        middle = self.lateral_middle(self.up_middle(torch.cat([self.up(coarse), middle], 1)))
        fine = self.up_fine(torch.cat([self.up(middle), fine], 1))
        middle = self.out_middle(torch.cat([self.down_fine(fine), middle], 1))
        coarse = self.out_coarse(torch.cat([self.down_middle(middle), coarse], 1))
        return self.head([fine, middle, coarse])
