"""YOLOv3, v4, v5 and v7: one map a level, with several anchor boxes in each cell. Known, not read.

A map of anchors x (5 + classes) channels mixes objectness, boxes and classes in one tensor, so that they share one
scale in int8, and the hardware's threshold filter would have to run with several anchors.
"""

from __future__ import annotations

from ..graph.model import Model
from ..graph.walk import static_shape
from .core.foreign import OTHER_HEAD, Foreign, maps_by_grid

_USUAL = 3  # anchors of each published network


def diagnose(model: Model) -> str:
    """Levels of one map each, alike in channels, which the outputs (or else the usual number) divide into anchors."""
    levels = maps_by_grid(model)
    counts = {tuple(channels) for channels in levels.values()}
    if len(levels) < 2 or len(counts) > 1 or len(next(iter(counts))) > 1:
        return ""
    channels = next(iter(counts))[0]
    cells = sum(h * w for h, w in levels)
    proven = max(_anchors(static_shape(output), channels, cells) for output in model.outputs)
    anchors = proven or (_USUAL if channels % _USUAL == 0 else 1)
    if anchors == 1 or channels // anchors <= 5:
        return ""
    each = f"{anchors} anchors x (5 + {channels // anchors - 5})"
    head = f"an anchor-based head as in YOLOv5: {len(levels)} maps of {channels} channels = {each}"
    return head if proven else f"probably {head}"


def _anchors(shape: list[int], channels: int, cells: int) -> int:
    """How many anchors an output of this shape makes of so many channels; 0 where it does not show."""
    match shape:
        case [1, rows, numbers] if rows * numbers == channels * cells and channels % numbers == 0:
            return channels // numbers
        case [1, anchors, _, _, numbers] if anchors * numbers == channels:
            return anchors
    return 0


FOREIGN = Foreign("yolov5", diagnose, OTHER_HEAD)
