"""One walking person: a look drawn from a seed, and its picture at a height and a moment of its gait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .motion import swing
from .sprite import Colour, Pen, Point, Sprite

_SKINS: tuple[Colour, ...] = ((60, 90, 140), (90, 130, 190), (120, 160, 215), (150, 185, 235), (45, 60, 95))


@dataclass(frozen=True, slots=True)
class Look:
    """Colours, and proportions in units of the person's height."""

    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour
    extra: Colour
    stature: float
    shoulder: float
    hip: float
    waist: float
    head: float
    dress: Literal["trousers", "skirt", "coat"]
    baggage: Literal["none", "backpack", "bag"]
    headgear: Literal["hair", "hat", "hood"]
    striped: bool
    sideways: bool


def draw_look(rng: np.random.Generator) -> Look:
    """A person nobody has seen before."""
    clothes = [_colour(rng) for _ in range(3)]
    dark = int(rng.integers(10, 70))
    return Look(
        skin=_SKINS[int(rng.integers(len(_SKINS)))],
        hair=(dark // 2, dark, int(dark * rng.uniform(1, 2.4))),
        shirt=clothes[0],
        trousers=clothes[1],
        shoes=(dark, dark, dark),
        extra=clothes[2],
        stature=rng.uniform(0.82, 1.12),
        shoulder=rng.uniform(0.105, 0.155),
        hip=rng.uniform(0.075, 0.13),
        waist=rng.uniform(0.44, 0.53),
        head=rng.uniform(0.058, 0.078),
        dress=("trousers", "trousers", "trousers", "skirt", "coat")[int(rng.integers(5))],
        baggage=("none", "none", "backpack", "bag")[int(rng.integers(4))],
        headgear=("hair", "hair", "hat", "hood")[int(rng.integers(4))],
        striped=bool(rng.random() < 0.25),
        sideways=bool(rng.random() < 0.7),
    )


def _colour(rng: np.random.Generator) -> Colour:
    """Cloth: grey as often as not, else any colour."""
    if rng.random() < 0.5:
        grey = int(rng.integers(20, 220))
        return (grey, max(grey - 8, 0), max(grey - 14, 0))
    blue, green, red = (int(c) for c in rng.integers(15, 235, 3))
    return (blue, green, red)


def shade(colour: Colour, light: float) -> Colour:
    """The colour in less (or more) light."""
    blue, green, red = (min(int(c * light), 255) for c in colour)
    return (blue, green, red)


class _Figure:
    """A pen in units of the height: x from the body's axis, y up from the ground."""

    def __init__(self, look: Look, height: float, stride: float, facing: int) -> None:
        self.look, self.height, self.stride = look, height, stride
        self.side = facing or 1
        self.narrow = 0.72 if look.sideways and facing else 1.0
        self.pen = Pen((0.95 * height, 1.04 * height), below=0.04 * height)

    def at(self, x: float, y: float) -> Point:
        return x * self.height * self.side, -y * self.height

    def limb(self, joints: list[Point], thickness: float, colour: Colour) -> None:
        self.pen.limb([self.at(*joint) for joint in joints], thickness * self.height, colour)

    def polygon(self, corners: list[Point], colour: Colour) -> None:
        self.pen.polygon([self.at(*corner) for corner in corners], colour)

    def disc(self, x: float, y: float, radii: Point, colour: Colour) -> None:
        self.pen.disc(self.at(x, y), (radii[0] * self.height, radii[1] * self.height), colour)


def draw_person(look: Look, height: float, gait: float, facing: int) -> Sprite:
    """The person `height` pixels tall, `gait` steps into a walk (period 1), walking to `facing` (0: standing)."""
    figure = _Figure(look, height, 0.16 * swing(gait) if facing else 0.05, facing)
    if look.baggage == "backpack":
        figure.disc(-0.11 * figure.narrow, 0.67, (0.07, 0.12), look.extra)
    _arm(figure, -1)
    _leg(figure, -1)
    _leg(figure, 1)
    _trunk(figure)
    _arm(figure, 1)
    _head(figure)
    return figure.pen.sprite()


def _leg(figure: _Figure, which: int) -> None:
    look, foot = figure.look, which * figure.stride
    if not look.sideways:
        foot *= 0.4
    hip = which * look.hip * 0.5 * figure.narrow
    colour = shade(look.trousers if look.dress != "skirt" else look.skin, 0.75 if which < 0 else 1.0)
    lift = 0.05 * max(0.0, which * figure.stride / 0.16) if figure.look.sideways else 0.0
    knee = (hip + (foot - hip) * 0.5 + 0.02, look.waist * 0.52)
    figure.limb([(hip, look.waist), knee, (hip * 0.4 + foot, 0.05 + lift * 0.3)], 0.085, colour)
    figure.limb([(hip * 0.4 + foot, 0.02), (hip * 0.4 + foot + 0.045, 0.02)], 0.045, look.shoes)


def _arm(figure: _Figure, which: int) -> None:
    look = figure.look
    shoulder = which * look.shoulder * figure.narrow * (0.45 if figure.narrow < 1 else 0.95)
    hand = shoulder - which * figure.stride * 0.9 + which * 0.02
    colour = shade(look.shirt, 0.7 if which < 0 else 0.88)
    elbow = (shoulder + (hand - shoulder) * 0.45 - 0.015, 0.62)
    figure.limb([(shoulder, 0.79), elbow, (hand, 0.47)], 0.055, colour)
    figure.disc(hand, 0.455, (0.024, 0.024), look.skin)
    if which > 0 and look.baggage == "bag":
        figure.polygon([(hand - 0.06, 0.42), (hand + 0.06, 0.42), (hand + 0.07, 0.27), (hand - 0.07, 0.27)], look.extra)


def _trunk(figure: _Figure) -> None:
    look, narrow = figure.look, figure.narrow
    top, hip = look.shoulder * narrow, look.hip * narrow
    hem = {"trousers": look.waist - 0.02, "skirt": 0.27, "coat": 0.22}[look.dress]
    wide = hip * (1.0 if look.dress == "trousers" else 1.35)
    lower = look.trousers if look.dress == "skirt" else look.shirt
    figure.polygon([(-hip, look.waist + 0.05), (hip, look.waist + 0.05), (wide, hem), (-wide, hem)], lower)
    figure.polygon(
        [(-top * 0.7, 0.84), (top * 0.7, 0.84), (top, 0.79), (hip, look.waist), (-hip, look.waist), (-top, 0.79)],
        look.shirt,
    )
    figure.polygon([(-top * 0.7, 0.84), (-top * 0.2, 0.84), (-hip * 0.3, hem), (-hip, hem)], shade(look.shirt, 0.82))
    if look.striped:
        for y in (0.58, 0.66, 0.74):
            figure.limb([(-hip, y), (hip, y)], 0.03, look.extra)


def _head(figure: _Figure) -> None:
    look, r = figure.look, figure.look.head
    figure.limb([(0, 0.8), (0.01, 0.88)], 0.06, shade(look.skin, 0.85))
    figure.disc(0.01, 0.99 - r, (r * 0.85, r), look.skin)
    if look.headgear == "hood":
        figure.disc(-0.012, 0.99 - r, (r * 0.95, r * 1.1), look.shirt)
        figure.disc(0.025, 0.985 - r, (r * 0.5, r * 0.7), look.skin)
        return
    cap = look.extra if look.headgear == "hat" else look.hair
    figure.disc(-0.01, 1.0 - r * 0.62, (r * 0.9, r * 0.62), cap)
    if look.headgear == "hat":
        figure.limb([(-r, 0.99 - r * 0.8), (r * 1.5, 0.99 - r * 0.8)], 0.02, cap)
