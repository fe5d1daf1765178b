"""YOLOX and ByteTrack: decoupled heads of objectness, box and classes on a grid of cells per stride.

A cell (gx, gy) of stride s says: obj, cls logits; box centre ((r0 + gx) * s, (r1 + gy) * s), size (exp(r2) * s,
exp(r3) * s); score = sigmoid(obj) * sigmoid(cls). Source: YOLOX, Ge et al. 2021, and its published decoder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from ..data.detections import Detections
from ..errors import Decline
from ..graph.model import Model
from ..graph.reading import Level, Reading
from ..graph.walk import static_shape
from .core.choice import choose
from .core.family import Maps
from .core.frontier import Frontier, find_frontier
from .core.proof import Forms, Trial, is_rearranged, shown_as
from .core.tail import Observed, observe, run_tail, to_cells

_Array = NDArray[np.float32]
_Grid = tuple[int, int]


class Yolox:
    """The family object."""

    name = "yolox"

    def recognise(self, model: Model, original: ModelProto) -> Reading:
        """Propose every assignment of roles that the shapes allow, level by level; keep what the tail proves."""
        frontier = find_frontier(model)
        grids = _grids(model, frontier)
        candidates = {grid: _candidates(frontier, stride, grid) for stride, grid in grids}
        maps, outputs = run_tail(original, frontier)
        observed = observe(outputs, frontier, [grid for _, grid in grids])
        chosen = []
        for _, grid in grids:
            trials = [_try(level, maps, observed[grid]) for level in candidates[grid]]
            hidden = all("obj" in trial.missing for trial in trials)
            if hidden and _is_rearranged(candidates, maps, observed):
                raise Decline(
                    "the output shows the heads' values in other cells: scrambled, transposed, or levels out of order"
                )
            chosen.append(choose(frontier, trials))
        return _reading(self.name, frontier, chosen)

    def decode(self, reading: Reading, maps: Maps, score: float) -> Detections:
        """One box a cell, the class of the highest score (the first among equals); strictly above `score`."""
        boxes, scores, classes = [], [], []
        for level in reading.levels:
            raw = {role: to_cells(maps[getattr(level, role)])[0] for role in ("obj", "reg", "cls")}
            objectness = sigmoid(raw["obj"][:, 0])
            kept = np.flatnonzero(objectness > score)  # class scores are at most one
            likely = sigmoid(raw["cls"][kept])
            best = likely.argmax(axis=1)
            product = objectness[kept] * likely[np.arange(len(kept)), best]
            above = product > score
            decoded = decode_boxes(raw["reg"], level.grid, level.stride)[kept][above]
            centre, half = decoded[:, :2], decoded[:, 2:] / 2
            boxes.append(np.concatenate([centre - half, centre + half], axis=1))
            scores.append(product[above])
            classes.append(best[above])
        return Detections(np.concatenate(boxes), np.concatenate(scores), np.concatenate(classes).astype(np.int64))


def sigmoid(x: _Array) -> _Array:
    """1 / (1 + exp(-x)) in float32 without overflow."""
    e = np.exp(-np.abs(x))
    positive: _Array = np.where(x >= 0, np.float32(1), e) / (1 + e)
    return positive


def decode_boxes(raw: _Array, grid: _Grid, stride: int) -> _Array:
    """Raw box numbers float32 [..., cells, 4], cells row by row, to centre x, y, width, height in input pixels."""
    rows, columns = np.divmod(np.arange(grid[0] * grid[1]), grid[1])
    cell = np.stack([columns, rows], axis=1).astype(np.float32)
    size = np.exp(np.minimum(raw[..., 2:], np.float32(80)))
    return np.concatenate([raw[..., :2] + cell, size], axis=-1) * np.float32(stride)


def _grids(model: Model, frontier: Frontier) -> list[tuple[int, _Grid]]:
    """(stride, grid) of each level, strides ascending."""
    if len(model.inputs) != 1:
        raise Decline(f"{len(model.inputs)} inputs, where a detector has one image")
    shape = static_shape(model.inputs[0])
    if len(shape) != 4:
        raise Decline(f"the input has the shape {shape}, no image")
    levels: dict[int, _Grid] = {}
    for name in frontier.convolutions:
        h, w = frontier.grid(name)
        stride = shape[2] // max(h, 1)
        if stride * h != shape[2] or stride * w != shape[3]:
            raise Decline(f"the last map {name} of {h}x{w} cells is no grid over an image of {shape[2]}x{shape[3]}")
        levels[stride] = (h, w)
    if not levels:
        raise Decline("no convolution stands before the outputs")
    return sorted(levels.items())


def _candidates(frontier: Frontier, stride: int, grid: _Grid) -> list[Level]:
    """Every assignment that the channel counts allow; declines where there is none."""
    names = [name for name in frontier.convolutions if frontier.grid(name) == grid]
    found = []
    for reg in (n for n in names if frontier.channels(n) == 4):
        for obj in (n for n in names if frontier.channels(n) == 1):
            for cls in (n for n in names if n not in (reg, obj)):
                others = [n for n in names if n not in (reg, obj, cls)]
                extra = tuple((f"extra{i}" if i > 1 else "extra", n) for i, n in enumerate(others, 1))
                found.append(Level(stride, grid, obj, reg, cls, extra))
    if not found:
        channels = ", ".join(map(str, sorted(frontier.channels(name) for name in names)))
        raise Decline(f"stride {stride}: maps of {channels} channels are no objectness (1), box (4) and classes")
    return found


def _forms(level: Level, maps: Maps) -> dict[str, Forms]:
    """Each role as cells: raw, and as a tail gives it."""
    obj, reg, cls = (to_cells(maps[name]) for name in (level.obj, level.reg, level.cls))
    decoded = decode_boxes(reg, level.grid, level.stride)
    return {"reg": (reg, decoded), "obj": (obj, sigmoid(obj)), "cls": (cls, sigmoid(cls))}


def _try(level: Level, maps: Maps, observed: Observed) -> Trial:
    """Compare each role by itself, against its own spread."""
    classes = maps[level.cls].shape[1]
    shown = {role: shown_as(observed.role(role, level, classes), forms) for role, forms in _forms(level, maps).items()}
    return Trial(level, shown)


def _is_rearranged(candidates: Mapping[_Grid, Sequence[Level]], maps: Maps, observed: Mapping[_Grid, Observed]) -> bool:
    """Whether the output shows some reading's objectness, over all levels, in other cells."""
    for levels in zip(*candidates.values(), strict=False):
        actual = [observed[level.grid].role("obj", level, 0) for level in levels]
        there = [array for array in actual if array is not None]
        forms = zip(*(_forms(level, maps)["obj"] for level in levels), strict=True)
        if len(there) == len(levels) and any(is_rearranged(there, form) for form in forms):
            return True
    return False


def _reading(family: str, frontier: Frontier, chosen: Sequence[Trial]) -> Reading:
    """The levels' common reading; declines where they do not agree."""
    sigmoids = {trial.shown["obj"].inside for trial in chosen}
    decodes = {trial.shown["reg"].inside for trial in chosen}
    if len(sigmoids) > 1 or len(decodes) > 1:
        raise Decline("the levels disagree on whether sigmoid and decode are inside the graph")
    classes = {frontier.channels(trial.level.cls) for trial in chosen}
    if len(classes) > 1:
        raise Decline(f"the levels have different class counts: {', '.join(map(str, sorted(classes)))}")
    error = max(shown.largest for trial in chosen for shown in trial.shown.values())
    levels = tuple(trial.level for trial in chosen)
    return Reading(family, levels, classes.pop(), sigmoids.pop(), decodes.pop(), error)


FAMILY = Yolox()
