"""How much the heads feel of an error at one activation: each replaced alone, on the original's own maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from ...graph.reading import Reading
from ...graph.region import extract
from ...graph.session import Session, with_outputs
from ...rewrites.core.channel_sum import ChannelSum
from ..heads import Heads
from ..progress import Progress

Values = NDArray[np.float32]

_FLOOR = 1e-3  # of weight for a cell in which the original sees nothing
_BOX = 4.0  # an offset of a quarter of a cell moves a box as far as a logit moves a score by a step
_MOST_BYTES = 1 << 29


def damages(
    proto: ModelProto,
    reading: Reading,
    outputs: Mapping[str, tuple[str, ChannelSum]],
    inputs: Sequence[Values],
    progress: Progress,
) -> dict[str, float]:
    """By activation, the mean damage on the inputs (float32 [1, c, h, w]) of the sum put in its place.

    `outputs` gives for the name of each activation's input that of its output, and the sum.
    """
    heads = [value.name for value in proto.graph.output]
    parts = {name: _behind(proto, output, heads) for name, (output, _) in outputs.items()}
    taps = sorted({*heads, *outputs, *(tap for read, _ in parts.values() for tap in read)} - _given(proto))
    whole = Session(with_outputs(proto, taps))
    seen = [{**whole.run({whole.inputs[0]: tensor}), whole.inputs[0]: tensor} for tensor in _few(inputs, proto, taps)]
    found = {}
    for name, (output, chosen) in outputs.items():
        read, reached = parts[name]
        session = Session(extract(proto, [output, *read], reached))
        total = 0.0
        for maps in seen:
            bent = chosen(maps[name].astype(np.float64)).astype(np.float32)
            made = session.run({output: bent, **{tap: maps[tap] for tap in read}})
            total += damage(reading, maps, {**maps, **made})
        found[name] = total / len(seen)
        progress.advance()
    return found


def _given(proto: ModelProto) -> set[str]:
    return {value.name for value in proto.graph.input}


def _few(inputs: Sequence[Values], proto: ModelProto, taps: Sequence[str]) -> Sequence[Values]:
    """As many as memory takes with all these maps, four at most."""
    shapes = {value.name: value.type.tensor_type.shape.dim for value in proto.graph.value_info}
    size = sum(4 * int(np.prod([dim.dim_value for dim in shapes[tap]])) for tap in taps if tap in shapes)
    return inputs[: max(1, min(4, _MOST_BYTES // max(size, 1)))]


def _behind(proto: ModelProto, start: str, heads: Sequence[str]) -> tuple[list[str], list[str]]:
    """What the nodes behind a tensor read besides it and one another, and the heads among their results."""
    stored = {tensor.name for tensor in proto.graph.initializer}
    reached, read = {start}, set[str]()
    for node in proto.graph.node:
        if reached.intersection(node.input):
            reached.update(node.output)
            read.update(name for name in node.input if name and name not in stored)
    return sorted(read - reached), [head for head in heads if head in reached]


def damage(reading: Reading, original: Heads, changed: Heads) -> float:
    """Mean squared differences of logits and offsets, each cell weighted by the original's score in it.

    The heads go by the adapted model's output names.
    """
    total = weight = 0.0
    for level in reading.levels:
        obj, cls = (original[level.output(role)].astype(np.float64) for role in ("obj", "cls"))
        share = 1 / (1 + np.exp(-np.clip(cls, -40, 40)))
        score = share.max(axis=1, keepdims=True) / (1 + np.exp(-np.clip(obj, -40, 40))) + _FLOOR
        d_obj, d_reg, d_cls = (
            np.square(changed[level.output(role)] - original[level.output(role)]) for role in ("obj", "reg", "cls")
        )
        classes = (share * d_cls).sum(axis=1, keepdims=True) / share.sum(axis=1, keepdims=True)
        moved = d_obj + classes + _BOX * d_reg.sum(axis=1, keepdims=True)
        total += float((score * moved).sum())
        weight += float(score.sum())
    return total / weight
