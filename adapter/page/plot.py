"""A fitted activation over the histogram of its input: a static SVG from leather, coloured by the page's CSS."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from xml.etree.ElementTree import Element, tostring

import numpy as np
from leather import Chart, Series
from leather.scales import Linear, Scale
from leather.shapes import Shape
from markupsafe import Markup
from numpy.typing import NDArray

from ...rewrites.core.histogram import Histogram

Vector = NDArray[np.float64]
Curve = Callable[[Vector], Vector]

_SIZE = (420, 260)
_LEGEND, _MARGIN = 18, 10  # cut off: what leather leaves for a legend, which the page has once, and around the chart
_BARS, _POINTS = 48, 121
_TAIL = 5e-3  # of the weight on either side lies outside of the plot
_SHARE = 0.62  # of the height is the histogram's
_STYLES = ("fill", "stroke", "stroke-width", "font-family", "font-size", "text-anchor", "dy")


class _Scale(Scale):  # type: ignore[misc]  # leather is untyped
    """From `low` to `high`, the round numbers around the data that leather finds; in floats, not in its Decimals."""

    def __init__(self, low: float, high: float) -> None:
        self._ticks = [float(tick) for tick in Linear(low, high).ticks()]
        self.low, self.high = self._ticks[0], self._ticks[-1]

    def contains(self, value: float) -> bool:
        """All that is drawn was sampled between low and high."""
        return True

    def project(self, value: float, first: float, last: float) -> float:
        """Where the value lies on the way from first to last."""
        return first + (last - first) * (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """The round numbers, both ends among them."""
        return self._ticks

    def format_tick(self, value: float, index: int, count: int) -> str:
        """Without trailing zeros."""
        return f"{value:g}"


class _Path(Shape):  # type: ignore[misc]
    """A series as one path of a CSS class."""

    def __init__(self, name: str) -> None:
        self._name = name

    def validate_series(self, series: Series) -> None:
        """Any series of numbers will do."""

    def legend_to_svg(self, series: Series, palette: Iterable[str]) -> list[tuple[Element, float]]:
        """No entry: the page has a legend of its own."""
        return []

    def to_svg(
        self, width: float, height: float, x_scale: Scale, y_scale: Scale, series: Series, palette: Iterable[str]
    ) -> Element:
        """The path, to a tenth of a unit."""
        points = ((x_scale.project(d.x, 0, width), y_scale.project(d.y, height, 0)) for d in series.data())
        return Element(
            "path", {"class": self._name, "d": "M" + "L".join(f"{_tenth(x)} {_tenth(y)}" for x, y in points)}
        )


def shown_range(histogram: Histogram) -> tuple[float, float]:
    """What a plot shows: all but the outermost tails, and the origin, where the activation bends."""
    edges = np.linspace(histogram.low, histogram.high, len(histogram.weights) + 1)
    mass = np.concatenate([[0.0], np.cumsum(histogram.weights)])
    low, high = (float(np.interp(share * mass[-1], mass, edges)) for share in (_TAIL, 1 - _TAIL))
    reach = max(high - low, 1e-3)
    return min(low, -0.1 * reach), max(high, 0.1 * reach)


def fit_plot(curve: Curve, fitted: Curve, histogram: Histogram, name: str) -> Markup:
    """An SVG with paths of the classes `histogram`, `original` and `fitted`; `name` is its accessible title."""
    across = _Scale(*shown_range(histogram))
    x = np.linspace(across.low, across.high, _POINTS)
    lines = {"original": curve(x), "fitted": fitted(x)}
    values = np.concatenate(list(lines.values()))
    upward = _Scale(float(values.min()), float(values.max()))
    bars = _outline(histogram, across.low, across.high)
    bars[:, 1] = upward.low + bars[:, 1] * _SHARE * (upward.high - upward.low)
    chart = Chart()
    chart.set_x_scale(across)
    chart.set_y_scale(upward)
    chart.add_series(Series(bars.tolist()), _Path("histogram"))
    for kind, y in lines.items():
        chart.add_series(Series(np.stack([x, y], axis=1).tolist()), _Path(kind))
    return _as_markup(chart.to_svg_group(*_SIZE), name)


def _outline(histogram: Histogram, low: float, high: float) -> Vector:
    """The histogram's steps between low and high as a closed outline, float64 [n, 2], from 0 to 1."""
    edges = np.linspace(histogram.low, histogram.high, len(histogram.weights) + 1)
    mass = np.concatenate([[0.0], np.cumsum(histogram.weights)])
    sides = np.linspace(low, high, _BARS + 1)
    heights = np.diff(np.interp(sides, edges, mass))
    heights /= max(float(heights.max()), 1e-12)
    return np.stack([np.repeat(sides, 2), np.concatenate([[0.0], np.repeat(heights, 2), [0.0]])], axis=1)


def _as_markup(drawn: Element, name: str) -> Markup:
    """The chart without the styles that leather writes at every tick: the page's CSS has them once."""
    view = f"{_MARGIN} {_LEGEND + _MARGIN} {_SIZE[0] - 2 * _MARGIN} {_SIZE[1] - _LEGEND - 2 * _MARGIN}"
    root = Element("svg", {"class": "plot", "viewBox": view, "role": "img", "aria-label": name})
    root.append(drawn)
    drawn.remove(drawn[0])  # the background
    for element in root.iter():
        for style in _STYLES:
            element.attrib.pop(style, None)
        for place in ("x", "y", "x1", "y1", "x2", "y2"):
            if place in element.attrib:
                element.set(place, _tenth(float(element.attrib[place])))
    return Markup(tostring(root, encoding="unicode"))


def _tenth(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
