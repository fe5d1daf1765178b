"""fold_affine: every operator, side and constant shape that folds, and what stands in its way."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import ModelProto

from icraft_adapt.rewrites.fold_affine import RULE
from icraft_adapt.tests.rewrites.harness import (
    apply,
    assert_declines,
    assert_silent,
    network,
    operators,
    weights,
)

CONV = "c = Conv<pads = [1, 1, 1, 1]>(x, w, b)"
SHAPES = [(), (1,), (1, 1, 1, 1), (4, 1, 1), (1, 4, 1, 1)]


def behind_conv(body: str, constant: np.ndarray | float = 0.5) -> ModelProto:
    values = np.asarray(constant, np.float32)
    return network("float[1,3,8,8] x", "y", f"{CONV} {body}", w=weights(4, 3, 3, 3), b=weights(4, seed=1), k=values)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("op", ["Add(c, k)", "Add(k, c)", "Sub(c, k)", "Sub(k, c)", "Mul(c, k)", "Div(c, k)"])
def test_folds(op: str, shape: tuple[int, ...]) -> None:
    constant = np.random.default_rng(7).uniform(0.3, 3, shape)
    assert operators(apply(RULE, behind_conv(f"y = {op}", constant), times=1)) == ["Conv"]


def test_folds_into_a_depthwise_conv_without_bias_and_then_again() -> None:
    proto = network(
        "float[1,4,8,8] x",
        "y",
        "c = Conv<group = 4>(x, w) d = Mul(c, k) y = Sub(d, k)",
        w=weights(4, 1, 3, 3),
        k=weights(4, 1, 1),
    )
    assert operators(apply(RULE, proto, times=2)) == ["Conv"]


@pytest.mark.parametrize(
    ("body", "constant", "reason"),
    [
        ("y = Add(c, k)", weights(8), "not one value per channel"),  # [8] runs along W
        ("y = Add(c, k)", weights(1, 1, 8, 1), "not one value per channel"),
        ("y = Mul(c, k)", weights(1, 4, 8, 8), "not one value per channel"),
        ("y = Mul(c, k)", weights(2, 1, 4, 1, 1), "not one value per channel"),
        ("y = Add(c, k)", weights(2, 4, 1, 1), "not one value per channel"),  # a batch of two
        ("y = Div(k, c)", np.ones(()), "divides the constant"),
        ("y = Div(c, k)", np.array([1, 0, 1, 1]).reshape(4, 1, 1), "divides by 0"),
    ],
)
def test_declines(body: str, constant: np.ndarray, reason: str) -> None:
    assert_declines(RULE, behind_conv(body, constant), reason)


def test_declines_a_broadcast_of_one_channel() -> None:
    proto = network("float[1,3,8,8] x", "y", "c = Conv(x, w) y = Add(c, k)", w=weights(1, 3, 3, 3), k=weights(5, 1, 1))
    assert_declines(RULE, proto, "not one value per channel")


@pytest.mark.parametrize("parameter", ["w", "b"])
def test_declines_computed_parameters(parameter: str) -> None:
    conv = "c = Conv(x, w, b)".replace(f" {parameter}", " v")
    proto = network(
        "float[1,3,8,8] x",
        "y",
        f"v = Neg({parameter}) {conv} y = Add(c, k)",
        w=weights(4, 3, 3, 3),
        b=weights(4),
        k=[1.0],
    )
    assert_declines(RULE, proto, "v is not constant")


@pytest.mark.parametrize(
    "body",
    [
        "d = Relu(c) y = Mul(d, k)",  # not behind the Conv
        "y = Add(c, c)",  # no constant
        "d = Add(c, k) y = Mul(c, d)",  # other readers
    ],
)
def test_has_nothing_to_say(body: str) -> None:
    assert_silent(RULE, behind_conv(body))


def test_has_nothing_to_say_where_the_conv_output_is_a_graph_output() -> None:
    proto = network("float[1,3,8,8] x", "c, y", "c = Conv(x, w) y = Add(c, k)", w=weights(4, 3, 3, 3), k=[1.0])
    assert_silent(RULE, proto)


@pytest.mark.parametrize(
    ("body", "three", "activation"),
    [
        ("d = Add(c, k) e = Clip(d, zero, six) y = Div(e, six)", 3.0, "hardsigmoid"),
        ("d = Mul(c, k) e = Exp(d) f = Add(e, one) y = Reciprocal(f)", -1.0, "sigmoid"),
    ],
)
def test_leaves_an_activation_whole(body: str, three: float, activation: str) -> None:
    proto = network(
        "float[1,3,8,8] x",
        "y",
        f"{CONV} {body}",
        w=weights(4, 3, 3, 3),
        b=weights(4, seed=1),
        k=np.float32(three),
        zero=np.float32(0),
        one=np.float32(1),
        six=np.float32(6),
    )
    assert_declines(RULE, proto, f"first node of a {activation}")


def test_folds_a_scale_in_front_of_an_activation() -> None:
    adapted = apply(RULE, behind_conv("d = Mul(c, k) y = Sigmoid(d)"), times=1)
    assert operators(adapted) == ["Conv", "Sigmoid"]
