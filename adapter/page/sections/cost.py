"""What the network costs before and after."""

from __future__ import annotations

from dataclasses import dataclass

from ..section import Section
from ..story import Story


@dataclass(frozen=True, slots=True)
class Row:
    """One quantity before and after; `parts` are both over the larger one, 0..1."""

    what: str
    before: int
    after: int
    parts: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Costs:
    """`added` operators came from the rewrites."""

    rows: tuple[Row, ...]
    added: int


def build(story: Story) -> Costs | None:
    """Multiply-accumulates, parameters, nodes."""
    cost = story.report.cost
    if cost is None:
        return None
    nodes = len(story.facts.prepared.original.graph.node), len(story.facts.final.graph.node)
    quantities = (
        ("multiply-accumulates", cost.macs_before, cost.macs_after),
        ("parameters", cost.params_before, cost.params_after),
        ("nodes", *nodes),
    )
    return Costs(tuple(_row(*quantity) for quantity in quantities), cost.ops_added)


def _row(what: str, before: int, after: int) -> Row:
    most = max(before, after, 1)
    return Row(what, before, after, (round(before / most, 3), round(after / most, 3)))


SECTION = Section(80, "cost", "Cost", build)
