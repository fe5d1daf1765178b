"""Faults to seed into a program, so that a gate can prove that it would see them: each as small as its kind can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from .fixed import Codes
from .program import Convolution, Layer, Program


@dataclass(frozen=True, slots=True)
class Fault:
    """What was done to which layers, and the program that has it; none where it has no place for this fault."""

    name: str
    layers: tuple[str, ...]
    program: Program | None


def faults(program: Program, obj: str, cls: str, totals: Mapping[str, Codes]) -> tuple[Fault, ...]:
    """All of them. `obj` and `cls` are the score outputs of one level, `totals` int64 [c] the sums that a healthy run
    has in the channels of its maps: a weight on a channel without any would change nothing.
    """
    return (
        _phases_swapped(program),
        _channel_zeroed(program, cls),
        _cut_off_by_one(program),
        _swapped(program, obj, cls),
        _sign_flipped(program, totals),
    )


def _phases_swapped(program: Program) -> Fault:
    """Columns of the kernel that reads the image change places in pairs: a Focus whose phases come in another order."""
    name = "Focus phases swapped"
    for layer in program.layers:
        operator = layer.operator
        if program.input.name in layer.inputs and isinstance(operator, Convolution) and operator.weight.shape[3] > 1:
            columns = np.arange(operator.weight.shape[3])
            pairs = np.where(columns ^ 1 < len(columns), columns ^ 1, columns)
            return Fault(
                name, (layer.name,), _with(program, layer, replace(operator, weight=operator.weight[..., pairs]))
            )
    return Fault(name, (), None)


def _channel_zeroed(program: Program, cls: str) -> Fault:
    """The first class scores nothing, in one level."""
    name = "one score channel zeroed"
    layer = next((each for each in program.layers if each.name == cls), None)
    if layer is None or not isinstance(layer.operator, Convolution):
        return Fault(name, (), None)
    operator = layer.operator
    weight, bias = operator.weight.copy(), operator.epilogue.bias.copy()
    weight[0], bias[0] = 0, 0
    silent = replace(operator, weight=weight, epilogue=replace(operator.epilogue, bias=bias))
    return Fault(name, (cls,), _with(program, layer, silent))


def _cut_off_by_one(program: Program) -> Fault:
    """One bit more, or less where there is no more, is cut off in the convolution in the middle."""
    name = "a cut off by one"
    layer = _convolution(program, 0.5, two_cuts=True)
    if layer is None or not isinstance(layer.operator, Convolution) or layer.operator.epilogue.first_cut is None:
        return Fault(name, (), None)
    cut = layer.operator.epilogue.first_cut
    other = cut + 1 if cut < program.arithmetic.first_cut_max else cut - 1
    epilogue = replace(layer.operator.epilogue, first_cut=other)
    return Fault(name, (layer.name,), _with(program, layer, replace(layer.operator, epilogue=epilogue)))


def _swapped(program: Program, obj: str, cls: str) -> Fault:
    """Each of two outputs under the other's name."""
    names = {obj: cls, cls: obj}
    layers = tuple(replace(each, name=names.get(each.name, each.name)) for each in program.layers)
    return Fault("obj and cls swapped", (obj, cls), replace(program, layers=layers))


def _sign_flipped(program: Program, totals: Mapping[str, Codes]) -> Fault:
    """The largest weight of one convolution, two thirds of the way, among those that read anything."""
    name = "a weight's sign flipped"
    layer = _convolution(program, 2 / 3, two_cuts=False)
    if layer is None or not isinstance(layer.operator, Convolution):
        return Fault(name, (), None)
    weight = layer.operator.weight.copy()
    read = totals[layer.inputs[0]] != 0
    if layer.operator.groups > 1:  # depthwise: one input channel for each output channel
        read = np.repeat(read, len(weight) // len(read))[:, None]
    size = np.abs(weight) * read[..., None, None]
    at = np.unravel_index(int(np.argmax(size)), weight.shape)
    weight[at] = -weight[at]
    return Fault(name, (layer.name,), _with(program, layer, replace(layer.operator, weight=weight)))


def _convolution(program: Program, way: float, *, two_cuts: bool) -> Layer | None:
    """The convolution at this share of the way through the program; None where there is none."""
    found = [
        layer
        for layer in program.layers
        if isinstance(layer.operator, Convolution) and (layer.operator.epilogue.first_cut is not None or not two_cuts)
    ]
    return found[int(way * (len(found) - 1))] if found else None


def _with(program: Program, layer: Layer, operator: Convolution) -> Program:
    """The program with another operator in one layer."""
    layers = (replace(each, operator=operator) if each is layer else each for each in program.layers)
    return replace(program, layers=tuple(layers))
