"""Channels into few groups of like range, so that one scale a group serves them all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .rule import ChannelRange

Groups = tuple[NDArray[np.int64], ...]

_STEPS = 127  # codes from zero to the end of an 8-bit range
_LEAST = 1e-12


def grouped(ranges: Sequence[ChannelRange], most: int) -> list[tuple[float, Groups]]:
    """For 1, 2, ... `most` groups the least rounding noise and its groups: neighbours in the order of their ranges.

    The noise of a channel is that of its group's scale, in each map, over the channel's own variance there. The
    optimum is found by dynamic programming; channels stand in ascending order in each group.
    """
    spread = np.mean([np.log(np.maximum(each.reach, _LEAST)) for each in ranges], axis=0)
    order = np.argsort(spread, kind="stable").astype(np.int64)
    cost = _costs(ranges, order)
    count = len(order)
    best = cost[0]
    cuts: list[NDArray[np.int64]] = []
    found: list[tuple[float, Groups]] = [(float(best[count]), (np.arange(count, dtype=np.int64),))]
    for _ in range(1, min(most, count)):
        joined = best[:, None] + cost
        cuts.append(joined.argmin(axis=0))
        best = joined.min(axis=0)
        found.append((float(best[count]), _parts(order, cuts)))
    return found


def _costs(ranges: Sequence[ChannelRange], order: NDArray[np.int64]) -> NDArray[np.float64]:
    """[first, last]: the noise of the ordered channels first to last - 1 under a common scale a map, summed."""
    count = len(order)
    cost = np.full((count + 1, count + 1), np.inf)
    for first in range(count):
        cost[first, first + 1 :] = 0.0
        for each in ranges:
            reach, deviation = each.reach[order[first:]], each.deviation[order[first:]]
            step = np.maximum.accumulate(reach) / _STEPS
            cost[first, first + 1 :] += np.square(step) / 12 * np.cumsum(1 / np.square(np.maximum(deviation, _LEAST)))
    return cost


def _parts(order: NDArray[np.int64], cuts: Sequence[NDArray[np.int64]]) -> Groups:
    """The groups that the recorded cuts lead to."""
    bounds = [len(order)]
    for cut in reversed(cuts):
        bounds.insert(0, int(cut[bounds[0]]))
    bounds.insert(0, 0)
    return tuple(np.sort(order[first:last]) for first, last in pairwise(bounds) if last > first)
