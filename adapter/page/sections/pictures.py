"""Boxes before and after, on calibration images: what the numbers mean to whoever uses the network."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ....data.agreement import REFERENCE_SCORE
from ....data.detections import Detections, iou_matrix
from ....data.images import jpeg_bytes, read_image
from ....data.letterbox import letterbox
from ....postproc.core.family import detections
from ...heads import Heads
from ..section import Section
from ..story import Story

_MOST = 4
_LONGEST, _QUALITY = 480, 75  # most pixels of the longer side, and the JPEG quality: about 30 kB a picture
_SAME = 0.5  # intersection over union from which on two boxes of a class show the same thing


@dataclass(frozen=True, slots=True)
class Box:
    """Corners in the drawing's units; `fate` says whether the other network has it, too."""

    x: float
    y: float
    width: float
    height: float
    label: str
    fate: Literal["both", "lost", "new"]


@dataclass(frozen=True, slots=True)
class Shown:
    """One image with the networks' boxes, `integer` those of the simulation (None: there was none), whose fates are
    told against the original; `jpeg` is base64, width and height are the drawing's.
    """

    name: str
    jpeg: str
    width: int
    height: int
    before: tuple[Box, ...]
    after: tuple[Box, ...]
    both: int
    overlap: float
    integer: tuple[Box, ...] | None


@dataclass(frozen=True, slots=True)
class Pictures:
    """The first images on which the original finds anything, of `compared` ones; boxes score above `score`."""

    images: tuple[Shown, ...]
    compared: int
    score: float


def build(story: Story) -> Pictures | None:
    """Nothing without calibration images."""
    calibration = story.facts.calibration
    if calibration is None:
        return None
    images: list[Shown] = []
    simulation = story.facts.simulation
    integers = simulation.maps if simulation is not None else (None,) * len(story.pairs)
    for file, (original, adapted), integer in zip(calibration.files, story.pairs, integers, strict=False):
        before = _found(story, original)
        if len(before) and len(images) < _MOST:
            after = _found(story, adapted)
            images.append(_shown(story, file, before, after, None if integer is None else _found(story, integer)))
    return Pictures(tuple(images), len(story.pairs), REFERENCE_SCORE)


def _found(story: Story, maps: Heads) -> Detections:
    """Suppressed boxes in pixels of the network's input."""
    reading = story.facts.prepared.reading
    return detections(reading, reading.by_tensor(maps), REFERENCE_SCORE)


def _shown(story: Story, file: Path, before: Detections, after: Detections, integer: Detections | None) -> Shown:
    image = read_image(file)
    size = story.facts.prepared.input_shape[2:]
    placed = letterbox(image, (size[0], size[1]), story.facts.request.preprocess)[1]
    scale = _LONGEST / max(image.shape[:2])
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    jpeg = jpeg_bytes(image, (width, height) if scale < 1 else image.shape[1::-1], _QUALITY)
    pairs = dict(same_boxes(before, after))
    overlaps = iou_matrix(before.boxes, after.boxes)
    mean = float(np.mean([overlaps[a, b] for a, b in pairs.items()])) if pairs else 0.0
    drawing, to_picture = (width, height), placed.to_image

    def drawn(found: Detections, shared: set[int], otherwise: Literal["lost", "new"]) -> tuple[Box, ...]:
        scaled = replace(found, boxes=to_picture(found.boxes) * np.float32(scale))
        return tuple(_boxes(scaled, shared, otherwise, drawing))

    return Shown(
        file.name,
        b64encode(jpeg).decode("ascii"),
        width,
        height,
        drawn(before, set(pairs), "lost"),
        drawn(after, set(pairs.values()), "new"),
        len(pairs),
        round(mean, 3),
        None if integer is None else drawn(integer, set(dict(same_boxes(before, integer)).values()), "new"),
    )


def same_boxes(before: Detections, after: Detections) -> Iterator[tuple[int, int]]:
    """(row before, row after) of boxes of one class that show the same thing: the best overlap first, each box once."""
    overlap = iou_matrix(before.boxes, after.boxes)
    overlap = np.where(before.classes[:, None] == after.classes[None, :], overlap, 0)
    while overlap.size and overlap.max() >= _SAME:
        a, b = np.unravel_index(int(overlap.argmax()), overlap.shape)
        yield int(a), int(b)
        overlap[a, :] = overlap[:, b] = 0


def _boxes(
    found: Detections, shared: set[int], otherwise: Literal["lost", "new"], size: tuple[int, int]
) -> Iterator[Box]:
    """The best last, so that it is drawn on top; cut at the picture's edge."""
    for row in reversed(range(len(found))):
        x1, y1, x2, y2 = _cut(found.boxes[row], size)
        label = f"{found.classes[row]} · {found.scores[row]:.2f}"
        fate: Literal["both", "lost", "new"] = "both" if row in shared else otherwise
        yield Box(x1, y1, round(x2 - x1, 1), round(y2 - y1, 1), label, fate)


def _cut(box: NDArray[np.float32], size: tuple[int, int]) -> tuple[float, float, float, float]:
    width, height = size
    x1, y1, x2, y2 = (float(value) for value in np.clip(box, 0, [width, height, width, height]))
    return round(x1, 1), round(y1, 1), round(x2, 1), round(y2, 1)


SECTION = Section(110, "pictures", "Pictures", build)
