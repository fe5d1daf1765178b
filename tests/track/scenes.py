"""Seeded sequences of boxes: walking crowds, ties, extremes."""

from __future__ import annotations

import numpy as np

from icraft_adapt.postproc.track.options import LEAST_SIZE, MOST_COORDINATE
from icraft_adapt.postproc.track.types import Boxes

KINDS = ("walk", "crowd", "grid", "extreme", "blink")
_SCORES = np.array([0.05, 0.1, 0.3, 0.5, 0.55, 0.6, 0.7, 0.9, 1.0], np.float32)  # thresholds are among them


def sequence(kind: str, seed: int, frames: int = 40, most: int = 30) -> list[Boxes]:
    """`frames` frames of at most `most` boxes each; values are float32."""
    random = np.random.default_rng((KINDS.index(kind), seed))
    bodies = int(random.integers(1, most + 1))
    place = _places(kind, bodies, random)
    speed = random.normal(0, 3, (bodies, 2))
    made = []
    for _ in range(frames):
        place[:, :2] += speed
        jitter = random.normal(0, 1, place.shape) * (kind != "grid")
        boxes = place + jitter
        if kind == "grid":
            boxes = np.round(boxes)
        boxes[:, 2:] = np.clip(boxes[:, 2:], LEAST_SIZE, MOST_COORDINATE)
        boxes[:, :2] = np.clip(boxes[:, :2], -MOST_COORDINATE, MOST_COORDINATE)
        present = random.random(bodies) < (0.6 if kind == "blink" else 0.9)
        if kind == "blink" and random.random() < 0.2:
            present[:] = False
        order = random.permutation(np.flatnonzero(present))
        scores = random.choice(_SCORES, bodies) if random.random() < 0.7 else random.random(bodies)
        classes = random.integers(0, 3, bodies)
        made.append(
            Boxes(boxes[order].astype(np.float32), scores[order].astype(np.float32), classes[order].astype(np.int32))
        )
    return made


def _places(kind: str, bodies: int, random: np.random.Generator) -> np.ndarray:
    """Left, top, width, height at the start, float64 [bodies, 4]."""
    if kind == "extreme":
        size = np.exp2(random.uniform(-20, 20, (bodies, 2)))
        corner = random.choice([-1.0, 1.0], (bodies, 2)) * np.exp2(random.uniform(-20, 20, (bodies, 2)))
        return np.hstack([corner, size])
    spread = {"walk": 600, "crowd": 40, "grid": 120, "blink": 300}[kind]
    corner, size = random.uniform(0, spread, (bodies, 2)), random.uniform(20, 90, (bodies, 2))
    if kind == "grid":
        corner, size = np.round(corner / 10) * 10, np.full((bodies, 2), 40.0)
    return np.hstack([corner, size])
