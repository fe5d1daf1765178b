"""Batches out of a few unlabelled pictures: flipped, from nearer, from farther before another picture, in other light.

There are too few pictures to learn from as they are: soon the network knows them by heart. What the views show need not
be likely, since the teacher says what is there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

_PLAIN = 0.3  # of the views change nothing but left and right
_ZOOM = 0.4  # the largest logarithm of a scale
_LIGHT = 0.2  # the largest change of contrast, and of brightness in the picture's own deviations


class Views:
    """`pictures` are inputs [1, c, h, w] of one size, as the views are. The same seed gives the same views."""

    def __init__(self, pictures: Sequence[Tensor], seed: int) -> None:
        self._pictures = pictures
        self._random = torch.Generator().manual_seed(seed)

    def state(self) -> Tensor:
        """Where the random numbers stand."""
        return self._random.get_state()

    def resume(self, state: Tensor) -> None:
        """Go on from there."""
        self._random.set_state(state)

    def draw(self, count: int) -> Tensor:
        """`count` views, channels last in memory."""
        batch = [self._one() for _ in range(count)]
        return torch.cat(batch).contiguous(memory_format=torch.channels_last)

    def _one(self) -> Tensor:
        picture = self._any()
        picture = picture.flip(3) if self._below(2) else picture
        if self._share() < _PLAIN:
            return picture
        scale = math.exp(_ZOOM * self._around())
        return self._lit(self._nearer(picture, scale) if scale > 1 else self._farther(picture, scale))

    def _nearer(self, picture: Tensor, scale: float) -> Tensor:
        """A crop, enlarged to the whole."""
        sides = self._sides(1 / scale)
        top, left = self._place(sides)
        crop = picture[:, :, top : top + sides[0], left : left + sides[1]]
        return functional.interpolate(crop, self._whole, mode="bilinear")

    def _farther(self, picture: Tensor, scale: float) -> Tensor:
        """The whole, made smaller, before another picture."""
        sides = self._sides(scale)
        top, left = self._place(sides)
        behind = self._any().clone()
        small = functional.interpolate(picture, sides, mode="bilinear", antialias=True)
        behind[:, :, top : top + sides[0], left : left + sides[1]] = small
        return behind

    def _lit(self, picture: Tensor) -> Tensor:
        """With another contrast and brightness."""
        mean, deviation = picture.mean((2, 3), keepdim=True), picture.std()
        contrast, shift = 1 + _LIGHT * self._around(), _LIGHT * self._around() * deviation
        return mean + (picture - mean) * contrast + shift

    @property
    def _whole(self) -> tuple[int, int]:
        return self._pictures[0].shape[2], self._pictures[0].shape[3]

    def _sides(self, share: float) -> tuple[int, int]:
        height, width = (max(1, round(side * share)) for side in self._whole)
        return height, width

    def _place(self, sides: tuple[int, int]) -> tuple[int, int]:
        top, left = (self._below(whole - side + 1) for whole, side in zip(self._whole, sides, strict=True))
        return top, left

    def _any(self) -> Tensor:
        return self._pictures[self._below(len(self._pictures))]

    def _around(self) -> float:
        return 2 * self._share() - 1

    def _share(self) -> float:
        return float(torch.rand((), generator=self._random))

    def _below(self, bound: int) -> int:
        return int(torch.randint(bound, (1,), generator=self._random))
