"""The Kalman filter of BYTE over centre x, centre y, aspect (width / height) and height, with a velocity each.

The reference's 8x8 matrices couple only a number and its own velocity (i, i + 4): the filter is exactly four filters of
two numbers. All arrays are float [tracks, 4] of one dtype; the order of operations is that of the generated C.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

POSITION = 0.05  # a standard deviation is this part of the height
VELOCITY = 0.00625  # ... and of the velocity, a frame
INITIAL_POSITION = 0.1  # twice the first
INITIAL_VELOCITY = 0.0625  # ten times the second
ASPECT_VARIANCE = 1e-4
ASPECT_VELOCITY_VARIANCE = 1e-10
ASPECT_MEASURED_VARIANCE = 1e-2
LEAST_MEASURED_VARIANCE = 1e-20  # reached only by a predicted height of 0: no division by 0


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """Mean and velocity of x, y, aspect, height, and the three numbers of each 2x2 covariance: float [tracks, 4]."""

    mean: Array
    velocity: Array
    variance: Array
    covariance: Array
    velocity_variance: Array

    def select(self, rows: Array) -> Belief:
        """The tracks named by an index or a mask, in its order."""
        return Belief(*(getattr(self, name)[rows] for name in _FIELDS))

    def put(self, rows: Array, other: Belief) -> Belief:
        """The same with these rows replaced by `other`'s."""
        return Belief(*(_replaced(getattr(self, name), rows, getattr(other, name)) for name in _FIELDS))


_FIELDS = ("mean", "velocity", "variance", "covariance", "velocity_variance")


def join(first: Belief, second: Belief) -> Belief:
    """The tracks of both, in this order."""
    return Belief(*(np.concatenate([getattr(first, name), getattr(second, name)]) for name in _FIELDS))


def initiate(measured: Array) -> Belief:
    """What one measurement (x, y, aspect, height) says: at rest, twice and ten times as uncertain as later."""
    height = measured[:, 3]
    variance = _by_height(height, INITIAL_POSITION, ASPECT_VARIANCE)
    velocity_variance = _by_height(height, INITIAL_VELOCITY, ASPECT_VELOCITY_VARIANCE)
    zero = np.zeros_like(measured)
    return Belief(measured, zero, variance, zero, velocity_variance)


def predict(belief: Belief) -> Belief:
    """One frame later."""
    height = belief.mean[:, 3]
    covariance = belief.covariance + belief.velocity_variance
    variance = (belief.variance + belief.covariance) + covariance
    return Belief(
        belief.mean + belief.velocity,
        belief.velocity,
        variance + _by_height(height, POSITION, ASPECT_VARIANCE),
        covariance,
        belief.velocity_variance + _by_height(height, VELOCITY, ASPECT_VELOCITY_VARIANCE),
    )


def update(belief: Belief, measured: Array) -> Belief:
    """After a measurement; variance - gain * variance is gain * noise, which cannot cancel."""
    noise = _by_height(belief.mean[:, 3], POSITION, ASPECT_MEASURED_VARIANCE)
    noise = np.maximum(noise, noise.dtype.type(LEAST_MEASURED_VARIANCE))
    inverse = 1 / (belief.variance + noise)
    gain, velocity_gain = belief.variance * inverse, belief.covariance * inverse
    innovation = measured - belief.mean
    velocity_variance = belief.velocity_variance - velocity_gain * belief.covariance
    return Belief(
        belief.mean + gain * innovation,
        belief.velocity + velocity_gain * innovation,
        gain * noise,
        velocity_gain * noise,
        np.maximum(velocity_variance, 0),
    )


def _by_height(height: Array, weight: float, aspect: float) -> Array:
    """(weight * height) squared for x, y and height, a constant for the aspect."""
    of = height.dtype.type
    deviation = of(weight) * height
    variance = deviation * deviation
    return np.stack([variance, variance, np.full_like(variance, aspect), variance], axis=1)


def _replaced(array: Array, rows: Array, values: Array) -> Array:
    changed = array.copy()
    changed[rows] = values
    return changed
