# mypy: disallow-subclassing-any=False
"""What follows the head's convolutions: sigmoid, layout and decode, in the forms that are met as ONNX."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .config import STRIDES, OutputForm

Levels = list[tuple[Tensor, ...]]


def anchor_grid(sizes: list[tuple[int, int]], *, by_column: bool) -> tuple[Tensor, Tensor]:
    """The (x, y) cell of each anchor, [1, anchors, 2], and its stride, [1, anchors, 1]; float32.

    `sizes` is (h, w) per level; anchors run along the rows, or down the columns.
    """
    cells, strides = [], []
    for (h, w), stride in zip(sizes, STRIDES, strict=True):
        y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        cell = torch.stack((x, y), 2)
        cell = (cell.transpose(0, 1) if by_column else cell).reshape(1, -1, 2)
        cells.append(cell)
        strides.append(torch.full((1, h * w, 1), stride))
    return torch.cat(cells, 1).float(), torch.cat(strides, 1).float()


class Tail(nn.Module):
    """The head's raw maps to the network's output, as `form` says; `size` is the input's (H, W)."""

    def __init__(self, form: OutputForm, keypoints: bool, size: tuple[int, int]) -> None:
        super().__init__()
        self.form = form
        roles = ["reg", "obj", "cls", *(["kpt"] if keypoints else [])]
        match form.layout:
            case "maps":
                self.output_names = [f"map{stride}" for stride in STRIDES]
            case "raw":
                self.output_names = [f"{role}{stride}" for stride in STRIDES for role in roles]
            case _:
                self.output_names = ["output"]
        sizes = [(size[0] // stride, size[1] // stride) for stride in STRIDES]
        if form.decode == "constant":
            grid, stride = anchor_grid(sizes, by_column=form.layout == "transposed")
            self.register_buffer("grid", grid)
            self.register_buffer("stride", stride)
        if form.layout == "scrambled":
            order = torch.randperm(sum(h * w for h, w in sizes), generator=torch.Generator().manual_seed(0))
            self.register_buffer("order", order)

    def forward(self, levels: Levels) -> Tensor | tuple[Tensor, ...]:
        """Raw maps (reg, obj, cls[, kpt]) per level to the output."""
        if self.form.sigmoid:
            levels = [(reg, obj.sigmoid(), cls.sigmoid(), *rest) for reg, obj, cls, *rest in levels]
        if self.form.layout == "raw":
            return tuple(role for level in levels for role in level)
        maps = [torch.cat(level, 1) for level in levels]
        if self.form.layout == "maps":
            return tuple(maps)
        by_column = self.form.layout == "transposed"
        flat = [(x.transpose(2, 3) if by_column else x).flatten(2) for x in maps]
        anchors = torch.cat(flat, 2).permute(0, 2, 1)
        if self.form.decode is not None:
            anchors = self.decoded(anchors, [(x.shape[2], x.shape[3]) for x in maps])
        return anchors.index_select(1, self.order) if self.form.layout == "scrambled" else anchors

    def decoded(self, anchors: Tensor, sizes: list[tuple[int, int]]) -> Tensor:
        """Boxes to (cx, cy, w, h) in input pixels: (xy + grid) * stride, exp(wh) * stride (paper, 2.1)."""
        if self.form.decode == "constant":
            grid, stride = self.grid, self.stride
        else:
            both = anchor_grid(sizes, by_column=self.form.layout == "transposed")
            grid, stride = (x.to(anchors.dtype) for x in both)
        if self.form.decode == "scatter":
            anchors[..., :2] = (anchors[..., :2] + grid) * stride
            anchors[..., 2:4] = torch.exp(anchors[..., 2:4]) * stride
            return anchors
        centre = (anchors[..., :2] + grid) * stride
        extent = torch.exp(anchors[..., 2:4]) * stride
        return torch.cat([centre, extent, anchors[..., 4:]], -1)
