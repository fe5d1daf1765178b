"""The adapted network as a picture, and the same as a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from markupsafe import Markup

from .. import words
from ..network.draw import MARKS, draw
from ..network.layers import Layer, Status, network_of
from ..section import Section
from ..story import Story

_LEGEND: dict[Status, str] = {
    "kept": "as in the original",
    "rewritten": "rewritten, the same function",
    "approximated": "approximated",
    "changed": "function changed",
    "refused": "refused",
    "head": "head output",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of block: its status, its mark, what it means and how many there are."""

    status: Status
    mark: str
    meaning: str
    count: int


@dataclass(frozen=True, slots=True)
class Row:
    """One layer in the table; what was measured is the worst of its rewrites (None: nothing was)."""

    layer: Layer
    shape: str
    channels: int
    macs: str
    rules: str
    certificates: str
    max_abs: float | None
    max_rel: float | None
    where: str
    nodes: str


@dataclass(frozen=True, slots=True)
class Picture:
    """`rows` by the layer's number, the input first; `nodes` counts the nodes of the adapted network."""

    graph: Markup
    legend: tuple[Entry, ...]
    rows: tuple[Row, ...]
    nodes: int
    on_cpu: int


def build(story: Story) -> Picture:
    """Layers, collapsed by anchor."""
    network = network_of(story.facts, story.report)
    counts = Counter(layer.status for layer in network.layers[1:])
    legend = tuple(
        Entry(status, MARKS[status], meaning, counts[status]) for status, meaning in _LEGEND.items() if counts[status]
    )
    on_cpu = sum("cpu" in layer.where for layer in network.layers)
    rows = tuple(map(_row, network.layers))
    return Picture(draw(network), legend, rows, len(story.facts.located), on_cpu)


def _row(layer: Layer) -> Row:
    measured = [each for each in layer.rewrites if each.max_abs is not None]
    return Row(
        layer,
        "×".join(map(str, layer.shape)),
        layer.shape[1] if len(layer.shape) > 1 else 0,
        words.large(layer.macs) if layer.macs else "",
        ", ".join(dict.fromkeys(each.rule for each in layer.rewrites)),
        ", ".join(dict.fromkeys(each.certificate for each in layer.rewrites)),
        max((each.max_abs or 0.0 for each in measured), default=None),
        max((each.max_rel or 0.0 for each in measured), default=None),
        f"{layer.where}: {layer.reason}" if layer.reason else layer.where,
        ", ".join(layer.nodes),
    )


SECTION = Section(20, "network", "Network", build)
