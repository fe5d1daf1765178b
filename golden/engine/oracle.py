"""The oracle: plain numpy int64, one obvious loop per operator, slow and right. The fast engine is measured by it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from ...targets.arithmetic import Arithmetic
from ..fixed import Codes, cut, exceeds, hold, saturate
from ..program import (
    Addition,
    AveragePool,
    BilinearUpsample,
    Concatenation,
    Convolution,
    Epilogue,
    Layer,
    MaxPool,
    Multiplication,
    NearestUpsample,
    Pad,
    Pads,
    Pair,
    Program,
    Rectify,
    Reshape,
    Slice,
    Table,
    Transpose,
)
from .protocol import Counts, Result


class Oracle:
    """See `Engine`."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._layers = {layer.name: layer for layer in program.layers}

    def run(self, codes: Codes, keep: Collection[str] | None = None) -> Result:
        """All layers in order."""
        maps = {self._program.input.name: np.asarray(codes, np.int64)}
        counts = {}
        for layer in self._program.layers:
            maps[layer.name], counts[layer.name] = self._compute(layer, [maps[name] for name in layer.inputs])
        wanted = self._program.outputs if keep is None else keep
        return Result({name: maps[name] for name in wanted}, counts)

    def run_layer(self, name: str, inputs: Mapping[str, Codes]) -> tuple[Codes, Counts]:
        """One layer alone."""
        layer = self._layers[name]
        return self._compute(layer, [np.asarray(inputs[each], np.int64) for each in layer.inputs])

    def _compute(self, layer: Layer, inputs: Sequence[Codes]) -> tuple[Codes, Counts]:
        operator = layer.operator
        summed = _SUMS.get(type(operator))
        if summed is not None:
            return finish(summed(operator, inputs), operator.epilogue, self._program.arithmetic, layer.format.bits)  # type: ignore[union-attr]
        moved = _MOVES[type(operator)](operator, inputs)
        return moved, Counts(moved.size)


def finish(total: Codes, epilogue: Epilogue, arithmetic: Arithmetic, bits: int) -> tuple[Codes, Counts]:
    """Sums int64 [1, c, h, w] to codes, as `Epilogue` writes it out."""
    width, rounding, overflow = arithmetic.widths[bits], arithmetic.cut_rounding, arithmetic.overflow
    bias = _channels(epilogue.bias)
    if epilogue.first_cut is None:
        biased = total + bias
        accumulator, overflowed = exceeds(biased, width.accumulator_bits), 0
        t = hold(biased, width.accumulator_bits, overflow)
    else:
        accumulator = exceeds(total, width.accumulator_bits)
        biased = cut(hold(total, width.accumulator_bits, overflow), epilogue.first_cut, rounding) + bias
        overflowed = exceeds(biased, width.bias_bits)
        t = hold(biased, width.bias_bits, overflow)
    above = cut(t * _channels(epilogue.multiplier), _channels(epilogue.shift), rounding)
    below = cut(t * _channels(epilogue.negative), _channels(epilogue.negative_shift), rounding)
    scaled = np.where(t >= 0, above, below)
    codes = saturate(scaled, width.code_max)
    return codes, Counts(codes.size, int(np.count_nonzero(codes != scaled)), overflowed, accumulator)


def _channels(values: Codes) -> Codes:
    return values.reshape(1, -1, 1, 1)


def _convolution(op: Convolution, inputs: Sequence[Codes]) -> Codes:
    x = _bordered(inputs[0], op.pads, 0)
    out, _, kh, kw = op.weight.shape
    height, width = _windows(x, (kh, kw), op.stride, op.dilation)
    total = np.zeros((1, out, height, width), np.int64)
    for u in range(kh):
        for v in range(kw):
            tap = _tap(x, (u * op.dilation[0], v * op.dilation[1]), (height, width), op.stride)
            if op.groups == 1:
                total += np.einsum("oi,nihw->nohw", op.weight[:, :, u, v], tap)
            else:
                repeated = np.repeat(tap, out // op.groups, axis=1)  # depthwise: per_group is 1
                total += repeated * op.weight[:, 0, u, v].reshape(1, -1, 1, 1)
    return total


def _addition(op: Addition, inputs: Sequence[Codes]) -> Codes:
    return inputs[0] * _channels(op.left) + inputs[1] * _channels(op.right)


def _multiplication(op: Multiplication, inputs: Sequence[Codes]) -> Codes:
    return inputs[0] * inputs[1]


def _average(op: AveragePool, inputs: Sequence[Codes]) -> Codes:
    height, width = _windows(inputs[0], op.kernel, op.stride, (1, 1))
    taps = (_tap(inputs[0], (u, v), (height, width), op.stride) for u, v in np.ndindex(op.kernel))
    return np.asarray(sum(taps), np.int64)


def _bilinear(op: BilinearUpsample, inputs: Sequence[Codes]) -> Codes:
    x = np.pad(inputs[0], ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    (fh, fw), (kh, kw) = op.factors, op.weight.shape
    _, channels, h, w = x.shape
    total = np.zeros((1, channels, (h - 1) * fh + kh, (w - 1) * fw + kw), np.int64)
    for u in range(kh):
        for v in range(kw):
            total[:, :, u : u + (h - 1) * fh + 1 : fh, v : v + (w - 1) * fw + 1 : fw] += x * op.weight[u, v]
    top, left = op.crop
    return total[:, :, top : top + fh * (h - 2), left : left + fw * (w - 2)]


def _table(op: Table, inputs: Sequence[Codes]) -> Codes:
    return op.entries[inputs[0] + len(op.entries) // 2]


def _rectify(op: Rectify, inputs: Sequence[Codes]) -> Codes:
    return np.maximum(inputs[0], 0)


def _max_pool(op: MaxPool, inputs: Sequence[Codes]) -> Codes:
    x = _bordered(inputs[0], op.pads, np.iinfo(np.int64).min)
    size = _windows(x, op.kernel, op.stride, (1, 1))
    result: Codes = np.maximum.reduce([_tap(x, (u, v), size, op.stride) for u, v in np.ndindex(op.kernel)])
    return result


def _nearest(op: NearestUpsample, inputs: Sequence[Codes]) -> Codes:
    return np.repeat(np.repeat(inputs[0], op.factors[0], axis=2), op.factors[1], axis=3)


def _concatenation(op: Concatenation, inputs: Sequence[Codes]) -> Codes:
    return np.concatenate(inputs, axis=op.axis)


def _pad(op: Pad, inputs: Sequence[Codes]) -> Codes:
    rank = inputs[0].ndim
    border = list(zip(op.pads[:rank], op.pads[rank:], strict=True))
    inner = np.pad(np.ones(inputs[0].shape, np.bool_), border)
    values = op.value.reshape(1, -1, *(1,) * (rank - 2)) if rank > 1 else op.value
    return np.where(inner, np.pad(inputs[0], border), values)


def _slice(op: Slice, inputs: Sequence[Codes]) -> Codes:
    return inputs[0][tuple(map(slice, op.starts, op.ends, op.steps))]


def _reshape(op: Reshape, inputs: Sequence[Codes]) -> Codes:
    return inputs[0].reshape(op.shape)


def _transpose(op: Transpose, inputs: Sequence[Codes]) -> Codes:
    return inputs[0].transpose(op.order)


def _bordered(x: Codes, pads: Pads, value: int) -> Codes:
    top, left, bottom, right = pads
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=value)


def _windows(x: Codes, kernel: Pair, stride: Pair, dilation: Pair) -> Pair:
    """How many windows fit, downwards and to the right."""
    h, w = (
        (side - d * (k - 1) - 1) // s + 1 for side, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True)
    )
    return h, w


def _tap(x: Codes, offset: Pair, size: Pair, stride: Pair) -> Codes:
    """The cell at `offset` of every window."""
    (u, v), (h, w), (sh, sw) = offset, size, stride
    return x[:, :, u : u + (h - 1) * sh + 1 : sh, v : v + (w - 1) * sw + 1 : sw]


_SUMS: Mapping[type, Callable[[Any, Sequence[Codes]], Codes]] = {
    Convolution: _convolution,
    Addition: _addition,
    Multiplication: _multiplication,
    AveragePool: _average,
    BilinearUpsample: _bilinear,
}
_MOVES: Mapping[type, Callable[[Any, Sequence[Codes]], Codes]] = {
    Table: _table,
    Rectify: _rectify,
    MaxPool: _max_pool,
    NearestUpsample: _nearest,
    Concatenation: _concatenation,
    Pad: _pad,
    Slice: _slice,
    Reshape: _reshape,
    Transpose: _transpose,
}
