"""The records of the hardware threshold filter: made from integer maps as the hardware would, and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .values import COORDINATE_CHANNELS, DecodeValues, RecordFormat

Maps = Mapping[str, NDArray[Any]]
Records = NDArray[np.signedinteger[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Some cells of one level: their places x, y int64 [n] and their codes or floats, obj [n], reg [n, 4],
    cls [n, classes].
    """

    x: NDArray[np.int64]
    y: NDArray[np.int64]
    obj: NDArray[Any]
    reg: NDArray[Any]
    cls: NDArray[Any]

    def select(self, rows: NDArray[Any]) -> Cells:
        """The cells named by an index or a mask, in its order."""
        return Cells(self.x[rows], self.y[rows], self.obj[rows], self.reg[rows], self.cls[rows])


def cells_of(values: DecodeValues, maps: Maps) -> list[Cells]:
    """Every cell of each level, row by row, from maps [1, c, h, w] by the adapted model's output names.

    Raises ValueError for a map of another shape.
    """
    found = []
    for grid, names in zip(values.levels, values.outputs(), strict=True):
        h, w = grid.cells
        for name, channels in zip(names, (1, COORDINATE_CHANNELS, values.classes), strict=True):
            if maps[name].shape != (1, channels, h, w):
                raise ValueError(f"{name} has the shape {maps[name].shape}, not {(1, channels, h, w)}")
        obj, reg, cls = (maps[name][0].reshape(-1, h * w).T for name in names)
        y, x = np.divmod(np.arange(h * w), w)
        found.append(Cells(x, y, obj[:, 0], reg, cls))
    return found


def pack_records(values: DecodeValues, maps: Maps) -> tuple[Records, ...]:
    """What the filter gives for raw integer maps [1, c, h, w]: for each level int8 or int16 [count, length], the cells
    whose objectness code is strictly greater than the filter's threshold, row by row.

    The hardware promises no order of records. Raises ValueError without a filter, and for codes that the maps' width
    can't hold.
    """
    layout = values.record
    found = zip(cells_of(values, maps), values.quantised.filter_codes(), strict=True)
    return tuple(write_records(layout, cells.select(cells.obj > limit)) for cells, limit in found)


def write_records(layout: RecordFormat, cells: Cells) -> Records:
    """One record for each cell, [n, length]; padding is zero. Raises ValueError for codes too wide."""
    dtype = np.dtype(f"<i{layout.bits // 8}")
    records = np.zeros((len(cells.x), layout.length), dtype)
    for offset, part in zip(layout.offsets, (cells.obj[:, None], cells.reg, cells.cls), strict=True):
        if part.size and (part.min() < np.iinfo(dtype).min or part.max() > np.iinfo(dtype).max):
            raise ValueError(f"codes from {part.min()} to {part.max()} in {layout.bits} bits")
        records[:, offset : offset + part.shape[1]] = part
    trailer = np.zeros((len(cells.x), 4), "<u2")
    trailer[:, 1], trailer[:, 2] = cells.x, cells.y
    records[:, layout.length - 8 * 8 // layout.bits :] = trailer.view(dtype)
    return records


def read_records(layout: RecordFormat, records: Records) -> Cells:
    """The cells that records [n, length] (or the runtime's [1, 1, n, length]) speak of, codes as int64."""
    rows = np.ascontiguousarray(records, f"<i{layout.bits // 8}").reshape(-1, layout.length)
    trailer = np.ascontiguousarray(rows[:, layout.length - 8 * 8 // layout.bits :]).view("<u2").astype(np.int64)
    obj, reg, cls = (
        rows[:, offset : offset + channels].astype(np.int64)
        for offset, channels in zip(layout.offsets, (1, COORDINATE_CHANNELS, layout.classes), strict=True)
    )
    return Cells(trailer[:, 1], trailer[:, 2], obj[:, 0], reg, cls)


def cells_of_records(values: DecodeValues, records: Sequence[Records]) -> list[Cells]:
    """What the records of each level say."""
    return [read_records(values.record, level) for level in records]
