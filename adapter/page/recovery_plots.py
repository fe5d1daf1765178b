"""Charts of a recovery: the agreement over time, and the layers' errors before and after."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from leather import Chart, Series
from markupsafe import Markup

from ..report.recovery_types import RecoveredLayer, RecoveryMilestone
from .chart import Path, Scale, as_markup

_SIZE, _WIDE = (420, 260), (1240, 300)
_LEAST = 1e-5  # of a map's variance: below it no one would miss anything


def minutes_plot(milestones: Sequence[RecoveryMilestone]) -> Markup:
    """The agreement with the original over the minutes since the network was rewritten."""
    points = [(each.minutes, each.agreement) for each in milestones]
    chart = Chart()
    chart.set_x_scale(Scale(0.0, max(points[-1][0], 0.1)))
    chart.set_y_scale(Scale(0.0, 1.0))
    chart.add_series(Series(points), Path("original"))
    return as_markup(chart.to_svg_group(*_SIZE), "agreement with the original over minutes", _SIZE)


def error_plot(layers: Sequence[RecoveredLayer]) -> Markup:
    """The logarithm (base 10) of each layer's error, in the order of the computation."""
    columns = {
        "rewriting": [each.rewritten for each in layers],
        "accumulated": [each.recovered for each in layers],
    }
    heights = {key: np.log10(np.clip(values, _LEAST, None)).tolist() for key, values in columns.items()}
    chart = Chart()
    chart.set_x_scale(Scale(1, max(len(layers), 2)))
    chart.set_y_scale(Scale(*(pick([y for ys in heights.values() for y in ys] or [0.0]) for pick in (min, max))))
    for key, ys in heights.items():
        if ys:
            chart.add_series(Series([(float(x), y) for x, y in enumerate(ys, 1)]), Path(key))
    return as_markup(chart.to_svg_group(*_WIDE), "logarithm of each layer's error, before and after", _WIDE)
