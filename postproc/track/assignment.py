"""Who is whom: the overlap of boxes, and the assignment of the least cost under a limit.

Boxes are corners (x1, y1, x2, y2), float [n, 4]. The order of operations is that of the generated C.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
NOBODY = -1


def overlap(rows: Array, columns: Array) -> Array:
    """Intersection over union [n, m] of boxes whose last pixel counts (+1), as the reference takes it."""
    corner = np.minimum(rows[:, None, 2:], columns[None, :, 2:]) - np.maximum(rows[:, None, :2], columns[None, :, :2])
    side = corner + 1
    meet = (side > 0).all(axis=2)
    shared = side[..., 0] * side[..., 1]
    union = (_areas(rows)[:, None] + _areas(columns)[None, :]) - shared
    found: Array = np.divide(shared, union, out=np.zeros_like(shared), where=meet)
    return found


def _areas(boxes: Array) -> Array:
    area: Array = ((boxes[:, 2] - boxes[:, 0]) + 1) * ((boxes[:, 3] - boxes[:, 1]) + 1)
    return area


def assign(cost: Array, limit: float) -> Array:
    """The column of each row, or NOBODY: int64 [n] for a cost [n, m], by Jonker and Volgenant's augmenting paths.

    Minimises the sum of (cost - limit) over the pairs, of which each has cost < limit. Where several assignments do,
    it is the one found by inserting the rows in their order, each along the shortest alternating path: of equally
    short ones the path that leaves the row, or the row met first, alone; else the one to the lowest column.
    """
    rows, columns = cost.shape
    step = cost - cost.dtype.type(limit)
    search = _Search(step, np.full(rows, NOBODY), np.full(columns, NOBODY), np.zeros(columns, cost.dtype))
    for row in range(rows):
        search.insert(row)
    return search.column_of


@dataclass(slots=True)
class _Search:
    """`price` is 0 for a free column and falls with the demand for a taken one."""

    step: Array
    column_of: Array
    row_of: Array
    price: Array

    def insert(self, row: int) -> None:
        """Give the row a column, if that or another row's moving on lowers the sum."""
        columns = len(self.price)
        distance = np.full(columns, np.inf, self.step.dtype)
        before = np.full(columns, NOBODY)
        scanned = np.zeros(columns, np.bool_)
        end, alone = self.step.dtype.type(0), row  # the path to nobody: its length, and the row that it leaves
        here, reduced = row, self.step.dtype.type(0)
        while True:
            admissible = (self.step[here] < 0) & ~scanned
            further = (self.step[here] - self.price) - reduced
            nearer = admissible & (further < distance)
            distance[nearer], before[nearer] = further[nearer], here
            open_distance = np.where(scanned, np.inf, distance)
            column = int(open_distance.argmin()) if columns else 0
            if not columns or not open_distance[column] < end:
                break
            if self.row_of[column] == NOBODY:
                end, alone = distance[column], NOBODY
                break
            scanned[column] = True
            here = int(self.row_of[column])
            reduced = (self.step[here, column] - self.price[column]) - distance[column]
            if -reduced < end:
                end, alone = -reduced, here
        self.price[scanned] += distance[scanned] - end
        if alone != row:
            self._shift(row, column if alone == NOBODY else self._release(alone), before)

    def _release(self, row: int) -> int:
        column = int(self.column_of[row])
        self.column_of[row] = NOBODY
        return column

    def _shift(self, row: int, column: int, before: Array) -> None:
        """Turn the path that ends in `column` around, back to `row`."""
        while True:
            owner = int(before[column])
            following = int(self.column_of[owner])
            self.column_of[owner], self.row_of[column] = column, owner
            if owner == row:
                return
            column = following
