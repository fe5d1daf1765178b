"""The adapted ONNX as the chip's operators: constants read, activations fused where the chip fuses them."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import ModelProto

from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.golden.lower import Activation, lower
from icraft_adapt.golden.network import Bilinear, Border, Curve, Linear, Mean, Network, Product, Sum
from icraft_adapt.golden.program import Concatenation, MaxPool, NearestUpsample, Rectify, Reshape, Slice
from icraft_adapt.graph.model import Model
from icraft_adapt.tests.rewrites.harness import network

RNG = np.random.default_rng(3)
W = RNG.normal(size=(4, 3, 3, 3)).astype(np.float32)
B = RNG.normal(size=4).astype(np.float32)
CONV = "kernel_shape=[3,3], pads=[1,1,1,1]"


def lowered(proto: ModelProto, *activations: Activation) -> Network:
    return lower(Model.from_proto(proto, "net"), activations)


def test_a_leaky_relu_with_no_other_reader_is_fused() -> None:
    body = f"z = Conv<{CONV}>(x, w, b)  y = LeakyRelu<alpha=0.125>(z)"
    (layer,) = lowered(network("float[1,3,8,8] x", "y", body, w=W, b=B)).layers
    assert isinstance(layer.operator, Linear)
    assert (layer.name, layer.inputs, layer.operator.slope, layer.operator.two_cuts) == ("y", ("x",), 0.125, True)
    np.testing.assert_array_equal(layer.operator.weight, W)
    np.testing.assert_array_equal(layer.operator.bias, B)
    assert layer.macs == 4 * 8 * 8 * 27


def test_an_activation_whose_input_has_other_readers_stands_by_itself() -> None:
    body = f"z = Conv<{CONV}>(x, w, b)  a = Relu(z)  y = Add(a, z)"
    conv, relu, add = lowered(network("float[1,3,8,8] x", "y", body, w=W, b=B)).layers
    assert isinstance(conv.operator, Linear)
    assert conv.operator.slope == 1
    assert isinstance(relu.operator, Rectify)
    assert isinstance(add.operator, Sum)


def test_the_inside_of_an_activation_is_no_map() -> None:
    body = f"z = Conv<{CONV}>(x, w, b)  s = Sigmoid(z)  y = Mul(z, s)"
    silu = Activation("z", "y", Curve("silu", lambda x: x / (1 + np.exp(-x))))
    conv, table = lowered(network("float[1,3,8,8] x", "y", body, w=W, b=B), silu).layers
    assert (conv.name, table.name, table.inputs) == ("z", "y", ("z",))
    assert table.operator is silu.curve


def test_depthwise_convolutions_and_batchnorm_have_one_cut() -> None:
    w = RNG.normal(size=(3, 1, 3, 3)).astype(np.float32)
    scale, shift, mean, var = (np.abs(RNG.normal(size=3)).astype(np.float32) + 0.5 for _ in range(4))
    body = f"d = Conv<{CONV}, group=3>(x, w)  y = BatchNormalization<epsilon=0.1>(d, scale, shift, mean, var)"
    proto = network("float[1,3,8,8] x", "y", body, w=w, scale=scale, shift=shift, mean=mean, var=var)
    depthwise, norm = (layer.operator for layer in lowered(proto).layers)
    assert isinstance(depthwise, Linear)
    assert isinstance(norm, Linear)
    assert (depthwise.groups, depthwise.two_cuts, depthwise.is_pointwise) == (3, False, False)
    assert (norm.groups, norm.two_cuts, norm.is_pointwise) == (3, False, True)
    np.testing.assert_allclose(norm.weight.ravel(), scale / np.sqrt(var + 0.1), rtol=1e-6)
    np.testing.assert_allclose(norm.bias, shift - mean * scale / np.sqrt(var + 0.1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("body", "constants", "kind"),
    [
        (
            "y = MaxPool<kernel_shape=[3,3], strides=[2,2], pads=[1,1,0,0]>(x)",
            {},
            MaxPool((3, 3), (2, 2), (1, 1, 0, 0)),
        ),
        ("y = AveragePool<kernel_shape=[2,2], strides=[2,2]>(x)", {}, Mean((2, 2), (2, 2))),
        ("y = GlobalAveragePool(x)", {}, Mean((8, 8), (1, 1))),
        ("y = Concat<axis=-3>(x, x)", {}, Concatenation(1)),
        ("y = Mul(x, x)", {}, Product()),
        (
            "y = Slice(x, s, e, a, t)",
            {"s": np.array([1]), "e": np.array([-1]), "a": np.array([3]), "t": np.array([2])},
            Slice((0, 0, 0, 1), (1, 3, 8, 7), (1, 1, 1, 2)),
        ),
        (
            "y = Pad(x, p, v)",
            {"p": np.array([0, 0, 1, 1, 0, 0, 0, 2]), "v": 0.5},
            Border((0, 0, 1, 1, 0, 0, 0, 2), 0.5),
        ),
        ("y = Reshape(x, s)", {"s": np.array([1, 3, 64])}, Reshape((1, 3, 64))),
        (
            'y = Resize<mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor">(x, , f)',
            {"f": np.array([1, 1, 2, 3], np.float32)},
            NearestUpsample((2, 3)),
        ),
        ('y = Resize<mode="linear">(x, , f)', {"f": np.array([1, 1, 2, 2], np.float32)}, Bilinear((2, 2))),
    ],
)
def test_operators(body: str, constants: dict[str, object], kind: object) -> None:
    (layer,) = lowered(network("float[1,3,8,8] x", "y", body, **constants)).layers
    assert layer.operator == kind


def test_a_constant_beside_a_map_is_a_batchnorm() -> None:
    proto = network("float[1,3,8,8] x", "y", "m = Mul(x, k)  y = Add(c, m)", k=2.0, c=B[:3].reshape(3, 1, 1))
    times, plus = (layer.operator for layer in lowered(proto).layers)
    assert isinstance(times, Linear)
    assert isinstance(plus, Linear)
    np.testing.assert_array_equal(times.weight.ravel(), [2, 2, 2])
    np.testing.assert_array_equal(plus.bias, B[:3])


def test_a_fully_connected_layer_is_a_convolution_over_one_cell() -> None:
    w = RNG.normal(size=(5, 192)).astype(np.float32)
    body = "f = Reshape(x, s)  y = Gemm<transB=1, alpha=0.5>(f, w, b)"
    proto = network("float[1,3,8,8] x", "y", body, s=np.array([1, 192]), w=w, b=np.ones(5, np.float32))
    *_, product, last = lowered(proto).layers
    assert isinstance(product.operator, Linear)
    assert product.operator.weight.shape == (5, 192, 1, 1)
    np.testing.assert_array_equal(product.operator.weight[:, :, 0, 0], w * 0.5)
    assert (last.name, last.shape) == ("y", (1, 5))


@pytest.mark.parametrize(
    ("body", "constants", "reason"),
    [
        ("y = Exp(x)", {}, "no arithmetic of it is known"),
        ("y = MaxPool<kernel_shape=[3,3], strides=[2,2], ceil_mode=1>(x)", {}, "ceil_mode"),
        ("y = AveragePool<kernel_shape=[3,3], pads=[1,1,1,1]>(x)", {}, "padding inside"),
        ("y = Conv<kernel_shape=[1,1], group=2>(v, w)", {"w": W[:2, :2, :1, :1]}, "2 groups of 4 channels"),
        ("y = Add(x, r)", {}, "differ in shape"),
    ],
)
def test_what_has_no_arithmetic_is_said(body: str, constants: dict[str, object], reason: str) -> None:
    inputs = "float[1,3,8,8] x"
    if "(v" in body:
        inputs = "float[1,4,8,8] v"
    if ", r" in body:
        body = f"r = GlobalAveragePool(x)  {body}"
    with pytest.raises(AdaptError, match=reason) as caught:
        lowered(network(inputs, "y", body, **constants))
    assert caught.value.code == Exit.UNSUPPORTED
