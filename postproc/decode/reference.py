"""The generated decoder in numpy: in float32, in the C's order of operations, and in float64 to see what that costs.

The conventions are those of the generated header.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.detections import Detections, iou_matrix
from .exponential import HIGHEST, LOWEST, score_of, side_of
from .records import Cells, Maps, Records, cells_of, cells_of_records
from .values import DecodeOptions, DecodeValues

_Any = NDArray[Any]
Precision = type[np.float32] | type[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What is above the threshold: boxes [n, 4] xyxy in pixels of the input, scores [n], classes and anchors int64
    [n], `rows`: which of the cells each came from.
    """

    boxes: _Any
    scores: _Any
    classes: NDArray[np.int64]
    anchors: NDArray[np.int64]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, rows: _Any) -> Candidates:
        """The candidates named by an index or a mask, in its order."""
        picked = (each[rows] for each in (self.boxes, self.scores, self.classes, self.anchors, self.rows))
        return Candidates(*picked)


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """The result of a call: detections, best first, and their anchors int64 [n]; how many candidates were above the
    threshold and how many survived suppression; whether more were found than fitted.
    """

    detections: Detections
    anchors: NDArray[np.int64]
    candidates: int
    survivors: int
    truncated: bool = False


def reference_codes(
    values: DecodeValues, maps: Maps, options: DecodeOptions, precision: Precision = np.float32
) -> Decoded:
    """Boxes from raw integer maps [1, c, h, w], by the adapted model's output names."""
    cells = cells_of(values, maps)
    if options.as_hardware:
        limits = values.quantised.filter_codes()
        cells = [each.select(each.obj > limit) for each, limit in zip(cells, limits, strict=True)]
    found = [candidates_of(values, i, each, options, precision) for i, each in enumerate(cells)]
    return finish(values, joined(found), options)


def reference_records(
    values: DecodeValues, records: Sequence[Records], options: DecodeOptions, precision: Precision = np.float32
) -> Decoded:
    """Boxes from the records of the hardware threshold filter, [count, length] for each level."""
    cells = cells_of_records(values, records)
    found = [candidates_of(values, i, each, options, precision) for i, each in enumerate(cells)]
    return finish(values, joined(found), options)


def reference_floats(
    values: DecodeValues, maps: Maps, options: DecodeOptions, precision: Precision = np.float32
) -> Decoded:
    """Boxes from float maps [1, c, h, w], by the adapted model's output names; every number finite."""
    cells = cells_of(values, {name: np.asarray(array, np.float32) for name, array in maps.items()})
    found = [candidates_of(values, i, each, options, precision) for i, each in enumerate(cells)]
    return finish(values, joined(found), options)


def reference_boxes(values: DecodeValues, boxes: Detections, options: DecodeOptions) -> Decoded:
    """Suppression and what follows for boxes in pixels of the input, in their own precision."""
    rows = np.flatnonzero(boxes.scores > np.float32(options.score))
    return finish(values, Candidates(boxes.boxes[rows], boxes.scores[rows], boxes.classes[rows], rows, rows), options)


def candidates_of(
    values: DecodeValues, level: int, cells: Cells, options: DecodeOptions, precision: Precision = np.float32
) -> Candidates:
    """The candidates among some cells of a level: integer cells are codes of that level's normratios."""
    threshold = np.float32(options.score)
    objectness = _score(_numbers(values, level, "obj", cells.obj), precision)
    passing = np.flatnonzero((objectness > threshold) & (cells.obj > -np.inf))  # a class's score is at most one
    seen = cells.select(passing)
    product = objectness[passing, None] * _score(_numbers(values, level, "cls", seen.cls), precision)
    above = (product > threshold) & (seen.cls > -np.inf)
    if not options.multi_label:
        above &= np.arange(values.classes) == seen.cls.argmax(axis=1)[:, None]
    rows, classes = np.nonzero(above)
    chosen = seen.select(rows)
    anchors = values.first_anchors[level] + chosen.y * values.levels[level].cells[1] + chosen.x
    boxes = _boxes(values, level, chosen, precision)
    return Candidates(boxes, product[rows, classes], classes, anchors, passing[rows])


def joined(found: Sequence[Candidates]) -> Candidates:
    """The candidates of all levels."""
    columns = ("boxes", "scores", "classes", "anchors", "rows")
    return Candidates(*(np.concatenate([getattr(each, name) for each in found]) for name in columns))


def ranked(found: Candidates) -> Candidates:
    """In order: score descending, then anchor, then class ascending; records of one cell as they came."""
    return found.select(np.lexsort((found.classes, found.anchors, -found.scores)))


def finish(values: DecodeValues, found: Candidates, options: DecodeOptions) -> Decoded:
    """Order, capacity of the workspace, suppression, top_k, letterbox inverse, clip."""
    best = ranked(found)
    best = best.select(np.arange(min(len(best), values.capacity)))
    groups = np.zeros_like(best.classes) if options.class_agnostic else best.classes
    kept = survivors_of(best.boxes, groups, options.iou)[: options.top_k or None]
    chosen = best.select(kept)
    boxes = to_picture(chosen.boxes, options)
    return Decoded(
        Detections(boxes, chosen.scores, chosen.classes),
        chosen.anchors,
        len(found),
        len(chosen),
        truncated=len(found) > len(best),
    )


def survivors_of(boxes: _Any, groups: NDArray[np.int64], iou: float) -> NDArray[np.int64]:
    """The rows (best first) that no better survivor of their group overlaps by more than `iou`."""
    kept: list[int] = []
    alive = np.ones(len(boxes), np.bool_)
    for row in range(len(boxes)):
        if alive[row]:
            kept.append(row)
            rivals = row + 1 + np.flatnonzero(alive[row + 1 :] & (groups[row + 1 :] == groups[row]))
            alive[rivals] &= ~(iou_matrix(boxes[row : row + 1], boxes[rivals])[0] > np.float32(iou))
    return np.array(kept, np.int64)


def to_picture(boxes: _Any, options: DecodeOptions) -> _Any:
    """From pixels of the input to pixels of the picture, clipped to it where that is asked for."""
    ratio = np.array(options.ratio * 2, np.float32)
    found: _Any = boxes / ratio
    if options.clip is not None:
        limit = np.array(options.clip * 2, np.float32)
        found = np.minimum(np.maximum(found, np.float32(0)), limit)
    return found


def _boxes(values: DecodeValues, level: int, cells: Cells, precision: Precision) -> _Any:
    """Corners [n, 4]."""
    stride = precision(values.levels[level].stride)
    numbers = _numbers(values, level, "reg", cells.reg)
    offset = numbers[:, :2].astype(precision)
    if precision is np.float32 and np.issubdtype(cells.reg.dtype, np.integer):
        offset = cells.reg[:, :2].astype(np.float32) * np.float32(values.quantised.levels[level].reg.normratio)
    centre = (offset + np.stack([cells.x, cells.y], axis=1).astype(precision)) * stride
    half = (_side(numbers[:, 2:], precision) * stride) * precision(0.5)
    return np.concatenate([centre - half, centre + half], axis=1)


def _numbers(values: DecodeValues, level: int, role: str, array: _Any) -> NDArray[np.float64]:
    """Codes times their normratio, or floats: exact in float64."""
    if not np.issubdtype(array.dtype, np.integer):
        return array.astype(np.float64)
    parts = dict(values.quantised.levels[level])
    return array.astype(np.float64) * parts[role].normratio


def _score(x: NDArray[np.float64], precision: Precision) -> _Any:
    if precision is np.float32:
        return score_of(x)
    return 1.0 / (1.0 + np.exp(-np.clip(x, LOWEST, -LOWEST)))


def _side(x: NDArray[np.float64], precision: Precision) -> _Any:
    if precision is np.float32:
        return side_of(x)
    return np.exp(np.clip(x, LOWEST, HIGHEST))
