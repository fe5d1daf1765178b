"""The scenes the demo network is trained and measured on; no torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from ...data.detections import GroundTruth
from ..scenes.scene import PERSON, Frame, Scene

SIZE = (160, 288)  # height, width of the frames and of the network's input
HELD_OUT = range(50)  # seeds no training sees
FIRST_TRAINED = 1000

_FRAMES = 60
_MEASURED = (5, 25, 45)  # of each held-out film


def film(seed: int) -> Scene:
    """A street with two to nine people at a time and up to three cars."""
    rng = np.random.default_rng((seed, 1))
    return Scene(seed, SIZE, people=int(rng.integers(2, 10)), cars=int(rng.integers(0, 4)), frames=_FRAMES)


def held_out(seeds: Iterable[int] = HELD_OUT) -> Iterator[Frame]:
    """Frames to measure on, three of each film."""
    return (film(seed).frame(index) for seed in seeds for index in _MEASURED)


def training_batch(rng: np.random.Generator, films: int) -> list[Frame]:
    """Two frames from each of so many films, none of them held out."""
    seeds = rng.integers(FIRST_TRAINED, 2**31, films).tolist()
    return [scene.frame(int(index)) for scene in map(film, seeds) for index in rng.integers(0, _FRAMES, 2)]


def people(frame: Frame) -> GroundTruth:
    """The people alone, as class 0."""
    boxes = frame.boxes[frame.classes == PERSON].astype(np.float64)
    return GroundTruth(boxes, np.zeros(len(boxes), np.int64), np.zeros(len(boxes), np.bool_))
