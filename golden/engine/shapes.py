"""The shape of the map that an operator gives, from those of the maps that it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..program import (
    Addition,
    AveragePool,
    BilinearUpsample,
    Concatenation,
    Convolution,
    MaxPool,
    Multiplication,
    NearestUpsample,
    Operator,
    Pad,
    Pair,
    Rectify,
    Reshape,
    Slice,
    Table,
    Transpose,
)

Shape = tuple[int, ...]


def output_shape(operator: Operator, inputs: Sequence[Shape]) -> Shape:
    """The shape of the operator's map; Python integers."""
    return _SHAPES[type(operator)](operator, inputs)


def windows(sides: Sequence[int], kernel: Pair, stride: Pair, dilation: Pair) -> Pair:
    """How many windows fit into `sides` (padding included), downwards and to the right."""
    h, w = ((side - d * (k - 1) - 1) // s + 1 for side, k, s, d in zip(sides, kernel, stride, dilation, strict=True))
    return h, w


def _convolution(op: Convolution, inputs: Sequence[Shape]) -> Shape:
    n, _, h, w = inputs[0]
    top, left, bottom, right = op.pads
    out, _, kh, kw = op.weight.shape
    return n, out, *windows((h + top + bottom, w + left + right), (kh, kw), op.stride, op.dilation)


def _max_pool(op: MaxPool, inputs: Sequence[Shape]) -> Shape:
    n, c, h, w = inputs[0]
    top, left, bottom, right = op.pads
    return n, c, *windows((h + top + bottom, w + left + right), op.kernel, op.stride, (1, 1))


def _average(op: AveragePool, inputs: Sequence[Shape]) -> Shape:
    return *inputs[0][:2], *windows(inputs[0][2:], op.kernel, op.stride, (1, 1))


def _upsample(op: BilinearUpsample | NearestUpsample, inputs: Sequence[Shape]) -> Shape:
    n, c, h, w = inputs[0]
    return n, c, h * op.factors[0], w * op.factors[1]


def _broadcast(_: object, inputs: Sequence[Shape]) -> Shape:
    return np.broadcast_shapes(*inputs)


def _same(_: object, inputs: Sequence[Shape]) -> Shape:
    return inputs[0]


def _concatenation(op: Concatenation, inputs: Sequence[Shape]) -> Shape:
    axis = op.axis % len(inputs[0])
    return *inputs[0][:axis], sum(shape[axis] for shape in inputs), *inputs[0][axis + 1 :]


def _pad(op: Pad, inputs: Sequence[Shape]) -> Shape:
    rank = len(inputs[0])
    return tuple(a + n + b for a, n, b in zip(op.pads[:rank], inputs[0], op.pads[rank:], strict=True))


def _slice(op: Slice, inputs: Sequence[Shape]) -> Shape:
    bounds = zip(inputs[0], op.starts, op.ends, op.steps, strict=True)
    return tuple(len(range(*slice(start, end, step).indices(side))) for side, start, end, step in bounds)


def _reshape(op: Reshape, inputs: Sequence[Shape]) -> Shape:
    """As written; one -1 stands for what is left."""
    known = -int(np.prod(op.shape)) if -1 in op.shape else 1
    return tuple(int(np.prod(inputs[0])) // known if side == -1 else side for side in op.shape)


def _transpose(op: Transpose, inputs: Sequence[Shape]) -> Shape:
    return tuple(inputs[0][axis] for axis in op.order)


_SHAPES: Mapping[type, Callable[[Any, Sequence[Shape]], Shape]] = {
    Convolution: _convolution,
    Addition: _broadcast,
    Multiplication: _broadcast,
    AveragePool: _average,
    BilinearUpsample: _upsample,
    Table: _same,
    Rectify: _same,
    MaxPool: _max_pool,
    NearestUpsample: _upsample,
    Concatenation: _concatenation,
    Pad: _pad,
    Slice: _slice,
    Reshape: _reshape,
    Transpose: _transpose,
}
