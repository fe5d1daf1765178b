"""ONNX graphs in torch: the same numbers as ONNX Runtime, operator by operator and network by network, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import ModelProto
from torch import Tensor

from icraft_adapt.adapter.prepare import prepare
from icraft_adapt.adapter.probe import probe_input
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.adapter.request import Request
from icraft_adapt.data.preprocess import Preprocess
from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.models.export import Spelling
from icraft_adapt.models.yolox import OutputForm, YoloxConfig
from icraft_adapt.retrain.network import Network, Operation, difference, network_of, renewed
from icraft_adapt.retrain.operators import OPERATORS
from icraft_adapt.targets.loader import load_target
from icraft_adapt.tests.adapter.networks import NANO, V1, adapted, network_file
from icraft_adapt.tests.rewrites.harness import network, one_op, weights

TOLERANCE = 1e-5
DEEP = 3e-5  # float rounding, made larger by sixty layers of random weights
MAP = (1, 4, 9, 7)

CASES: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "3x3": ("Conv", (weights(6, 4, 3, 3), weights(6)), {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}),
    "uneven pads": ("Conv", (weights(6, 4, 3, 3),), {"pads": [1, 0, 0, 1], "strides": [2, 2]}),
    "1x1": ("Conv", (weights(6, 4, 1, 1), weights(6)), {}),
    "1x1 stride 2": ("Conv", (weights(6, 4, 1, 1), weights(6)), {"strides": [2, 2]}),
    "1x1 padded": ("Conv", (weights(6, 4, 1, 1), weights(6)), {"pads": [1, 1, 1, 1]}),
    "depthwise": ("Conv", (weights(4, 1, 3, 3), weights(4)), {"group": 4, "pads": [1, 1, 1, 1]}),
    "depthwise 1x1": ("Conv", (weights(4, 1, 1, 1), weights(4)), {"group": 4}),
    "depthwise 1x1 widening": ("Conv", (weights(8, 1, 1, 1), weights(8)), {"group": 4}),
    "grouped, dilated": ("Conv", (weights(6, 2, 3, 3),), {"group": 2, "dilations": [2, 2]}),
    "max pool": ("MaxPool", (), {"kernel_shape": [5, 5], "pads": [2, 2, 2, 2]}),
    "max pool, uneven": ("MaxPool", (), {"kernel_shape": [2, 2], "pads": [0, 1, 1, 0], "strides": [2, 2]}),
    "average pool": ("AveragePool", (), {"kernel_shape": [3, 3], "strides": [2, 2]}),
    "average pool, padded": ("AveragePool", (), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    "average pool, pad counted": (
        "AveragePool",
        (),
        {"kernel_shape": [3, 3], "pads": [1, 0, 0, 1], "count_include_pad": 1},
    ),
    "global pool": ("GlobalAveragePool", (), {}),
    "twice as large": (
        "Resize",
        (None, np.array([1, 1, 2, 2], np.float32)),
        {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    ),
    "to a size": (
        "Resize",
        (None, None, np.array([1, 4, 18, 14])),
        {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"},
    ),
    "bilinear": ("Resize", (None, np.array([1, 1, 2, 2], np.float32)), {"mode": "linear"}),
    "pad": ("Pad", (np.array([0, 0, 1, 2, 0, 0, 3, 0]), np.float32(0.5)), {}),
    "batch normalisation": (
        "BatchNormalization",
        (weights(4), weights(4, seed=1), weights(4, seed=2), np.abs(weights(4, seed=3)) + 0.1),
        {"epsilon": 1e-3},
    ),
    "reshape": ("Reshape", (np.array([0, 2, -1]),), {}),
    "transpose": ("Transpose", (), {"perm": [0, 2, 3, 1]}),
    "flatten": ("Flatten", (), {}),
    "product": ("MatMul", (weights(7, 5),), {}),
    "add": ("Add", (weights(4, 1, 1),), {}),
    "sub": ("Sub", (weights(1),), {}),
    "mul": ("Mul", (weights(4, 1, 1),), {}),
    "div": ("Div", (np.float32(3),), {}),
    "max": ("Max", (np.float32(0.2),), {}),
    "min": ("Min", (np.float32(0.2),), {}),
    "clip": ("Clip", (np.float32(-0.5), np.float32(0.5)), {}),
    "clip from below": ("Clip", (np.float32(-0.5),), {}),
    "prelu": ("PRelu", (weights(4, 1, 1),), {}),
    "leaky": ("LeakyRelu", (), {"alpha": 0.2}),
    "elu": ("Elu", (), {"alpha": 0.5}),
    "hard sigmoid": ("HardSigmoid", (), {"alpha": 0.25}),
} | {op: (op, (), {}) for op in "Relu HardSwish Mish Sigmoid Tanh Softplus Exp Erf Abs Neg Reciprocal Identity".split()}


@pytest.mark.parametrize("name", CASES)
def test_an_operator_computes_what_onnx_runtime_computes(name: str) -> None:
    op, operands, attrs = CASES[name]
    proto = one_op(op, MAP, *operands, opset=18, **attrs)
    assert difference(Network(proto), proto, weights(*MAP, seed=7)) < TOLERANCE


@pytest.mark.parametrize("op", ["Log", "Sqrt"])
def test_an_operator_of_positive_values(op: str) -> None:
    proto = one_op(op, MAP)
    assert difference(Network(proto), proto, np.abs(weights(*MAP)) + 0.1) < TOLERANCE


def test_a_fully_connected_layer() -> None:
    proto = one_op("Gemm", (1, 5), weights(6, 5), weights(6), transB=1, alpha=0.5, beta=2.0)
    assert difference(Network(proto), proto, weights(1, 5, seed=1)) < TOLERANCE
    squared = one_op("Pow", MAP, np.float32(2))
    assert difference(Network(squared), squared, weights(*MAP)) < TOLERANCE
    joined = network("float[1,4,9,7] x", "y", "a = Neg(x) y = Concat<axis = 1>(x, a)")
    assert difference(Network(joined), joined, weights(*MAP)) < TOLERANCE


def test_every_operator_is_tried() -> None:
    tried = {op for op, *_ in CASES.values()} | {"Log", "Sqrt", "Gemm", "Pow", "Concat"}
    assert tried == set(OPERATORS)


VARIANTS: dict[str, tuple[YoloxConfig, OutputForm, Spelling]] = {
    "silu, depthwise": (NANO, OutputForm(), {}),
    "plain convolutions": (YoloxConfig("tiny", 2, width=0.125), OutputForm(), {}),
    "hardswish": (YoloxConfig(classes=3, width=0.125, activation="hardswish"), OutputForm(), {"opset": 14}),
    "key points": (YoloxConfig(classes=1, width=0.125, keypoints=3, focus="conv"), OutputForm(), {}),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_network_with_its_heads_laid_open(tmp_path: Path, name: str) -> None:
    config, form, spelling = VARIANTS[name]
    prepared = prepare(Request(network_file(tmp_path, config, form, **spelling)), load_target(V1), Silent())
    proto, images = prepared.model.to_proto(), probe(prepared.input_shape)
    assert difference(network_of(proto, images), proto, images) < DEEP


@pytest.mark.parametrize("activation", ["pwl", "leaky"])
def test_an_adapted_network(tmp_path: Path, activation: str) -> None:
    outcome = adapted(network_file(tmp_path), activation=activation, accept_function_change=True, html=False)
    data = {artifact.path: artifact.data for artifact in outcome.artifacts}["adapted.onnx"]
    proto = ModelProto.FromString(data)
    images = probe((1, 3, 64, 96))
    assert difference(network_of(proto, images), proto, images) < DEEP


def probe(shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.float32]]:
    return probe_input(shape, Preprocess())


def two_layers() -> ModelProto:
    return network(
        "float[1,3,8,8] x",
        "y",
        "a = Conv(x, w, b) c = LeakyRelu<alpha = 0.1>(a) y = Conv(c, v)",
        w=weights(4, 3, 1, 1),
        b=weights(4),
        v=weights(2, 4, 1, 1, seed=1),
    )


def test_many_pictures_of_another_size_at_once_and_channels_last() -> None:
    net = Network(two_layers())
    images = torch.from_numpy(weights(3, 3, 16, 8))
    together = net.run(images.contiguous(memory_format=torch.channels_last))["y"]
    alone = torch.cat([net.run(images[i : i + 1])["y"] for i in range(3)])
    assert torch.allclose(together, alone, atol=1e-6)


def test_taps_other_constants_and_gradients() -> None:
    net = Network(two_layers())
    images = torch.from_numpy(weights(1, 3, 8, 8))
    assert set(net.run(images, ["a"])) == {"a", "y"}
    held = {name: value.clone().requires_grad_() for name, value in net.constants.items()}
    net.run(images, constants=held)["y"].square().sum().backward()
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in held.values())
    assert [each.output for each in net.convolutions] == ["a", "y"]


def test_values_can_be_revised_on_their_way() -> None:
    net = Network(two_layers())
    images = torch.from_numpy(weights(1, 3, 8, 8))

    def straight(operation: Operation, source: Tensor, value: Tensor) -> Tensor:
        return source if operation.op == "LeakyRelu" else value

    found = net.run(images, ["a", "c"], revise=straight)
    assert torch.equal(found["a"], found["c"])


def test_back_to_onnx_with_new_constants_and_slopes() -> None:
    proto = two_layers()
    net = Network(proto)
    assert renewed(proto, net, net.constants) == proto
    net.constants["w"] *= 2
    net.constants["v"] += 1
    net.slopes["c"] = 0.3
    made = renewed(proto, net, ["w", "v"])
    assert [node.op_type for node in made.graph.node] == [node.op_type for node in proto.graph.node]
    onnx.checker.check_model(made, full_check=True)
    images = weights(1, 3, 8, 8)
    assert difference(net, made, images) < TOLERANCE < difference(net, proto, images)
    with pytest.raises(KeyError):
        renewed(proto, net, ["a"])
    net.constants["w"] = net.constants["b"]
    with pytest.raises(ValueError, match=r"w: \[4\]"):
        renewed(proto, net, ["w"])


def test_what_torch_lacks_and_what_it_computes_otherwise_is_refused() -> None:
    with pytest.raises(AdaptError, match=r"^lrn: LRN cannot be trained") as caught:
        Network(one_op("LRN", MAP, size=3))
    assert caught.value.code == Exit.UNSUPPORTED
    shifted = one_op(
        "Resize", MAP, None, np.array([1, 1, 1.5, 1.5], np.float32), opset=18, mode="linear",
        coordinate_transformation_mode="asymmetric",
    )  # fmt: skip
    with pytest.raises(AdaptError, match="torch computes another network than ONNX Runtime: off by") as caught:
        network_of(shifted, weights(*MAP))
    assert caught.value.code == Exit.UNSUPPORTED
