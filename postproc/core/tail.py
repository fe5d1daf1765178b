"""The original's tail, run on its own: frontier maps in, the model's outputs out, seen level by level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from ...errors import Decline
from ...graph.reading import Level
from ...graph.region import extract
from ...graph.session import Session
from .frontier import Frontier

_Array = NDArray[np.float32]
_SEED = 20
_REACH = 3.0  # raw maps are drawn from [-3, 3]: a sigmoid then spans .05 to .95, a size 1/20 to 20 cells


def run_tail(original: ModelProto, frontier: Frontier) -> tuple[dict[str, _Array], dict[str, _Array]]:
    """Run the part of the original behind the frontier on seeded uniform maps, so that no role is blind: every sigmoid
    and every size is exercised over its range, and no two values are alike. Returns (frontier maps, outputs).
    """
    random = np.random.default_rng(_SEED)
    names = list(frontier.convolutions)
    part = extract(original, names, [value.name for value in original.graph.output])
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in part.graph.input}
    feeds = {name: random.uniform(-_REACH, _REACH, shape).astype(np.float32) for name, shape in shapes.items()}
    session = Session(part)
    outputs = session.run({name: feeds[name] for name in session.inputs})
    return {name: feeds[name] for name in names}, {name: outputs[name] for name in session.outputs}


@dataclass(frozen=True, slots=True)
class Observed:
    """One level of the model's output as cells: float32 [h * w, c] in the order box, objectness, classes, others; or
    one such array per head, keyed by the head's tensor, where the model gives each by itself.
    """

    cells: _Array | None
    heads: Mapping[str, _Array]

    def role(self, role: str, level: Level, classes: int) -> _Array | None:
        """What the output shows for a role, float32 [h * w, c]; None where it has no place for it."""
        if self.cells is None:
            return self.heads.get(dict(level.roles)[role])
        window = {"reg": slice(0, 4), "obj": slice(4, 5), "cls": slice(5, 5 + classes)}[role]
        return self.cells[:, window]


def observe(
    outputs: Mapping[str, _Array], frontier: Frontier, grids: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], Observed]:
    """Split the outputs by level: one flat output [1, cells, c], one map [1, c, h, w] a level, or one output a head.

    Declines for any other layout, with the shapes.
    """
    if all(len(names) == 1 for names in frontier.by_output.values()):
        heads = {names[0]: outputs[output] for output, names in frontier.by_output.items()}
        if all(array.ndim == 4 for array in heads.values()):
            cells = {name: _map_to_cells(array) for name, array in heads.items()}
            return {grid: Observed(None, {n: cells[n] for n in cells if frontier.grid(n) == grid}) for grid in grids}
    arrays = list(outputs.values())
    if len(arrays) == 1 and arrays[0].ndim == 3:
        return _split_flat(arrays[0], grids)
    by_grid = {array.shape[2:]: array for array in arrays if array.ndim == 4}
    if len(arrays) == len(grids) and set(by_grid) == set(grids):
        return {grid: Observed(_map_to_cells(by_grid[grid]), {}) for grid in grids}
    shapes = ", ".join(str(list(array.shape)) for array in arrays)
    raise Decline(f"outputs of the shapes {shapes} are neither [1, cells, 5 + classes] nor maps on the heads' grids")


def _split_flat(flat: _Array, grids: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Observed]:
    counts = [h * w for h, w in grids]
    if flat.shape[1] != sum(counts):
        transposed = " (its axes are transposed)" if flat.shape[2] == sum(counts) else ""
        raise Decline(f"the output {list(flat.shape)} does not hold {sum(counts)} cells a row{transposed}")
    ends = np.cumsum(counts)
    return {
        grid: Observed(flat[0, end - count : end], {}) for grid, count, end in zip(grids, counts, ends, strict=True)
    }


def _map_to_cells(array: _Array) -> _Array:
    cells: _Array = array[0].reshape(array.shape[1], -1).T
    return cells
