"""Who moves through the street: a walk, a look, and the picture of both at a moment."""

from __future__ import annotations

from dataclasses import dataclass

from .car import CarLook, draw_car
from .motion import Lane, Walk
from .person import Look, draw_person
from .sprite import Placed

PERSON, CAR = 0, 1  # the classes

_PERIOD = 0.75  # heights gone in one period of the gait


@dataclass(frozen=True, slots=True)
class Mover:
    """One person or car, known by `identity`."""

    identity: int
    walk: Walk
    look: Look | CarLook
    lane: Lane

    @property
    def kind(self) -> int:
        """Its class."""
        return PERSON if isinstance(self.look, Look) else CAR

    def placed(self, frame: int, camera: tuple[int, int]) -> tuple[float, Placed] | None:
        """The row its feet are in and its picture, seen from a camera off by (x, y) pixels; None while it is away."""
        feet = self.walk.feet(frame)
        if feet is None:
            return None
        height = self.lane.height(feet[1])
        if isinstance(self.look, Look):
            height *= self.look.stature
            sprite = draw_person(self.look, height, self.walk.distance(frame) / (_PERIOD * height), self.walk.facing)
        else:
            sprite = draw_car(self.look, height, self.walk.facing)
        left, top = round(feet[0]) - sprite.foot[0] - camera[0], round(feet[1]) - sprite.foot[1] - camera[1]
        return feet[1], Placed(sprite, left, top, self.identity, self.kind)
