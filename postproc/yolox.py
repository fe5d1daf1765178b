"""YOLOX and ByteTrack: decoupled heads of objectness, box and classes on a grid of cells per stride.

A cell (gx, gy) of stride s says: obj, cls logits; box centre ((r0 + gx) * s, (r1 + gy) * s), size (exp(r2) * s,
exp(r3) * s); score = sigmoid(obj) * sigmoid(cls). Source: YOLOX, Ge et al. 2021, and its published decoder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from ..data.detections import Detections
from ..errors import Decline
from ..graph.model import Model
from ..graph.reading import Level, Reading
from ..graph.walk import static_shape
from .core.family import Maps
from .core.frontier import Frontier, find_frontier
from .core.tail import Observed, observe, run_tail

_TOLERANCE = 1e-4  # of the role's spread over the map
_Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Proof:
    """How a level's roles appear in the model's output: through a sigmoid, decoded, and the largest difference."""

    sigmoid: bool
    decoded: bool
    error: float


class Yolox:
    """The family object."""

    name = "yolox"

    def recognise(self, model: Model, original: ModelProto) -> Reading:
        """Propose every assignment of roles that the shapes allow, level by level; keep what the tail proves."""
        frontier = find_frontier(model)
        grids = _grids(model, frontier)
        maps, outputs = run_tail(original, frontier)
        observed = observe(outputs, frontier, [grid for _, grid in grids])
        levels, proofs = [], []
        for stride, grid in grids:
            level, proof = _prove_level(frontier, stride, grid, maps, observed[grid])
            levels.append(level)
            proofs.append(proof)
        first = proofs[0]
        if any((p.sigmoid, p.decoded) != (first.sigmoid, first.decoded) for p in proofs):
            raise Decline("the levels disagree on whether sigmoid and decode are inside the graph")
        classes = {frontier.channels(level.cls) for level in levels}
        if len(classes) != 1:
            raise Decline(f"the levels have different class counts: {sorted(classes)}")
        error = max(proof.error for proof in proofs)
        return Reading(self.name, tuple(levels), classes.pop(), first.sigmoid, first.decoded, error)

    def decode(self, reading: Reading, maps: Maps, score: float) -> Detections:
        """One box a cell, the class of the highest score (the first among equals); strictly above `score`."""
        boxes, scores, classes = [], [], []
        for level in reading.levels:
            objectness = sigmoid(_cells(maps[level.obj])[:, 0])
            kept = np.flatnonzero(objectness > score)  # class scores are at most one
            likely = sigmoid(_cells(maps[level.cls])[kept])
            best = likely.argmax(axis=1)
            product = objectness[kept] * likely[np.arange(len(kept)), best]
            above = product > score
            decoded = decode_boxes(_cells(maps[level.reg]), level.grid, level.stride)[kept][above]
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


def decode_boxes(raw: _Array, grid: tuple[int, int], stride: int) -> _Array:
    """Raw box numbers float32 [cells, 4], cells row by row, to centre x, y, width, height in input pixels."""
    rows, columns = np.divmod(np.arange(grid[0] * grid[1]), grid[1])
    cell = np.stack([columns, rows], axis=1).astype(np.float32)
    size = np.exp(np.minimum(raw[:, 2:], np.float32(80)))
    return np.concatenate([raw[:, :2] + cell, size], axis=1) * np.float32(stride)


def _cells(maps: _Array) -> _Array:
    """[1, c, h, w] to [h * w, c]."""
    cells: _Array = maps[0].reshape(maps.shape[1], -1).T
    return cells


def _grids(model: Model, frontier: Frontier) -> list[tuple[int, tuple[int, int]]]:
    """(stride, grid) of each level, strides ascending."""
    if len(model.inputs) != 1:
        raise Decline(f"{len(model.inputs)} inputs, where a detector has one image")
    shape = static_shape(model.inputs[0])
    if len(shape) != 4:
        raise Decline(f"the input has the shape {shape}, no image")
    levels: dict[int, tuple[int, int]] = {}
    for name in frontier.convolutions:
        h, w = frontier.grid(name)
        stride = shape[2] // max(h, 1)
        if stride * h != shape[2] or stride * w != shape[3]:
            raise Decline(f"the head {name} of {h}x{w} cells does not divide the input of {shape[2]}x{shape[3]}")
        if levels.setdefault(stride, (h, w)) != (h, w):
            raise Decline(f"two grids of stride {stride}")
    if not levels:
        raise Decline("no convolution stands before the outputs")
    return sorted(levels.items())


def _candidates(frontier: Frontier, stride: int, grid: tuple[int, int]) -> list[Level]:
    """Every assignment that the channel counts allow; declines where there is none."""
    names = [name for name in frontier.convolutions if frontier.grid(name) == grid]
    found = []
    for reg in (n for n in names if frontier.channels(n) == 4):
        for obj in (n for n in names if frontier.channels(n) == 1 and n != reg):
            for cls in (n for n in names if n not in (reg, obj)):
                others = [n for n in names if n not in (reg, obj, cls)]
                extra = tuple((f"extra{i}" if i else "extra", n) for i, n in enumerate(others))
                found.append(Level(stride, grid, obj, reg, cls, extra))
    if not found:
        channels = sorted(frontier.channels(name) for name in names)
        raise Decline(f"stride {stride}: maps of {channels} channels are no objectness (1), box (4) and classes")
    return found


def _prove_level(
    frontier: Frontier, stride: int, grid: tuple[int, int], maps: Maps, observed: Observed
) -> tuple[Level, _Proof]:
    """The one candidate that explains the level's part of the output and that provenance does not contradict."""
    proven, closest = [], np.inf
    for level in _candidates(frontier, stride, grid):
        proof, error = _prove(level, maps, observed)
        closest = min(closest, error)
        if proof is not None:
            proven.append((level, proof))
    if not proven:
        raise Decline(
            f"stride {stride}: no reading explains the output; the closest is off by {closest:.3g} of a role's spread"
            " (scrambled or transposed?)"
        )
    kept = [(level, proof) for level, proof in proven if not _contradicts_provenance(frontier, level)]
    if len(kept) != 1:
        why = f"{len(kept)} readings explain the output" if kept else "objectness does not come from the box branch"
        raise Decline(f"stride {stride}: {why}")
    return kept[0]


def _contradicts_provenance(frontier: Frontier, level: Level) -> bool:
    """Objectness and box come from one branch, classes from another."""
    box = frontier.source(level.reg)
    return frontier.source(level.obj) != box and frontier.source(level.cls) == box


def _prove(level: Level, maps: Maps, observed: Observed) -> tuple[_Proof | None, float]:
    """Compare each role by itself, against its own spread; also the error of the closest form where none holds."""
    raw = {role: _cells(maps[name]) for role, name in level.roles}
    decoded = decode_boxes(raw["reg"], level.grid, level.stride)
    forms = {
        "reg": {False: raw["reg"], True: decoded},
        "obj": {False: raw["obj"], True: sigmoid(raw["obj"])},
        "cls": {False: raw["cls"], True: sigmoid(raw["cls"])},
    }
    shown, largest, worst = {}, 0.0, 0.0
    for role, choices in forms.items():
        actual = observed.role(role, level, raw["cls"].shape[1])
        errors = {inside: relative_error(actual, expected) for inside, expected in choices.items()}
        inside = min(errors, key=lambda key: errors[key])
        worst = max(worst, errors[inside])
        if actual is not None and errors[inside] <= _TOLERANCE:
            shown[role] = inside
            largest = max(largest, float(np.abs(actual - choices[inside]).max()))
    if len(shown) < len(forms) or shown["obj"] != shown["cls"]:
        return None, worst
    return _Proof(shown["obj"], shown["reg"], largest), worst


def relative_error(actual: _Array | None, expected: _Array) -> float:
    """Largest difference over the spread, each channel against its own; infinite where the shapes differ."""
    if actual is None or actual.shape != expected.shape:
        return float("inf")
    spread = np.maximum(expected.max(axis=0) - expected.min(axis=0), 1e-2)
    return float((np.abs(actual - expected).max(axis=0) / spread).max())


FAMILY = Yolox()
