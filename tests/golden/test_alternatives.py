"""A chip that computes otherwise: each alternative is one change, and none is the program itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from icraft_adapt.golden.alternatives import alternatives
from icraft_adapt.golden.program import Convolution
from icraft_adapt.golden.quantise import quantise
from icraft_adapt.golden.settings import Settings
from icraft_adapt.golden.storage import digest_of
from icraft_adapt.tests.golden.test_quantise import arithmetic, images, prepared, residual_network


def test_one_change_each() -> None:
    net, samples = prepared(residual_network(), images(2))
    program = quantise(net, samples, arithmetic(), Settings())
    found = dict(alternatives(program, {"y0": 0.1, "y1": 0.1}))
    assert len(found) >= 5
    assert len({digest_of(each) for each in (program, *found.values())}) == len(found) + 1
    for words, other in found.items():
        arithmetics = other.arithmetic != program.arithmetic
        bent = [a.name for a, b in zip(program.layers, other.layers, strict=True) if a is not b]
        assert arithmetics is not bool(bent), words
        assert set(bent) <= {"y0", "y1"}, "only the layers that have a slope"


def test_slopes_come_out_as_said() -> None:
    net, samples = prepared(residual_network(), images(2))
    program = quantise(net, samples, arithmetic(), Settings())
    found = dict(alternatives(program, {"y0": 0.1}))
    eighth = found["LeakyReLU's slope is a power of two (0.1 as 1/8)"]
    (operator,) = (layer.operator for layer in eighth.layers if layer.name == "y0")
    assert isinstance(operator, Convolution)
    np.testing.assert_allclose(operator.epilogue.negative, operator.epilogue.multiplier / 8, atol=0.5)
    free = found["LeakyReLU's slope is encoded with a shift of its own"]
    (operator,) = (layer.operator for layer in free.layers if layer.name == "y0")
    assert isinstance(operator, Convolution)
    (shared,) = (layer.operator for layer in program.layers if layer.name == "y0")
    assert isinstance(shared, Convolution)
    own, common = slopes(operator), slopes(shared)
    assert (np.abs(own - 0.1) <= np.abs(common - 0.1) + 1e-12).all()
    assert (operator.epilogue.negative_shift >= shared.epilogue.shift).all()


def test_a_network_without_slopes_has_none_to_bend() -> None:
    net, samples = prepared(residual_network(), images(2))
    program = quantise(net, samples, arithmetic(), Settings())
    assert not [words for words, _ in alternatives(program, {}) if "slope" in words]


def slopes(operator: Convolution) -> NDArray[np.float64]:
    """The slope that each channel has in fact."""
    bent = np.ldexp(operator.epilogue.negative.astype(float), -operator.epilogue.negative_shift)
    return np.asarray(bent / np.ldexp(operator.epilogue.multiplier.astype(float), -operator.epilogue.shift))
