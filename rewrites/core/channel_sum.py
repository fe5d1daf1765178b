"""A sum of LeakyReLUs with a scale and a shift for each channel: what replaces an activation that was fitted so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ChannelSum:
    """constant + sum over k of factor_k * LeakyReLU_slope_k(scale_k * x + shift_k), channel by channel.

    `scale`, `shift` and `factor` (1 or -1) are float64 [k, c], `slopes` one a term, `constant` float64 [c]. `error` is
    the root mean square error over the activation's deviation, channel by channel, in the mean of squares.
    """

    scale: Vector
    shift: Vector
    factor: Vector
    slopes: tuple[float, ...]
    constant: Vector
    error: float

    @property
    def hinges(self) -> int:
        """How many terms there are."""
        return len(self.slopes)

    @property
    def is_plain(self) -> bool:
        """True where the terms are added as they are: no factor but 1, no constant."""
        return bool((self.factor == 1).all() and (self.constant == 0).all())

    def __call__(self, x: Vector) -> Vector:
        """The sum at x, float64: channel by channel of a map [n, c, ...], the mean of all channels of a vector [n]."""
        if x.ndim == 1:
            mean: Vector = self._at(np.broadcast_to(x, (len(self.constant), len(x))).T).mean(axis=1)
            return mean
        made: Vector = np.moveaxis(self._at(np.moveaxis(x, 1, -1)), -1, 1)
        return made

    def _at(self, x: Vector) -> Vector:
        """Channels last."""
        total = np.broadcast_to(self.constant, x.shape).copy()
        for scale, shift, factor, slope in zip(self.scale, self.shift, self.factor, self.slopes, strict=True):
            z = x * scale + shift
            total += factor * np.where(z > 0, z, slope * z)
        return total
