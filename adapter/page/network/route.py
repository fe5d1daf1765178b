"""How the edges run: straight down a lane where it is free, else along the gaps between rows and between lanes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from .arrange import Arrangement, Edges

WIDTH, HEIGHT = 134, 28
_GUTTER, _COLUMN = 24, 38  # between two lanes, and what a new column adds
_PITCH, _BAND = 46, 30  # from row to row, and what a new band adds
LEFT, TOP = 92, 46
_TRACK, _FIRST, _ASIDE = 4, 5, 11  # between parallel lines, and from a block to the nearest line below and beside it

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Grid:
    """Where lanes and rows lie, in the picture's units."""

    lefts: tuple[int, ...]
    tops: tuple[int, ...]

    @classmethod
    def of(cls, plan: Arrangement) -> Grid:
        """The grid of an arrangement."""
        turns = [0, *(int(a != b) for a, b in pairwise(plan.columns))]
        lefts = [LEFT + lane * (WIDTH + _GUTTER) + _COLUMN * sum(turns[: lane + 1]) for lane in range(len(turns))]
        tops = [
            TOP + row * _PITCH + number * _BAND
            for number, band in enumerate(plan.bands)
            for row in range(band.first, band.last + 1)
        ]
        return cls(tuple(lefts), tuple(tops))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of everything."""
        return self.lefts[-1] + WIDTH + 2 * _GUTTER, self.tops[-1] + HEIGHT + _PITCH // 2

    def middle(self, lane: int) -> float:
        """The x of a lane."""
        return self.lefts[lane] + WIDTH / 2

    def gutter(self, lane: int, track: int) -> float:
        """The x of a line left of a lane (for one more than the last: right of it)."""
        if lane == len(self.lefts):
            return self.lefts[-1] + WIDTH + _ASIDE + _TRACK * track
        return self.lefts[lane] - _ASIDE - _TRACK * track

    def gap(self, row: int, side: Literal["out", "in"], track: int) -> float:
        """The y of a line above a row (for one more than the last: below it), near what it leaves or enters: out of one
        block at 5, 9, 13 of the 18 between two rows, into the next at 11, 7, 3.
        """
        if side == "out":
            return self.tops[row - 1] + HEIGHT + _FIRST + _TRACK * track
        return self.tops[row] - _FIRST - 2 - _TRACK * track


@dataclass(frozen=True, slots=True)
class _Way:
    """One edge as it turns: out of `source`, along the gap below it, down lane or gutter `at`, along the gap above
    `target`. `out` and `into` say which gaps it needs.
    """

    source: int
    target: int
    at: int
    kind: Literal["lane", "gutter"]
    out: bool
    into: bool


def route(plan: Arrangement, edges: Edges, grid: Grid) -> list[list[Point]]:
    """The corners of each edge, from the bottom of one block to the top of another."""
    blocks = set(plan.places)
    owners: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)  # by lane: (first row, last row, source)
    span = [abs(plan.places[b][1] - plan.places[a][1]) for a, b in edges]
    ways: dict[int, _Way] = {}
    for number in sorted(range(len(edges)), key=lambda number: (span[number], number)):
        ways[number] = _way(plan, *edges[number], blocks, owners)
    listed = [ways[number] for number in range(len(edges))]
    return _drawn(plan, listed, grid)


def _way(
    plan: Arrangement,
    source: int,
    target: int,
    blocks: set[tuple[int, int]],
    owners: dict[int, list[tuple[int, int, int]]],
) -> _Way:
    (lane, row), (to_lane, to_row) = plan.places[source], plan.places[target]

    def is_free(through: int) -> bool:
        if any((through, each) in blocks for each in range(row + 1, to_row)):
            return False
        return all(last < row or first > to_row or whose == source for first, last, whose in owners[through])

    if to_row > row:
        for through in dict.fromkeys((to_lane, lane)):
            if is_free(through):
                owners[through].append((row + 1, to_row - 1, source))
                return _Way(source, target, through, "lane", through != lane, through != to_lane)
    gutter = to_lane if to_lane > lane or to_lane == lane else to_lane + 1
    return _Way(source, target, gutter, "gutter", True, True)


def _drawn(plan: Arrangement, ways: Sequence[_Way], grid: Grid) -> list[list[Point]]:
    """Give each line a track of its own, so that lines of different sources never lie on one another."""

    def x(lane: int, way: _Way) -> float:
        return grid.middle(lane) if way.kind == "lane" else grid.gutter(lane, 0)

    gaps: defaultdict[tuple[int, str], list[tuple[float, float, int]]] = defaultdict(list)
    gutters: defaultdict[int, list[tuple[float, float, int]]] = defaultdict(list)
    for way in ways:
        (lane, row), (to_lane, to_row) = plan.places[way.source], plan.places[way.target]
        if way.out:
            gaps[row + 1, "out"].append((*_sorted(grid.middle(lane), x(way.at, way)), way.source))
        if way.into:
            gaps[to_row, "in"].append((*_sorted(x(way.at, way), grid.middle(to_lane)), way.source))
        if way.kind == "gutter":
            gutters[way.at].append((*_sorted(row + 1, to_row), way.source))
    tracks = {key: _tracks(lines) for key, lines in [*gaps.items(), *gutters.items()]}
    return [_corners(plan, way, grid, tracks) for way in ways]


def _corners(plan: Arrangement, way: _Way, grid: Grid, tracks: dict[object, dict[int, int]]) -> list[Point]:
    (lane, row), (to_lane, to_row) = plan.places[way.source], plan.places[way.target]
    start, end = grid.middle(lane), grid.middle(to_lane)
    at = grid.middle(way.at) if way.kind == "lane" else grid.gutter(way.at, tracks[way.at][way.source])
    points = [(start, float(grid.tops[row] + HEIGHT))]
    if way.out:
        y = grid.gap(row + 1, "out", tracks[row + 1, "out"][way.source])
        points += [(start, y), (at, y)]
    if way.into:
        y = grid.gap(to_row, "in", tracks[to_row, "in"][way.source])
        points += [(at, y), (end, y)]
    return [*points, (end, float(grid.tops[to_row]))]


def _tracks(lines: Iterable[tuple[float, float, int]]) -> dict[int, int]:
    """A track for each source: the lowest one on which no other source's line overlaps its lines."""
    spans: dict[int, tuple[float, float]] = {}
    for first, last, source in lines:
        before = spans.get(source, (first, last))
        spans[source] = min(first, before[0]), max(last, before[1])
    used: list[list[tuple[float, float]]] = []
    found = {}
    for source, (first, last) in sorted(spans.items(), key=lambda item: (item[1][1] - item[1][0], item[0])):
        track = next((k for k, others in enumerate(used) if all(last <= a or first >= b for a, b in others)), len(used))
        if track == len(used):
            used.append([])
        used[track].append((first, last))
        found[source] = track
    return found


def _sorted(a: float, b: float) -> tuple[float, float]:
    return min(a, b), max(a, b)
