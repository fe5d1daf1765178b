"""A program survives being written and read."""

from __future__ import annotations

import numpy as np
import pytest

from icraft_adapt.errors import AdaptError
from icraft_adapt.golden.engine.oracle import Oracle
from icraft_adapt.golden.engine.protocol import encode_image
from icraft_adapt.golden.quantise import quantise
from icraft_adapt.golden.settings import Settings
from icraft_adapt.golden.storage import program_bytes, read_program
from icraft_adapt.tests.golden.test_quantise import arithmetic, images, prepared, residual_network


@pytest.mark.parametrize("bits", [8, 16])
def test_a_read_program_computes_the_same(bits: int) -> None:
    net, samples = prepared(residual_network(), images(3))
    program = quantise(net, samples, arithmetic(), Settings(bits=bits))
    data = program_bytes(program)
    again = read_program(data)
    assert program_bytes(again) == data
    assert again.arithmetic == program.arithmetic
    codes = encode_image(images(1)[0], program.input, program.code_max(bits))
    expected, found = Oracle(program).run(codes), Oracle(again).run(codes)
    np.testing.assert_array_equal(found.maps["out"], expected.maps["out"])
    assert found.counts == expected.counts


def test_narrow_integers_keep_their_extremes() -> None:
    net, samples = prepared(residual_network(), images(2))
    program = quantise(net, samples, arithmetic(), Settings(bits=16))
    again = read_program(program_bytes(program))
    for before, after in zip(program.layers, again.layers, strict=True):
        epilogue = getattr(before.operator, "epilogue", None)
        if epilogue is not None:
            for name in ("bias", "multiplier", "shift", "negative", "negative_shift"):
                np.testing.assert_array_equal(getattr(after.operator.epilogue, name), getattr(epilogue, name))


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06" + bytes(18), b"no zip at all"])
def test_anything_else_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(AdaptError, match="no stored integer program"):
        read_program(data)
