"""Fits channel by channel: nearer than one fit for all, nearer with more terms, sane far out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from icraft_adapt.rewrites.core.activation import KNOWN
from icraft_adapt.rewrites.core.channel_fit import fit_plain, fit_shared, points_of
from icraft_adapt.rewrites.core.histogram import Histogram, HistogramBuilder
from icraft_adapt.rewrites.core.pwl import STEEPEST, fit_leaky_sum

SILU = KNOWN["silu"]


def samples(channels: int = 6) -> NDArray[np.float32]:
    """Normal inputs of different means and deviations, and two columns of extremes."""
    rng = np.random.default_rng(0)
    mean, deviation = rng.uniform(-3, 2, (channels, 1)), rng.uniform(0.5, 3, (channels, 1))
    values = rng.standard_normal((channels, 600)) * deviation + mean
    ends = np.stack([values.min(axis=1), values.max(axis=1)], axis=1)
    return np.concatenate([values, ends], axis=1).astype(np.float32)


def histogram(values: NDArray[np.float32]) -> Histogram:
    builder = HistogramBuilder()
    builder.add(values[:, :-2])
    return builder.histogram()


def rms(made: object, values: NDArray[np.float32]) -> float:
    """Over all channels, at the samples themselves."""
    x = values.T.astype(np.float64)
    return float(np.sqrt(np.mean((made(x) - SILU(x)) ** 2)))  # type: ignore[operator]


@pytest.mark.parametrize("hinges", [1, 2, 3, 4])
def test_nearer_than_one_fit_for_all_channels(hinges: int) -> None:
    values = samples()
    whole = histogram(values)
    plain = fit_plain(SILU, points_of(values), whole, hinges)
    assert plain.is_plain
    assert all(0 <= slope <= STEEPEST for slope in plain.slopes)
    common = rms(lambda x: fit_leaky_sum(SILU, whole, max(hinges, 2))(x), values)
    assert rms(plain, values) < common or hinges == 1
    assert plain.hinges == hinges or (hinges > 1 and plain.hinges == hinges + 1)


def test_more_terms_are_nearer() -> None:
    values = samples()
    for fit in (fit_plain, fit_shared):
        errors = [fit(SILU, points_of(values), histogram(values), hinges).error for hinges in (1, 2, 4)]
        assert errors == sorted(errors, reverse=True)
        assert errors[-1] < 0.05


def test_one_slope_for_all_terms() -> None:
    made = fit_shared(SILU, points_of(samples()), histogram(samples()), 3)
    assert len(set(made.slopes)) == 1
    assert set(np.unique(made.factor)) <= {-1.0, 1.0}
    directions = np.sign(made.scale)
    assert (directions == directions[:, :1]).all()


def test_a_vector_is_given_the_mean_of_the_channels() -> None:
    made = fit_plain(SILU, points_of(samples()), histogram(samples()), 2)
    x = np.linspace(-3, 3, 5)
    by_channel = made(np.broadcast_to(x[:, None], (5, 6)))
    np.testing.assert_allclose(made(x), by_channel.mean(axis=1))
    maps = made(np.broadcast_to(x[None, None, :, None], (1, 6, 5, 2)))
    np.testing.assert_allclose(maps[0, :, :, 1], by_channel.T)


def test_outliers_stay_sane() -> None:
    values = samples()
    values[0, -1] = 30.0
    made = fit_plain(SILU, points_of(values), histogram(values), 4)
    far = np.full((1, 6), 30.0)
    assert np.abs(made(far) - 30).max() < 15


def test_constant_channels_are_fitted() -> None:
    values = samples()
    values[2] = 0.25
    made = fit_plain(SILU, points_of(values), histogram(values), 2)
    assert np.isfinite(made.scale).all()
    assert abs(float(made(np.full((1, 6), 0.25))[0, 2]) - SILU(np.array([0.25]))[0]) < 0.05
