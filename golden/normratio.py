"""Where a map is clipped: the largest value that its codes hold. The vendor's three ways, and one that looks further.

`null` takes the maximum; `kld` (4096 bins of |x|, thresholds every 128, 128 levels, least Kullback-Leibler divergence)
and `ems` (least squared error) judge the map by itself. `aware` judges what becomes of it: the squared error after the
activation, each channel over its own variance, so that neither a loud channel nor a tail that the activation flattens
decides alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..targets.arithmetic import Calibration

Saturation = Literal["aware", "kld", "ems", "null"]
Values = NDArray[np.float32]
Effect = Callable[[Values], Values]
Counts = NDArray[np.int64]

_OCTAVES, _STEPS = 6, 4  # thresholds from the maximum down to 1/64 of it, then finer around the best
_LEAST_VARIANCE = 1e-3  # of the mean one: a channel that hardly varies decides nothing


def largest(values: Values) -> float:
    """max |x|."""
    return float(np.max(np.abs(values), initial=0.0))


def kld_threshold(values: Values, calibration: Calibration) -> float:
    """The threshold whose clipped and coarsened histogram of |x| diverges least from the clipped one."""
    top = largest(values)
    if top == 0:
        return 0.0
    counts, _ = np.histogram(np.abs(values), calibration.bins, (0.0, top))
    below, filled = (np.concatenate([[0], np.cumsum(each)]) for each in (counts, counts > 0))
    best, found = np.inf, calibration.bins
    for end in range(calibration.first_bin, calibration.bins + 1, calibration.step_bins):
        divergence = _divergence(counts, below, filled, end, calibration.levels)
        if divergence < best:
            best, found = divergence, end
    return top * found / calibration.bins


def _divergence(counts: Counts, below: Counts, filled: Counts, end: int, levels: int) -> float:
    """KL(P || Q): P the counts under `end` with all others in its last bin, Q the counts averaged over the levels.

    `below` and `filled` are the sums of the counts, and of the bins that have any, up to each bin.
    """
    total = int(below[-1])
    inside = counts[:end]
    p = inside / total
    p[-1] = (inside[-1] + total - below[end]) / total
    first, width = _levels(end, levels)
    after = first + width
    mean = (below[after] - below[first]) / np.maximum(filled[after] - filled[first], 1)
    q = np.where(inside > 0, np.repeat(mean, width), 0.0)
    if q.sum() == 0:
        return float(np.inf)
    q = q / q.sum()
    held = p > 0
    return float(np.sum(p[held] * np.log(p[held] / np.maximum(q[held], 1e-9))))


@cache
def _levels(end: int, levels: int) -> tuple[Counts, Counts]:
    """The first of `end` bins in each level, and how many bins it has; int64 [levels] each, where end >= levels."""
    level = np.arange(end) * levels // end
    first = np.flatnonzero(np.diff(level, prepend=-1))
    return first, np.diff(first, append=end)


def ems_threshold(values: Values, code_max: int) -> float:
    """The threshold of the least squared error over the whole map."""
    return _least(lambda held: float(np.square(held - values, dtype=np.float64).sum()), values, code_max)


def aware_threshold(values: Values, code_max: int, effect: Effect) -> float:
    """The threshold of the least squared error after `effect`, each channel of [c, s] over its own variance."""
    truth = effect(values)
    variance = truth.var(axis=1, dtype=np.float64)
    scale = 1 / np.maximum(variance, max(_LEAST_VARIANCE * float(variance.mean()), 1e-30))

    def error(held: Values) -> float:
        off = np.square(effect(held) - truth, dtype=np.float64).mean(axis=1)
        return float(off @ scale)

    return _least(error, values, code_max)


def _least(error: Callable[[Values], float], values: Values, code_max: int) -> float:
    """The threshold of the least error: a coarse scale of them, then a finer one around the best."""
    top = largest(values)
    if top == 0:
        return 0.0

    def judged(exponent: float) -> float:
        step = np.float32(top * 2.0**-exponent / code_max)
        codes = np.clip(np.rint(values / step), -code_max, code_max)
        return error(codes * step)

    coarse = [k / 2 for k in range(2 * _OCTAVES + 1)]
    best = min(coarse, key=judged)
    fine = [best + k / (2 * _STEPS) for k in range(1 - _STEPS, _STEPS) if best + k / (2 * _STEPS) >= 0]
    return float(top * 2.0 ** -min(fine, key=judged))
