"""The oracle against examples worked out by hand, and against plain Python integers, one cell at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from icraft_adapt.golden.engine.oracle import Oracle
from icraft_adapt.golden.engine.protocol import Counts, decode_map, encode_image
from icraft_adapt.golden.program import (
    Addition,
    AveragePool,
    BilinearUpsample,
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
    Slice,
    Table,
)
from icraft_adapt.targets.arithmetic import Arithmetic
from icraft_adapt.targets.loader import load_target
from icraft_adapt.tests.golden.random_programs import one_layer
from icraft_adapt.tests.golden.scalar import scalar_layer

Plane = list[list[int]]
ONE = np.array([1])


def shipped() -> Arithmetic:
    found = load_target("icraft-v1.1").arithmetic
    assert found is not None
    return found


def epilogue(first_cut: int | None, bias: int, multiplier: int, shift: int, negative: int | None = None) -> Epilogue:
    """One channel; `negative` None: as above zero."""
    below = multiplier if negative is None else negative
    return Epilogue(first_cut, *(np.array([value]) for value in (bias, multiplier, shift, below, shift)))


def convolution(
    kernel: Plane, finish: Epilogue, *, stride: int = 1, pads: tuple[int, int, int, int] = (0,) * 4
) -> Operator:
    return Convolution(np.array([[kernel]]), (stride, stride), pads, (1, 1), 1, finish)


def computed(operator: Operator, *planes: Plane, bits: int = 8) -> tuple[Plane, Counts]:
    """What one layer makes of maps of one channel each."""
    form = MapFormat(bits, np.ones(1))
    names = tuple("ab"[: len(planes)])
    image = InputFormat("a", (1, 1, 1, 1), np.zeros(1), form)
    program = Program(image, (Layer("y", names, operator, form, "test"),), ("y",), shipped())
    given = {name: np.array([[plane]]) for name, plane in zip(names, planes, strict=True)}
    codes, counts = Oracle(program).run_layer("y", given)
    return codes[0, 0].tolist(), counts


def test_two_cuts_by_hand() -> None:
    # 3 * 10 + 5 * 20 = 130; 130 >> 2 = 32; 32 - 40 = -8; -8 * 26 = -208; -208 >> 8 = -1
    below = convolution([[3, 5]], epilogue(2, -40, 255, 8, 26))
    assert computed(below, [[10, 20]]) == ([[-1]], Counts(1))
    # 32 + 40 = 72; 72 * 255 = 18360; 18360 >> 8 = 71
    above = convolution([[3, 5]], epilogue(2, 40, 255, 8, 26))
    assert computed(above, [[10, 20]]) == ([[71]], Counts(1))


def test_one_cut_adds_the_bias_before_any_shift() -> None:
    # 3 * 10 + 5 * 20 - 133 = -3; -3 * 255 = -765; -765 >> 8 = -3
    assert computed(convolution([[3, 5]], epilogue(None, -133, 255, 8)), [[10, 20]]) == ([[-3]], Counts(1))


def test_each_limit_is_counted() -> None:
    # 127 * 127 * 4 = 64516 leaves 16 bits: held at 32767; 32767 * 255 >> 8 = 32639, a code of 127.
    full = [[127, 127], [127, 127]]
    assert computed(convolution(full, epilogue(0, 0, 255, 8)), full) == ([[127]], Counts(1, 1, 1, 0))
    # 32767 * 32767 * 2**18 cells leave 48 bits.
    wide = [[32767] * 2**18]
    _, counts = computed(convolution(wide, epilogue(0, 0, 1, 32)), wide, bits=16)
    assert counts == Counts(1, 0, 1, 1)


def test_padding_and_stride_by_hand() -> None:
    kernel = [[1, 2], [3, 4]]
    unscaled = epilogue(None, 0, 1, 0)
    padded = convolution(kernel, unscaled, stride=2, pads=(1, 1, 0, 0))
    # Windows begin at (-1, -1), (-1, 1), (1, -1), (1, 1).
    assert computed(padded, [[1, 2, 3], [4, 5, 6], [7, 8, 9]])[0] == [[4, 18], [36, 77]]


def test_sums_of_two_maps_by_hand() -> None:
    added = Addition(2 * ONE, -3 * ONE, epilogue(None, 5, 128, 8))
    # (2 * 40 - 3 * 10 + 5) / 2 = 27.5, (2 * -1 - 3 * 0 + 5) / 2 = 1.5: both rounded down
    assert computed(added, [[40, -1]], [[10, 0]]) == ([[27, 1]], Counts(2))
    multiplied = Multiplication(epilogue(None, 0, 1, 4))
    assert computed(multiplied, [[40, -1]], [[10, 3]]) == ([[25, -1]], Counts(2))


def test_an_average_is_a_sum_and_one_scale() -> None:
    pool = AveragePool((2, 2), (1, 2), epilogue(None, 0, 64, 8))
    assert computed(pool, [[1, 2, 3, 9], [4, 5, 6, 9], [7, 8, 9, 9]])[0] == [[3, 27 // 4], [6, 33 // 4]]


def test_bilinear_up_sampling_by_hand() -> None:
    twice = BilinearUpsample(np.array([[1, 3, 3, 1]]), (1, 2), (1, 3), epilogue(None, 0, 64, 8))
    # Along the row, cells at their centres: 3/4 and 1/4 of the two nearest, the ends continued.
    assert computed(twice, [[4, 8, 20]])[0] == [[4, 5, 7, 11, 17, 20]]


def test_maps_that_are_only_moved() -> None:
    assert computed(MaxPool((2, 2), (1, 1), (1, 1, 0, 0)), [[-5, -7], [-6, -4]])[0] == [[-5, -5], [-5, -4]]
    assert computed(Rectify(), [[-5, 7]])[0] == [[0, 7]]
    assert computed(Table(np.arange(127, -128, -1)), [[-127, 0, 5]])[0] == [[127, 0, -5]]
    assert computed(NearestUpsample((2, 1)), [[1, 2]])[0] == [[1, 2], [1, 2]]
    assert computed(Pad((0, 0, 1, 0, 0, 0, 0, 1), np.array([-9])), [[1]])[0] == [[-9, -9], [1, -9]]
    assert computed(Slice((0, 0, 0, 1), (1, 1, 1, 9), (1, 1, 1, 2)), [[1, 2, 3, 4]])[0] == [[2, 4]]


@pytest.mark.parametrize("kind", ["convolution", "depthwise", "addition", "multiplication", "average", "bilinear"])
def test_the_oracle_is_what_plain_integers_give(kind: str) -> None:
    compared, seen = 0, Counts(0)
    for seed in range(40):
        program, inputs = one_layer(seed, kind)
        layer = program.layers[-1]
        codes, counts = Oracle(program).run_layer(layer.name, inputs)
        if codes.size * math.prod(getattr(layer.operator, "weight", np.ones(1)).shape[1:]) > 10_000:
            continue
        given = [inputs[name] for name in layer.inputs]
        assert (codes.ravel().tolist(), counts) == scalar_layer(
            layer.operator, given, codes.shape, program.arithmetic, layer.format.bits
        )
        compared, seen = compared + 1, seen + counts
    assert compared > 10
    assert seen.saturated
    assert seen.accumulator or kind == "average"  # whose sums are small


def test_images_become_codes_and_maps_become_values() -> None:
    form = MapFormat(8, np.array([0.5, 0.25]))
    image = InputFormat("a", (1, 2, 1, 2), np.array([128.0, 0.0]), form)
    tensor = np.array([[[[128.75, 0.0]], [[1.0, -0.125]]]], np.float32)
    codes = encode_image(tensor, image, 127)
    assert codes.tolist() == [[[[2, -127]], [[4, -1]]]]
    assert decode_map(codes, form.normratios).tolist() == [[[[1.0, -63.5]], [[1.0, -0.25]]]]
