"""Layers in plain Python integers, one cell at a time: written from the definitions, not from the oracle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from icraft_adapt.golden.engine.protocol import Counts
from icraft_adapt.golden.fixed import Codes
from icraft_adapt.golden.program import (
    Addition,
    AveragePool,
    BilinearUpsample,
    Convolution,
    Epilogue,
    Multiplication,
)
from icraft_adapt.targets.arithmetic import Arithmetic

Summing = Convolution | Addition | Multiplication | AveragePool | BilinearUpsample
Cells = Callable[[int, int, int], int]  # channel, y, x to the code there, 0 outside


def scalar_layer(
    operator: Summing, inputs: Sequence[Codes], shape: Sequence[int], arithmetic: Arithmetic, bits: int
) -> tuple[list[int], Counts]:
    """The codes of a map of this shape [1, c, h, w], in C order, and the counts."""
    maps = [_cells(each) for each in inputs]
    codes, counts = [], Counts(0)
    for c, y, x in product(*map(range, shape[1:])):
        total = _SUMS[type(operator)](operator, maps, inputs, c, y, x)
        code, seen = _code(total, operator.epilogue, c, arithmetic, bits)
        codes.append(code)
        counts += seen
    return codes, counts


def _cells(codes: Codes) -> Cells:
    plane = codes[0].tolist()
    channels, height, width = codes.shape[1:]

    def at(c: int, y: int, x: int) -> int:
        inside = 0 <= c < channels and 0 <= y < height and 0 <= x < width
        return int(plane[c][y][x]) if inside else 0

    return at


def _code(total: int, epilogue: Epilogue, c: int, arithmetic: Arithmetic, bits: int) -> tuple[int, Counts]:
    width, rounding = arithmetic.widths[bits], arithmetic.cut_rounding
    bias, m, n = (int(each[c]) for each in (epilogue.bias, epilogue.multiplier, epilogue.shift))
    if epilogue.first_cut is None:
        t, accumulator = _register(total + bias, width.accumulator_bits, arithmetic.overflow)
        overflowed = False
    else:
        held, accumulator = _register(total, width.accumulator_bits, arithmetic.overflow)
        t, overflowed = _register(
            _shifted(held, epilogue.first_cut, rounding) + bias, width.bias_bits, arithmetic.overflow
        )
    if t < 0:
        m, n = int(epilogue.negative[c]), int(epilogue.negative_shift[c])
    y = _shifted(t * m, n, rounding)
    code = sorted((-width.code_max, y, width.code_max))[1]
    return code, Counts(1, int(code != y), int(overflowed), int(accumulator))


def _register(x: int, bits: int, overflow: str) -> tuple[int, bool]:
    span = 1 << bits
    if -span // 2 <= x < span // 2:
        return x, False
    if overflow == "wrap":
        rest = x % span
        return (rest - span if rest >= span // 2 else rest), True
    return (span // 2 - 1 if x > 0 else -span // 2), True


def _shifted(x: int, shift: int, rounding: str) -> int:
    whole, rest = divmod(x, 1 << shift)
    if rounding == "floor" or 2 * rest < 1 << shift:
        return whole
    return whole if rounding == "half_away" and 2 * rest == 1 << shift and x < 0 else whole + 1


def _convolution(op: Convolution, maps: Sequence[Cells], inputs: Sequence[Codes], c: int, y: int, x: int) -> int:
    (sy, sx), (top, left, _, _), (dy, dx) = op.stride, op.pads, op.dilation
    _, depth, height, width = op.weight.shape
    each = len(op.weight) // op.groups
    kernel = op.weight[c].tolist()
    return sum(
        kernel[i][u][v] * maps[0](c // each * depth + i, y * sy + u * dy - top, x * sx + v * dx - left)
        for i, u, v in product(range(depth), range(height), range(width))
    )


def _addition(op: Addition, maps: Sequence[Cells], inputs: Sequence[Codes], c: int, y: int, x: int) -> int:
    return int(op.left[c]) * maps[0](c, y, x) + int(op.right[c]) * maps[1](c, y, x)


def _multiplication(op: Multiplication, maps: Sequence[Cells], inputs: Sequence[Codes], c: int, y: int, x: int) -> int:
    return maps[0](c, y, x) * maps[1](c, y, x)


def _average(op: AveragePool, maps: Sequence[Cells], inputs: Sequence[Codes], c: int, y: int, x: int) -> int:
    window = product(range(op.kernel[0]), range(op.kernel[1]))
    return sum(maps[0](c, y * op.stride[0] + u, x * op.stride[1] + v) for u, v in window)


def _bilinear(op: BilinearUpsample, maps: Sequence[Cells], inputs: Sequence[Codes], c: int, y: int, x: int) -> int:
    """Cell (i, j) of the continued map reaches `weight` far from (i, j) * factors on."""
    height, width = inputs[0].shape[2:]
    down, right = y + op.crop[0], x + op.crop[1]
    total = 0
    for i, j in product(range(height + 2), range(width + 2)):
        u, v = down - i * op.factors[0], right - j * op.factors[1]
        if 0 <= u < op.weight.shape[0] and 0 <= v < op.weight.shape[1]:
            inside = min(max(i - 1, 0), height - 1), min(max(j - 1, 0), width - 1)
            total += int(op.weight[u, v]) * maps[0](c, *inside)
    return total


_SUMS: Mapping[type, Callable[[Any, Sequence[Cells], Sequence[Codes], int, int, int], int]] = {
    Convolution: _convolution,
    Addition: _addition,
    Multiplication: _multiplication,
    AveragePool: _average,
    BilinearUpsample: _bilinear,
}
