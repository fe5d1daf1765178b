"""When something is in the street and where: straight walks from edge to edge, one after another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Walk:
    """From frame `start` for `length` frames, feet from (x0, y0) to (x1, y1) at constant speed, in pixels."""

    start: int
    length: int
    x0: float
    y0: float
    x1: float
    y1: float

    def feet(self, frame: int) -> tuple[float, float] | None:
        """Where the feet are; None before and after the walk."""
        if not self.start <= frame < self.start + self.length:
            return None
        way = (frame - self.start) / self.length
        return self.x0 + (self.x1 - self.x0) * way, self.y0 + (self.y1 - self.y0) * way

    def distance(self, frame: int) -> float:
        """Pixels gone along the street since the start."""
        return abs(self.x1 - self.x0) * (frame - self.start) / self.length

    @property
    def facing(self) -> int:
        """1 to the right, -1 to the left, 0 for whoever stands."""
        return (self.x1 > self.x0) - (self.x1 < self.x0)


@dataclass(frozen=True, slots=True)
class Lane:
    """Where walks of a kind run: the street's width, the rows feet may be in, what one is wide there, its speed.

    `reach` and `speed` (a frame) are in heights of the object, which is `growth` pixels tall per row below `horizon`.
    """

    width: int
    rows: tuple[float, float]
    horizon: float
    growth: float
    reach: float
    speed: tuple[float, float]
    standing: float = 0.0  # the share that stays where it is

    def height(self, y: float) -> float:
        """The height in pixels of one whose feet are in row y."""
        return (y - self.horizon) * self.growth


def walks(rng: np.random.Generator, lane: Lane, slots: int, frames: int) -> list[Walk]:
    """About `slots` at any time: in each slot, walks follow one another with pauses; the first is under way.

    Whoever stands there at first stays through all frames.
    """
    found = []
    for _ in range(slots):
        walk = _walk(rng, lane, 0, frames)
        start = -int(rng.integers(0, walk.length)) if walk.facing else 0
        while start < frames:
            found.append(Walk(start, walk.length, walk.x0, walk.y0, walk.x1, walk.y1))
            start += walk.length + int(rng.integers(1, 25))
            walk = _walk(rng, lane, start, frames)
    return found


def _walk(rng: np.random.Generator, lane: Lane, start: int, frames: int) -> Walk:
    y0 = rng.uniform(*lane.rows)
    y1 = min(max(y0 + rng.uniform(-0.15, 0.15) * (y0 - lane.horizon), lane.rows[0]), lane.rows[1])
    if start <= 0 and rng.random() < lane.standing:
        x = rng.uniform(0, lane.width)
        return Walk(start, frames, x, y0, x, y0)
    out = lane.reach * lane.height(max(y0, y1))
    ends = (-out, lane.width + out)
    x0, x1 = ends if rng.random() < 0.5 else ends[::-1]
    pace = rng.uniform(*lane.speed) * lane.height((y0 + y1) / 2)
    return Walk(start, max(2, int(abs(x1 - x0) / pace)), x0, y0, x1, y1)


def swing(phase: float) -> float:
    """A triangle wave of period 1 between -1 and 1, 0 at phase 0: what a sine does, without one."""
    return abs((phase - 0.75) % 1.0 * 4 - 2) - 1
