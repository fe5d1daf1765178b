"""One car from the side: a paint and a body drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .person import shade
from .sprite import Colour, Pen, Point, Sprite


@dataclass(frozen=True, slots=True)
class CarLook:
    """Paint, and the body in units of the car's height: half its length, bonnet height, where the cabin is."""

    paint: Colour
    glass: Colour
    half: float
    bonnet: float
    front: float
    back: float
    wheel: float


def draw_car_look(rng: np.random.Generator) -> CarLook:
    """A car from small to van."""
    blue, green, red = (int(c) for c in rng.integers(20, 240, 3))
    grey = int(rng.integers(30, 235))
    return CarLook(
        paint=(grey, grey, grey) if rng.random() < 0.5 else (blue, green, red),
        glass=(int(rng.integers(60, 150)), int(rng.integers(50, 120)), int(rng.integers(40, 100))),
        half=rng.uniform(1.15, 1.6),
        bonnet=rng.uniform(0.5, 0.66),
        front=rng.uniform(0.35, 0.65),
        back=rng.uniform(0.6, 0.97),
        wheel=rng.uniform(0.19, 0.24),
    )


def draw_car(look: CarLook, height: float, facing: int) -> Sprite:
    """The car `height` pixels tall, its bonnet towards `facing`."""
    pen = Pen((2 * look.half * height + 4, height), below=2)
    half, side = look.half, facing or 1

    def at(x: float, y: float) -> Point:
        return x * height * side, -y * height

    roof = [(half * look.front, look.bonnet), (half * look.front * 0.55, 1.0), (-half * look.back * 0.85, 1.0)]
    body = [(-half, 0.2), (-half, look.bonnet), (half * 0.9, look.bonnet * 0.92), (half, 0.35), (half, 0.2)]
    pen.polygon([at(*p) for p in (*roof, (-half * look.back, look.bonnet))], look.paint)
    pen.polygon([at(*p) for p in body], look.paint)
    pen.polygon([at(*p) for p in ((-half, 0.2), (-half, 0.36), (half, 0.36), (half, 0.2))], shade(look.paint, 0.75))
    panes = [(half * look.front * 0.85, look.bonnet + 0.03), (half * look.front * 0.5, 0.94)]
    panes += [(-half * look.back * 0.8, 0.94), (-half * look.back * 0.9, look.bonnet + 0.03)]
    pen.polygon([at(*p) for p in panes], look.glass)
    pen.limb([at(0, 0.95), at(0, look.bonnet)], 0.05 * height, look.paint)
    for x in (-0.62 * half, 0.62 * half):
        radius = look.wheel * height
        pen.disc(at(x, look.wheel), (radius, radius), (25, 25, 25))
        pen.disc(at(x, look.wheel), (radius * 0.5, radius * 0.5), (150, 150, 150))
    pen.disc(at(half * 0.95, 0.5), (0.05 * height, 0.05 * height), (190, 230, 240))
    return pen.sprite()
