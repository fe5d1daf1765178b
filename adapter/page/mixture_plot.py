"""The curve of --activation auto: agreement with the original against what a mixture costs."""

from __future__ import annotations

from collections.abc import Sequence

from leather import Chart, Series
from markupsafe import Markup

from .chart import Path, Scale, as_markup

_SIZE = (420, 260)


def curve_plot(costs: Sequence[float], agreements: Sequence[float], chosen: int, name: str) -> Markup:
    """A line through the measured mixtures, and one upright at the mixture that was taken."""
    points = sorted(zip(costs, agreements, strict=True))
    across = Scale(min(0.0, *costs), max(*costs, 1e-3))
    upward = Scale(min(agreements), 1.0)
    chart = Chart()
    chart.set_x_scale(across)
    chart.set_y_scale(upward)
    chart.add_series(Series(points), Path("original"))
    chart.add_series(Series([(costs[chosen], upward.low), (costs[chosen], agreements[chosen])]), Path("clip"))
    return as_markup(chart.to_svg_group(*_SIZE), name, _SIZE)
