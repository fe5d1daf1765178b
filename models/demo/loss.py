"""YOLOX's loss for one class: overlap, objectness, class, and late in training the plain distance of the boxes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .assignment import Truth, aligned_iou, assign
from .score import anchors

_OVERLAP_WEIGHT = 5.0
_LARGEST = 8.0  # exp of it times a stride is far beyond any picture

Levels = list[tuple[Tensor, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The cells of an input: their (x, y) [A, 2] and strides [A, 1]."""

    cell: Tensor
    stride: Tensor

    @classmethod
    def of(cls, size: tuple[int, int]) -> Grid:
        """Of an input of (height, width)."""
        cell, stride = anchors(size)
        return cls(torch.from_numpy(cell), torch.from_numpy(stride))

    def boxes(self, raw: Tensor) -> Tensor:
        """Raw box numbers [N, A, 4] to xyxy in pixels."""
        centre = (raw[..., :2] + self.cell) * self.stride
        half = raw[..., 2:].clamp(max=_LARGEST).exp() * self.stride / 2
        return torch.cat([centre - half, centre + half], -1)

    def raw(self, boxes: Tensor) -> Tensor:
        """Boxes [N, A, 4] to the numbers that would decode to them."""
        centre = (boxes[..., :2] + boxes[..., 2:]) / 2 / self.stride - self.cell
        extent = ((boxes[..., 2:] - boxes[..., :2]) / self.stride).clamp(min=1e-6).log()
        return torch.cat([centre, extent], -1)


def detection_loss(levels: Levels, truth: Truth, grid: Grid, *, distance: bool) -> Tensor:
    """The loss (a scalar) of the head's raw maps (reg, obj, cls a level), for each cell that answers.

    `distance` adds the mean absolute error of the raw box numbers.
    """
    raw, obj, cls = (torch.cat([role.flatten(2) for role in roles], 2).mT for roles in zip(*levels, strict=True))
    boxes = grid.boxes(raw)
    score = (obj.sigmoid() * cls.sigmoid())[..., 0]
    chosen = assign(boxes, score, truth, (grid.cell + 0.5) * grid.stride, grid.stride)
    yes, count = chosen.positive, chosen.positive.sum().clamp(min=1)
    wanted = truth.boxes.gather(1, chosen.target[..., None].expand(-1, -1, 4))
    overlap = aligned_iou(boxes[yes], wanted[yes])
    loss = _OVERLAP_WEIGHT * (1 - overlap**2).sum()
    loss = loss + functional.binary_cross_entropy_with_logits(obj[..., 0], yes.float(), reduction="sum")
    loss = loss + functional.binary_cross_entropy_with_logits(cls[yes][:, 0], chosen.overlap[yes], reduction="sum")
    if distance:
        loss = loss + functional.l1_loss(raw[yes], grid.raw(wanted)[yes], reduction="sum")
    total: Tensor = loss / count
    return total
