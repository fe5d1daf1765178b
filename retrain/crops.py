"""Batches out of a few unlabelled pictures: crops at any place, flipped half of the time."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

GRID = 32  # the sides of a crop are multiples of the coarsest stride


class Crops:
    """`pictures` are inputs [1, c, h, w] of one size. The same seed gives the same crops."""

    def __init__(self, pictures: Sequence[Tensor], seed: int) -> None:
        self._pictures = pictures
        self._random = torch.Generator().manual_seed(seed)

    @property
    def whole(self) -> tuple[int, int]:
        """The size of the pictures."""
        return self._pictures[0].shape[2], self._pictures[0].shape[3]

    def state(self) -> Tensor:
        """Where the random numbers stand."""
        return self._random.get_state()

    def resume(self, state: Tensor) -> None:
        """Go on from there."""
        self._random.set_state(state)

    def draw(self, count: int, size: tuple[int, int]) -> Tensor:
        """`count` crops of this size (height, width), channels last in memory."""
        batch = [self._one(size) for _ in range(count)]
        return torch.cat(batch).contiguous(memory_format=torch.channels_last)

    def _one(self, size: tuple[int, int]) -> Tensor:
        picture = self._pictures[self._below(len(self._pictures))]
        top, left = (self._below(whole - side + 1) for whole, side in zip(self.whole, size, strict=True))
        crop = picture[:, :, top : top + size[0], left : left + size[1]]
        return crop.flip(3) if self._below(2) else crop

    def _below(self, bound: int) -> int:
        return int(torch.randint(bound, (1,), generator=self._random))


def crop_size(whole: tuple[int, int], share: float) -> tuple[int, int]:
    """The nearest size to `share` of each side that the grid allows; the whole where that is smaller than two cells."""
    sides = [max(2, round(side * share / GRID)) * GRID for side in whole]
    return min(sides[0], whole[0]), min(sides[1], whole[1])
