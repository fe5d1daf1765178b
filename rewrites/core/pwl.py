"""A curve as a sum of shifted LeakyReLUs, fitted to where its input really lies.

The fit is the continuous piecewise-linear function with K kinks of least weighted squared error,

    f(x) = c + m x + sum_k d_k relu(x - t_k),

its kinks found by Gauss-Newton from starts spread by curvature. A term LeakyReLU_alpha(a x + b) has one kink and two
slopes of equal sign, so each kink keeps one free number p_k; they are chosen so that c and m come out of the terms
themselves (two equations, K unknowns, smallest slopes win), else one plain linear term carries them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from .histogram import Histogram

Vector = NDArray[np.float64]

# A concave kink needs alpha > 1. The hardware multiplies the negative half by round(alpha * m) <= 255, so alpha = 2
# still leaves m seven bits.
STEEPEST = 2.0
_MOST_STEPS = 40
_DENSE, _SPREAD = 384, 128
_PRIOR = 1e-3  # share of weight spread evenly over the range and a quarter beyond: outliers must stay sane


@dataclass(frozen=True, slots=True)
class Term:
    """LeakyReLU(a x + b) with slope alpha below zero; alpha 0 is a ReLU, alpha 1 no activation at all."""

    a: float
    b: float
    alpha: float

    def __call__(self, x: Vector) -> Vector:
        """The term at x, float64 [n]."""
        z = self.a * x + self.b
        return np.where(z > 0, z, self.alpha * z)


@dataclass(frozen=True, slots=True)
class LeakySum:
    """The fitted terms; `error` is the weighted root mean square error over the curve's weighted deviation."""

    terms: tuple[Term, ...]
    error: float

    @property
    def kinks(self) -> Vector:
        """Where the terms bend, float64 [k]."""
        return np.array([-term.b / term.a for term in self.terms if term.alpha != 1])

    def __call__(self, x: Vector) -> Vector:
        """The sum at x, float64 [n]."""
        total: Vector = np.sum([term(x) for term in self.terms], axis=0)
        return total


@dataclass(frozen=True, slots=True)
class _Kinked:
    """c + m x + sum d_k relu(x - t_k), kinks ascending."""

    constant: float
    slope: float
    kinks: Vector
    bends: Vector


def fit_leaky_sum(curve: Callable[[Vector], Vector], histogram: Histogram, hinges: int) -> LeakySum:
    """Fit `curve` (float64 [n] -> float64 [n]) with `hinges` kinks where the histogram's weight lies."""
    x, weights = _samples(histogram)
    y = curve(x)
    terms = _as_terms(_fit_kinked(x, y, weights, hinges))
    observed = histogram.centres
    values = np.sum([term(observed) for term in terms], axis=0)
    return LeakySum(terms, histogram.relative_error(values, curve(observed)))


def fit_kinked(
    curve: Callable[[Vector], Vector], histogram: Histogram, hinges: int
) -> tuple[float, float, Vector, Vector]:
    """The same fit before it is written as terms: c, m, the kinks t_k ascending and the bends d_k, float64 [hinges]."""
    x, weights = _samples(histogram)
    found = _fit_kinked(x, curve(x), weights, hinges)
    return found.constant, found.slope, found.kinks, found.bends


def _variance(values: Vector, weights: Vector) -> float:
    mean = float(weights @ values)
    return float(weights @ (values - mean) ** 2)


def _samples(histogram: Histogram) -> tuple[Vector, Vector]:
    """Points and weights that stand for the histogram: points of equal mass, so that an outlier costs no resolution
    where the mass lies, and evenly spread ones over the range and a quarter beyond, which carry the prior.
    """
    edges = np.linspace(histogram.low, histogram.high, len(histogram.weights) + 1)
    mass = np.concatenate([[0.0], np.cumsum(histogram.weights)])
    dense = np.interp((np.arange(_DENSE) + 0.5) / _DENSE, mass / mass[-1], edges)
    span = max(histogram.high - histogram.low, 1e-3)
    spread = np.linspace(histogram.low - span / 4, histogram.high + span / 4, _SPREAD)
    x = np.concatenate([dense, spread])
    weights = np.concatenate([np.full(_DENSE, (1 - _PRIOR) / _DENSE), np.full(_SPREAD, _PRIOR / _SPREAD)])
    order = np.argsort(x, kind="stable")
    return x[order], weights[order]


def _fit_kinked(x: Vector, y: Vector, weights: Vector, hinges: int) -> _Kinked:
    """The best of the refinements from several starts."""
    fits = [_refine(x, y, weights, start) for start in _starts(x, y, weights, hinges)]
    return min(fits, key=lambda fit: fit[0])[1]


def _starts(x: Vector, y: Vector, weights: Vector, hinges: int) -> list[Vector]:
    """Kinks by the density (weight * curvature^2)^(1/5), optimal for many kinks, by the weight alone, and skewed."""
    even_x = np.linspace(x[0], x[-1], 4 * len(x))
    curvature = np.abs(np.gradient(np.gradient(np.interp(even_x, x, y), even_x), even_x))
    weight = np.gradient(np.interp(even_x, x, np.cumsum(weights)), even_x)
    even = (np.arange(hinges) + 0.5) / hinges
    starts = []
    for density in ((weight * curvature**2) ** 0.2, weight):
        mass = np.cumsum(density + 1e-4 * density.max() + 1e-12)
        for places in (even, even**1.6, 1 - (1 - even) ** 1.6):
            starts.append(np.interp(places, mass / mass[-1], even_x))
    return starts


def _refine(x: Vector, y: Vector, weights: Vector, kinks: Vector) -> tuple[float, _Kinked]:
    """Gauss-Newton on the kinks with the linear coefficients solved for; (weighted squared error, function)."""
    reach = float(np.sqrt(_variance(x, weights)))
    apart = 0.02 * reach * np.arange(len(kinks))  # kinks closer than this cancel each other with steep slopes
    error, best = _solve(x, y, weights, kinks)
    step = np.clip(_kink_step(x, y, weights, best), -reach, reach)
    damping = 1.0
    for _ in range(_MOST_STEPS):
        moved = np.clip(best.kinks + damping * step, x[1], x[-2] - apart[-1])
        moved = np.maximum.accumulate(np.sort(moved) - apart) + apart
        trial_error, trial = _solve(x, y, weights, moved)
        if trial_error < error * (1 - 1e-5):
            error, best, damping = trial_error, trial, min(1.0, damping * 2)
            step = np.clip(_kink_step(x, y, weights, best), -reach, reach)
        elif damping < 1e-2:
            break
        else:
            damping /= 3
    return error, best


def _solve(x: Vector, y: Vector, weights: Vector, kinks: Vector) -> tuple[float, _Kinked]:
    """The best linear coefficients for these kinks, by the normal equations with a whisper of ridge."""
    design = np.column_stack([np.ones_like(x), x, np.maximum(x[:, None] - kinks[None, :], 0)])
    weighted = design * weights[:, None]
    gram = weighted.T @ design
    gram.flat[:: len(gram) + 1] += 1e-9 * np.trace(gram) / len(gram)
    solution = np.linalg.solve(gram, weighted.T @ y)
    residual = design @ solution - y
    return float(weights @ residual**2), _Kinked(float(solution[0]), float(solution[1]), kinks, solution[2:])


def _kink_step(x: Vector, y: Vector, weights: Vector, f: _Kinked) -> Vector:
    """Where Gauss-Newton moves the kinks, linear coefficients moving along (variable projection)."""
    after = x[:, None] > f.kinks[None, :]
    ramps = np.maximum(x[:, None] - f.kinks[None, :], 0)
    design = np.column_stack([np.ones_like(x), x, ramps, -(after * f.bends[None, :])])
    residual = y - (f.constant + f.slope * x + ramps @ f.bends)
    weighted = design * weights[:, None]
    gram = weighted.T @ design
    gram.flat[:: len(gram) + 1] += 1e-9 * np.trace(gram) / len(gram)
    step: Vector = np.linalg.solve(gram, weighted.T @ residual)[-len(f.kinks) :]
    return step


def _as_terms(f: _Kinked) -> tuple[Term, ...]:
    """The same function as terms; with one linear term more only where no choice of the free numbers carries it."""
    f = _without_idle_kinks(f)
    best: tuple[float, tuple[Term, ...]] | None = None
    for signs in product((1.0, -1.0), repeat=len(f.kinks)):
        for free in _free_numbers(f, np.array(signs)):
            terms = _terms(f, np.array(signs), free)
            size = sum(abs(t.a) * max(1.0, t.alpha) for t in terms)
            if best is None or size < best[0] - 1e-9:
                best = (size, terms)
    if best is not None:
        return best[1]
    signs_up = np.ones(len(f.kinks))
    left = _left_slopes(f.bends, signs_up, _least(f.bends))
    slope, constant = f.slope - float(left.sum()), f.constant + float(left @ f.kinks)
    return (*_terms(f, signs_up, _least(f.bends)), Term(slope, constant, 1.0))


def _without_idle_kinks(f: _Kinked) -> _Kinked:
    """A curve that is itself piecewise linear needs fewer kinks than it was given."""
    bent = np.abs(f.bends) > 1e-4 * np.abs(f.bends).max(initial=abs(f.slope))
    return _Kinked(f.constant, f.slope, f.kinks[bent], f.bends[bent])


def _least(bends: Vector) -> Vector:
    """The smallest free number of each kink: none for a convex one; a concave one needs slopes within STEEPEST."""
    return np.where(bends < 0, -bends / (STEEPEST - 1), 0.0)


def _left_slopes(bends: Vector, signs: Vector, free: Vector) -> Vector:
    """The slope of each term below its kink; rising terms (sign 1) and falling ones (-1) differ in the free side."""
    rising = free + np.maximum(-bends, 0)
    falling = -(free + np.maximum(bends, 0))
    return np.where(signs > 0, rising, falling)


def _free_numbers(f: _Kinked, signs: Vector) -> list[Vector]:
    """Every basic solution p >= least of: left slopes sum to m, and left slopes times kinks sum to -c."""
    least = _least(f.bends)
    left = _left_slopes(f.bends, signs, least)
    missing = np.array([f.slope - left.sum(), -f.constant - left @ f.kinks])
    scale = 1e-9 * (1 + np.abs(missing).max())
    solutions = []
    for i, j in combinations(range(len(f.kinks)), 2):
        system = np.array([[signs[i], signs[j]], [signs[i] * f.kinks[i], signs[j] * f.kinks[j]]])
        if abs(np.linalg.det(system)) < 1e-9:
            continue
        extra = np.linalg.solve(system, missing)
        if (extra >= -scale).all():
            free = least.copy()
            free[[i, j]] += np.maximum(extra, 0)
            solutions.append(free)
    return solutions


def _terms(f: _Kinked, signs: Vector, free: Vector) -> tuple[Term, ...]:
    left = _left_slopes(f.bends, signs, free)
    terms = []
    for kink, bend, low, sign in zip(f.kinks, f.bends, left, signs, strict=True):
        high = low + bend
        positive, negative = (high, low) if sign > 0 else (low, high)
        if positive == 0.0:
            continue  # both slopes vanish
        alpha = min(float(negative / positive), STEEPEST) + 0.0  # no rounding beyond the limit, and no -0.0
        terms.append(Term(float(positive), float(-positive * kink), alpha))
    return tuple(terms)
