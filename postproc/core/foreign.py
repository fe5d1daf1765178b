"""Networks that are known by their marks, and that no family reads: what to tell their users."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from ...graph.model import Model
from ...graph.nodes import Node
from .frontier import find_frontier

OTHER_HEAD = (
    "YOLOX and ByteTrack heads are read, which have objectness, box and classes apart and one box a cell, as the"
    " hardware's threshold filter wants: train one of those, or add a family: docs/add-a-family.md"
)
NO_DETECTOR = "detectors are adapted: YOLOX and ByteTrack, exported with their standard head"


@dataclass(frozen=True, slots=True)
class Foreign:
    """One kind a file in postproc/, as FOREIGN, for networks in which no family proves a reading.

    `diagnose` says what the normalised model is, with the marks and numbers that were found; nothing where it is of
    another kind. It may decline, which says the same. `advice` is what its user can do.
    """

    name: str
    diagnose: Callable[[Model], str]
    advice: str


def maps_by_grid(model: Model, through: Callable[[Node], bool] | None = None) -> dict[tuple[int, int], list[int]]:
    """The channel counts of the last maps before the outputs, ascending, by grid, the finest first.

    `through` names convolutions that belong to the tail. Declines as `find_frontier` does.
    """
    frontier = find_frontier(model, through)
    grids: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for name in frontier.convolutions:
        grids[frontier.grid(name)].append(frontier.channels(name))
    return {grid: sorted(grids[grid]) for grid in sorted(grids, reverse=True)}
