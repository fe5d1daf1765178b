"""Four filters of two numbers are the reference's filter of eight."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from icraft_adapt.postproc.track import kalman

Array = NDArray[np.float64]


class Filter8:
    """The published filter: 8 numbers, full matrices, float64 (Wojke et al. 2017, deep_sort/kalman_filter.py)."""

    forward = np.eye(8) + np.eye(8, k=4)
    seen = np.eye(4, 8)

    def __init__(self, z: Array) -> None:
        h = z[3]
        deviation = [h / 10, h / 10, 1e-2, h / 10, h / 16, h / 16, 1e-5, h / 16]
        self.mean, self.spread = np.r_[z, np.zeros(4)], np.diag(np.square(deviation))

    def predict(self) -> None:
        h = self.mean[3]
        noise = np.diag(np.square([h / 20, h / 20, 1e-2, h / 20, h / 160, h / 160, 1e-5, h / 160]))
        self.mean = self.forward @ self.mean
        self.spread = self.forward @ self.spread @ self.forward.T + noise

    def update(self, z: Array) -> None:
        h = self.mean[3]
        noise = np.diag(np.square([h / 20, h / 20, 1e-1, h / 20]))
        innovation = self.seen @ self.spread @ self.seen.T + noise
        gain = np.linalg.solve(innovation, self.seen @ self.spread).T
        self.mean = self.mean + gain @ (z - self.seen @ self.mean)
        self.spread = self.spread - gain @ innovation @ gain.T


def walk(steps: int) -> list[Array]:
    """A body that walks, grows and shrinks, measured with noise: centre, aspect, height."""
    random = np.random.default_rng(7)
    t = np.arange(steps)
    x, y = 300 + 2.5 * t + 30 * np.sin(t / 20), 200 + 40 * np.cos(t / 31)
    aspect, height = 0.4 + 0.05 * np.sin(t / 13), 120 + 60 * np.sin(t / 50)
    return list(np.stack([x, y, aspect, height], axis=1) + random.normal(0, [2, 2, 0.01, 3], (steps, 4)))


@pytest.mark.parametrize(("dtype", "pixels", "relative"), [(np.float64, 1e-11, 1e-13), (np.float32, 1e-3, 2e-5)])
def test_a_thousand_steps(dtype: type, pixels: float, relative: float) -> None:
    measured = walk(1000)
    whole, parts = Filter8(measured[0]), kalman.initiate(measured[0][None].astype(dtype))
    seen = np.random.default_rng(8).random(1000) < 0.8
    for z, is_seen in zip(measured[1:], seen[1:], strict=True):
        whole.predict()
        parts = kalman.predict(parts)
        if is_seen:
            whole.update(z)
            parts = kalman.update(parts, z[None].astype(dtype))
        found = np.r_[parts.mean[0], parts.velocity[0]]
        assert found.dtype == dtype
        np.testing.assert_allclose(found, whole.mean, rtol=0, atol=pixels)
        own = [parts.variance[0], parts.covariance[0], parts.velocity_variance[0]]
        of_whole = [np.diag(whole.spread)[:4], np.diag(whole.spread, 4), np.diag(whole.spread)[4:]]
        np.testing.assert_allclose(own, of_whole, rtol=relative)
        coupled = np.eye(8, dtype=bool) | np.eye(8, k=4, dtype=bool) | np.eye(8, k=-4, dtype=bool)
        assert not whole.spread[~coupled].any()


def test_x_y_and_height_have_one_covariance() -> None:
    belief = kalman.initiate(np.float32([[10, 20, 0.5, 80], [500, 3, 2, 1e-6]]))
    for z in walk(50):
        belief = kalman.update(kalman.predict(belief), z[None].astype(np.float32))
        for array in (belief.variance, belief.covariance, belief.velocity_variance):
            assert (array[:, 0] == array[:, 1]).all()
            assert (array[:, 0] == array[:, 3]).all()


def test_the_covariance_stays_one_whatever_is_measured() -> None:
    random = np.random.default_rng(9)
    belief = kalman.initiate(np.float32([[0, 0, 1, 2.0**20]]))
    for _ in range(3000):
        height = np.float32(2.0 ** random.uniform(-20, 20))
        z = np.float32([[*random.uniform(-(2.0**20), 2.0**20, 2), 2.0 ** random.uniform(-30, 30), height]])
        belief = kalman.update(kalman.predict(belief), z)
        for array in (belief.variance, belief.covariance, belief.velocity_variance):
            assert np.isfinite(array).all()
            assert (array >= 0).all()
        assert np.isfinite(belief.mean).all()


def test_a_predicted_height_of_zero_divides_by_nothing() -> None:
    belief = kalman.initiate(np.float32([[5, 5, 1, 0]]))
    after = kalman.update(kalman.predict(belief), np.float32([[6, 5, 1, 2]]))
    assert np.isfinite(after.mean).all()
