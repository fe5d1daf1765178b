"""A network in integers, as frozen values: what the quantiser makes and both engines run, bit for bit alike.

Maps are codes, int64 [1, c, h, w] (or whatever shape a Reshape gives); value = code * normratio of its channel.
Multiply-accumulate operators end in an `Epilogue`. Facts and their standing (known, inferred, assumed) are those of
the target's arithmetic block; the order of operations is written out in `Epilogue`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..targets.arithmetic import Arithmetic
from .fixed import Codes

Pair = tuple[int, int]
Pads = tuple[int, int, int, int]  # top, left, bottom, right


@dataclass(frozen=True, slots=True)
class MapFormat:
    """How a map is held: the width of its codes (8, 16) and the normratio of each channel, float64 [c].

    Channels share one normratio, but for those of a concat: each part keeps its own.
    """

    bits: int
    normratios: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Epilogue:
    """From a sum of products to a code, per output channel; int64 [c] each but for `first_cut`.

    With a first cut (ordinary convolutions, fully connected):
        t = hold(cut(hold(sum, accumulator_bits), first_cut) + bias, bias_bits)
    with None (depthwise and all others: one cut only):
        t = hold(sum + bias, accumulator_bits)
    then, for both:
        y = saturate(cut(t * (multiplier if t >= 0 else negative), shift or negative_shift), code_max)
    `negative` equals `multiplier` where no activation is fused, is round(alpha * multiplier) for a LeakyReLU and 0
    for a ReLU. Register widths are those of the layer's own bits.
    """

    first_cut: int | None
    bias: Codes
    multiplier: Codes
    shift: Codes
    negative: Codes
    negative_shift: Codes


@dataclass(frozen=True, slots=True)
class Convolution:
    """sum over i, u, v of x[i, ...] * weight[o, i, u, v], padded with zeros; `weight` int64 [o, i / groups, h, w].

    `groups` is 1, or the number of input channels (depthwise).
    """

    weight: Codes
    stride: Pair
    pads: Pads
    dilation: Pair
    groups: int
    epilogue: Epilogue


@dataclass(frozen=True, slots=True)
class Addition:
    """sum = left[c] * X + right[c] * Y, one cut; int64 [c] each, in the range of weights."""

    left: Codes
    right: Codes
    epilogue: Epilogue


@dataclass(frozen=True, slots=True)
class Multiplication:
    """sum = X * Y, one cut."""

    epilogue: Epilogue


@dataclass(frozen=True, slots=True)
class AveragePool:
    """sum over the window (no padding inside it), one cut; the scale holds 1 / area."""

    kernel: Pair
    stride: Pair
    epilogue: Epilogue


@dataclass(frozen=True, slots=True)
class BilinearUpsample:
    """A depthwise transposed convolution: `weight` int64 [h, w] on a map with `factors` - 1 zeros between its cells.

    The map is first continued by one cell on each side, and the result is cropped to factors * side from `crop`.
    """

    weight: Codes
    factors: Pair
    crop: Pair
    epilogue: Epilogue


@dataclass(frozen=True, slots=True)
class Table:
    """y = entries[code + code_max of the input's width]; int64 [2 * code_max + 1]. An activation that is not fused."""

    entries: Codes


@dataclass(frozen=True, slots=True)
class Rectify:
    """max(x, 0) on codes; the normratio stays."""


@dataclass(frozen=True, slots=True)
class MaxPool:
    """The largest code of each window; padding never wins. Channels are compared with themselves only."""

    kernel: Pair
    stride: Pair
    pads: Pads


@dataclass(frozen=True, slots=True)
class NearestUpsample:
    """Each cell `factors` times downwards and to the right."""

    factors: Pair


@dataclass(frozen=True, slots=True)
class Concatenation:
    """Parts side by side along `axis`; along the channels each keeps its normratio, nothing is requantised."""

    axis: int


@dataclass(frozen=True, slots=True)
class Pad:
    """A constant border: `pads` before and after each axis as ONNX lists them, `value` int64 [c] in codes."""

    pads: tuple[int, ...]
    value: Codes


@dataclass(frozen=True, slots=True)
class Slice:
    """x[starts:ends:steps], one entry an axis, not negative."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same codes in another shape."""

    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Transpose:
    """The axes in another order."""

    order: tuple[int, ...]


Operator = (
    Convolution
    | Addition
    | Multiplication
    | AveragePool
    | BilinearUpsample
    | Table
    | Rectify
    | MaxPool
    | NearestUpsample
    | Concatenation
    | Pad
    | Slice
    | Reshape
    | Transpose
)


@dataclass(frozen=True, slots=True)
class Layer:
    """One operator on the chip; `name` is the tensor of the adapted network that it computes, `inputs` likewise.

    `source` is the ONNX operator it began with ("Conv", "Add", ...), for people.
    """

    name: str
    inputs: tuple[str, ...]
    operator: Operator
    format: MapFormat
    source: str


@dataclass(frozen=True, slots=True)
class InputFormat:
    """The image: code = saturate(round((value - shift[c]) / normratio)), value being what the float network takes.

    `shift` float64 [c] is 0 where the image is not shifted; what it takes away stands in the first bias.
    """

    name: str
    shape: tuple[int, int, int, int]
    shift: NDArray[np.float64]
    format: MapFormat


@dataclass(frozen=True, slots=True)
class Program:
    """Layers in an order in which they can be computed; every name is unique."""

    input: InputFormat
    layers: tuple[Layer, ...]
    outputs: tuple[str, ...]
    arithmetic: Arithmetic

    def formats(self) -> Mapping[str, MapFormat]:
        """The format of every map by its name, the input's too."""
        return {self.input.name: self.input.format, **{layer.name: layer.format for layer in self.layers}}

    def code_max(self, bits: int) -> int:
        """The largest code of that width."""
        return self.arithmetic.widths[bits].code_max
