"""Where each layer stands: a row of cells for each stride, a column of cells for each pass over the strides.

A detector goes down to coarse maps, up again, down again, and ends in heads: each such pass is one column, so that
backbone, feature pyramid and heads stand side by side at their strides. Within a cell, a layer stands one row below
what it reads, and a chain stays in its lane.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

_HEADS = 1 << 30  # the column behind all passes

Edges = Sequence[tuple[int, int]]
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Band:
    """The rows `first` to `last` (inclusive) of one stride; 0: what is no map of any stride."""

    stride: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Arrangement:
    """(lane, row) of each layer; the title of the column that each lane belongs to; the bands from the top."""

    places: tuple[Place, ...]
    columns: tuple[str, ...]
    bands: tuple[Band, ...]


def arrange(strides: Sequence[int], edges: Edges, levels: dict[int, int]) -> Arrangement:
    """Places for layers 0 .. n-1, numbered in computation order; `levels` names the head layers and their strides."""
    readers, sources = defaultdict[int, list[int]](list), defaultdict[int, list[int]](list)
    for a, b in edges:
        readers[a].append(b)
        sources[b].append(a)
    known = _known_strides(strides, sources)
    columns = _passes(known, sources)
    for layer in _head_branches(len(strides), readers, levels):
        columns[layer] = _HEADS
    cells: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for layer, (column, stride) in enumerate(zip(columns, known, strict=True)):
        cells[column, stride].append(layer)
    local = {key: _within(members, readers, sources) for key, members in cells.items()}
    return _stacked(local, len(strides))


def _known_strides(strides: Sequence[int], sources: dict[int, list[int]]) -> list[int]:
    """What is no map stands where its sources do."""
    known = list(strides)
    for layer, stride in enumerate(strides):
        if not stride:
            known[layer] = max((known[source] for source in sources[layer]), default=0)
    return known


def _passes(strides: Sequence[int], sources: dict[int, list[int]]) -> list[int]:
    """How often the way to each layer has turned between coarser and finer maps."""
    found: list[tuple[int, int]] = []  # (turns, direction: 1 to coarser maps, -1 to finer ones)
    for layer, stride in enumerate(strides):
        ways = [(0, 1)]
        for source in sources[layer]:
            turns, direction = found[source]
            towards = (stride > strides[source]) - (stride < strides[source])
            ways.append((turns + (towards == -direction), towards or direction))
        found.append(max(ways))
    return [turns for turns, _ in found]


def _head_branches(count: int, readers: dict[int, list[int]], levels: dict[int, int]) -> list[int]:
    """The layers that serve one level alone, as far from its outputs as every level has some."""
    served: list[set[int]] = [set() for _ in range(count)]
    away = [0] * count
    for layer in reversed(range(count)):
        if layer in levels:
            served[layer].add(levels[layer])
        for reader in readers[layer]:
            served[layer] |= served[reader]
            away[layer] = max(away[layer], away[reader] + 1)
    alone = {layer: next(iter(strides)) for layer, strides in enumerate(served) if len(strides) == 1}
    farthest: defaultdict[int, int] = defaultdict(int)
    for layer, stride in alone.items():
        farthest[stride] = max(farthest[stride], away[layer])
    reach = min(farthest.values()) if len(farthest) > 1 else -1
    return [layer for layer in alone if away[layer] <= reach]


def _within(members: Sequence[int], readers: dict[int, list[int]], sources: dict[int, list[int]]) -> dict[int, Place]:
    """(lane, row) inside one cell; the longest chain through it keeps the first lane."""
    inside = set(members)
    rows: dict[int, int] = {}
    for layer in members:
        rows[layer] = 1 + max((rows[source] for source in sources[layer] if source in inside), default=-1)
    ahead: dict[int, int] = {}
    for layer in reversed(members):
        ahead[layer] = 1 + max((ahead[reader] for reader in readers[layer] if reader in inside), default=0)
    taken: defaultdict[int, set[int]] = defaultdict(set)
    lanes: dict[int, int] = {}
    for layer in sorted(members, key=lambda layer: (rows[layer], -ahead[layer], layer)):
        above = [source for source in sources[layer] if source in inside]
        nearest = max(above, key=lambda source: (rows[source], -lanes[source]), default=None)
        lane = _free_lane(taken[rows[layer]], 0 if nearest is None else lanes[nearest])
        lanes[layer] = lane
        taken[rows[layer]].add(lane)
    return {layer: (lanes[layer], rows[layer]) for layer in members}


def _free_lane(taken: set[int], wanted: int) -> int:
    """The free lane nearest to the wanted one, the one to the right first."""
    tried = (lane for distance in range(len(taken) + 1) for lane in (wanted + distance, wanted - distance))
    return next(lane for lane in tried if lane >= 0 and lane not in taken)


def _stacked(cells: dict[tuple[int, int], dict[int, Place]], count: int) -> Arrangement:
    """Put the cells side by side and one above the other."""
    heights: defaultdict[int, int] = defaultdict(int)
    widths: defaultdict[int, int] = defaultdict(int)
    for (column, stride), inside in cells.items():
        heights[stride] = max(heights[stride], *(row + 1 for _, row in inside.values()))
        widths[column] = max(widths[column], *(lane + 1 for lane, _ in inside.values()))
    bands, top = [], 0
    for stride in sorted(heights):
        bands.append(Band(stride, top, top + heights[stride] - 1))
        top += heights[stride]
    columns = [column for column in sorted(widths) for _ in range(widths[column])]
    first = {column: columns.index(column) for column in widths}
    titles = [_title(column) for column in columns]
    start = {band.stride: band.first for band in bands}
    places: list[Place] = [(0, 0)] * count
    for (column, stride), inside in cells.items():
        for layer, (lane, row) in inside.items():
            places[layer] = first[column] + lane, start[stride] + row
    return Arrangement(tuple(places), tuple(titles), tuple(bands))


def _title(column: int) -> str:
    """What a column's pass does."""
    if column in (0, _HEADS):
        return "heads" if column else "backbone"
    return f"{column}: {'up to finer' if column % 2 else 'down to coarser'} maps"
