"""A fitted activation over the histogram of its input: a static SVG from leather, coloured by the page's CSS."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from leather import Chart, Series
from markupsafe import Markup

from ...rewrites.core.histogram import Histogram
from .chart import Path, Scale, Vector, as_markup, outline

Curve = Callable[[Vector], Vector]

_SIZE = (420, 260)
_POINTS = 121
_TAIL = 5e-3  # of the weight on either side lies outside of the plot
_SHARE = 0.62  # of the height is the histogram's


def shown_range(histogram: Histogram) -> tuple[float, float]:
    """What a plot shows: all but the outermost tails, and the origin, where the activation bends."""
    edges = np.linspace(histogram.low, histogram.high, len(histogram.weights) + 1)
    mass = np.concatenate([[0.0], np.cumsum(histogram.weights)])
    low, high = (float(np.interp(share * mass[-1], mass, edges)) for share in (_TAIL, 1 - _TAIL))
    reach = max(high - low, 1e-3)
    return min(low, -0.1 * reach), max(high, 0.1 * reach)


def fit_plot(curve: Curve, fitted: Curve, histogram: Histogram, name: str) -> Markup:
    """An SVG with paths of the classes `histogram`, `original` and `fitted`; `name` is its accessible title."""
    across = Scale(*shown_range(histogram))
    x = np.linspace(across.low, across.high, _POINTS)
    lines = {"original": curve(x), "fitted": fitted(x)}
    values = np.concatenate(list(lines.values()))
    upward = Scale(float(values.min()), float(values.max()))
    bars = outline(histogram, across.low, across.high)
    bars[:, 1] = upward.low + bars[:, 1] * _SHARE * (upward.high - upward.low)
    chart = Chart()
    chart.set_x_scale(across)
    chart.set_y_scale(upward)
    chart.add_series(Series(bars.tolist()), Path("histogram"))
    for kind, y in lines.items():
        chart.add_series(Series(np.stack([x, y], axis=1).tolist()), Path(kind))
    return as_markup(chart.to_svg_group(*_SIZE), name, _SIZE)
