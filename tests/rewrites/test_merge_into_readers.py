"""merge_into_readers: a 1x1 convolution goes into all that read it, or stays as it is."""

from __future__ import annotations

import pytest

from icraft_adapt.graph.cost import count_macs
from icraft_adapt.rewrites.core.rule import Certificate
from icraft_adapt.rewrites.core.run import Applied
from icraft_adapt.tests.rewrites.harness import assert_same_numbers, network, operators, weights
from icraft_adapt.tests.rewrites.seeding import against
from icraft_adapt.tests.rewrites.sums import merged, shared, written

MIXING = {"v": weights(4, 8, 1, 1), "c": weights(4, seed=1)}
READERS = {"w": weights(3, 4, 1, 1, seed=2), "u": weights(2, 4, 3, 3, seed=3), "d": weights(2, seed=4)}
WIDE = "float[1,8,9,7] x"


def test_into_every_reader() -> None:
    body = "r = Relu(x) m = Conv(r, v, c) y = Conv(m, w) z = Conv<strides=[2,2]>(m, u, d)"
    proto = network(WIDE, "y, z", body, **MIXING, **READERS)
    applied, adapted = merged(proto)
    (step,) = applied.steps
    assert (step.rule, step.certificate, step.sites) == ("merge_into_readers", Certificate.ROUNDING, ("y", "z"))
    assert operators(adapted) == ["Relu", "Conv", "Conv"]
    assert count_macs(adapted) <= count_macs(proto)
    assert_same_numbers(proto, adapted, step.rtol, 0)
    assert against(proto, adapted, applied.steps).certify().failures == ()


@pytest.mark.parametrize(
    ("outputs", "body"),
    [
        ("y, m", "r = Relu(x) m = Conv(r, v, c) y = Conv(m, w)"),
        ("y", "r = Relu(x) m = Conv(r, v, c) y = Conv<pads=[1,1,1,1]>(m, u, d)"),
        ("y, z", "r = Relu(x) m = Conv(r, v, c) y = Conv(m, w) z = MaxPool<kernel_shape=[2,2]>(m)"),
        ("y", "r = Relu(x) m = Conv(r, v, c) y = Conv<group=4>(m, depthwise)"),
        ("y", "r = Relu(x) m = Conv(r, v, c) y = Conv(m, many)"),
        ("y", "m = Relu(x) y = Conv(m, v, c)"),
    ],
    ids=["an output", "a reader that pads", "another reader", "a depthwise reader", "dearer", "nothing behind it"],
)
def test_what_stays(outputs: str, body: str) -> None:
    more = {"depthwise": weights(4, 1, 3, 3), "many": weights(64, 4, 1, 1)}
    assert merged(network(WIDE, outputs, body, **MIXING, **READERS, **more))[0] == Applied((), ())


def test_a_widened_activation_ends_up_between_two_convolutions() -> None:
    body = "a = Conv(x, e) s = Sigmoid(a) t = Mul(a, s) y = Conv(t, w)"
    proto = network(WIDE, "y", body, e=weights(4, 8, 1, 1), w=READERS["w"])
    applied, adapted = written(proto, {"a": shared(4, 2)})
    assert against(proto, adapted, applied.steps).certify().failures == ()
    again, final = merged(adapted)
    assert operators(final) == ["Conv", "LeakyRelu", "Conv"]
    assert count_macs(final) == 2 * count_macs(proto)
    assert against(adapted, final, again.steps).certify().failures == ()
