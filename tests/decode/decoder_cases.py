"""Models small enough to be looked at whole, and random heads and records for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icraft_adapt.postproc.decode.records import Cells, Records, write_records
from icraft_adapt.postproc.decode.values import DecodeValues, Grid, IntegerHeads, Part, Parts
from icraft_adapt.targets.types import RecordPadding

PADDING = {8: RecordPadding(64, 8), 16: RecordPadding(32, 4)}
INPUT = (64, 96)
Maps = dict[str, NDArray[Any]]


def part(reach: float, bits: int, channels: int) -> Part:
    """A tensor whose greatest code stands for `reach`."""
    return Part(reach / ((1 << (bits - 1)) - 1), bits, channels)


def parts(level: int, classes: int, bits: tuple[int, int, int]) -> Parts:
    """Three tensors, of other normratios on each level."""
    reaches = (8.0 + level, 3.0 + 0.5 * level, 10.0 - level)
    made = (part(r, b, c) for r, b, c in zip(reaches, bits, (1, 4, classes), strict=True))
    return Parts(*made)


def model(
    classes: int = 3,
    bits: int | tuple[int, int, int] = 8,
    name: str = "small",
    input_hw: tuple[int, int] = INPUT,
    strides: Sequence[int] = (8, 16, 32),
    **others: Any,  # noqa: ANN401
) -> DecodeValues:
    """A model in integers of one width (then with a threshold filter), or of a width for obj, reg and cls."""
    widths = (bits, bits, bits) if isinstance(bits, int) else bits
    padding = PADDING[bits] if isinstance(bits, int) else None
    integer = IntegerHeads(tuple(parts(i, classes, widths) for i in range(len(strides))), 0.1, padding)
    grids = tuple(Grid(s, (input_hw[0] // s, input_hw[1] // s)) for s in strides)
    provenance = ("made for a test",)
    values = DecodeValues(name, grids, classes, input_hw, 0.25, 0.45, provenance, integer=integer)
    return replace(values, **others)


def code_maps(values: DecodeValues, random: np.random.Generator, spread: float = 0.5) -> Maps:
    """Random integer heads [1, c, h, w]: normal, `spread` of the range wide, with extremes and ties among them."""
    maps = {}
    for names, grid, level in zip(values.outputs(), values.levels, values.quantised.levels, strict=True):
        for name, (_, each) in zip(names, level, strict=True):
            maps[name] = codes(random, each, (1, each.channels, *grid.cells), spread)
    return maps


def codes(random: np.random.Generator, each: Part, shape: tuple[int, ...], spread: float = 0.5) -> NDArray[np.int64]:
    """Random codes; one in eight is an extreme, zero, or one code below the least that a byte should hold."""
    normal = random.normal(0, spread * each.largest, shape)
    rounded = (normal.round() if each.bits == 8 else (normal / 500).round() * 500).astype(np.int64)
    rounded = rounded.clip(-each.largest, each.largest)
    extremes = np.array([-each.largest - 1, -each.largest, 0, each.largest])
    return np.where(random.random(shape) < 0.125, random.choice(extremes, shape), rounded)


def float_maps(values: DecodeValues, random: np.random.Generator, spread: float = 3.0) -> Maps:
    """Random float heads [1, c, h, w]; logits are spaced so that none is equal to another by chance."""
    maps = {}
    for names, grid in zip(values.outputs(), values.levels, strict=True):
        for name, channels in zip(names, (1, 4, values.classes), strict=True):
            maps[name] = random.normal(0, spread, (1, channels, *grid.cells)).astype(np.float32)
    return maps


def dequantised(values: DecodeValues, maps: Mapping[str, NDArray[Any]]) -> Maps:
    """Integer heads as floats."""
    found = {}
    for names, level in zip(values.outputs(), values.quantised.levels, strict=True):
        for name, (_, each) in zip(names, level, strict=True):
            found[name] = maps[name].astype(np.float32) * np.float32(each.normratio)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Many record sets: for each level the cells of all sets, and where each set's begin, int64 [sets + 1]."""

    cells: list[Cells]
    starts: list[NDArray[np.int64]]

    def records(self, values: DecodeValues) -> list[list[Records]]:
        """For each set its records, level by level."""
        packed = [write_records(values.record, cells) for cells in self.cells]
        sets = range(len(self.starts[0]) - 1)
        levels = list(zip(packed, self.starts, strict=True))
        return [[rows[starts[i] : starts[i + 1]] for rows, starts in levels] for i in sets]


def random_batch(values: DecodeValues, sets: int, random: np.random.Generator, most: int = 6) -> Batch:
    """`sets` sets of up to `most` records a level, in no order, some of them of one cell."""
    cells, starts = [], []
    for grid, level in zip(values.levels, values.quantised.levels, strict=True):
        counts = random.integers(0, min(most, grid.count) + 1, sets)
        n = int(counts.sum())
        h, w = grid.cells
        numbers = [codes(random, each, (n, each.channels)) for _, each in level]
        numbers[0] = np.abs(numbers[0]).clip(0, level.obj.largest)
        place = random.integers(0, w, n), random.integers(0, h, n)
        cells.append(Cells(*place, numbers[0][:, 0], numbers[1], numbers[2]))
        starts.append(np.concatenate([[0], np.cumsum(counts)]))
    return Batch(cells, starts)
