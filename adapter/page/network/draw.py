"""The network as an SVG: blocks, edges and bands; colours are the page's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from ..words import visible
from .arrange import Arrangement, arrange
from .layers import Layer, Network
from .route import HEIGHT, WIDTH, Grid, Point, route

_RADIUS = 5.0
MARKS = {"rewritten": "=", "approximated": "≈", "changed": "≠", "refused": "✕", "head": "●", "kept": ""}


def draw(network: Network) -> Markup:
    """The picture; block n links to the page's `#layer-n`."""
    levels = {number: layer.stride for number, layer in enumerate(network.layers) if layer.output}
    plan = arrange([layer.stride for layer in network.layers], network.edges, levels)
    grid = Grid.of(plan)
    width, height = grid.size
    parts = [
        f'<svg id="graph" class="graph" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' role="group" aria-label="The adapted network">',
        *_bands(plan, grid, network.layers),
        *_titles(plan, grid),
        '<g class="edges">',
        *_edges(network, plan, grid),
        '</g><g class="blocks">',
        *(_block(number, layer, grid, plan.places[number]) for number, layer in enumerate(network.layers)),
        "</g></svg>",
    ]
    return Markup("".join(parts))


def _bands(plan: Arrangement, grid: Grid, layers: Sequence[Layer]) -> Iterable[str]:
    width = grid.size[0]
    sizes = {layer.stride: layer.shape[2:] for layer in layers}
    for number, band in enumerate(plan.bands):
        top, bottom = grid.tops[band.first] - 14, grid.tops[band.last] + HEIGHT + 14
        yield f'<rect class="band band-{number % 2}" x="0" y="{top}" width="{width}" height="{bottom - top}" rx="8"/>'
        if band.stride:
            cells = "×".join(map(str, sizes[band.stride]))
            yield f'<text class="band-name" x="12" y="{top + 24}">stride {band.stride}</text>'
            yield f'<text class="band-size" x="12" y="{top + 40}">{cells}</text>'


def _titles(plan: Arrangement, grid: Grid) -> Iterable[str]:
    for title in dict.fromkeys(plan.columns):
        left = grid.lefts[plan.columns.index(title)]
        yield f'<text class="pass" x="{left}" y="20">{title}</text>'


def _edges(network: Network, plan: Arrangement, grid: Grid) -> Iterable[str]:
    for (a, b), points in zip(network.edges, route(plan, network.edges, grid), strict=True):
        yield f'<path data-edge="{a} {b}" d="{_rounded(points)}"/>'


def _rounded(points: Sequence[Point]) -> str:
    """A path through the corners, each of them rounded."""
    cleaned = [points[0]]
    for point in points[1:]:
        if point != cleaned[-1]:
            cleaned.append(point)
    words = [f"M{cleaned[0][0]:g} {cleaned[0][1]:g}"]
    for before, here, after in zip(cleaned, cleaned[1:], cleaned[2:], strict=False):
        enter, leave = _towards(here, before), _towards(here, after)
        words.append(f"L{enter[0]:g} {enter[1]:g}Q{here[0]:g} {here[1]:g} {leave[0]:g} {leave[1]:g}")
    return "".join([*words, f"L{cleaned[-1][0]:g} {cleaned[-1][1]:g}"])


def _towards(corner: Point, other: Point) -> Point:
    """The point where the curve at `corner` begins on the way to `other`."""
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    reach = min(_RADIUS, (abs(dx) + abs(dy)) / 2)
    step = (dx > 0) - (dx < 0), (dy > 0) - (dy < 0)
    return corner[0] + reach * step[0], corner[1] + reach * step[1]


def _block(number: int, layer: Layer, grid: Grid, place: tuple[int, int]) -> str:
    x, y = grid.lefts[place[0]], grid.tops[place[1]]
    label = layer.output or layer.label
    channels = f"{layer.shape[1]}" if len(layer.shape) > 1 else ""
    told = escape(visible(f"{layer.anchor}: {layer.label}, {layer.status}"))
    where = " cpu" if "cpu" in layer.where else ""
    return (
        f'<a href="#layer-{number}" class="block {layer.status}{where}" data-layer="{number}"'
        f' transform="translate({x} {y})" aria-label="{told}"><title>{told}</title>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text class="mark" x="7" y="18">{MARKS[layer.status]}</text>'
        f'<text class="op" x="{21 if MARKS[layer.status] else 9}" y="18">{escape(visible(label))}</text>'
        f'<text class="channels" x="{WIDTH - 8}" y="18">{channels}</text></a>'
    )
