"""Small pictures with an outline: drawn at twice the size, averaged down, laid over a frame in integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]  # blue, green, red, 0..255
Point = tuple[float, float]  # x to the right, y down, in pixels

_FINE = 2  # drawn pixels to a frame's pixel, each way
_SOLID = 128  # at least half of a pixel is covered: it belongs to the object


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A picture of premultiplied colour and cover, uint8 [h, w, 4]; `foot` is the pixel (x, y) it stands on."""

    pixels: NDArray[np.uint8]
    foot: tuple[int, int]

    @property
    def solid(self) -> NDArray[np.bool_]:
        """The object's own pixels, bool [h, w]."""
        mask: NDArray[np.bool_] = self.pixels[..., 3] >= _SOLID
        return mask


class Pen:
    """Draws one sprite of `size` (width, height) pixels, its foot at the bottom centre; points are relative to that."""

    def __init__(self, size: Point, below: float = 1.0) -> None:
        """`below`: pixels that the drawing may reach under the foot."""
        width, height = int(size[0] / 2) * 2 + 2, int(size[1]) + 1
        self._foot = (width // 2, height)
        self._canvas = np.zeros(((height + int(below) + 1) * _FINE, width * _FINE, 4), np.uint8)

    def polygon(self, corners: Sequence[Point], colour: Colour) -> None:
        """Fill a simple polygon."""
        points = np.array([self._fine(corner) for corner in corners], np.int32)
        cv2.fillPoly(self._canvas, [points], (*colour, 255))

    def limb(self, joints: Sequence[Point], thickness: float, colour: Colour) -> None:
        """A thick line through the joints, round at its ends."""
        points = np.array([self._fine(joint) for joint in joints], np.int32)
        cv2.polylines(self._canvas, [points], False, (*colour, 255), max(1, round(thickness * _FINE)))

    def disc(self, centre: Point, radii: Point, colour: Colour) -> None:
        """Fill an upright ellipse."""
        axes = (max(1, round(radii[0] * _FINE)), max(1, round(radii[1] * _FINE)))
        cv2.ellipse(self._canvas, self._fine(centre), axes, 0, 0, 360, (*colour, 255), cv2.FILLED)

    def sprite(self) -> Sprite:
        """What was drawn, at the frame's scale: each pixel the rounded mean of four."""
        four = [self._canvas[row::2, column::2].astype(np.uint16) for row in (0, 1) for column in (0, 1)]
        return Sprite(((four[0] + four[1] + four[2] + four[3] + 2) >> 2).astype(np.uint8), self._foot)

    def _fine(self, point: Point) -> tuple[int, int]:
        x, y = self._foot
        return round((x + point[0]) * _FINE), round((y + point[1]) * _FINE)


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A sprite in a frame: its top left pixel (may be outside), and whose it is (identity -1: clutter)."""

    sprite: Sprite
    left: int
    top: int
    identity: int = -1
    kind: int = -1

    def visible_part(self, size_hw: tuple[int, ...]) -> tuple[slice, slice, slice, slice] | None:
        """Rows and columns in the frame, then in the sprite; None where they do not meet."""
        height, width = self.sprite.pixels.shape[:2]
        top, left = max(self.top, 0), max(self.left, 0)
        bottom, right = min(self.top + height, size_hw[0]), min(self.left + width, size_hw[1])
        if top >= bottom or left >= right:
            return None
        inner = slice(top - self.top, bottom - self.top), slice(left - self.left, right - self.left)
        return slice(top, bottom), slice(left, right), *inner

    def box(self, size_hw: tuple[int, ...]) -> tuple[int, int, int, int]:
        """The smallest (x1, y1, x2, y2) around the solid pixels inside the frame, of which there must be some."""
        above, before = max(-self.top, 0), max(-self.left, 0)
        inside = self.sprite.solid[above : size_hw[0] - self.top, before : size_hw[1] - self.left]
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        x, y = self.left + before, self.top + above
        return x + int(columns[0]), y + int(rows[0]), x + int(columns[-1]) + 1, y + int(rows[-1]) + 1


def lay(placed: Placed, image: NDArray[np.uint8], owner: NDArray[np.int32], mark: int) -> None:
    """Draw over `image` [h, w, 3] and write `mark` into `owner` [h, w] where the object is solid; both in place."""
    part = placed.visible_part(image.shape)
    if part is None:
        return
    rows, columns, inner_rows, inner_columns = part
    pixels = placed.sprite.pixels[inner_rows, inner_columns]
    cover = pixels[..., 3:].astype(np.uint16)
    behind = image[rows, columns] * (255 - cover)
    image[rows, columns] = pixels[..., :3] + ((behind + 128 + (behind >> 8)) >> 8).astype(np.uint8)
    owner[rows, columns][pixels[..., 3] >= _SOLID] = mark


def darken(image: NDArray[np.uint8], centre: tuple[int, int], radii: tuple[int, int]) -> None:
    """Cast an ellipse of shadow on `image`, in place: three fifths of the light remain."""
    left, top = max(centre[0] - radii[0], 0), max(centre[1] - radii[1], 0)
    patch = image[top : centre[1] + radii[1] + 1, left : centre[0] + radii[0] + 1]
    if patch.size == 0 or centre[0] + radii[0] < 0 or centre[1] + radii[1] < 0:
        return
    light = np.full(patch.shape[:2], 255, np.uint8)
    cv2.ellipse(light, (centre[0] - left, centre[1] - top), radii, 0, 0, 360, (153,), cv2.FILLED)
    patch[...] = (patch * light[..., None].astype(np.uint16)) >> 8
