"""Charts of the integer network: how much each layer loses, and where a map is clipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from leather import Chart, Series
from markupsafe import Markup

from ...rewrites.core.histogram import Histogram
from .chart import Path, Scale, as_markup, outline

_WIDE, _SMALL = (1240, 300), (420, 200)
_MOST_DB = 60.0  # above it nothing is lost that anyone would miss


def error_plot(columns: Mapping[str, Sequence[float | None]], name: str) -> Markup:
    """Decibels over the number of the layer, a path of its own CSS class for each column.

    What is equal, or above 60 dB, stands at the top; a layer that a column does not have breaks its line no further.
    """
    chart = Chart()
    held = {key: _points(values) for key, values in columns.items()}
    lowest = min((y for points in held.values() for _, y in points), default=0.0)
    chart.set_x_scale(Scale(1, max((len(values) for values in columns.values()), default=1)))
    chart.set_y_scale(Scale(min(lowest, 0.0), _MOST_DB))
    for key, points in held.items():
        if points:
            chart.add_series(Series(points), Path(key))
    return as_markup(chart.to_svg_group(*_WIDE), name, _WIDE)


def _points(values: Sequence[float | None]) -> list[tuple[float, float]]:
    return [(float(number), min(value, _MOST_DB)) for number, value in enumerate(values, 1) if value is not None]


def range_plot(histogram: Histogram, reach: float, name: str) -> Markup:
    """The histogram, on a scale on which rare values show, with a line at each end of the range."""
    low, high = min(histogram.low, -reach), max(histogram.high, reach)
    across = Scale(low, high)
    rare = Histogram(histogram.low, histogram.high, np.cbrt(histogram.weights))
    chart = Chart()
    chart.set_x_scale(across)
    chart.set_y_scale(Scale(0.0, 1.0))
    chart.add_series(Series(outline(rare, across.low, across.high).tolist()), Path("histogram"))
    for end in (-reach, reach):
        chart.add_series(Series([(end, 0.0), (end, 1.0)]), Path("clip"))
    return as_markup(chart.to_svg_group(*_SMALL), name, _SMALL)
