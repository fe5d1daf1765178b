"""A fit as a plot: what is in it, its range, and that odd histograms draw, too."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray

from icraft_adapt.adapter.page.plot import fit_plot, shown_range
from icraft_adapt.rewrites.core.histogram import Histogram, global_histogram

Vector = NDArray[np.float64]


def relu(x: Vector) -> Vector:
    return np.maximum(x, 0)


def points(drawn: str, name: str) -> Vector:
    """The corners of the path of this class, [n, 2]."""
    (path,) = re.findall(rf'<path class="{name}" d="M([^"]*)"', drawn)
    return np.array([[float(number) for number in pair.split()] for pair in path.split("L")])


def test_all_three_are_drawn_over_the_whole_width() -> None:
    drawn = fit_plot(relu, lambda x: 0.9 * x, global_histogram(), "name <&>")
    original, fitted, bars = (points(drawn, name) for name in ("original", "fitted", "histogram"))
    assert original[0, 0] == fitted[0, 0] == bars[0, 0]
    assert original[-1, 0] == fitted[-1, 0] == bars[-1, 0] > 300
    assert original[0, 1] > original[-1, 1]  # up is towards zero
    assert bars[:, 1].argmin() == pytest.approx(len(bars) / 2, abs=4)
    assert 'aria-label="name &lt;&amp;&gt;"' in drawn
    assert not re.search(r"<style|<script|fill=|font-family|\d\.\d\d", drawn)


def test_the_range_leaves_out_the_tails_and_shows_the_origin() -> None:
    outlier = np.zeros(1000)
    outlier[[0, 900]] = 1e-4, 1 - 1e-4
    low, high = shown_range(Histogram(-100.0, 900.0, outlier))
    assert -200 < low < 0 < 790 < high < 900
    low, high = shown_range(Histogram(5.0, 6.0, np.full(10, 0.1)))
    assert low < 0 < 5.9 < high


@pytest.mark.parametrize("scale", [1e-4, 0.3, 1e3])
def test_labels_are_round(scale: float) -> None:
    drawn = fit_plot(relu, relu, Histogram(-scale, 3 * scale, np.full(64, 1 / 64)), "n")
    labels = re.findall(r"<text[^>]*>([^<]*)</text>", drawn)
    assert 6 <= len(labels) <= 14
    assert "0" in labels
    assert all(len(label) <= 8 for label in labels)
    assert len({float(label) for label in labels}) > 4


@pytest.mark.parametrize("weights", [[1.0], [0.0, 1.0, 0.0]])
def test_a_histogram_of_one_value_draws(weights: list[float]) -> None:
    drawn = fit_plot(lambda x: np.zeros_like(x), relu, Histogram(-1e-9, 1e-9, np.array(weights)), "n")
    assert np.isfinite(points(drawn, "histogram")).all()
    assert np.isfinite(points(drawn, "original")).all()
