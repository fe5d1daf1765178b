"""Where the shipped targets place a node, and what they say when they do not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import onnx_graphsurgeon as gs
import pytest

from icraft_adapt.graph.nodes import Node, Tensor
from icraft_adapt.targets.loader import load_target, target_names
from icraft_adapt.targets.types import Refusal

Shape = tuple[Any, ...] | None


def tensor(name: str, shape: Shape) -> Tensor:
    made = SimpleNamespace(name=name, shape=shape, dtype=np.float32, inputs=[], outputs=[])
    return cast(Tensor, made)


def node(op: str, inputs: list[Tensor], *, shape: Shape = (1, 8, 4, 4), **attrs: object) -> Node:
    made = SimpleNamespace(op=op, name="n", domain=None, attrs=attrs, inputs=inputs, outputs=[tensor("y", shape)])
    return cast(Node, made)


def stored(*shape: int) -> Tensor:
    return cast(Tensor, gs.Constant("w", np.zeros(shape, np.float32)))


X = tensor("x", (1, 8, 4, 4))


@pytest.mark.parametrize("name", target_names())
def test_a_depthwise_1x1_convolution_with_bias_runs_everywhere(name: str) -> None:
    depthwise = node("Conv", [X, stored(8, 1, 1, 1), stored(8)], group=8, kernel_shape=[1, 1], strides=[1, 1])
    assert load_target(name).place(depthwise) == "npu"


@pytest.mark.parametrize(
    ("op", "v1", "v3"), [("Sigmoid", "refused", "npu"), ("Mul", "cpu", "npu"), ("Exp", "refused", "refused")]
)
def test_versions_differ(op: str, v1: str, v3: str) -> None:
    made = node(op, [X] if op != "Mul" else [X, X])
    for name, expected in (("icraft-v1.1", v1), ("icraft-v3-buyi", v3), ("icraft-v3-zhuge", v3)):
        place = load_target(name).place(made)
        assert ("refused" if isinstance(place, Refusal) else place) == expected


def test_a_reason_is_the_sentence_and_the_numbers() -> None:
    made = node("Conv", [X, stored(8, 8, 3, 3)], strides=[2, 2], pads=[1, 1, 1, 1], kernel_shape=[3, 3])
    reason = load_target("icraft-v1.1").refuses(made)
    assert reason == "(ifm - effective kernel + pads) is a multiple of the stride: (4 - 3 + 2) mod 2 = 1"


def test_an_operator_that_the_npu_lacks_is_named() -> None:
    target = load_target("icraft-v1.1")
    assert target.refuses(node("Slice", [X])) == "the NPU of icraft-v1.1 has no operator Slice"


def test_another_domain_is_another_operator() -> None:
    made = node("Relu", [X])
    made.domain = "com.example"
    assert load_target("icraft-v3-buyi").refuses(made)


@pytest.mark.parametrize("shape", [None, (1, "C", 4, 4), (1, None, 4, 4)])
def test_an_unknown_shape_is_refused(shape: Shape) -> None:
    reason = load_target("icraft-v3-buyi").refuses(node("Relu", [X], shape=shape))
    assert reason == "a shape is not known before the network runs"


def test_an_absent_optional_input_has_no_shape_to_know() -> None:
    clip = node("Clip", [X, tensor("", None), stored()])
    assert load_target("icraft-v3-buyi").place(clip) == "npu"


def test_the_cpu_takes_what_a_limit_keeps_from_the_npu() -> None:
    added = node("Add", [X, tensor("z", (1, 1, 4, 4))])
    assert load_target("icraft-v3-buyi").refuses(added)
    assert load_target("icraft-v3-buyi").place(added) == "cpu"


def test_without_tables_an_activation_stands_behind_a_convolution() -> None:
    read = tensor("x", (1, 8, 4, 4))
    read.inputs = [node("Add", [X, X])]
    made = node("LeakyRelu", [read])
    assert "it stands behind Add" in str(load_target("icraft-v1.1").refuses(made))
    assert load_target("icraft-v3-buyi").refuses(made) is None
