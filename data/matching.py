"""Two networks' boxes on the same images, box by box: what stayed, what went, what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .detections import Detections, iou_matrix

Boxes = NDArray[np.float32]

_AT_ONCE = 256  # rows of boxes against all others
SAME_PLACE = 0.5  # the IoU from which two boxes are one object


@dataclass(frozen=True, slots=True)
class Matching:
    """`matched` pairs, `lost` boxes of the reference, `new` ones of the candidate; among the pairs `class_flips`, the
    mean IoU, and the mean of candidate score minus reference score. Means are None without a pair.
    """

    matched: int
    lost: int
    new: int
    class_flips: int
    mean_iou: float | None
    score_shift: float | None


def match(reference: Sequence[Detections], candidate: Sequence[Detections], low: float, high: float = 1.0) -> Matching:
    """Pair the boxes of each image whose reference scores lie in [low, high]: greedily, the best IoU first.

    A reference box may be paired with a candidate of at least half of `low`, so that a score just below it counts as
    a shift and not as a loss; candidates of at least `low` without a partner among all reference boxes are new.
    """
    lost = new = flips = 0
    overlaps: list[float] = []
    shifts: list[float] = []
    for theirs, all_ours in zip(reference, candidate, strict=True):
        ours = all_ours.select(all_ours.scores >= low / 2)
        wanted = (theirs.scores >= low) & (theirs.scores <= high)
        pairs = _pairs(theirs, ours)
        taken = {row for row, _, _ in pairs}
        for row, column, iou in pairs:
            if wanted[row]:
                overlaps.append(iou)
                shifts.append(float(ours.scores[column] - theirs.scores[row]))
                flips += int(ours.classes[column] != theirs.classes[row])
        lost += sum(1 for row in np.flatnonzero(wanted).tolist() if row not in taken)
        used = {column for _, column, _ in pairs}
        fresh = (ours.scores >= low) & (ours.scores <= high)
        new += sum(1 for column in np.flatnonzero(fresh).tolist() if column not in used)
    mean = (float(np.mean(overlaps)), float(np.mean(shifts))) if overlaps else (None, None)
    return Matching(len(overlaps), lost, new, flips, *mean)


def _pairs(theirs: Detections, ours: Detections) -> list[tuple[int, int, float]]:
    """(row, column, IoU) of boxes that stand in the same place, the best overlaps first, each box once."""
    rows, columns, overlap = _overlapping(theirs.boxes, ours.boxes)
    same = theirs.classes[rows] == ours.classes[columns]
    ranked = np.lexsort((columns, rows, -overlap, ~same))
    found: list[tuple[int, int, float]] = []
    used_rows: set[int] = set()
    used_columns: set[int] = set()
    for index in ranked.tolist():
        row, column = int(rows[index]), int(columns[index])
        if row in used_rows or column in used_columns:
            continue
        used_rows.add(row)
        used_columns.add(column)
        found.append((row, column, float(overlap[index])))
    return found


def _overlapping(a: Boxes, b: Boxes) -> tuple[NDArray[np.int64], NDArray[np.int64], Boxes]:
    """Rows of a, rows of b and IoU of all that stand in the same place; a network gone wild has thousands of boxes."""
    rows, columns, overlaps = [], [], []
    for first in range(0, len(a), _AT_ONCE):
        iou = iou_matrix(a[first : first + _AT_ONCE], b)
        here, there = np.nonzero(iou >= SAME_PLACE)
        rows.append(here + first)
        columns.append(there)
        overlaps.append(iou[here, there])
    nothing = np.zeros(0, np.int64)
    return (
        np.concatenate([nothing, *rows]),
        np.concatenate([nothing, *columns]),
        np.concatenate([np.zeros(0, np.float32), *overlaps]),
    )
