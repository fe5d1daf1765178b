"""Boxes in one picture: what a network found, what is really there, and how far boxes overlap.

Boxes are corners (x1, y1, x2, y2) in pixels of the original image, not clipped to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

EVALUATION_SCORE = 0.001  # YOLOX evaluation: a candidate's score is strictly greater than this
EVALUATION_IOU = 0.65  # ... and its NMS suppresses an overlap strictly greater than this


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """What a network found in one image: boxes float32 [n, 4], scores float32 [n], classes int64 [n].

    Rows stand in anchor order, then class, until `nms` sorts them: equal scores keep that order.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int64]

    @classmethod
    def empty(cls) -> Detections:
        """Nothing found."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, rows: NDArray[Any]) -> Detections:
        """The rows named by an index or a mask, in its order."""
        return Detections(self.boxes[rows], self.scores[rows], self.classes[rows])


@dataclass(frozen=True, slots=True, eq=False)
class GroundTruth:
    """What is in one image: boxes float64 [n, 4], classes int64 [n], crowd bool [n].

    A crowd box stands for a group (COCO's iscrowd): finding it neither helps nor harms.
    """

    boxes: NDArray[np.float64]
    classes: NDArray[np.int64]
    crowd: NDArray[np.bool_]

    @classmethod
    def empty(cls) -> GroundTruth:
        """An image with nothing in it."""
        return cls(np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0, np.bool_))

    def __len__(self) -> int:
        return len(self.classes)


def iou_matrix(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Intersection over union of boxes a [n, 4] and b [m, 4]: [n, m] in their dtype.

    Continuous coordinates, without the "+1 pixel" of old toolkits. Two boxes without area overlap by 0, and a
    box that is not finite overlaps by NaN or 0, which suppresses nothing.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        corner = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
        side = np.maximum(corner, 0)
        shared = side[..., 0] * side[..., 1]
        union = _areas(a)[:, None] + _areas(b)[None, :] - shared
        iou: NDArray[Any] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return iou


def _areas(boxes: NDArray[Any]) -> NDArray[Any]:
    area: NDArray[Any] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return area


def nms(detections: Detections, iou_threshold: float, class_aware: bool = True) -> Detections:
    """Greedy non-maximum suppression; the survivors by descending score, ties in the order of the rows.

    A box goes when its IoU with a better survivor (of its own class, if `class_aware`) is strictly greater
    than `iou_threshold`. Nothing is capped, as in YOLOX: it is pycocotools that looks at the best 100 per
    image and class only.
    """
    ranked = detections.select(np.argsort(-detections.scores, kind="stable"))
    groups = ranked.classes if class_aware else np.zeros_like(ranked.classes)
    kept = [_survivors(ranked.boxes, np.flatnonzero(groups == g), iou_threshold) for g in sorted(set(groups.tolist()))]
    return ranked.select(np.array(sorted(row for rows in kept for row in rows), np.int64))


def _survivors(boxes: NDArray[np.float32], rows: NDArray[np.int64], iou_threshold: float) -> list[int]:
    """The rows (best first) that no better survivor suppresses. Memory is linear in the candidates."""
    kept: list[int] = []
    while rows.size:
        kept.append(int(rows[0]))
        overlap = iou_matrix(boxes[rows[:1]], boxes[rows[1:]])[0]
        rows = rows[1:][~(overlap > iou_threshold)]
    return kept
