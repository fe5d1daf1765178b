"""The histogram: nothing is lost while the range grows, and it is numpy's to the width of a bin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.rewrites.core.histogram import Histogram, HistogramBuilder, global_histogram


def counted(*maps: np.ndarray, bins: int = 256) -> Histogram:
    builder = HistogramBuilder(bins)
    for values in maps:
        builder.add(values.astype(np.float32))
    return builder.histogram()


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    scales=st.lists(st.sampled_from([1e-3, 0.3, 1.0, 7.0, 900.0]), min_size=1, max_size=4),
)
def test_is_numpys_histogram_however_the_range_grows(seed: int, scales: list[float]) -> None:
    rng = np.random.default_rng(seed)
    maps = [scale * rng.standard_normal((1, 3, 5, 7), np.float32) for scale in scales]
    found = counted(*maps)
    everything = np.concatenate([np.ravel(values) for values in maps])
    count = len(found.weights)
    width = (found.high - found.low) / count
    assert found.low - width <= everything.min() <= everything.max() <= found.high + width
    assert found.weights.sum() == pytest.approx(1)
    expected, _ = np.histogram(everything, bins=count, range=(found.low, found.high))
    ours, theirs = np.cumsum(found.weights), np.cumsum(expected / len(everything))
    # a value on an edge may fall to either side of it: the distributions agree when moved by one bin
    assert (ours[:-1] <= theirs[1:] + 1e-9).all()
    assert (theirs[:-1] <= ours[1:] + 1e-9).all()


def test_growing_keeps_every_count() -> None:
    found = counted(np.linspace(-1, 1, 1000), np.full(1000, 500.0))
    middle = found.centres < 250
    assert found.weights[middle].sum() == pytest.approx(0.5)
    assert found.weights[~middle].sum() == pytest.approx(0.5)


def test_a_constant_map_fills_one_bin() -> None:
    found = counted(np.full((1, 2, 3, 3), 0.7))
    assert found.weights.tolist() == [1.0]
    assert found.low <= 0.7 <= found.high
    assert found.quartiles == (found.centres[0],) * 3


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_the_users_to_mend(bad: float) -> None:
    with pytest.raises(AdaptError, match="not finite") as caught:
        counted(np.array([0.0, bad, 1.0]))
    assert caught.value.code == Exit.UNSUPPORTED


def test_nothing_counted_is_no_histogram() -> None:
    with pytest.raises(ValueError, match="nothing"):
        HistogramBuilder().histogram()


def test_relative_error_is_over_the_deviation() -> None:
    histogram = global_histogram()
    x = histogram.centres
    assert histogram.relative_error(x, x) == 0
    assert histogram.relative_error(1.1 * x, x) == pytest.approx(0.1)
    assert histogram.relative_error(x * 0 + 1.001, x * 0 + 1) == pytest.approx(1)  # a constant has no deviation
