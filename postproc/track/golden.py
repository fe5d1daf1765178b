"""A golden film: boxes of this model set in motion, and the tracks that the reference finds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...data.detections import Detections
from .byte import ByteTracker
from .options import TrackOptions
from .types import Boxes, Tracks

FRAMES = 24
MOST_FOUND = 6
_MADE = 4  # bodies set beside those that were found, far from them and from one another
_FARTHEST = 1e5  # pixels: what a network gone wild says beyond leaves no room for those
_BUFFER = 4  # frames: short, so that tracks end within the film
_SCORES = np.array([0.9, 0.75, 0.62, 0.9, 0.3, 0.8, 0.5, 0.66, 0.55, 0.7, 0.2], np.float32)  # high, low, on the edge
# When the made ones are not seen, first and last frame: found again, found again later, expired, not yet there.
_ABSENT = ((3, 4), (6, 9), (10, 17), (0, 2))


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """`options` are those that the tracks are made with; one element of `boxes` and `tracks` a frame."""

    options: TrackOptions
    boxes: tuple[Boxes, ...]
    tracks: tuple[Tracks, ...]


def film_of(found: Detections, options: TrackOptions) -> Film:
    """The best boxes of one picture (corners, best first) drift for some frames while their scores rise and fall.
    Beside them others are missed, leave for good and come back as new ones.
    """
    chosen = replace(options, track_buffer=_BUFFER)
    bodies = _bodies(found)
    film = tuple(_frame(bodies, number) for number in range(FRAMES))
    tracker = ByteTracker(chosen)
    return Film(chosen, film, tuple(tracker.step(boxes) for boxes in film))


def _bodies(found: Detections) -> Boxes:
    """Left, top, width, height, float32 [n, 4], and classes; the made ones last."""
    sizes = found.boxes[:, 2:] - found.boxes[:, :2]
    given = Boxes(np.hstack([found.boxes[:, :2], sizes]), found.scores, found.classes.astype(np.int32))
    fit = given.usable() & (sizes >= 4).all(axis=1) & (np.abs(given.boxes) <= _FARTHEST).all(axis=1)
    given = given.select(np.flatnonzero(fit)[:MOST_FOUND])
    number = np.arange(_MADE)
    edge = (given.boxes[:, 0] + 2 * given.boxes[:, 2]).max(initial=0)
    made = np.column_stack([edge + 100 * (number + 1), 25.0 * number, 30.0 + number, 60.0 + 2 * number])
    boxes = np.concatenate([given.boxes, made]).astype(np.float32)
    classes = np.concatenate([given.classes, np.zeros(_MADE, np.int32)])
    return Boxes(boxes, np.ones(len(boxes), np.float32), classes)


def _frame(bodies: Boxes, number: int) -> Boxes:
    """The boxes of one frame; every number is a float32."""
    index = np.arange(len(bodies))
    steps = np.stack([(index % 5 - 2) * 0.03, (index % 3 - 1) * 0.02], axis=1).astype(np.float32)
    boxes = bodies.boxes.copy()
    boxes[:, :2] += (steps * np.float32(number)) * boxes[:, 2:]
    boxes[:, 2:] *= np.float32(1) + np.float32(0.004 * number)
    scores = _SCORES[(3 * index + 2 * number) % len(_SCORES)]
    seen = np.ones(len(bodies), np.bool_)
    for body, (first, last) in enumerate(_ABSENT, len(bodies) - _MADE):
        seen[body] = not first <= number <= last
    return Boxes(boxes, scores, bodies.classes).select(np.flatnonzero(seen))
