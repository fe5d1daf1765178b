"""The fits: the terms are the fitted function, the error falls with the hinges, nothing degenerate breaks them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icraft_adapt.rewrites.core.activation import KNOWN
from icraft_adapt.rewrites.core.histogram import Histogram, HistogramBuilder, global_histogram
from icraft_adapt.rewrites.core.pwl import STEEPEST, LeakySum, _as_terms, _Kinked, fit_leaky_sum

SOFT = ["silu", "hardswish", "gelu", "mish", "sigmoid", "tanh", "softplus"]


def bin_of(low: float, high: float, *weights: float) -> Histogram:
    return Histogram(low, high, np.array(weights) / sum(weights))


def built(*values: float) -> Histogram:
    builder = HistogramBuilder(64)
    builder.add(np.array(values, np.float32))
    return builder.histogram()


@settings(max_examples=300, deadline=None)
@given(data=st.data(), count=st.integers(0, 6))
def test_the_terms_are_the_kinked_function(data: st.DataObject, count: int) -> None:
    number = st.floats(-4, 4).map(lambda v: round(v, 3))
    bend = st.floats(0.01, 3).flatmap(lambda v: st.sampled_from([v, -v]))
    apart = data.draw(st.lists(st.floats(0.05, 3), min_size=count, max_size=count))
    kinks = np.cumsum([data.draw(number), *apart])[1:] if count else np.zeros(0)
    bends = np.array(data.draw(st.lists(bend, min_size=count, max_size=count)))
    f = _Kinked(data.draw(number), data.draw(number), kinks, bends)
    terms = _as_terms(f)
    x = np.concatenate([np.linspace(-20, 20, 401), kinks])
    expected = f.constant + f.slope * x + np.maximum(x[:, None] - kinks[None, :], 0) @ bends
    size = 1 + max(abs(t.a) * 20 + abs(t.b) for t in terms)
    np.testing.assert_allclose(LeakySum(terms, 0.0)(x), expected, rtol=0, atol=1e-9 * size)
    assert all(0 <= t.alpha <= STEEPEST + 1e-9 for t in terms)
    assert len(terms) <= count + 1


@pytest.mark.parametrize("name", SOFT)
def test_more_hinges_fit_better(name: str) -> None:
    errors = [fit_leaky_sum(KNOWN[name], global_histogram(), hinges).error for hinges in (1, 2, 4, 6, 8)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 5


def test_four_hinges_suffice_for_silu() -> None:
    fitted = fit_leaky_sum(KNOWN["silu"], global_histogram(), 4)
    assert fitted.error < 0.012
    assert len(fitted.terms) <= 4


@pytest.mark.parametrize("name", ["relu6", "hardsigmoid"])
def test_a_piecewise_linear_curve_is_met_exactly(name: str) -> None:
    assert fit_leaky_sum(KNOWN[name], global_histogram(), 4).error < 1e-6


def test_the_fit_follows_the_histogram() -> None:
    narrow = bin_of(-1, 1, *np.ones(64))
    silu = KNOWN["silu"]
    here, everywhere = fit_leaky_sum(silu, narrow, 3), fit_leaky_sum(silu, global_histogram(), 3)
    x = narrow.centres
    assert here.error < narrow.relative_error(everywhere(x), silu(x)) / 3


DEGENERATE = {
    "one bin": bin_of(0, 0.01, 1),
    "two bins": bin_of(-0.1, 0.1, 1, 1),
    "a constant map": built(0.7, 0.7),
    "zeros": built(0.0),
    "far outlier": bin_of(-1, 1e4, 1, *np.zeros(8000), 1e-6),
    "far below": bin_of(-1e4, 1, 1e-6, *np.zeros(8000), 1),
    "two far apart": built(-300.0, 300.0),
    "all in the flat part": bin_of(-50, -40, *np.ones(16)),
    "all in the steep part": bin_of(40, 50, *np.ones(16)),
    "hardly any width": bin_of(3, 3 + 1e-7, 1),
}


@pytest.mark.parametrize("hinges", [1, 4, 8])
@pytest.mark.parametrize("name", ["silu", "relu6", "hardswish"])
@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_histograms(case: str, name: str, hinges: int) -> None:
    histogram = DEGENERATE[case]
    fitted = fit_leaky_sum(KNOWN[name], histogram, hinges)
    numbers = np.array([[t.a, t.b, t.alpha] for t in fitted.terms])
    assert np.isfinite(numbers).all()
    assert ((numbers[:, 2] >= 0) & (numbers[:, 2] <= STEEPEST + 1e-9)).all()
    assert 1 <= len(fitted.terms) <= hinges + 1
    x = histogram.centres[histogram.weights > 1e-4]
    worst = float(np.abs(fitted(x) - KNOWN[name](x)).max())
    span = float(np.ptp(KNOWN[name](histogram.centres)))
    assert worst <= 0.05 * max(span, 1) * (8 if hinges == 1 else 1)
    assert np.isfinite(fitted.error)


def test_is_deterministic() -> None:
    fits = [fit_leaky_sum(KNOWN["silu"], global_histogram(), 4) for _ in range(2)]
    assert fits[0] == fits[1]
