"""Random integer programs: every operator, shape, width and mode, with values that lie at the ends of their ranges."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator

from icraft_adapt.golden.engine.shapes import Shape, output_shape
from icraft_adapt.golden.fixed import Codes
from icraft_adapt.golden.program import (
    Addition,
    AveragePool,
    BilinearUpsample,
    Concatenation,
    Convolution,
    Epilogue,
    InputFormat,
    Layer,
    MapFormat,
    MaxPool,
    Multiplication,
    NearestUpsample,
    Operator,
    Pad,
    Program,
    Rectify,
    Reshape,
    Slice,
    Table,
    Transpose,
)
from icraft_adapt.targets.arithmetic import Arithmetic, Calibration, Width

CALIBRATION = Calibration(4096, 128, 128, 128, 50)
Maker = Callable[["Draw", list[str]], Operator]


def arithmetic(rng: Generator, *, plain: bool = False) -> Arithmetic:
    """That of the shipped targets (`plain`), or another rounding, overflow and accumulator width."""
    narrow, broad = (32, 48) if plain else (int(rng.choice([18, 24, 32])), int(rng.choice([34, 40, 48])))
    return Arithmetic(
        widths={8: Width(127, 255, 8, 16, 16, narrow), 16: Width(32767, 65535, 16, 32, 32, broad)},
        first_cut_max=5,
        code_rounding="half_away",
        cut_rounding="floor" if plain else rng.choice(["floor", "half_up", "half_away"]).item(),
        overflow="saturate" if plain else rng.choice(["saturate", "wrap"]).item(),
        leaky_shift="same",
        image_shift=128,
        image_ratio_denominator=1024,
        calibration=CALIBRATION,
    )


def integers(rng: Generator, largest: int, shape: Sequence[int]) -> Codes:
    """In [-largest, largest]: all of them, only the ends, small ones, or mostly zeros."""
    kind = rng.integers(5)
    if kind == 0:
        return np.full(shape, largest, np.int64)
    if kind == 1:
        return np.asarray(rng.choice([-largest, largest], shape), np.int64)
    if kind == 2:
        return np.asarray(rng.integers(-largest, largest + 1, shape) * (rng.random(shape) < 0.2), np.int64)
    return np.asarray(
        rng.integers(-largest, largest + 1, shape) // (1 if kind == 3 else max(largest // 8, 1)), np.int64
    )


class Draw:
    """A program under construction."""

    def __init__(self, rng: Generator, chip: Arithmetic, image: Shape, bits: int) -> None:
        self.rng = rng
        self.chip = chip
        self.bits: dict[str, int] = {"image": bits}
        self.shapes: dict[str, Shape] = {"image": image}
        self.layers: list[Layer] = []

    def codes(self, name: str) -> Codes:
        """Codes for that map."""
        return integers(self.rng, self.chip.widths[self.bits[name]].code_max, self.shapes[name])

    def add(self, maker: Maker, inputs: Sequence[str], bits: int) -> str:
        """Append the operator that `maker` draws for these maps; the new map's name."""
        self._bits = bits
        operator = maker(self, list(inputs))
        shape = output_shape(operator, [self.shapes[name] for name in inputs])
        name = f"map{len(self.layers)}"
        carried = max(self.bits[each] for each in inputs)
        if not hasattr(operator, "epilogue") and not isinstance(operator, Table):
            bits = max(bits, carried) if isinstance(operator, Pad) else carried
        channels = shape[1] if len(shape) > 1 else 1
        form = MapFormat(bits, np.ones(channels))
        self.layers.append(Layer(name, tuple(inputs), operator, form, type(operator).__name__))
        self.shapes[name], self.bits[name] = shape, bits
        return name

    def program(self, outputs: Sequence[str]) -> Program:
        """All layers so far."""
        shape = self.shapes["image"]
        image = InputFormat("image", shape, np.zeros(shape[1]), MapFormat(self.bits["image"], np.ones(shape[1])))
        return Program(image, tuple(self.layers), tuple(outputs), self.chip)

    def epilogue(self, channels: int, *, two_cuts: bool) -> Epilogue:
        """Any that the layer's width allows; sometimes shifts that it does not have."""
        rng, width = self.rng, self.chip.widths[self._bits]
        multiplier = np.abs(integers(rng, width.multiplier_max, (channels,)))
        lowest = int(rng.choice([0, width.shift_min, width.shift_max], p=[0.1, 0.6, 0.3]))
        shift = rng.integers(lowest, width.shift_max + 1, channels)
        negative, negative_shift = multiplier, shift
        kind = rng.integers(4)
        if kind == 1:
            negative = (multiplier + 5) // 10
        elif kind == 2:
            negative = np.zeros_like(multiplier)
        elif kind == 3:
            negative, negative_shift = integers(rng, width.multiplier_max, (channels,)), rng.permutation(shift)
        bias = integers(rng, 2 ** (width.bias_bits - 1) - 1, (channels,))
        first = int(rng.integers(0, self.chip.first_cut_max + 1)) if two_cuts else None
        return Epilogue(first, bias, multiplier, shift, negative, negative_shift)

    def weight(self, shape: Sequence[int]) -> Codes:
        """Weights of the layer's width."""
        return integers(self.rng, self.chip.widths[self._bits].code_max, shape)


def _convolution(draw: Draw, inputs: list[str]) -> Operator:
    rng, (_, c, h, w) = draw.rng, draw.shapes[inputs[0]]
    kernel, pads, dilation = window(rng, h, w)
    out = int(rng.choice([1, 3, 4, 16, 17, 33, 64, 80]))
    stride = tuple(rng.integers(1, 3, 2).tolist())
    epilogue = draw.epilogue(out, two_cuts=bool(rng.random() < 0.9))
    return Convolution(draw.weight((out, c, *kernel)), stride, pads, dilation, 1, epilogue)


def _depthwise(draw: Draw, inputs: list[str]) -> Operator:
    rng, (_, c, h, w) = draw.rng, draw.shapes[inputs[0]]
    kernel, pads, dilation = window(rng, h, w)
    out = c * int(rng.choice([1, 1, 2, 3]))
    epilogue = draw.epilogue(out, two_cuts=bool(rng.random() < 0.1))
    return Convolution(
        draw.weight((out, 1, *kernel)), tuple(rng.integers(1, 3, 2).tolist()), pads, dilation, c, epilogue
    )


def window(rng: Generator, h: int, w: int) -> tuple[tuple[int, int], tuple[int, int, int, int], tuple[int, int]]:
    """A kernel, pads on four sides and a dilation that fit a map of these sides."""
    kernel, dilation = rng.integers(1, 5, 2).tolist(), rng.integers(1, 3, 2).tolist()
    pads = rng.integers(0, 3, 4).tolist()
    for axis, side in enumerate((h, w)):
        while dilation[axis] * (kernel[axis] - 1) + 1 > side + pads[axis] + pads[axis + 2]:
            kernel[axis] -= 1
    return tuple(kernel), tuple(pads), tuple(dilation)


def _addition(draw: Draw, inputs: list[str]) -> Operator:
    c = draw.shapes[inputs[0]][1]
    return Addition(draw.weight((c,)), draw.weight((c,)), draw.epilogue(c, two_cuts=False))


def _multiplication(draw: Draw, inputs: list[str]) -> Operator:
    return Multiplication(draw.epilogue(draw.shapes[inputs[0]][1], two_cuts=False))


def _average(draw: Draw, inputs: list[str]) -> Operator:
    rng, (_, c, h, w) = draw.rng, draw.shapes[inputs[0]]
    kernel = int(rng.integers(1, min(h, 4) + 1)), int(rng.integers(1, min(w, 4) + 1))
    return AveragePool(kernel, tuple(rng.integers(1, 3, 2).tolist()), draw.epilogue(c, two_cuts=False))


def _bilinear(draw: Draw, inputs: list[str]) -> Operator:
    rng, c = draw.rng, draw.shapes[inputs[0]][1]
    factors = rng.integers(1, 4, 2).tolist()
    kernel = [2 * f - f % 2 for f in factors]
    crop = [int(rng.integers(0, f + k + 1)) for f, k in zip(factors, kernel, strict=True)]
    return BilinearUpsample(draw.weight(kernel), tuple(factors), tuple(crop), draw.epilogue(c, two_cuts=False))


def _table(draw: Draw, inputs: list[str]) -> Operator:
    size = 2 * draw.chip.widths[draw.bits[inputs[0]]].code_max + 1
    return Table(integers(draw.rng, draw.chip.widths[draw._bits].code_max, (size,)))


def _rectify(draw: Draw, inputs: list[str]) -> Operator:
    return Rectify()


def _max_pool(draw: Draw, inputs: list[str]) -> Operator:
    rng, (_, _, h, w) = draw.rng, draw.shapes[inputs[0]]
    kernel = int(rng.integers(1, min(h, 5) + 1)), int(rng.integers(1, min(w, 5) + 1))
    pads = tuple(int(rng.integers(0, kernel[axis % 2])) for axis in range(4))
    return MaxPool(kernel, tuple(rng.integers(1, 3, 2).tolist()), pads)


def _nearest(draw: Draw, inputs: list[str]) -> Operator:
    return NearestUpsample(tuple(draw.rng.integers(1, 4, 2).tolist()))


def _concatenation(draw: Draw, inputs: list[str]) -> Operator:
    shapes = [draw.shapes[name] for name in inputs]
    fitting = [a for a in range(1, 4) if len({shape[:a] + shape[a + 1 :] for shape in shapes}) == 1]
    return Concatenation(int(draw.rng.choice(fitting)))


def _pad(draw: Draw, inputs: list[str]) -> Operator:
    shape = draw.shapes[inputs[0]]
    pads = [int(draw.rng.integers(0, 3)) if axis % len(shape) > 1 else 0 for axis in range(2 * len(shape))]
    return Pad(tuple(pads), integers(draw.rng, draw.chip.widths[draw._bits].code_max, (shape[1],)))


def _slice(draw: Draw, inputs: list[str]) -> Operator:
    rng, shape = draw.rng, draw.shapes[inputs[0]]
    starts = [int(rng.integers(0, side)) if axis else 0 for axis, side in enumerate(shape)]
    ends = [int(rng.integers(start + 1, side + 3)) for start, side in zip(starts, shape, strict=True)]
    return Slice(tuple(starts), tuple(ends), tuple(rng.integers(1, 3, len(shape)).tolist()))


def _reshape(draw: Draw, inputs: list[str]) -> Operator:
    _, c, h, w = draw.shapes[inputs[0]]
    shapes = [(1, h * w, c, 1), (1, c, h * w), (1, c * h, w), (1, w, c, h), (1, 1, c, h, w), (c, h * w)]
    return Reshape(shapes[draw.rng.integers(len(shapes))])


def _transpose(draw: Draw, inputs: list[str]) -> Operator:
    rank = len(draw.shapes[inputs[0]])
    return Transpose((0, *(draw.rng.permutation(rank - 1) + 1).tolist()))


MAKERS: dict[str, Maker] = {
    "convolution": _convolution,
    "depthwise": _depthwise,
    "addition": _addition,
    "multiplication": _multiplication,
    "average": _average,
    "bilinear": _bilinear,
    "table": _table,
    "rectify": _rectify,
    "max_pool": _max_pool,
    "nearest": _nearest,
    "concatenation": _concatenation,
    "pad": _pad,
    "slice": _slice,
    "reshape": _reshape,
    "transpose": _transpose,
}

BINARY = frozenset({"addition", "multiplication", "concatenation"})


def one_layer(seed: int, kind: str) -> tuple[Program, dict[str, Codes]]:
    """A program that ends in a layer of that kind, and codes for what this layer reads."""
    rng = np.random.default_rng([seed, *kind.encode()])
    sides = int(rng.integers(1, 9)), int(rng.integers(1, 12))
    draw = Draw(rng, arithmetic(rng), (1, int(rng.choice([1, 2, 3, 4, 5, 8, 16, 20, 64, 70])), *sides), _width(rng))
    inputs = ["image"]
    if kind in BINARY:
        inputs.append(draw.add(_table, inputs, _width(rng)))
    last = draw.add(MAKERS[kind], inputs, _width(rng))
    return draw.program([last]), {name: draw.codes(name) for name in inputs}


def many_layers(seed: int, layers: int = 12) -> tuple[Program, Codes]:
    """A network of branches, shortcuts and concatenations, and an image for it."""
    rng = np.random.default_rng(seed)
    image = (1, int(rng.choice([1, 3, 8, 16])), int(rng.integers(4, 12)), int(rng.integers(4, 12)))
    draw = Draw(rng, arithmetic(rng, plain=bool(rng.random() < 0.5)), image, _width(rng))
    while len(draw.layers) < layers:
        _grow(draw)
    read = {name for layer in draw.layers for name in layer.inputs}
    leaves = [layer.name for layer in draw.layers if layer.name not in read]
    return draw.program(leaves), draw.codes("image")


def _grow(draw: Draw) -> None:
    """One more layer, on the latest maps rather than on the first."""
    rng = draw.rng
    pictures = [name for name, shape in draw.shapes.items() if len(shape) == 4 and shape[0] == 1]
    first = pictures[max(-1 - int(rng.geometric(0.4)), -len(pictures))] if rng.random() < 0.5 else pictures[-1]
    kind = str(rng.choice(list(MAKERS)))
    shape = draw.shapes[first]
    if kind in BINARY:
        alike = [n for n in pictures if draw.shapes[n] == shape]
        beside = [n for n in pictures if draw.shapes[n][2:] == shape[2:]] if kind == "concatenation" else alike
        inputs = [first, *rng.choice(beside, 1 if kind != "concatenation" else int(rng.integers(1, 4))).tolist()]
        draw.add(MAKERS[kind], inputs, _width(rng))
    elif np.prod(shape) < 40_000 or kind not in ("nearest", "bilinear", "depthwise", "pad"):
        draw.add(MAKERS[kind], [first], _width(rng))


def _width(rng: Generator) -> int:
    return int(rng.choice([8, 16]))
