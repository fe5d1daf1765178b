"""Sums, products, averages, bilinear up-sampling, tables and borders in integers: one cut, and no bias to help it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..targets.arithmetic import Arithmetic
from .fixed import encode_scale, round_half_away, to_codes
from .network import Bilinear, Border, Curve, FloatLayer, Mean, Product, Reals, Sum
from .program import (
    Addition,
    AveragePool,
    BilinearUpsample,
    Epilogue,
    MapFormat,
    Multiplication,
    Operator,
    Pad,
    Table,
)

Formats = Mapping[str, MapFormat]


def addition(layer: FloatLayer, formats: Formats, arithmetic: Arithmetic) -> Addition:
    """(X * I + Y * J) * m * 2^-n: the larger factor takes the whole range of a weight."""
    made = formats[layer.name]
    code_max = arithmetic.widths[made.bits].code_max
    ratios = [formats[name].normratios / made.normratios for name in layer.inputs]
    epilogue = _one_cut(np.full_like(ratios[0], max(ratio.max() for ratio in ratios) / code_max), made, arithmetic)
    step = np.ldexp(epilogue.multiplier.astype(np.float64), -epilogue.shift)
    left, right = (np.clip(round_half_away(ratio / step), -code_max, code_max) for ratio in ratios)
    return Addition(left, right, epilogue)


def multiplication(layer: FloatLayer, formats: Formats, arithmetic: Arithmetic) -> Multiplication:
    """X * Y * m * 2^-n."""
    left, right = (formats[name].normratios for name in layer.inputs)
    made = formats[layer.name]
    return Multiplication(_one_cut(left * right / made.normratios, made, arithmetic))


def average(layer: FloatLayer, operator: Mean, formats: Formats, arithmetic: Arithmetic) -> AveragePool:
    """The sum over the window, times the scale of 1 / area."""
    made, area = formats[layer.name], operator.kernel[0] * operator.kernel[1]
    scale = formats[layer.inputs[0]].normratios / made.normratios / area
    return AveragePool(operator.kernel, operator.stride, _one_cut(scale, made, arithmetic))


def bilinear(layer: FloatLayer, operator: Bilinear, formats: Formats, arithmetic: Arithmetic) -> BilinearUpsample:
    """A tent over the map spread out, its cells at their centres; the output is held as the input."""
    source = formats[layer.inputs[0]]
    code_max = arithmetic.widths[source.bits].code_max
    tents = [_tent(factor) for factor in operator.factors]
    kernel = np.outer(tents[0], tents[1])
    step = np.full(len(source.normratios), kernel.max() / code_max)
    epilogue = _one_cut(step, source, arithmetic)
    held = float(np.ldexp(epilogue.multiplier[0].astype(np.float64), -epilogue.shift[0]))
    weight = np.clip(round_half_away(kernel / held), -code_max, code_max)
    top, left = (f + (len(tent) - f) // 2 for f, tent in zip(operator.factors, tents, strict=True))
    return BilinearUpsample(weight, operator.factors, (top, left), epilogue)


def _tent(factor: int) -> Reals:
    """The weights of one axis: 1 - |distance| / factor at the output cells, 2 * factor - factor % 2 of them."""
    cells = 2 * factor - factor % 2
    distance = np.abs(np.arange(cells) - (cells - 1) / 2) / factor
    return np.asarray(1 - distance, np.float64)


def table(layer: FloatLayer, operator: Curve, formats: Formats, arithmetic: Arithmetic) -> Table:
    """y = round(f(code * Nin) / Nout) for every code."""
    source, made = formats[layer.inputs[0]], formats[layer.name]
    reach = arithmetic.widths[source.bits].code_max
    values = operator.function(np.arange(-reach, reach + 1) * source.normratios[0])
    return Table(to_codes(values, made.normratios[0], arithmetic.widths[made.bits].code_max))


def border(layer: FloatLayer, operator: Border, formats: Formats, arithmetic: Arithmetic) -> Pad:
    """A constant border, in each channel's own codes."""
    source = formats[layer.inputs[0]]
    return Pad(operator.pads, to_codes(operator.value, source.normratios, arithmetic.widths[source.bits].code_max))


def _one_cut(scale: Reals, made: MapFormat, arithmetic: Arithmetic) -> Epilogue:
    """An epilogue of one scale a channel and nothing else."""
    width = arithmetic.widths[made.bits]
    multiplier, shift = encode_scale(scale, width.multiplier_max, width.shift_min, width.shift_max)
    return Epilogue(None, np.zeros(len(scale), np.int64), multiplier, shift, multiplier, shift)


def elementwise(layer: FloatLayer, formats: Formats, arithmetic: Arithmetic) -> Operator:
    """The integer form of a layer that is neither a convolution nor a mere move; a move is returned as it is."""
    operator = layer.operator
    if isinstance(operator, Sum | Product):
        make: Callable[[FloatLayer, Formats, Arithmetic], Operator]
        make = addition if isinstance(operator, Sum) else multiplication
        return make(layer, formats, arithmetic)
    if isinstance(operator, Mean):
        return average(layer, operator, formats, arithmetic)
    if isinstance(operator, Bilinear):
        return bilinear(layer, operator, formats, arithmetic)
    if isinstance(operator, Curve):
        return table(layer, operator, formats, arithmetic)
    if isinstance(operator, Border):
        return border(layer, operator, formats, arithmetic)
    return operator  # type: ignore[return-value]  # a Linear is no elementwise layer
