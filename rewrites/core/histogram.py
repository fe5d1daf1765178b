"""How often an activation's input takes which value: what a fit is weighted by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import AdaptError, Exit

# Where no images are given: SiLU networks after BatchNorm see inputs about normal with this deviation.
GLOBAL_DEVIATION = 2.5
LEAST_DEVIATION = 1e-3


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts over equal bins of [low, high]; `weights` float64 [n] sums to one."""

    low: float
    high: float
    weights: NDArray[np.float64]

    @property
    def centres(self) -> NDArray[np.float64]:
        """The middle of each bin, float64 [n]."""
        edges = np.linspace(self.low, self.high, len(self.weights) + 1)
        middles: NDArray[np.float64] = (edges[1:] + edges[:-1]) / 2
        return middles

    @property
    def quartiles(self) -> tuple[float, float, float]:
        """The values below which a quarter, half and three quarters of the weight lie."""
        total = np.cumsum(self.weights)
        q = [float(self.centres[min(int(np.searchsorted(total, p)), len(total) - 1)]) for p in (0.25, 0.5, 0.75)]
        return q[0], q[1], q[2]

    def relative_error(self, values: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
        """The weighted root mean square of values - truth (each float64 [n], at the centres) over truth's deviation.

        Where truth hardly varies, LEAST_DEVIATION stands for its deviation.
        """
        variance = float(self.weights @ (truth - float(self.weights @ truth)) ** 2)
        squared = float(self.weights @ (values - truth) ** 2)
        return float(np.sqrt(squared)) / max(float(np.sqrt(variance)), LEAST_DEVIATION)


def global_histogram(bins: int = 512) -> Histogram:
    """A normal distribution, for use where no calibration images are given."""
    reach = 6 * GLOBAL_DEVIATION
    x = (np.arange(bins) + 0.5) / bins * 2 * reach - reach
    weights = np.exp(-0.5 * (x / GLOBAL_DEVIATION) ** 2)
    return Histogram(-reach, reach, weights / weights.sum())


class HistogramBuilder:
    """Collects a histogram over a stream of maps in constant memory; the range doubles when a value leaves it."""

    def __init__(self, bins: int = 8192) -> None:
        self._reach = 1.0
        self._counts = np.zeros(bins, np.int64)

    def add(self, values: NDArray[np.float32]) -> None:
        """Count all values of a map of any shape. Raises AdaptError (exit 3) where one is not finite."""
        top = float(np.max(np.abs(values), initial=0.0))
        if not np.isfinite(top):
            raise AdaptError(
                "the network computes values that are not finite",
                hint="check the preprocessing, and the weights for overflow",
                code=Exit.UNSUPPORTED,
            )
        while top > self._reach:
            self._double()
        bins = len(self._counts)
        scaled = (np.ravel(values) + np.float32(self._reach)) * np.float32(bins / (2 * self._reach))
        indices = np.minimum(scaled.astype(np.int32), bins - 1)
        self._counts += np.bincount(indices, minlength=bins)

    def _double(self) -> None:
        """Twice the range, the same number of bins: neighbours merge into the middle half."""
        bins = len(self._counts)
        merged = self._counts.reshape(-1, 2).sum(axis=1)
        self._counts = np.zeros(bins, np.int64)
        self._counts[bins // 4 : bins // 4 + bins // 2] = merged
        self._reach *= 2

    def histogram(self) -> Histogram:
        """What was counted, trimmed to the bins that hold something."""
        used = np.flatnonzero(self._counts)
        if not len(used):
            raise ValueError("nothing was counted")
        first, last = int(used[0]), int(used[-1]) + 1
        width = 2 * self._reach / len(self._counts)
        counts = self._counts[first:last].astype(np.float64)
        return Histogram(first * width - self._reach, last * width - self._reach, counts / counts.sum())
