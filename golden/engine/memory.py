"""Where maps lie: channels-last inside a border of zeros, in one block of memory that they share over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .shapes import Shape

ALIGNMENT = 64
SLACK = 64  # kernels may read, and multiply with zero, this far behind a map's last cell


@dataclass(frozen=True, slots=True)
class Placed:
    """A map in buffer number `buffer`: `offset` bytes to its first element, `steps` bytes along each axis of `shape`.

    Codes are at most `largest`; elements have `size` bytes. `border` is how many cells of zeros surround it: top,
    left, bottom, right.
    """

    buffer: int
    offset: int
    shape: Shape
    steps: Shape
    size: int
    largest: int
    border: Shape = (0, 0, 0, 0)

    @property
    def picture(self) -> bool:
        """Channels-last; else as numpy's C order has it."""
        return is_picture(self.shape)


def is_picture(shape: Shape) -> bool:
    """Whether a map of this shape lies channels-last: [1, c, h, w]."""
    return len(shape) == 4 and shape[0] == 1


def element_size(largest: int) -> int:
    """Bytes of an element for codes up to `largest`. Raises ValueError beyond int16."""
    if largest > 32767:
        raise ValueError(f"codes up to {largest} do not fit 16 bits")
    return 1 if largest <= 127 else 2


def c_steps(shape: Shape, size: int) -> Shape:
    """Bytes along each axis in C order."""
    return tuple(size * math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def placed(buffer: int, shape: Shape, largest: int, size: int, border: Shape = (0, 0, 0, 0)) -> tuple[Placed, int]:
    """A map alone in its buffer, and how many bytes the buffer has."""
    if not is_picture(shape):
        return Placed(buffer, 0, shape, c_steps(shape, size), size, largest), size * math.prod(shape)
    _, channels, height, width = shape
    top, left, bottom, right = border
    pixel = channels * size
    row = (left + width + right) * pixel
    total = (top + height + bottom) * row
    return Placed(buffer, top * row + left * pixel, shape, (total, size, row, pixel), size, largest, border), total


def arrange(sizes: Sequence[int], lives: Sequence[tuple[int, int]]) -> tuple[list[int], int]:
    """An offset for each buffer, so that those that live at the same time do not overlap; and the bytes in all.

    `lives` are the first and last operation that touch a buffer. The largest are placed first, each at the lowest
    place that is free throughout its life.
    """
    rounded = [-(-size // ALIGNMENT) * ALIGNMENT for size in sizes]
    offsets = [0] * len(sizes)
    arranged: list[int] = []
    for each in sorted(range(len(sizes)), key=lambda index: (-sizes[index], index)):
        first, last = lives[each]
        neighbours = (other for other in arranged if lives[other][0] <= last and first <= lives[other][1])
        for begin, end in sorted((offsets[other], offsets[other] + rounded[other]) for other in neighbours):
            if offsets[each] + rounded[each] <= begin:
                break
            offsets[each] = max(offsets[each], end)
        arranged.append(each)
    return offsets, max((place + size for place, size in zip(offsets, rounded, strict=True)), default=0) + SLACK
