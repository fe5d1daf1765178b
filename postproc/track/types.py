"""What goes into a tracker for each frame, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .options import LEAST_SIZE, MOST_COORDINATE

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """A frame's detections: boxes float [n, 4] (left, top, width, height; not clipped), scores float [n], classes
    int32 [n], in any order.
    """

    boxes: Array
    scores: Array
    classes: Array

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, rows: Array) -> Boxes:
        """The rows named by an index or a mask, in its order."""
        return Boxes(self.boxes[rows], self.scores[rows], self.classes[rows])

    def usable(self) -> Array:
        """Bool [n]: finite, with a size, and not beyond all pixels. A tracker refuses a frame with any other."""
        numbers = np.column_stack([self.boxes, self.scores])
        with np.errstate(invalid="ignore"):
            usable: Array = (np.abs(numbers) <= MOST_COORDINATE).all(axis=1) & (self.boxes[:, 2:] >= LEAST_SIZE).all(
                axis=1
            )
        return usable

    def wrong(self) -> int | None:
        """The first row that is not usable, if any."""
        usable = self.usable()
        return None if usable.all() else int(usable.argmin())


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """The tracks seen in a frame: ids int64 [n] from 1 up, boxes float [n, 4] as in Boxes but filtered, and of the
    detection that each was matched with: scores, classes int32, and its row int64.
    """

    ids: Array
    boxes: Array
    scores: Array
    classes: Array
    rows: Array

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, rows: Array) -> Tracks:
        """The tracks named by an index or a mask, in its order."""
        return Tracks(self.ids[rows], self.boxes[rows], self.scores[rows], self.classes[rows], self.rows[rows])


class Tracker(Protocol):
    """One camera's tracker."""

    def step(self, found: Boxes) -> Tracks:
        """One frame further, also when nothing was found. Raises ValueError for boxes that are wrong."""
