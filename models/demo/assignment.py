"""SimOTA: which cells shall answer for which object (Ge et al., "YOLOX", arXiv:2107.08430, section 2.3).

Shapes: N images, G objects an image (padded), A cells. Boxes are xyxy in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_RADIUS = 2.5  # strides around an object's centre within which a cell may answer for it
_MOST_OVERLAPS = 10  # an object gets as many cells as its best overlaps, this many, add up to
_OVERLAP_WEIGHT = 3.0
_AWAY = 1e5  # the price of a cell that is not both inside the box and near its centre
_SMALL = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """boxes float [N, G, 4]; present bool [N, G] tells objects from padding."""

    boxes: Tensor
    present: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """For each cell: whether it answers (bool [N, A]), for which object ([N, A]), at which overlap ([N, A])."""

    positive: Tensor
    target: Tensor
    overlap: Tensor


@torch.no_grad()  # type: ignore[untyped-decorator]
def assign(boxes: Tensor, score: Tensor, truth: Truth, centre: Tensor, stride: Tensor) -> Assignment:
    """The assignment for predicted `boxes` [N, A, 4] and `score` [N, A] (objectness times class score).

    `centre` [A, 2] are the cells' centres in pixels, `stride` [A, 1]. Cost: binary cross-entropy of the score plus
    three times -log IoU; the cheapest cells are taken, and a cell that two objects want goes to the cheaper.
    """
    candidate, good = eligible(truth, centre, stride)
    overlap = pairwise_iou(truth.boxes, boxes)
    likely = score.clamp(min=_SMALL).sqrt()
    cost = -likely.log()[:, None] - _OVERLAP_WEIGHT * (overlap + _SMALL).log() + _AWAY * ~good
    cost = cost.masked_fill(~candidate, torch.inf)
    best = (overlap * candidate).topk(min(_MOST_OVERLAPS, overlap.shape[2]), dim=2).values
    wanted = best.sum(2).int().clamp(min=1)
    rank = cost.argsort(dim=2).argsort(dim=2)
    cost = cost.masked_fill(rank >= wanted[..., None], torch.inf)
    cheapest, target = cost.min(dim=1)
    return Assignment(cheapest.isfinite(), target, overlap.gather(1, target[:, None])[:, 0])


def eligible(truth: Truth, centre: Tensor, stride: Tensor) -> tuple[Tensor, Tensor]:
    """Cells inside an object's box or near its centre, and those that are both; bool [N, G, A]."""
    boxes = truth.boxes[:, :, None]
    inside = torch.cat([centre - boxes[..., :2], boxes[..., 2:] - centre], -1).amin(-1) > 0
    middle = (boxes[..., :2] + boxes[..., 2:]) / 2
    near = ((centre - middle).abs() < _RADIUS * stride).all(-1)
    return (inside | near) & truth.present[..., None], inside & near


def pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of [N, G, 4] and [N, A, 4]: [N, G, A]."""
    return aligned_iou(a[:, :, None], b[:, None])


def aligned_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of boxes [..., 4] with boxes of the same (or a broadcast) shape: [...]."""
    side = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    shared = side.prod(-1)
    areas = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1)
    return shared / (areas - shared + _SMALL)
