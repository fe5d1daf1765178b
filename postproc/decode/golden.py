"""Golden vectors: a few cells of a real picture's heads, and the boxes that the reference finds in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .exponential import score_of
from .records import Maps, cells_of
from .reference import Decoded, reference_codes, reference_floats
from .values import COORDINATE_CHANNELS, ROLES, DecodeOptions, DecodeValues

MOST_CELLS = 48
LEAST_CANDIDATES = 8  # fewer above the model's own threshold: the vectors have a lower one


@dataclass(frozen=True, slots=True)
class GoldenCell:
    """One cell of a level and its numbers, codes or floats: objectness, four of the box, the classes."""

    level: int
    x: int
    y: int
    numbers: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class GoldenBox:
    """One detection that is expected; corners in pixels of the input."""

    corners: tuple[float, ...]
    score: float
    class_id: int
    anchor: int


@dataclass(frozen=True, slots=True)
class Vectors:
    """Some cells, and the detections expected of them above `score`, best first. In all other cells every code is
    lowest, every float minus infinity.
    """

    cells: tuple[GoldenCell, ...]
    score: float
    expected: tuple[GoldenBox, ...]


@dataclass(frozen=True, slots=True)
class Golden:
    """What the self-test compares: integer maps and records (None where there are none), and float maps."""

    codes: Vectors | None
    floats: Vectors


def golden_of(values: DecodeValues, heads: Maps) -> Golden:
    """From the heads of one picture, [1, c, h, w] by output name: codes where all of them are integers, else floats.

    The cells of the highest objectness are kept, `MOST_CELLS` in all, the earlier anchor first among equals.
    """
    integer = all(np.issubdtype(array.dtype, np.integer) for array in heads.values())
    cells = _best_cells(values, heads, integer)
    if not integer:
        return Golden(None, _vectors(values, cells, min(values.score, _attained(cells)), -np.inf))
    floats = tuple(GoldenCell(c.level, c.x, c.y, _dequantised(values, c)) for c in cells)
    score = min(values.score, _attained(floats))
    codes = _vectors(values, cells, max(score, _background(values)), None)
    return Golden(codes, _vectors(values, floats, score, -np.inf))


def _best_cells(values: DecodeValues, heads: Maps, integer: bool) -> tuple[GoldenCell, ...]:
    levels = cells_of(values, heads)
    scales = [parts.obj.normratio for parts in values.quantised.levels] if integer else [1.0] * len(levels)
    logits = np.concatenate([cells.obj.astype(np.float64) * scale for cells, scale in zip(levels, scales, strict=True)])
    owners = np.repeat(np.arange(len(levels)), [len(cells.obj) for cells in levels])
    found = []
    for anchor in np.argsort(-logits, kind="stable")[:MOST_CELLS].tolist():
        level = int(owners[anchor])
        cells, row = levels[level], anchor - values.first_anchors[level]
        numbers = np.concatenate([cells.obj[row : row + 1], cells.reg[row], cells.cls[row]])
        kept = numbers if integer else numbers.astype(np.float32)
        found.append(GoldenCell(level, int(cells.x[row]), int(cells.y[row]), tuple(kept.tolist())))
    return tuple(found)


def _vectors(values: DecodeValues, cells: Sequence[GoldenCell], score: float, fill: float | None) -> Vectors:
    """What the reference finds; `fill` stands in all other cells, None: the lowest code."""
    options = DecodeOptions(score, values.iou)
    maps = _maps(values, cells, fill)
    decoded = reference_codes(values, maps, options) if fill is None else reference_floats(values, maps, options)
    return Vectors(tuple(cells), float(np.float32(score)), tuple(_boxes(decoded)))


def _maps(values: DecodeValues, cells: Sequence[GoldenCell], fill: float | None) -> Maps:
    maps: dict[str, NDArray[Any]] = {}
    for level, (grid, names) in enumerate(zip(values.levels, values.outputs(), strict=True)):
        for role, name, channels in zip(ROLES, names, (1, COORDINATE_CHANNELS, values.classes), strict=True):
            shape = (1, channels, *grid.cells)
            if fill is None:
                maps[name] = np.full(shape, -dict(values.quantised.levels[level])[role].largest, np.int32)
            else:
                maps[name] = np.full(shape, fill, np.float32)
    for cell in cells:
        parts = np.split(np.array(cell.numbers), [1, 1 + COORDINATE_CHANNELS])
        for name, part in zip(values.outputs()[cell.level], parts, strict=True):
            maps[name][0, :, cell.y, cell.x] = part
    return maps


def _boxes(decoded: Decoded) -> list[GoldenBox]:
    found = decoded.detections
    rows = zip(
        found.boxes.tolist(), found.scores.tolist(), found.classes.tolist(), decoded.anchors.tolist(), strict=True
    )
    return [GoldenBox(tuple(box), score, number, anchor) for box, score, number, anchor in rows]


def _dequantised(values: DecodeValues, cell: GoldenCell) -> tuple[float, ...]:
    codes = np.array(cell.numbers, np.float32)
    ratios = [part.normratio for _, part in values.quantised.levels[cell.level]]
    scale = np.repeat(np.array(ratios, np.float32), (1, COORDINATE_CHANNELS, values.classes))
    return tuple((codes * scale).tolist())


def _attained(cells: Sequence[GoldenCell]) -> float:
    """A score that LEAST_CANDIDATES cells exceed, or as many as there are."""
    numbers = np.array([cell.numbers for cell in cells])
    scores = np.sort(score_of(numbers[:, 0]) * score_of(numbers[:, 1 + COORDINATE_CHANNELS :].max(axis=1)))[::-1]
    return float(scores[min(LEAST_CANDIDATES, len(scores)) - 1]) / 2


def _background(values: DecodeValues) -> float:
    """The highest score of a cell in which all codes are lowest: the vectors' threshold, so that none is found."""
    scores = []
    for parts in values.quantised.levels:
        obj, cls = (score_of(np.array(-part.largest * part.normratio)) for part in (parts.obj, parts.cls))
        scores.append(float(obj * cls))
    return max(scores)
