"""A street scene as a film: frames with pictures and the truth about what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .car import CarLook, draw_car_look
from .clutter import draw_clutter
from .motion import Lane, Walk, walks
from .movers import CAR, PERSON, Mover
from .person import Look, draw_look
from .sprite import Placed, darken, lay
from .street import paint_street

__all__ = ["CAR", "LEAST_VISIBLE", "PERSON", "Frame", "Scene"]

LEAST_VISIBLE = 0.3  # of an object's pixels: what shows less is no truth

_SHAKE = 3  # pixels either way


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A picture uint8 [h, w, 3], BGR, and its truth in the order of identities.

    boxes float32 [n, 4] xyxy in pixels: the whole object, as if nothing stood before it, cut at the frame; ids
    int64 [n], the same object through the film; classes int64 [n]; visibility float32 [n]: the share of the
    object's pixels that show.
    """

    image: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    ids: NDArray[np.int64]
    classes: NDArray[np.int64]
    visibility: NDArray[np.float32]


class Scene:
    """A film of `frames` frames of `size_hw` (height, width) with about so many people and cars at a time.

    Frames follow from the arguments alone and can be drawn in any order.
    """

    def __init__(
        self, seed: int, size_hw: tuple[int, int] = (160, 288), people: int = 6, cars: int = 2, frames: int = 60
    ) -> None:
        rng = np.random.default_rng(seed)
        height, width = size_hw
        self.size_hw, self.frames = size_hw, frames
        horizon, growth = height * rng.uniform(0.22, 0.42), rng.uniform(0.5, 0.75)
        depth = height - horizon
        pavement = (horizon + depth * 0.25, height * 1.06)
        road = (horizon + depth * 0.4, horizon + depth * 0.8)
        feet = Lane(width, pavement, horizon, growth, 0.5, (0.025, 0.07), standing=0.2)
        wheels = Lane(width, road, horizon, growth * 0.85, 1.8, (0.06, 0.25))
        cast: list[tuple[Walk, Look | CarLook, Lane]] = []
        cast += [(walk, draw_look(rng), feet) for walk in walks(rng, feet, people, frames)]
        cast += [(walk, draw_car_look(rng), wheels) for walk in walks(rng, wheels, cars, frames)]
        self._movers = [Mover(identity, *each) for identity, each in enumerate(cast)]
        self._street = paint_street(rng, (height + 2 * _SHAKE, width + 2 * _SHAKE), int(horizon))
        self._clutter = [_stand(rng, feet) for _ in range(int(rng.integers(3, 11)))]
        self._camera = _camera_path(rng, frames)
        self._tone = _tone_curve(rng)
        self._grain = rng.integers(0, rng.integers(3, 16), (height + 16, width + 16, 3), np.uint8)

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[Frame]:
        return (self.frame(index) for index in range(self.frames))

    def frame(self, index: int) -> Frame:
        """Frame `index`, 0 <= index < frames."""
        height, width = self.size_hw
        left, top = (_SHAKE + off for off in self._camera[index])
        image = self._street[top : top + height, left : left + width].copy()
        owner = np.full(self.size_hw, -1, np.int32)
        placed = self.placed(index)
        for mark, each in enumerate(placed):
            _cast_shadow(image, each)
            lay(each, image, owner, mark)
        shown = np.bincount(owner.ravel() + 1, minlength=len(placed) + 1)[1:]
        return _with_truth(self._developed(image, index), placed, shown)

    def placed(self, index: int) -> list[Placed]:
        """Everything that stands in frame `index`, clutter included, the farthest first."""
        camera = self._camera[index]
        found = [(y, replace(each, left=each.left - camera[0], top=each.top - camera[1])) for y, each in self._clutter]
        found += [pair for mover in self._movers if (pair := mover.placed(index, camera)) is not None]
        return [each for _, each in sorted(found, key=lambda pair: pair[0])]

    def _developed(self, image: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
        """With the film's tones and grain; the grain lies elsewhere in each frame."""
        height, width = self.size_hw
        top, left = index * 7 % 16, index * 5 % 16
        grain = self._grain[top : top + height, left : left + width]
        developed: NDArray[np.uint8] = cv2.add(cv2.LUT(image, self._tone), grain)
        return developed


def _stand(rng: np.random.Generator, lane: Lane) -> tuple[float, Placed]:
    """A piece of clutter on the pavement, and the row it stands in."""
    x, y = rng.uniform(0, lane.width), rng.uniform(*lane.rows)
    sprite = draw_clutter(rng, lane.height(y))
    return y, Placed(sprite, round(x) - sprite.foot[0], round(y) - sprite.foot[1])


def _camera_path(rng: np.random.Generator, frames: int) -> list[tuple[int, int]]:
    """Where the camera looks, in pixels off its mean: a random walk held within the shake."""
    path, x, y = [], 0, 0
    for step_x, step_y in rng.integers(-1, 2, (frames, 2)).tolist():
        x, y = (min(max(value, -_SHAKE), _SHAKE) for value in (x + step_x, y + step_y))
        path.append((x, y))
    return path


def _tone_curve(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Day or dusk: a gain and an offset for each colour, as a table uint8 [256, 1, 3]."""
    gain, offset = rng.uniform(0.5, 1.1), rng.uniform(0, 25)
    gains = gain * rng.uniform(0.9, 1.1, 3)
    table = np.arange(256)[:, None, None] * gains + offset
    curve: NDArray[np.uint8] = np.clip(table, 0, 255).astype(np.uint8)
    return curve


def _cast_shadow(image: NDArray[np.uint8], placed: Placed) -> None:
    """A patch of shade under whatever stands there."""
    height, width = placed.sprite.pixels.shape[:2]
    foot_x, foot_y = placed.left + placed.sprite.foot[0], placed.top + placed.sprite.foot[1]
    darken(image, (foot_x, foot_y), (max(width * 2 // 5, 2), max(height // 20, 1)))


def _with_truth(image: NDArray[np.uint8], placed: list[Placed], shown: NDArray[np.int64]) -> Frame:
    """The frame; `shown` [n] counts the pixels of each placed object that nothing covers."""
    rows = []
    for each, pixels in zip(placed, shown.tolist(), strict=True):
        if each.identity < 0:
            continue
        visibility = pixels / np.count_nonzero(each.sprite.solid)
        if visibility >= LEAST_VISIBLE:
            rows.append((each.identity, each.kind, visibility, each.box(image.shape)))
    rows.sort(key=lambda row: row[0])
    return Frame(
        image,
        np.array([box for *_, box in rows], np.float32).reshape(-1, 4),
        np.array([identity for identity, *_ in rows], np.int64),
        np.array([kind for _, kind, *_ in rows], np.int64),
        np.array([visibility for *_, visibility, _ in rows], np.float32),
    )
