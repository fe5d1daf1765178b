"""Every engine gives the oracle's maps, bit for bit, and its counts: all operators, widths, modes and builds.

`python tests/golden/agree_forever.py` tries more.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest

from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.golden.engine import fast
from icraft_adapt.golden.engine.fast import FastEngine
from icraft_adapt.golden.engine.native import Level, levels
from icraft_adapt.golden.engine.oracle import Oracle
from icraft_adapt.golden.fixed import Codes
from icraft_adapt.golden.program import (
    AveragePool,
    Concatenation,
    Convolution,
    Epilogue,
    Multiplication,
    Operator,
    Program,
    Reshape,
    Slice,
)
from icraft_adapt.postproc.c.library import compiler
from icraft_adapt.tests.golden.agreement import difference, layer_difference, program_difference
from icraft_adapt.tests.golden.random_programs import MAKERS, Draw, arithmetic, many_layers, one_layer

BUILDS: tuple[bool | Level, ...] = (False, *levels())
compiled = pytest.mark.skipif(not levels(), reason="the kernels were not compiled")
each_build = pytest.mark.parametrize("build", BUILDS)


@pytest.mark.skipif(compiler() is None, reason="no C compiler")
def test_where_there_is_a_compiler_there_are_kernels() -> None:
    assert levels(), "build them: pip install -e ."


@each_build
@pytest.mark.parametrize("kind", MAKERS)
def test_one_layer(kind: str, build: bool | Level) -> None:
    make = partial(FastEngine, native=build, threads=2)
    assert [found for seed in range(20) if (found := layer_difference(seed, kind, make))] == []


@each_build
def test_programs_of_many_layers(build: bool | Level) -> None:
    make = partial(FastEngine, native=build, threads=2)
    assert [found for seed in range(25) if (found := program_difference(seed, make))] == []


def large_program(seed: int) -> tuple[Program, Codes]:
    """More pixels and channels than a unit of work has, in sums that need more than 32 bits."""
    rng = np.random.default_rng(seed)
    draw = Draw(rng, arithmetic(rng), (1, 70, 23, 31), 16 if seed % 2 else 8)
    name = "image"
    for bits in (8, 16, 16, 8):
        name = draw.add(MAKERS["convolution"], [name], bits)
        name = draw.add(MAKERS["depthwise"], [name], bits)
    return draw.program([name]), draw.codes("image")


def csp_program(seed: int) -> tuple[Program, Codes]:
    """Parts of concatenations of concatenations, that padded convolutions read one by one and together."""
    rng = np.random.default_rng(seed)
    draw = Draw(rng, arithmetic(rng, plain=True), (1, 3, 9, 10), 8)

    def convolve(source: str, bits: int) -> str:
        side = int(rng.choice([1, 3]))
        pads, channels = (side // 2,) * 4, draw.shapes[source][1]

        def make(d: Draw, _: object) -> Operator:
            out = int(rng.choice([3, 8, 13, 32]))
            weight = d.weight((out, channels, side, side)) // 8
            return Convolution(weight, (1, 1), pads, (1, 1), 1, d.epilogue(out, two_cuts=True))

        return draw.add(make, [source], bits)

    def joined(*parts: str) -> str:
        return draw.add(lambda *_: Concatenation(1), parts, 8)

    odd = 16 if seed % 3 == 0 else 8
    stem = convolve("image", 8)
    left, right = convolve(stem, 8), convolve(stem, odd)
    deeper = draw.add(MAKERS["rectify"], [convolve(left, 8)], 8)
    inner = joined(right, deeper)
    outer = joined(convolve(inner, 8), inner, left, left, "image")
    ends = [convolve(each, 8) for each in (outer, inner, deeper, right, outer)]
    return draw.program([*ends, outer]), draw.codes("image")


@each_build
@pytest.mark.parametrize("seed", range(9))
def test_parts_computed_in_their_place_do_not_touch_one_another(seed: int, build: bool | Level) -> None:
    program, image = csp_program(seed)
    engine = FastEngine(program, 2, build)
    for keep in ([layer.name for layer in program.layers], None):
        assert difference(program, engine.run(image, keep), Oracle(program).run(image, keep)) == ""


@each_build
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_long_sum_is_exact_though_its_halves_leave_the_register(sign: int, bits: int, build: bool | Level) -> None:
    """A quarter of the products has one sign, the others have the opposite one and a third of the size."""
    draw = Draw(np.random.default_rng(bits), arithmetic(np.random.default_rng(0), plain=True), (1, 6000, 1, 7), bits)
    largest = draw.chip.widths[bits].code_max
    third = largest // 3 - 1  # odd: so are the products, which no float with too few bits can hide
    weight = np.tile(np.repeat([3 * third, -third, -third, -third], 1500).reshape(1, 6000, 1, 1), (9, 1, 1, 1))
    one, none = np.ones(9, np.int64), np.zeros(9, np.int64)
    scale = Epilogue(0, none, one, none, one, none)
    draw.add(lambda *_: Convolution(weight, (1, 1), (0,) * 4, (1, 1), 1, scale), ["image"], bits)
    codes = np.full((1, 6000, 1, 7), sign * largest)
    codes[0, 0] -= sign * np.arange(7).reshape(1, 7)
    program = draw.program(["map0"])
    assert difference(program, FastEngine(program, 1, build).run(codes), Oracle(program).run(codes)) == ""


@compiled
@pytest.mark.parametrize("seed", range(4))
def test_neither_threads_nor_instruction_sets_change_a_byte(seed: int) -> None:
    program, image = large_program(seed)
    keep = [layer.name for layer in program.layers]
    expected = Oracle(program).run(image, keep)
    for level in levels():
        for threads in (1, 2, 3, 8):
            found = FastEngine(program, threads, level).run(image, keep)
            assert difference(program, found, expected) == "", (level, threads)


@each_build
def test_one_engine_may_be_called_from_several_threads(build: bool | Level) -> None:
    program, image = large_program(0)
    images = [image, -image, image // 2, image // 3]
    engine = FastEngine(program, 2, build)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(engine.run, images))
    for each, result in zip(images, found, strict=True):
        assert difference(program, result, Oracle(program).run(each)) == ""


@each_build
def test_maps_are_spread_as_numpy_broadcasts(build: bool | Level) -> None:
    """A channel's factor, and a plane for all channels."""
    draw = Draw(np.random.default_rng(5), arithmetic(np.random.default_rng(5), plain=True), (1, 20, 4, 6), 8)
    mean = draw.add(lambda d, _: AveragePool((4, 6), (1, 1), d.epilogue(20, two_cuts=False)), ["image"], 8)
    plane = draw.add(lambda *_: Slice((0, 3, 0, 0), (1, 4, 4, 6), (1, 1, 1, 1)), ["image"], 8)
    for other in (mean, plane):
        draw.add(lambda d, _: Multiplication(d.epilogue(20, two_cuts=False)), ["image", other], 8)
        draw.add(MAKERS["addition"], ["image", other], 16)
    program, image = draw.program([]), draw.codes("image")
    keep = ["image", *(layer.name for layer in program.layers)]
    found = FastEngine(program, 1, build).run(image, keep)
    assert difference(program, found, Oracle(program).run(image, keep)) == ""
    assert np.array_equal(found.maps["image"], image)


@each_build
def test_any_integers_in_any_order_of_memory_are_codes(build: bool | Level) -> None:
    program, inputs = one_layer(3, "convolution")
    name = program.outputs[0]
    expected, _ = Oracle(program).run_layer(name, inputs)
    codes: Any = np.asfortranarray(inputs["image"].astype(np.int32))
    assert np.array_equal(FastEngine(program, 1, build).run_layer(name, {"image": codes})[0], expected)


@each_build
def test_codes_that_the_input_cannot_hold_are_refused(build: bool | Level) -> None:
    program, image = many_layers(1)
    largest = program.code_max(program.input.format.bits)
    with pytest.raises(ValueError, match=f"image: codes beyond {largest}"):
        FastEngine(program, 1, build).run(np.full_like(image, -largest - 1))


@compiled
def test_what_the_kernels_do_not_do_is_refused() -> None:
    program, image = many_layers(1)
    with pytest.raises(ValueError, match="shape"):
        FastEngine(program, 1).run(image[:, :, 1:])
    draw = Draw(np.random.default_rng(0), arithmetic(np.random.default_rng(0)), (1, 4, 2, 3), 8)
    two = draw.add(lambda *_: Reshape((2, 2, 2, 3)), ["image"], 8)
    last = draw.add(MAKERS["max_pool"], [two], 8)
    with pytest.raises(ValueError, match=r"not \[1, c, h, w\]"):
        FastEngine(draw.program([last]), 1, True).run(draw.codes("image"))


def test_without_compiled_kernels_the_engine_runs_and_says_so_where_they_are_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fast, "kernels", lambda _: None)
    monkeypatch.setattr(fast, "levels", tuple)
    program, image = many_layers(2)
    assert difference(program, FastEngine(program).run(image), Oracle(program).run(image)) == ""
    for wanted in (True, "avx2"):
        with pytest.raises(AdaptError, match="compiled kernels") as caught:
            FastEngine(program, native=wanted)
        assert caught.value.code == Exit.UNSUPPORTED
