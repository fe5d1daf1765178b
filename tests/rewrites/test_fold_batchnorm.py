"""fold_batchnorm: the product with the Conv's weights and bias, and what stands in its way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto

from icraft_adapt.errors import Decline
from icraft_adapt.graph.model import Model
from icraft_adapt.rewrites.core.rule import Context
from icraft_adapt.rewrites.fold_batchnorm import RULE
from icraft_adapt.targets.loader import load_target
from icraft_adapt.tests.rewrites.harness import apply, assert_declines, network, operators, weights

BN = "y = BatchNormalization<epsilon = 0.001>(c, scale, shift, mean, var)"
PARAMETERS: dict[str, Any] = {
    "scale": weights(4, seed=1),
    "shift": weights(4, seed=2),
    "mean": weights(4, seed=3),
    "var": np.abs(weights(4, seed=4)),
}


def after(body: str, **constants: NDArray[np.float32]) -> ModelProto:
    return network("float[1,4,8,8] x", "y", body, **(PARAMETERS | constants))


@pytest.mark.parametrize(("group", "biased"), [(1, True), (1, False), (2, True), (4, False)])
def test_folds_into_weights_and_bias(group: int, biased: bool) -> None:
    operands = "x, w, b" if biased else "x, w"
    constants: dict[str, Any] = {"w": weights(4, 4 // group, 3, 3)} | ({"b": weights(4, seed=5)} if biased else {})
    proto = after(f"c = Conv<group = {group}, pads = [1, 1, 1, 1]>({operands}) {BN}", **constants)
    assert operators(apply(RULE, proto, times=1)) == ["Conv"]


def test_folds_two_convs_of_shared_weights_apart() -> None:
    second = BN.replace("y =", "z =").replace("(c", "(d").replace("0.001", "0.1")
    proto = network(
        "float[1,4,8,8] x",
        "y, z",
        f"r = Relu(x) c = Conv(x, w) d = Conv(r, w) {BN} {second}",
        w=weights(4, 4, 3, 3),
        **PARAMETERS,
    )
    apply(RULE, proto, times=2)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (f"c = Relu(x) {BN}", "computed by Relu, not by Conv"),
        (BN.replace("(c", "(x"), "not computed by any node"),
        (f"c = Conv(x, w) {BN.replace('y =', 'a =')} y = Add(a, c)", "other readers"),
        (f"v = Neg(w) c = Conv(x, v) {BN}", "v is not constant"),
        (f"v = Neg(b) c = Conv(x, w, v) {BN}", "v is not constant"),
        (f"c = Conv(x, w) v = Neg(var) {BN.replace('var', 'v')}", "v is not constant"),
        (f"c = Conv(x, w) {BN.replace('var', 'negative')}", "variance is negative"),
        (
            f"c = Conv(x, w) {BN.replace('y =', 'y, m, v =').replace('<', '<training_mode = 1, ')}",
            "training mode",
        ),
    ],
)
def test_declines(body: str, reason: str) -> None:
    proto = after(body, w=weights(4, 4, 3, 3), b=weights(4), negative=-PARAMETERS["var"])
    assert_declines(RULE, proto, reason)


def test_declines_parameters_that_are_not_one_number_a_channel() -> None:
    """onnx's inference lets them pass, with an output of unknown shape."""
    proto = after(f"c = Conv(x, w) {BN}", w=weights(4, 4, 3, 3))
    next(tensor for tensor in proto.graph.initializer if tensor.name == "mean").dims.append(1)
    model = Model.from_proto(proto, "net")
    with pytest.raises(Decline, match="not one number a channel"):
        RULE.match(model.nodes[-1], Context(model, load_target("icraft-v1.1")))


def test_declines_where_the_conv_output_is_a_graph_output() -> None:
    proto = network("float[1,4,8,8] x", "c, y", f"c = Conv(x, w) {BN}", w=weights(4, 4, 1, 1), **PARAMETERS)
    assert_declines(RULE, proto, "other readers")


def test_declines_the_spatial_attribute_of_old_opsets() -> None:
    per_pixel: dict[str, Any] = {key: np.ones((4, 6, 6), np.float32) for key in PARAMETERS}
    body = f"c = Conv(x, w) {BN.replace('<', '<spatial = 0, ')}"
    proto = network("float[1,4,8,8] x", "y", body, opset=7, w=weights(4, 4, 3, 3), **per_pixel)
    assert_declines(RULE, proto, "each pixel on its own")
