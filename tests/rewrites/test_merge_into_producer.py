"""merge_into_producer: a 1x1 convolution goes into the one before it, where that costs no more."""

from __future__ import annotations

import numpy as np
import pytest

from icraft_adapt.graph.cost import count_macs
from icraft_adapt.rewrites.core.rule import Certificate
from icraft_adapt.rewrites.core.run import Applied
from icraft_adapt.tests.rewrites.harness import assert_same_numbers, network, operators, weights
from icraft_adapt.tests.rewrites.seeding import against
from icraft_adapt.tests.rewrites.sums import merged, shared, written

FIRST = {"w": weights(4, 3, 3, 3), "b": weights(4, seed=1)}
SCALE = {"v": weights(4, 1, 1, 1, seed=2), "c": weights(4, seed=3)}
IMAGE = "float[1,3,9,7] x"


def test_a_scale_for_each_channel() -> None:
    proto = network(IMAGE, "y", "z = Conv<pads=[1,1,1,1]>(x, w, b) y = Conv<group=4>(z, v, c)", **FIRST, **SCALE)
    applied, adapted = merged(proto)
    (step,) = applied.steps
    assert (step.rule, step.certificate, step.sites) == ("merge_into_producer", Certificate.ROUNDING, ("y",))
    assert operators(adapted) == ["Conv"]
    assert_same_numbers(proto, adapted, step.rtol, 0)
    assert against(proto, adapted, applied.steps).certify().failures == ()


def test_a_scale_behind_a_depthwise_convolution_without_bias() -> None:
    body = "z = Conv<group=4, pads=[1,1,1,1], strides=[2,2]>(x, u) y = Conv<group=4>(z, v, c)"
    proto = network("float[1,4,9,7] x", "y", body, u=weights(4, 1, 3, 3), **SCALE)
    applied, adapted = merged(proto)
    assert len(applied.steps) == 1
    assert_same_numbers(proto, adapted, 1e-4, 0)


@pytest.mark.parametrize(("outs", "times"), [(4, 0), (1, 1)])
def test_a_mixing_of_channels_that_costs_no_more(outs: int, times: int) -> None:
    """27 products for each of 4 outputs and 4 * 4 for the mixing are fewer than 27 * 4 for each of the mixed."""
    wide = weights(outs * 4, 4, 1, 1, seed=2)
    proto = network(IMAGE, "y", "z = Conv<pads=[1,1,1,1]>(x, w, b) y = Conv(z, v)", v=wide, **FIRST)
    applied, adapted = merged(proto)
    assert len(applied.steps) == times
    assert count_macs(adapted) <= count_macs(proto)
    assert_same_numbers(proto, adapted, 1e-4, 0)


@pytest.mark.parametrize(
    ("outputs", "body"),
    [
        ("y, z", "z = Conv(x, w, b) y = Conv<group=4>(z, v, c)"),
        ("y, r", "z = Conv(x, w, b) y = Conv<group=4>(z, v, c) r = Relu(z)"),
        ("y", "z = Relu(x4) y = Conv<group=4>(z, v, c)"),
        ("y", "z = Conv(x, w, b) y = Conv<group=4, strides=[2,2]>(z, v, c)"),
        ("y", "z = Conv(x, w, b) y = Conv<group=4, pads=[1,1,1,1]>(z, v, c)"),
        ("y", "z = Conv<group=4>(x4, v) y = Conv(z, m)"),
    ],
    ids=["an output", "another reader", "no convolution", "a stride", "pads", "a mixing behind a depthwise one"],
)
def test_what_stays(outputs: str, body: str) -> None:
    proto = network(f"{IMAGE}, float[1,4,9,7] x4", outputs, body, m=weights(4, 4, 1, 1), **FIRST, **SCALE)
    assert merged(proto)[0] == Applied((), ())


def test_it_waits_until_the_sums_are_certified() -> None:
    proto = network(IMAGE, "y", "z = Conv(x, w, b) s = Sigmoid(z) y = Mul(z, s)", **FIRST)
    applied, adapted = written(proto, {"z": shared(4, 1)})
    assert [step.rule for step in applied.steps] == ["activation_to_channel_sum"]
    again, final = merged(adapted)
    assert [step.rule for step in again.steps] == ["merge_into_producer"]
    assert operators(final) == ["Conv", "LeakyRelu", "Conv"]
    assert np.shape(again.steps[0].nodes) != (0,)
