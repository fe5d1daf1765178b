"""activation_to_pwl and activation_to_leaky_relu: what is emitted is what was fitted, and only where it is needed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto

from icraft_adapt.graph.model import Model
from icraft_adapt.graph.session import Session
from icraft_adapt.rewrites import activation_to_leaky_relu, activation_to_pwl
from icraft_adapt.rewrites.core.activation import KNOWN
from icraft_adapt.rewrites.core.histogram import Histogram, global_histogram
from icraft_adapt.rewrites.core.pwl import fit_leaky_sum
from icraft_adapt.rewrites.core.rule import ActivationPlan, Certificate, Context, Step
from icraft_adapt.rewrites.core.run import Applied, run
from icraft_adapt.targets.loader import load_target
from icraft_adapt.tests.rewrites.harness import network, operators, weights
from icraft_adapt.tests.rewrites.seeding import against

SILU = "s = Sigmoid(x) y = Mul(x, s)"
IMAGE = "float[1,4,9,7] x"
RULES = [activation_to_leaky_relu.RULE, activation_to_pwl.RULE]
PWL = ActivationPlan("pwl")


def replaced(
    proto: ModelProto, plan: ActivationPlan | None = PWL, target: str = "icraft-v1.1"
) -> tuple[Applied, ModelProto]:
    context = Context(Model.from_proto(proto, "model"), load_target(target), plan)
    applied = run(context, RULES)
    return applied, context.model.to_proto()


def only(applied: Applied) -> Step:
    (step,) = applied.steps
    return step


def values(proto: ModelProto, x: np.ndarray) -> np.ndarray:
    return Session(proto).run({"x": x})["y"].astype(np.float64)


@pytest.mark.parametrize("name", ["silu", "hardswish", "relu6"])
@pytest.mark.parametrize("hinges", range(1, 9))
def test_the_emitted_operators_are_the_fitted_function(hinges: int, name: str) -> None:
    body = {"silu": SILU, "hardswish": "y = HardSwish(x)", "relu6": "y = Clip(x, zero, six)"}[name]
    bounds: dict[str, Any] = {"zero": np.float32(0), "six": np.float32(6)} if name == "relu6" else {}
    proto = network(IMAGE, "y", body, **bounds)
    applied, adapted = replaced(proto, ActivationPlan("pwl", hinges))
    step = only(applied)
    assert step.fit is not None
    assert (step.rule, step.certificate, step.fit.to) == ("activation_to_pwl", Certificate.APPROXIMATE, f"pwl{hinges}")
    assert set(operators(adapted)) <= {"Conv", "LeakyRelu", "Relu", "Add"}
    fitted = fit_leaky_sum(KNOWN[name], global_histogram(), hinges)
    assert step.fit.parameters == tuple(v for t in fitted.terms for v in (t.a, t.b, t.alpha))
    x = np.random.default_rng(0).uniform(-9, 9, (1, 4, 9, 7)).astype(np.float32)
    expected = fitted(x.astype(np.float64))
    np.testing.assert_allclose(values(adapted, x), expected, rtol=0, atol=1e-5 * np.ptp(expected))
    assert against(proto, adapted, applied.steps).certify().failures == ()
    assert replaced(adapted)[0].steps == ()


def test_the_layers_own_histogram_is_used() -> None:
    centre = np.exp(-0.5 * ((np.arange(64) - 20) / 5) ** 2)
    histogram = Histogram(-2.0, 1.0, centre / centre.sum())
    applied, _ = replaced(network(IMAGE, "y", SILU), replace(PWL, histograms={"x": histogram, "other": histogram}))
    fitted = fit_leaky_sum(KNOWN["silu"], histogram, 4)
    fit = only(applied).fit
    assert fit is not None
    assert fit.error == fitted.error
    assert fit.parameters == tuple(v for t in fitted.terms for v in (t.a, t.b, t.alpha))
    everywhere = only(replaced(network(IMAGE, "y", SILU))[0]).fit
    assert everywhere is not None
    assert everywhere.parameters != fit.parameters


def test_a_plain_leaky_relu() -> None:
    proto = network(IMAGE, "y", SILU)
    applied, adapted = replaced(proto, ActivationPlan("leaky", slope=0.125))
    step = only(applied)
    assert (step.rule, step.certificate) == ("activation_to_leaky_relu", Certificate.FUNCTION_CHANGING)
    assert step.fit is not None
    assert (step.fit.to, step.fit.parameters) == ("leaky", (0.125,))
    assert 0.05 < step.fit.error < 1
    assert operators(adapted) == ["LeakyRelu"]
    x = np.random.default_rng(0).uniform(-9, 9, (1, 4, 9, 7)).astype(np.float32)
    np.testing.assert_allclose(values(adapted, x), np.where(x > 0, x, x / 8), rtol=1e-6)
    assert against(proto, adapted, applied.steps).certify().failures == ()


@pytest.mark.parametrize("plan", [None, ActivationPlan("keep")])
def test_kept(plan: ActivationPlan | None) -> None:
    assert replaced(network(IMAGE, "y", SILU), plan)[0] == Applied((), ())


@pytest.mark.parametrize("mode", ["pwl", "leaky"])
def test_what_the_target_runs_stays(mode: str) -> None:
    plan = ActivationPlan(mode)  # type: ignore[arg-type]
    assert replaced(network(IMAGE, "y", SILU), plan, "icraft-v3-buyi")[0] == Applied((), ())
    for body in ("y = Relu(x)", "y = LeakyRelu<alpha = 0.1>(x)", "y = Clip(x, low, high)"):
        bounds: dict[str, Any] = {"low": np.float32(-1e9), "high": np.float32(1e9)} if "Clip" in body else {}
        assert replaced(network(IMAGE, "y", body, **bounds), plan)[0].steps == ()


@pytest.mark.parametrize("mode", ["pwl", "leaky"])
def test_an_unknown_function_is_declined(mode: str) -> None:
    proto = network(IMAGE, "y", "y = Clip(x, low, high)", low=np.float32(0), high=np.float32(3))
    applied, _ = replaced(proto, ActivationPlan(mode))  # type: ignore[arg-type]
    assert applied.steps == ()
    assert [miss.reason for miss in applied.near_misses] == ["an elementwise function, but no known activation"]


def test_vectors_are_declined() -> None:
    applied, _ = replaced(network("float[1,8] x", "y", SILU))
    assert applied.steps == ()
    assert "no feature map" in applied.near_misses[0].reason


def test_a_prelu_per_channel_stays_for_the_target_to_refuse() -> None:
    proto = network(IMAGE, "y", "y = PRelu(x, k)", k=np.array([0.1, 0.2, 0.3, 0.4]).reshape(4, 1, 1))
    assert replaced(proto)[0] == Applied((), ())


def test_a_gates_sigmoid_is_replaced_by_itself() -> None:
    body = "g = GlobalAveragePool(x) c = Conv(g, w) s = Sigmoid(c) y = Mul(x, s)"
    applied, adapted = replaced(network(IMAGE, "y", body, w=weights(4, 4, 1, 1)))
    assert only(applied).sites == ("s",)
    assert "Mul" in operators(adapted)
    assert "Sigmoid" not in operators(adapted)


@pytest.mark.parametrize("outputs", ["y", "y, a"])
def test_readers_and_outputs_keep_the_activation(outputs: str) -> None:
    """Read twice, and once given as an output under its own name."""
    proto = network(IMAGE, outputs, "s = Sigmoid(x) a = Mul(x, s) b = Neg(a) y = Add(a, b)")
    applied, adapted = replaced(proto)
    assert only(applied).sites == ("a",)
    assert [value.name for value in adapted.graph.output] == outputs.split(", ")
    assert against(proto, adapted, applied.steps).certify().failures == ()


def test_an_inner_result_given_as_an_output_hides_the_activation() -> None:
    applied, adapted = replaced(network(IMAGE, "y, s", SILU))
    assert [step.sites for step in applied.steps] == [("s",)]
    assert "Mul" in operators(adapted)


def test_the_worst_error_is_that_of_the_range() -> None:
    fit = only(replaced(network(IMAGE, "y", SILU))[0]).fit
    assert fit is not None
    x = np.linspace(-4, 4, 10_001)
    actual = float(np.abs(fit.function(x) - KNOWN["silu"](x)).max())
    assert actual <= fit.worst(-4, 4) <= 1.01 * actual
    assert fit.worst(-4, 4) <= fit.worst(-20, 20)
