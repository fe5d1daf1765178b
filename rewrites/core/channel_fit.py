"""An activation as a sum of LeakyReLUs whose scales and shifts are each channel's own, by Levenberg-Marquardt.

Two families. Plain: sum of LeakyReLU_slope_k(a_k x + b_k), which depthwise convolutions and additions compute. Shared:
c + sum of q_k LeakyReLU_slope(+-(x - t_k)), one slope for all terms, which one wide map between two convolutions
computes: the signs of the q, and c, go into the second one. The slopes are those of the layer's own fit; from its
numbers each channel finds its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .channel_sum import ChannelSum
from .histogram import LEAST_DEVIATION, Histogram
from .pwl import STEEPEST, Term, fit_kinked, fit_leaky_sum

Vector = NDArray[np.float64]
Curve = Callable[[Vector], Vector]
Model = Callable[[Vector, Vector], tuple[Vector, Vector]]

_STEPS = 12
_DENSE, _SPREAD = 64, 16
_PRIOR = 1e-2  # share of the weight over the channel's range and a quarter beyond: what is rare counts most
_STEEPEST_SHARED = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Where channels are fitted: x [c, p] and the weight of each column, float64 [p], which sums to 1."""

    x: Vector
    weights: Vector


def points_of(samples: NDArray[np.float32]) -> Points:
    """`samples` float32 [c, s] of an activation's input, the last two columns its extremes."""
    inner = np.sort(samples[:, :-2].astype(np.float64), axis=1)
    places = np.clip((np.arange(_DENSE) + 0.5) / _DENSE * inner.shape[1] - 0.5, 0, inner.shape[1] - 1)
    first, part = places.astype(np.int64), places % 1
    dense = inner[:, first] * (1 - part) + inner[:, np.minimum(first + 1, inner.shape[1] - 1)] * part
    low, high = samples.min(axis=1).astype(np.float64), samples.max(axis=1).astype(np.float64)
    quarter = np.maximum(high - low, 1e-3) / 4
    spread = np.linspace(low - quarter, high + quarter, _SPREAD, axis=1)
    weights = [np.full(_DENSE, (1 - _PRIOR) / _DENSE), np.full(_SPREAD, _PRIOR / _SPREAD)]
    return Points(np.concatenate([dense, spread], axis=1), np.concatenate(weights))


def fit_plain(curve: Curve, points: Points, histogram: Histogram, hinges: int) -> ChannelSum:
    """`curve` as `hinges` terms that are added as they are, and at times one more; `histogram` is the whole layer's."""
    terms = _single(curve, histogram) if hinges == 1 else fit_leaky_sum(curve, histogram, hinges).terms
    slopes = tuple(term.alpha for term in terms)
    start = np.array([*(term.a for term in terms), *(term.b for term in terms)])
    found = _descend(start, points, curve(points.x), _plain_at(np.asarray(slopes)))
    a, b = found[:, : len(terms)].T, found[:, len(terms) :].T
    return _measured(ChannelSum(a, b, np.ones_like(a), slopes, np.zeros(len(found)), 0.0), curve, points)


def _single(curve: Curve, histogram: Histogram) -> tuple[Term]:
    """One term with the kink and the slopes of the best function of one kink, if not its height."""
    _, below, kinks, bends = fit_kinked(curve, histogram, 1)
    above = below + float(bends[0])
    steep = above if abs(above) > abs(below) / STEEPEST else 1.0
    return (Term(steep, -steep * float(kinks[0]), float(np.clip(below / steep, 0, STEEPEST))),)


def fit_shared(curve: Curve, points: Points, histogram: Histogram, hinges: int) -> ChannelSum:
    """`curve` as `hinges` terms of one slope, with factors and a constant; `histogram` is the whole layer's."""
    constant, below, kinks, bends = fit_kinked(curve, histogram, hinges)
    slope, ways = _common_slope(below, bends)
    q = bends / (1 - slope)
    height = constant + float(np.where(ways > 0, slope * q * kinks, -q * kinks).sum())
    start = np.concatenate([q, kinks, [height]])
    found = _descend(start, points, curve(points.x), _shared_at(slope, ways))
    q, t = found[:, :hinges].T, found[:, hinges : 2 * hinges].T
    scale = np.abs(q) * ways[:, None]
    sign = np.where(q < 0, -1.0, 1.0)
    return _measured(ChannelSum(scale, -scale * t, sign, (slope,) * hinges, found[:, -1], 0.0), curve, points)


def _common_slope(below: float, bends: Vector) -> tuple[float, Vector]:
    """The slope with which terms of these bends have the slope `below` the first kink, and whether each one rises (1).

    Where that slope is negative, a first term that falls (-1) carries it.
    """
    rising = np.ones_like(bends)
    falling = np.where(np.arange(len(bends)) == 0, -1.0, 1.0)
    above = below + float(bends.sum())
    for ways, high, low in ((rising, above, below), (falling, above - bends[0], below + bends[0])):
        if high and 0 <= low / high <= _STEEPEST_SHARED:
            return float(low / high), ways
    return 0.0, rising


def _measured(made: ChannelSum, curve: Curve, points: Points) -> ChannelSum:
    """The same with its error."""
    y = curve(points.x)
    squared = (made(points.x.T).T - y) ** 2 @ points.weights
    variance = (y - (y @ points.weights)[:, None]) ** 2 @ points.weights
    error = float(np.sqrt(squared.mean())) / max(float(np.sqrt(variance.mean())), LEAST_DEVIATION)
    return replace(made, error=error)


def _plain_at(slopes: Vector) -> Model:
    """Values [c, p] and Jacobian [c, p, n] of sums of LeakyReLU_slope(a x + b); parameters [c, a..., b...]."""

    def model(parameters: Vector, x: Vector) -> tuple[Vector, Vector]:
        a, b = parameters[:, None, : len(slopes)], parameters[:, None, len(slopes) :]
        z = x[:, :, None] * a + b
        side = np.where(z > 0, 1.0, slopes)
        return (z * side).sum(axis=2), np.concatenate([side * x[:, :, None], side], axis=2)

    return model


def _shared_at(slope: float, ways: Vector) -> Model:
    """The same of c + sums of q LeakyReLU_slope(way * (x - t)); parameters [c, q..., t..., c]."""

    def model(parameters: Vector, x: Vector) -> tuple[Vector, Vector]:
        count = parameters.shape[1] // 2
        q = parameters[:, None, :count]
        z = (x[:, :, None] - parameters[:, None, count : 2 * count]) * ways
        side = np.where(z > 0, 1.0, slope)
        y = (z * side * q).sum(axis=2) + parameters[:, None, -1]
        return y, np.concatenate([z * side, -side * q * ways, np.ones((*x.shape, 1))], axis=2)

    return model


def _descend(start: Vector, points: Points, y: Vector, model: Model) -> Vector:
    """Levenberg-Marquardt from one start [n] in all channels at once, each with its own damping: [c, n]."""
    found = np.array(np.broadcast_to(start, (len(y), len(start))))
    damping = np.full(len(found), 1e-2)
    values, jacobian = model(found, points.x)
    residual = values - y
    error = residual**2 @ points.weights
    identity = np.eye(len(start))
    for _ in range(_STEPS):
        weighted = (jacobian * points.weights[:, None]).transpose(0, 2, 1)
        gram = weighted @ jacobian
        slope = (weighted @ residual[:, :, None])[:, :, 0]
        diagonal = np.einsum("cnn->cn", gram)
        ridge = damping[:, None] * (diagonal + 1e-6 * diagonal.max(axis=1, keepdims=True) + 1e-12)
        tried = found - np.linalg.solve(gram + ridge[:, :, None] * identity, slope[:, :, None])[:, :, 0]
        values, changed = model(tried, points.x)
        difference = values - y
        squared = difference**2 @ points.weights
        better = squared < error
        found[better], jacobian[better] = tried[better], changed[better]
        residual[better], error[better] = difference[better], squared[better]
        damping = np.where(better, np.maximum(damping / 4, 1e-7), np.minimum(damping * 6, 1e4))
    return found
