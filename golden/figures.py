"""How near one map is to another, gathered over images: cosine, SQNR, largest difference, and none of them alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SILENT = 1e-30  # energy below which there is no signal to speak of


@dataclass(frozen=True, slots=True)
class Figures:
    """`cosine` of the two maps as vectors; `sqnr_db` 10 log10 of signal variance over error, None where there is no
    error; `worst_channel_db` the same for the channel that has it worst; `max_abs` in the map's unit.
    """

    cosine: float
    sqnr_db: float | None
    worst_channel_db: float | None
    max_abs: float


class FigureBuilder:
    """Sums in float64, in constant memory."""

    def __init__(self) -> None:
        self._count = 0
        self._sums = np.zeros((0, 5))  # a channel: truth, truth^2, found^2, truth * found, error^2
        self._largest = 0.0

    def add(self, truth: NDArray[np.float32], found: NDArray[np.float32]) -> None:
        """One image's maps [1, c, ...]."""
        a = truth.reshape(truth.shape[1] if truth.ndim > 1 else 1, -1).astype(np.float64)
        b = found.reshape(a.shape).astype(np.float64)
        error = a - b
        sums = np.stack([a.sum(1), (a * a).sum(1), (b * b).sum(1), (a * b).sum(1), (error * error).sum(1)], axis=1)
        self._sums = sums if not self._count else self._sums + sums
        self._count += a.shape[1]
        self._largest = max(self._largest, float(np.abs(error).max(initial=0.0)))

    def figures(self) -> Figures:
        """Over all that was added. Raises ValueError where nothing was."""
        if not self._count:
            raise ValueError("nothing was compared")
        total = self._sums.sum(axis=0)
        norms = float(np.sqrt(total[1] * total[2]))
        cosine = float(total[3]) / norms if norms > _SILENT else float(total[1] == total[2])
        variance = np.maximum(self._sums[:, 1] - np.square(self._sums[:, 0]) / self._count, 0.0)
        noise = self._sums[:, 4]
        audible = (variance > _SILENT) & (noise > 0)
        worst = float((10 * np.log10(variance[audible] / noise[audible])).min()) if audible.any() else None
        return Figures(cosine, _decibels(float(variance.sum()), float(noise.sum())), worst, self._largest)


def _decibels(signal: float, noise: float) -> float | None:
    if noise <= 0:
        return None
    return float(10 * np.log10(max(signal, _SILENT) / noise))
