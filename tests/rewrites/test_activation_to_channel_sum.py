"""activation_to_channel_sum: what is emitted is the sum that was chosen, channel by channel."""

from __future__ import annotations

import numpy as np
import pytest

from icraft_adapt.graph.edit import Origin
from icraft_adapt.graph.session import Session, with_outputs
from icraft_adapt.rewrites.core.rule import Certificate
from icraft_adapt.rewrites.core.run import Applied
from icraft_adapt.tests.rewrites.harness import network, operators
from icraft_adapt.tests.rewrites.seeding import against
from icraft_adapt.tests.rewrites.sums import merged, plain, shared, written

SILU = network("float[1,4,9,7] x", "y", "s = Sigmoid(x) y = Mul(x, s)")
SUMS = {
    "one term": plain(4, 0.1),
    "two terms": plain(4, 0.0, 0.2),
    "a term that is linear": plain(4, 1.5, 1.0, 0.3),
    "wide": shared(4, 3),
    "wide and rectified": shared(4, 2, 0.0),
}


@pytest.mark.parametrize("name", SUMS)
def test_the_emitted_operators_are_the_sum(name: str) -> None:
    chosen = SUMS[name]
    applied, adapted = written(SILU, {"x": chosen})
    (step,) = applied.steps
    assert step.fit is not None
    assert (step.certificate, step.fit.error) == (Certificate.APPROXIMATE, chosen.error)
    assert step.fit.to == ("wide" if "wide" in name else "pwl") + str(chosen.hinges)
    assert set(operators(adapted)) <= {"Conv", "LeakyRelu", "Relu", "Add"}
    x = np.random.default_rng(0).uniform(-9, 9, (1, 4, 9, 7)).astype(np.float32)
    expected = chosen(x.astype(np.float64))
    found = Session(adapted).run({"x": x})["y"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.ptp(expected))
    assert against(SILU, adapted, applied.steps).certify().failures == ()


@pytest.mark.parametrize("name", SUMS)
def test_a_spoilt_channel_fails_the_certificate(name: str) -> None:
    applied, adapted = written(SILU, {"x": SUMS[name]})
    bias = next(tensor for tensor in adapted.graph.initializer if tensor.name.endswith(".bias"))
    values = np.frombuffer(bias.raw_data, np.float32).copy()
    values[1] += 0.5
    bias.raw_data = values.tobytes()
    assert [site.tensor for site in against(SILU, adapted, applied.steps).certify().failures] == ["y"]


def test_a_wide_map_says_where_its_values_come_from() -> None:
    applied, adapted = written(SILU, {"x": SUMS["wide"]})
    origins = applied.steps[0].origins
    x = np.random.default_rng(0).uniform(-9, 9, (1, 4, 9, 7)).astype(np.float32)
    values = Session(with_outputs(adapted, sorted(origins))).run({"x": x})
    assert len(origins) == 2
    for name, origin in origins.items():
        assert origin.tensor == "x"
        np.testing.assert_allclose(values[name][0], origin.values(x[0]), rtol=1e-5, atol=1e-6)


def test_an_origin_is_traced_through_a_scaling_behind_it() -> None:
    source = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    inner = Origin("x", np.array([0, 1, 2, 0]), np.array([1.0, 2, 3, 4]), np.array([0.5, -0.5, 0, 1]), 0.25)
    outer = Origin("wide", np.array([3, 1]), np.array([2.0, 0.5]))
    whole = outer.through(inner)
    assert whole.tensor == "x"
    np.testing.assert_allclose(whole.values(source), outer.values(inner.values(source)), rtol=1e-6)


def test_an_activation_without_a_sum_is_a_near_miss() -> None:
    applied, _ = written(SILU, {"other": SUMS["wide"]})
    assert applied.steps == ()
    assert [miss.reason for miss in applied.near_misses] == ["no sum was chosen for this silu"]


def test_vectors_are_declined() -> None:
    applied, _ = written(network("float[1,8] x", "y", "s = Sigmoid(x) y = Mul(x, s)"), {"x": plain(8, 0.1)})
    assert applied.steps == ()
    assert "no feature map" in applied.near_misses[0].reason


def test_it_waits_for_its_mode() -> None:
    assert merged(SILU)[0].steps == ()
    kept = network("float[1,4,9,7] x", "y", "y = Relu(x)")
    assert written(kept, {"x": SUMS["wide"]})[0] == Applied((), ())
