"""MOTChallenge detections as the frames of a tracker, and what the published tracker makes of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

from icraft_adapt.data.mot_rows import read_mot_rows
from icraft_adapt.postproc.track.types import Boxes

NAMES = (
    "f1 f2 f3 i1 i2 i3 mot15_ADL-Rundle-6 mot15_PETS09-S2L1 mot15r_ETH-Bahnhof mot15r_TUD-Stadtmitte palace syn50"
).split()
# As a tracker takes them, byte for byte: left, top, width, height, score; class.
RECORD = np.dtype([("box", "<f4", 4), ("score", "<f4"), ("class", "<u4")])


@cache
def frames_of(file: Path) -> tuple[Boxes, ...]:
    """One element a frame, from frame 1 to the last that has a box; float64, as the file says it."""
    found = read_mot_rows(file)
    frames = []
    for number in range(1, int(found.frames.max()) + 1):
        rows = np.flatnonzero(found.frames == number)
        frames.append(Boxes(found.boxes[rows], found.scores[rows], np.zeros(len(rows), np.int32)))
    return tuple(frames)


def expected_of(file: Path) -> dict[int, dict[int, np.ndarray]]:
    """By frame and id, left, top, width, height: float64 [4]."""
    found: dict[int, dict[int, np.ndarray]] = {}
    for frame, track, *box in np.loadtxt(file, ndmin=2):
        found.setdefault(int(frame), {})[int(track)] = np.array(box)
    return found


def records(frames: Iterable[Boxes]) -> bytes:
    """For each frame a uint32 count and the boxes, as the programs in C read them."""
    parts = []
    for boxes in frames:
        packed = np.zeros(len(boxes), RECORD)
        packed["box"], packed["score"], packed["class"] = boxes.boxes, boxes.scores, boxes.classes
        parts += [np.uint32(len(boxes)).tobytes(), packed.tobytes()]
    return b"".join(parts)
