"""What the page's charts are made of: axes, paths of CSS classes, and static SVGs that the page's CSS colours."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

import numpy as np
from leather import Series
from leather.scales import Linear
from leather.scales import Scale as Axis
from leather.shapes import Shape
from markupsafe import Markup
from numpy.typing import NDArray

from ...rewrites.core.histogram import Histogram

Vector = NDArray[np.float64]
Size = tuple[int, int]

_LEGEND, _MARGIN = 18, 10  # cut off: what leather leaves for a legend, which the page has once, and around the chart
_BARS = 48
_STYLES = ("fill", "stroke", "stroke-width", "font-family", "font-size", "text-anchor", "dy")


class Scale(Axis):  # type: ignore[misc]  # leather is untyped
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


class Path(Shape):  # type: ignore[misc]
    """A series as one path of a CSS class."""

    def __init__(self, name: str) -> None:
        self._name = name

    def validate_series(self, series: Series) -> None:
        """Any series of numbers will do."""

    def legend_to_svg(self, series: Series, palette: Iterable[str]) -> list[tuple[Element, float]]:
        """No entry: the page has a legend of its own."""
        return []

    def to_svg(
        self,
        width: float,
        height: float,
        x_scale: Axis,
        y_scale: Axis,
        series: Series,
        palette: Iterable[str],
    ) -> Element:
        """The path, to a tenth of a unit."""
        points = ((x_scale.project(d.x, 0, width), y_scale.project(d.y, height, 0)) for d in series.data())
        return Element(
            "path", {"class": self._name, "d": "M" + "L".join(f"{_tenth(x)} {_tenth(y)}" for x, y in points)}
        )


def outline(histogram: Histogram, low: float, high: float) -> Vector:
    """The histogram's steps between low and high as a closed outline, float64 [n, 2], from 0 to 1."""
    edges = np.linspace(histogram.low, histogram.high, len(histogram.weights) + 1)
    mass = np.concatenate([[0.0], np.cumsum(histogram.weights)])
    sides = np.linspace(low, high, _BARS + 1)
    heights = np.diff(np.interp(sides, edges, mass))
    heights /= max(float(heights.max()), 1e-12)
    return np.stack([np.repeat(sides, 2), np.concatenate([[0.0], np.repeat(heights, 2), [0.0]])], axis=1)


def as_markup(drawn: Element, name: str, size: Size) -> Markup:
    """The chart without the styles that leather writes at every tick: the page's CSS has them once."""
    view = f"{_MARGIN} {_LEGEND + _MARGIN} {size[0] - 2 * _MARGIN} {size[1] - _LEGEND - 2 * _MARGIN}"
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
