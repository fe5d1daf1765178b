"""The same program on a chip that cuts, overflows or bends otherwise: what a board's dump may fit instead."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fixed import Codes, Overflow, Rounding, encode_scale, round_half_away
from .program import Convolution, Epilogue, Layer, Program

Bend = Callable[[Epilogue, float, int], Epilogue]


def alternatives(program: Program, slopes: Mapping[str, float]) -> Iterator[tuple[str, Program]]:
    """(what differs, in words, the program that has it); `slopes` are those of the fused LeakyReLUs by layer."""
    chip = program.arithmetic
    for rounding, words in _ROUNDINGS.items():
        if rounding != chip.cut_rounding:
            other = replace(chip, cut_rounding=rounding)
            yield f"the cuts {words}, not as assumed ({chip.cut_rounding})", replace(program, arithmetic=other)
    overflow: Overflow = "wrap" if chip.overflow == "saturate" else "saturate"
    other = replace(chip, overflow=overflow)
    yield f"registers {overflow}, not {chip.overflow}, beyond their ends", replace(program, arithmetic=other)
    for words, bend in _bends(program).items():
        layers = tuple(_bent(program, layer, slopes.get(layer.name), bend) for layer in program.layers)
        if any(ours is not theirs for ours, theirs in zip(layers, program.layers, strict=True)):
            yield f"LeakyReLU's slope is {words}", replace(program, layers=layers)


_ROUNDINGS: Mapping[Rounding, str] = {
    "floor": "round down",
    "half_up": "round to the nearest, halves up",
    "half_away": "round to the nearest, halves away from zero",
}


def _bends(program: Program) -> Mapping[str, Bend]:
    def own_shift(epilogue: Epilogue, slope: float, bits: int) -> Epilogue:
        width = program.arithmetic.widths[bits]
        scale = slope * np.ldexp(epilogue.multiplier.astype(np.float64), -epilogue.shift)
        negative, shift = encode_scale(scale, width.multiplier_max, width.shift_min, width.shift_max)
        return replace(epilogue, negative=negative, negative_shift=shift)

    return {
        "cut off, not rounded": _shared(lambda m, slope: np.floor(slope * m)),
        "a power of two (0.1 as 1/8)": _shared(lambda m, slope: m * math.ldexp(1.0, round(math.log2(slope)))),
        "a multiple of 1/256 (0.1 as 26/256)": _shared(lambda m, slope: m * (round(slope * 256) / 256)),
        "encoded with a shift of its own": own_shift,
    }


def _shared(form: Callable[[Codes, float], NDArray[np.floating[Any]]]) -> Bend:
    """The negative multiplier in another form, with the positive one's shift."""

    def bend(epilogue: Epilogue, slope: float, _: int) -> Epilogue:
        negative = round_half_away(form(epilogue.multiplier, slope))
        return replace(epilogue, negative=negative, negative_shift=epilogue.shift)

    return bend


def _bent(program: Program, layer: Layer, slope: float | None, bend: Bend) -> Layer:
    """The layer with its slope in another form; the same layer where it has none, or comes out as it is."""
    operator = layer.operator
    if slope is None or slope <= 0 or not isinstance(operator, Convolution):
        return layer
    epilogue = bend(operator.epilogue, slope, layer.format.bits)
    same = np.array_equal(epilogue.negative, operator.epilogue.negative) and np.array_equal(
        epilogue.negative_shift, operator.epilogue.negative_shift
    )
    return layer if same else replace(layer, operator=replace(operator, epilogue=epilogue))
