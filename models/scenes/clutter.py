"""What stands in a street and is nobody: poles, signs, trees, bins, bags, bollards, hydrants, cones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .person import shade
from .sprite import Colour, Pen, Sprite

Draw = Callable[[np.random.Generator, float], Sprite]


def draw_clutter(rng: np.random.Generator, height: float) -> Sprite:
    """Any of them, where a person would be `height` pixels tall."""
    return _KINDS[int(rng.integers(len(_KINDS)))](rng, height)


def _paint(rng: np.random.Generator) -> Colour:
    blue, green, red = (int(c) for c in rng.integers(20, 230, 3))
    return (blue, green, red)


def _pole(rng: np.random.Generator, height: float) -> Sprite:
    tall, grey = height * rng.uniform(1.2, 2.6), int(rng.integers(30, 150))
    pen = Pen((height * 0.5, tall))
    pen.limb([(0, -1), (0, -tall * 0.97)], height * rng.uniform(0.03, 0.09), (grey, grey, grey))
    if rng.random() < 0.4:
        pen.disc((0, -tall * 0.96), (height * 0.09, height * 0.06), (200, 225, 235))
    return pen.sprite()


def _sign(rng: np.random.Generator, height: float) -> Sprite:
    """A disc or a board on a stick: as tall as a person, with a head of sorts."""
    tall, grey, board = height * rng.uniform(0.8, 1.3), int(rng.integers(60, 160)), _paint(rng)
    pen = Pen((height * 0.5, tall * 1.05))
    pen.limb([(0, -1), (0, -tall * 0.8)], height * 0.04, (grey, grey, grey))
    wide = height * rng.uniform(0.07, 0.16)
    if rng.random() < 0.6:
        pen.disc((0, -tall + wide), (wide, wide), board)
        pen.disc((0, -tall + wide), (wide * 0.6, wide * 0.6), (225, 225, 225))
    else:
        pen.polygon([(-wide, -tall), (wide, -tall), (wide, -tall * 0.72), (-wide, -tall * 0.72)], board)
    return pen.sprite()


def _tree(rng: np.random.Generator, height: float) -> Sprite:
    tall, green = height * rng.uniform(1.1, 2.2), int(rng.integers(60, 140))
    leaf: Colour = (int(green * 0.45), green, int(green * rng.uniform(0.4, 1.0)))
    pen = Pen((height * 1.5, tall * 1.1))
    pen.limb([(0, -1), (0, -tall * 0.7)], height * rng.uniform(0.06, 0.13), (35, 55, 80))
    for _ in range(9):
        x, y = rng.uniform(-0.4, 0.4) * height, -tall * rng.uniform(0.6, 0.95)
        radius = height * rng.uniform(0.12, 0.28)
        pen.disc((x, y), (radius, radius * 0.8), shade(leaf, rng.uniform(0.6, 1.25)))
    return pen.sprite()


def _bin(rng: np.random.Generator, height: float) -> Sprite:
    tall, wide, paint = height * rng.uniform(0.35, 0.7), height * rng.uniform(0.1, 0.2), _paint(rng)
    pen = Pen((wide * 2.6, tall * 1.1))
    pen.polygon([(-wide * 0.85, 0), (wide * 0.85, 0), (wide, -tall * 0.85), (-wide, -tall * 0.85)], paint)
    pen.polygon([(-wide, -tall * 0.85), (wide, -tall * 0.85), (wide * 0.8, -tall), (-wide, -tall)], shade(paint, 0.7))
    return pen.sprite()


def _bag(rng: np.random.Generator, height: float) -> Sprite:
    tall, wide, paint = height * rng.uniform(0.18, 0.4), height * rng.uniform(0.12, 0.25), _paint(rng)
    pen = Pen((wide * 2.4, tall * 1.3))
    pen.disc((0, -tall * 0.45), (wide, tall * 0.5), paint)
    strap = [(-wide * 0.4, -tall * 0.85), (0.0, -tall * 1.1), (wide * 0.4, -tall * 0.85)]
    pen.limb(strap, height * 0.03, shade(paint, 0.6))
    return pen.sprite()


def _post(rng: np.random.Generator, height: float) -> Sprite:
    """A bollard, hydrant or cone: a small body that may have a knob."""
    tall, wide, paint = height * rng.uniform(0.3, 0.75), height * rng.uniform(0.05, 0.11), _paint(rng)
    top = wide * rng.uniform(0.2, 1.0)
    pen = Pen((wide * 4, tall * 1.25))
    pen.polygon([(-wide, 0), (wide, 0), (top, -tall), (-top, -tall)], paint)
    pen.polygon([(-wide, -tall * 0.4), (wide, -tall * 0.4), (wide, -tall * 0.55), (-wide, -tall * 0.55)], _paint(rng))
    if rng.random() < 0.6:
        pen.disc((0, -tall), (wide * 0.9, wide * 0.9), shade(paint, 0.85))
    return pen.sprite()


_KINDS: tuple[Draw, ...] = (_pole, _sign, _sign, _tree, _bin, _bag, _post, _post)
