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
_DRAWS, _ENOUGH_CELLS = 4, 16  # a level of a few cells is drawn several times, so that it has a spread, too
_REACH = 3.0  # raw maps are drawn from [-3, 3]: a sigmoid then spans .05 to .95, a size 1/20 to 20 cells


def run_tail(original: ModelProto, frontier: Frontier) -> tuple[dict[str, _Array], dict[str, _Array]]:
    """Run the part of the original behind the frontier on seeded uniform maps, so that no role is blind: every sigmoid
    and every size is exercised over its range, and no two values are alike.

    Returns (frontier maps [draws, c, h, w], outputs [draws, ...]), by tensor name.
    """
    random = np.random.default_rng(_SEED)
    names = list(frontier.convolutions)
    part = extract(original, names, [value.name for value in original.graph.output])
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in part.graph.input}
    session = Session(part)
    draws = []
    cells = min(frontier.grid(name)[0] * frontier.grid(name)[1] for name in names)
    for _ in range(1 if cells >= _ENOUGH_CELLS else _DRAWS):
        feeds = {
            name: (random.random(shape, dtype=np.float32) * 2 - 1) * np.float32(_REACH)
            for name, shape in shapes.items()
        }
        draws.append(feeds | session.run({name: feeds[name] for name in session.inputs}))
    maps = {name: np.concatenate([draw[name] for draw in draws]) for name in names}
    return maps, {name: np.stack([draw[name] for draw in draws]) for name in session.outputs}


@dataclass(frozen=True, slots=True)
class Observed:
    """One level of the model's output as cells: float32 [draws, h * w, c] in the order box, objectness, classes,
    others; or one such array per head, keyed by the head's tensor, where the model gives each by itself.
    """

    cells: _Array | None
    heads: Mapping[str, _Array]

    def role(self, role: str, level: Level, classes: int) -> _Array | None:
        """What the output shows for a role, float32 [draws, h * w, c]; None where it has no place for it."""
        if self.cells is None:
            return self.heads.get(dict(level.roles)[role])
        window = {"reg": slice(0, 4), "obj": slice(4, 5), "cls": slice(5, 5 + classes)}[role]
        return self.cells[..., window]


def observe(
    outputs: Mapping[str, _Array], frontier: Frontier, grids: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], Observed]:
    """Split the outputs by level: one flat output [1, cells, c], one map [1, c, h, w] a level, or one output a head.

    Declines for any other layout, with the shapes.
    """
    shapes = {name: array.shape[1:] for name, array in outputs.items()}
    if all(shape[0] == 1 for shape in shapes.values() if shape):
        arrays = {name: array[:, 0] for name, array in outputs.items() if shapes[name]}
        if all(array.ndim == 4 for array in arrays.values()) and len(arrays) == len(outputs):
            if all(len(names) == 1 for names in frontier.by_output.values()):
                return _split_heads(arrays, frontier, grids)
            by_grid = {array.shape[2:]: array for array in arrays.values()}
            if len(arrays) == len(grids) and set(by_grid) == set(grids):
                return {grid: Observed(to_cells(by_grid[grid]), {}) for grid in grids}
        if len(outputs) == 1 and all(array.ndim == 3 for array in arrays.values()):
            return _split_flat(next(iter(arrays.values())), grids)
    listed = ", ".join(str(list(shape)) for shape in shapes.values())
    raise Decline(f"outputs of the shapes {listed} are neither [1, cells, 5 + classes] nor maps on the heads' grids")


def _split_heads(
    arrays: Mapping[str, _Array], frontier: Frontier, grids: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], Observed]:
    heads = {names[0]: to_cells(arrays[output]) for output, names in frontier.by_output.items()}
    return {
        grid: Observed(None, {name: heads[name] for name in heads if frontier.grid(name) == grid}) for grid in grids
    }


def _split_flat(flat: _Array, grids: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Observed]:
    counts = [h * w for h, w in grids]
    cells = sum(counts)
    if flat.shape[1] != cells:
        shape = [1, *flat.shape[1:]]
        if flat.shape[2] == cells:
            raise Decline(f"the output {shape} is transposed: its {cells} cells stand on the last axis")
        raise Decline(f"the output {shape} has {flat.shape[1]} rows, where the heads have {cells} cells")
    parts = np.split(flat, np.cumsum(counts)[:-1], axis=1)
    return {grid: Observed(part, {}) for grid, part in zip(grids, parts, strict=True)}


def to_cells(maps: _Array) -> _Array:
    """Maps [n, c, h, w] to cells [n, h * w, c], row by row."""
    n, channels = maps.shape[:2]
    cells: _Array = maps.reshape(n, channels, -1).transpose(0, 2, 1)
    return cells
