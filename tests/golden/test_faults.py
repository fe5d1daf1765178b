"""Every seeded fault changes the codes of the layer that it names, and of no layer before it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from icraft_adapt.golden.engine.oracle import Oracle
from icraft_adapt.golden.engine.protocol import Result, encode_image
from icraft_adapt.golden.faults import Fault, faults
from icraft_adapt.golden.fixed import Codes
from icraft_adapt.golden.program import Convolution, Program, Rectify
from icraft_adapt.golden.quantise import quantise
from icraft_adapt.golden.settings import Settings
from icraft_adapt.tests.golden.test_quantise import arithmetic, images, prepared, residual_network


def program() -> Program:
    """A small network with two heads, `out` and `obj`, which has the same weights for other channels."""
    net, samples = prepared(residual_network(), images(3))
    made = quantise(net, samples, arithmetic(), Settings())
    last = made.layers[-1]
    assert isinstance(last.operator, Convolution)
    turned = replace(last.operator, weight=last.operator.weight[::-1])
    return replace(made, layers=(*made.layers, replace(last, name="obj", operator=turned)), outputs=("out", "obj"))


def ran(found: Program, codes: Codes) -> Result:
    return Oracle(found).run(codes, [layer.name for layer in found.layers])


def seeded(found: Program, codes: Codes) -> tuple[Fault, ...]:
    healthy = ran(found, codes)
    totals = {name: values.sum(axis=(0, 2, 3)) for name, values in healthy.maps.items()}
    totals[found.input.name] = codes.sum(axis=(0, 2, 3))
    return faults(found, "obj", "out", totals)


def test_each_shows_where_it_was_put() -> None:
    found = program()
    codes = encode_image(images(1)[0], found.input, 127)
    healthy = ran(found, codes).maps
    made = seeded(found, codes)
    assert len({fault.name for fault in made}) == 5
    for fault in made:
        assert fault.program is not None, fault.name
        faulty = ran(fault.program, codes).maps
        changed = [name for name in healthy if not np.array_equal(faulty[name], healthy[name])]
        assert changed, fault.name
        assert changed[0] in fault.layers, fault.name


def test_each_is_small() -> None:
    found = program()
    codes = encode_image(images(1)[0], found.input, 127)
    for fault in seeded(found, codes):
        assert fault.program is not None
        pairs = zip(found.layers, fault.program.layers, strict=True)
        assert sum(ours.operator is not theirs.operator for ours, theirs in pairs) <= 1, fault.name


def test_the_flipped_weight_is_one_that_counts() -> None:
    found = program()
    alive = 3
    totals = {layer.name: np.zeros(len(layer.format.normratios), np.int64) for layer in found.layers}
    for each in totals.values():
        each[alive] = 1
    (fault,) = (each for each in faults(found, "none", "out", totals) if "sign" in each.name)
    assert fault.program is not None
    before, after = (_operator(each, fault.layers[0]) for each in (found, fault.program))
    (at,) = np.argwhere(before.weight != after.weight)
    assert after.weight[tuple(at)] == -before.weight[tuple(at)]
    assert (at[1] if before.groups == 1 else at[0]) == alive


def _operator(found: Program, name: str) -> Convolution:
    (operator,) = (layer.operator for layer in found.layers if layer.name == name)
    assert isinstance(operator, Convolution)
    return operator


@pytest.mark.parametrize("name", ["Focus phases swapped", "a cut off by one", "one score channel zeroed"])
def test_a_network_without_a_place_says_so(name: str) -> None:
    found = program()
    layers = tuple(replace(layer, operator=Rectify()) for layer in found.layers)
    made = faults(replace(found, layers=layers), "none", "out", {})
    (fault,) = (each for each in made if each.name == name)
    assert fault.program is None
    assert fault.layers == ()
