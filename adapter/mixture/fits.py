"""The sums that a site may take, fitted when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...rewrites.core.activation import Activation
from ...rewrites.core.channel_fit import fit_plain, fit_shared, points_of
from ...rewrites.core.channel_sum import ChannelSum
from ...rewrites.core.histogram import LEAST_DEVIATION, Histogram
from .types import Form

TERMS = (1, 2, 3, 4, 6, 8)
WIDE = (2, 3, 4)
_FITTED = 4  # up to so many terms all are fitted at once; the error of more is foretold until one is wanted


@dataclass(slots=True)
class Fits:
    """One activation's sums, from samples float32 [c, s] and the histogram of its input."""

    activation: Activation
    samples: NDArray[np.float32]
    histogram: Histogram
    _made: dict[tuple[Form, int], ChannelSum] = field(default_factory=dict)

    def sum(self, form: Form, hinges: int) -> ChannelSum:
        """The fitted sum."""
        key = (form, hinges)
        if key not in self._made:
            fit = fit_plain if form == "terms" else fit_shared
            self._made[key] = fit(self.activation.curve, points_of(self.samples), self.histogram, hinges)
        return self._made[key]

    def error(self, form: Form, hinges: int) -> float:
        """Its error. With many terms it falls by their square: so it is foretold while none is fitted."""
        if hinges <= _FITTED or (form, hinges) in self._made:
            return self.sum(form, hinges).error
        return self.sum(form, _FITTED).error * (_FITTED / hinges) ** 2

    def terms(self, hinges: int) -> int:
        """How many terms a plain sum of so many hinges has."""
        return self.sum("terms", hinges).hinges if hinges <= _FITTED else hinges

    def leaky(self, slope: float) -> float:
        """The squared error of a plain LeakyReLU, in the same unit as that of the sums."""
        points = points_of(self.samples)
        y = self.activation.curve(points.x)
        bent = np.where(points.x > 0, points.x, slope * points.x)
        squared = float(((bent - y) ** 2 @ points.weights).mean())
        variance = float(((y - (y @ points.weights)[:, None]) ** 2 @ points.weights).mean())
        return squared / max(variance, LEAST_DEVIATION**2)
