# mypy: disallow-subclassing-any=False
"""A YOLOv8-like detector: C2f stages, two branches a level, no objectness, boxes as distributions.

Not a YOLOX: a level has two maps, 4 x 16 channels for the distances from the cell to the box's four sides, each a
distribution over 0..15 strides (distribution focal loss: Li et al., "Generalized Focal Loss", arXiv:2006.04388), and
one channel a class. What is met as ONNX has the decode inside: [N, 4 + classes, cells].
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from .blocks import ConvUnit
from .config import STRIDES
from .tail import anchor_grid
from .yolov5 import FastPooling

BINS = 16

Tail = Literal["decoded", "maps"]


class SplitStage(nn.Module):
    """C2f: half the channels pass a chain of bottlenecks, and every link of the chain is kept for the last 1x1."""

    def __init__(self, cin: int, cout: int, blocks: int, *, shortcut: bool) -> None:
        super().__init__()
        self.hidden, self.shortcut = cout // 2, shortcut
        self.enter = ConvUnit(cin, 2 * self.hidden, 1, "silu")
        self.links = nn.ModuleList(
            nn.Sequential(*(ConvUnit(self.hidden, self.hidden, 3, "silu") for _ in range(2))) for _ in range(blocks)
        )
        self.join = ConvUnit((2 + blocks) * self.hidden, cout, 1, "silu")

    def forward(self, x: Tensor) -> Tensor:
        """[N, cin, H, W] to [N, cout, H, W]."""
        kept = list(self.enter(x).split((self.hidden, self.hidden), 1))
        for link in self.links:
            y = link(kept[-1])
            kept.append(kept[-1] + y if self.shortcut else y)
        return self.join(torch.cat(kept, 1))


class DistributionHead(nn.Module):
    """Per level a box branch to 4 x 16 channels and a class branch, each two 3x3 units and a 1x1; then the tail.

    `tail`: "decoded" is [N, 4 + classes, cells], boxes as centre and size in input pixels; "maps" one raw
    [N, 64 + classes, h, w] a level.
    """

    def __init__(self, widths: list[int], classes: int, tail: Tail) -> None:
        super().__init__()
        self.tail = tail

        def branch(cin: int, cout: int) -> nn.Sequential:
            hidden = max(widths[0], 8)
            units = ConvUnit(cin, hidden, 3, "silu"), ConvUnit(hidden, hidden, 3, "silu")
            return nn.Sequential(*units, nn.Conv2d(hidden, cout, 1))

        self.boxes = nn.ModuleList(branch(width, 4 * BINS) for width in widths)
        self.classes = nn.ModuleList(branch(width, classes) for width in widths)
        # The mean of a distribution as a convolution with the weights 0..15, which is how it is exported.
        self.mean = nn.Conv2d(BINS, 1, 1, bias=False)
        self.mean.weight.data[:] = torch.arange(BINS).float().reshape(1, BINS, 1, 1)

    def forward(self, maps: list[Tensor]) -> Tensor | tuple[Tensor, ...]:
        """Three maps at strides 8, 16, 32 to the output."""
        raw = [torch.cat([box(x), cls(x)], 1) for box, cls, x in zip(self.boxes, self.classes, maps, strict=True)]
        if self.tail == "maps":
            return tuple(raw)
        flat = torch.cat([x.flatten(2) for x in raw], 2)
        boxes, classes = flat.split((4 * BINS, flat.shape[1] - 4 * BINS), 1)
        cell, stride = anchor_grid([(x.shape[2], x.shape[3]) for x in raw], by_column=False)
        centre, scale = (cell + 0.5).transpose(1, 2), stride.transpose(1, 2)
        bins = boxes.reshape(boxes.shape[0], 4, BINS, boxes.shape[2]).transpose(1, 2).softmax(1)
        before, after = self.mean(bins).reshape(boxes.shape[0], 4, boxes.shape[2]).chunk(2, 1)
        low, high = centre - before, centre + after
        return torch.cat([torch.cat([(low + high) / 2, high - low], 1) * scale, classes.sigmoid()], 1)


class YoloV8(nn.Module):
    """Images [N, 3, H, W], RGB 0..1, H and W multiples of 32, to the tail's output."""

    def __init__(self, classes: int, width: int = 4, tail: Tail = "decoded") -> None:
        super().__init__()
        one, two, four, eight, sixteen = (width * n for n in (1, 2, 4, 8, 16))

        def half(cin: int, cout: int) -> ConvUnit:
            return ConvUnit(cin, cout, 3, "silu", stride=2)

        def stage(cin: int, cout: int, *, blocks: int = 1, shortcut: bool = False) -> SplitStage:
            return SplitStage(cin, cout, blocks, shortcut=shortcut)

        self.stem = half(3, one)
        self.quarter = nn.Sequential(half(one, two), stage(two, two, shortcut=True))
        self.fine = nn.Sequential(half(two, four), stage(four, four, blocks=2, shortcut=True))
        self.middle = nn.Sequential(half(four, eight), stage(eight, eight, blocks=2, shortcut=True))
        last = stage(sixteen, sixteen, shortcut=True), FastPooling(sixteen)
        self.coarse = nn.Sequential(half(eight, sixteen), *last)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.up_middle, self.up_fine = stage(sixteen + eight, eight), stage(eight + four, four)
        self.down_fine, self.down_middle = half(four, four), half(eight, eight)
        self.out_middle, self.out_coarse = stage(four + eight, eight), stage(eight + sixteen, sixteen)
        self.head = DistributionHead([four, eight, sixteen], classes, tail)

    @property
    def output_names(self) -> list[str]:
        """One name, or one a level."""
        return ["output0"] if self.head.tail == "decoded" else [f"level{stride}" for stride in STRIDES]

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Images to predictions."""
        fine = self.fine(self.quarter(self.stem(images)))
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        middle = self.up_middle(torch.cat([self.up(coarse), middle], 1))
        fine = self.up_fine(torch.cat([self.up(middle), fine], 1))
        middle = self.out_middle(torch.cat([self.down_fine(fine), middle], 1))
        coarse = self.out_coarse(torch.cat([self.down_middle(middle), coarse], 1))
        return self.head([fine, middle, coarse])
