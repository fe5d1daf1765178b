"""Activations in every spelling are one; what only looks like one is none."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto

from icraft_adapt.graph.model import Model
from icraft_adapt.graph.session import newest_opset
from icraft_adapt.rewrites.core.activation import KNOWN, UNKNOWN, Activation, activation_at
from icraft_adapt.tests.rewrites.harness import network, weights

SPELLINGS: dict[str, list[tuple[str, int]]] = {
    "silu": [
        ("s = Sigmoid(x) y = Mul(x, s)", 17),
        ("s = Sigmoid(x) y = Mul(s, x)", 17),
        ("n = Neg(x) e = Exp(n) d = Add(e, one) y = Div(x, d)", 17),
        ("t = Mul(x, half) h = Tanh(t) p = Add(h, one) q = Mul(p, half) y = Mul(x, q)", 17),
        ("y = Swish(x)", 24),
    ],
    "hardswish": [
        ("y = HardSwish(x)", 17),
        ("h = HardSigmoid<alpha = 0.166666667>(x) y = Mul(x, h)", 17),
        ("a = Add(x, three) c = Clip(a, zero, six) d = Div(c, six) y = Mul(x, d)", 17),
        ("a = Add(three, x) c = Clip(a, zero, six) d = Mul(c, sixth) y = Mul(d, x)", 17),
        ("a = Add(x, three) c = Clip(a, zero, six) m = Mul(x, c) y = Div(m, six)", 17),
        ("a = Add(x, three) c = Clip(a, zero, six) m = Mul(c, x) y = Mul(m, sixth)", 17),
        ("a = Add(x, three) r = Relu(a) c = Min(r, six) m = Mul(x, c) y = Mul(m, sixth)", 17),
    ],
    "relu6": [
        ("y = Clip(x, zero, six)", 17),
        ("y = Clip<min = 0.0, max = 6.0>(x)", 10),
        ("r = Relu(x) y = Min(r, six)", 17),
        ("r = Relu(x) y = Clip(r, , six)", 17),
    ],
    "hardsigmoid": [
        ("y = HardSigmoid<alpha = 0.166666667>(x)", 17),
        ("a = Add(x, three) c = Clip(a, zero, six) y = Div(c, six)", 17),
        ("m = Mul(x, sixth) a = Add(m, half) y = Clip(a, zero, one)", 17),
    ],
    "gelu": [
        ("d = Div(x, root) e = Erf(d) p = Add(e, one) m = Mul(x, p) y = Mul(m, half)", 17),
        ("d = Div(x, root) e = Erf(d) p = Add(e, one) h = Mul(x, half) y = Mul(h, p)", 17),
        ("y = Gelu(x)", 20),
    ],
    "gelu_tanh": [('y = Gelu<approximate = "tanh">(x)', 20)],
    "quick_gelu": [("m = Mul(x, slope) s = Sigmoid(m) y = Mul(x, s)", 17)],
    "mish": [
        ("p = Softplus(x) t = Tanh(p) y = Mul(x, t)", 17),
        ("e = Exp(x) a = Add(e, one) l = Log(a) t = Tanh(l) y = Mul(x, t)", 17),
        ("y = Mish(x)", 18),
    ],
    "leaky": [
        ("y = LeakyRelu<alpha = 0.1>(x)", 17),
        ("y = PRelu(x, tenth)", 17),
        ("m = Mul(x, tenth) y = Max(x, m)", 17),
    ],
    "relu": [("y = Relu(x)", 17), ("y = Max(x, zero)", 17), ("a = Abs(x) s = Add(x, a) y = Mul(s, half)", 17)],
    "sigmoid": [("y = Sigmoid(x)", 17)],
    "softplus": [("y = Softplus(x)", 17)],
    "elu": [("y = Elu(x)", 17)],
    "tanh": [("y = Tanh(x)", 17)],
    "identity": [("y = Clip(x, low, high)", 17), ("a = Neg(x) y = Neg(a)", 17)],
}
SCALARS: dict[str, float] = {"zero": 0, "one": 1, "three": 3, "six": 6, "half": 0.5, "sixth": 1 / 6, "tenth": 0.1}
SCALARS |= {"root": 2**0.5, "slope": 1.702, "low": -1e9, "high": 1e9}
CASES = [(name, *spelling) for name, spellings in SPELLINGS.items() for spelling in spellings]


def with_scalars(body: str, outputs: str = "y", opset: int = 17, inputs: str = "float[1,4,6,5] x") -> ModelProto:
    words = set(re.findall(r"\w+", body))
    used = {name: np.float32(value) for name, value in SCALARS.items() if name in words}
    return network(inputs, outputs, body, opset=opset, **used)


def found_in(proto: ModelProto) -> list[Activation]:
    model = Model.from_proto(proto, "model")
    each = (activation_at(node, model) for node in model.nodes)
    return [activation for activation in each if activation is not None]


@pytest.mark.parametrize(("name", "body", "opset"), CASES, ids=[f"{n}: {b}" for n, b, _ in CASES])
def test_a_spelling_is_one_activation(name: str, body: str, opset: int) -> None:
    if opset > newest_opset():
        pytest.skip(f"the runtime does not know opset {opset}")
    proto = with_scalars(body, opset=opset)
    (found,) = found_in(proto)
    assert (found.name, found.input.name, found.output.name) == (name, "x", "y")
    assert len(found.nodes) == len(proto.graph.node)
    assert found.is_known == (name in KNOWN)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1, 1)], ids=str)
def test_a_constant_may_be_a_scalar_of_any_rank(shape: tuple[int, ...]) -> None:
    body = "m = Mul(x, k) s = Sigmoid(m) y = Mul(x, s)"
    proto = network("float[1,4,6,5] x", "y", body, k=np.full(shape, 1.702, np.float32))
    assert [each.name for each in found_in(proto)] == ["quick_gelu"]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("y = Clip(x, zero, three)", UNKNOWN),
        ("a = Add(x, three) y = Mul(x, a)", UNKNOWN),
        ("y = Log(x)", UNKNOWN),
        ("y = Reciprocal(x)", UNKNOWN),
        ("y = Exp(x)", UNKNOWN),
    ],
)
def test_any_other_function_has_no_name(body: str, name: str) -> None:
    (found,) = found_in(with_scalars(body))
    assert found.name == name
    assert not found.is_known


@pytest.mark.parametrize(
    "tail",
    ["y = Mul(a, three)", "y = Add(x, a)", "b = Neg(a) y = Add(a, b)", "b = Clip(a, zero, three) y = Mul(b, a)"],
)
def test_an_activation_inside_another_function_stands_by_itself(tail: str) -> None:
    silu, rest = found_in(with_scalars(f"s = Sigmoid(x) a = Mul(x, s) {tail}"))
    assert (silu.name, silu.input.name, silu.output.name) == ("silu", "x", "a")
    assert (rest.name, rest.output.name) == (UNKNOWN, "y")


def test_a_gate_is_no_silu() -> None:
    """Squeeze and excitation: the Mul of two tensors is none, its Sigmoid is one of its own."""
    body = "g = GlobalAveragePool(x) c = Conv(g, w) s = Sigmoid(c) y = Mul(x, s)"
    (found,) = found_in(network("float[1,4,6,5] x", "y", body, w=weights(4, 4, 1, 1)))
    assert (found.name, found.input.name, found.output.name) == ("sigmoid", "c", "s")


def test_a_heads_sigmoid_is_no_silu() -> None:
    body = "c = Conv(x, w) r = Conv(x, v) s = Sigmoid(c) y = Concat<axis = 1>(r, s)"
    proto = network("float[1,4,6,5] x", "y", body, w=weights(1, 4, 1, 1), v=weights(4, 4, 1, 1))
    assert [each.name for each in found_in(proto)] == ["sigmoid"]


def test_the_product_of_two_scores_is_none() -> None:
    body = "a = Sigmoid(x) b = Sigmoid(v) y = Mul(a, b)"
    names = [each.name for each in found_in(network("float[1,4,6,5] x, float[1,4,6,5] v", "y", body))]
    assert names == ["sigmoid", "sigmoid"]


@pytest.mark.parametrize(
    ("body", "constants"),
    [
        ("y = PRelu(x, k)", {"k": np.full((4, 1, 1), 0.1)}),
        ("y = Mul(x, k)", {"k": np.ones((4, 1, 1))}),
        ("s = Softmax(x) y = Transpose(s)", {}),
        ("y = Add(x, x2)", {}),
    ],
)
def test_what_differs_by_channel_is_none(body: str, constants: dict[str, Any]) -> None:
    assert found_in(network("float[1,4,6,5] x, float[1,4,6,5] x2", "y", body, **constants)) == []


def test_several_readers() -> None:
    proto = with_scalars("s = Sigmoid(x) a = Mul(x, s) y = Neg(a) v = Abs(a)", "y, v")
    silu = next(each for each in found_in(proto) if each.output.name == "a")
    assert (silu.name, silu.input.name) == ("silu", "x")


def test_an_inner_result_that_is_an_output_stays_by_itself() -> None:
    proto = with_scalars("s = Sigmoid(x) y = Mul(x, s)", "y, s")
    assert [(each.name, each.output.name) for each in found_in(proto)] == [("sigmoid", "s")]


def test_an_activation_that_is_the_output() -> None:
    (found,) = found_in(with_scalars("c = Neg(x) d = Neg(c) s = Sigmoid(d) y = Mul(d, s)"))
    assert (found.name, found.input.name, found.output.name) == ("silu", "x", "y")


def test_numbers_that_are_no_floats_are_left_alone() -> None:
    body = "a = Mul(n, k) b = Add(a, k) y = Cast<to = 1>(b)"
    assert found_in(network("int64[4] n", "y", body, k=np.array(3))) == []


@pytest.mark.parametrize("name", KNOWN)
def test_curves_are_finite_everywhere(name: str) -> None:
    x = np.array([-1e6, -1e3, -40.0, 0.0, 40.0, 1e3, 1e6])
    y = KNOWN[name](x)
    assert np.isfinite(y).all()
    assert y.shape == x.shape
