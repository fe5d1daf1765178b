"""What no rewrite takes is refused before any work is done: one line, with the place and the hint what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper

from icraft_adapt.errors import Exit
from icraft_adapt.graph.session import newest_opset

from .networks import loaded, network, operators, refused

DYNAMIC = {"inputs": "float[N,3,H,W] x", "outputs": "float[N,1,4,H,W] y"}


def test_batch_of_two(tmp_path: Path) -> None:
    proto = network(inputs="float[2,3,8,8] x", outputs="float[2,1,4,8,8] y")
    refused(tmp_path, proto, "input 'x': batch 2: the NPU runs one image at a time", Exit.UNSUPPORTED)
    refused(tmp_path, network(**DYNAMIC), "batch 2", Exit.UNSUPPORTED, (2, 3, 8, 8))


def test_input_beyond_all_measure(tmp_path: Path) -> None:
    said = "input 'x': 1x3x1048576x64 is too large: more than 33554432 values (export with a smaller input)"
    refused(tmp_path, network(**DYNAMIC), said, Exit.UNSUPPORTED, (1, 3, 1 << 20, 64))


def with_node(op: str, domain: str = "", outputs: int = 1, **attrs: object) -> ModelProto:
    """The standard network with one more node behind it."""
    proto = network()
    names = [f"z{index}" for index in range(outputs)]
    proto.graph.node.append(helper.make_node(op, ["y"], names, name="late", domain=domain, **attrs))
    if domain:
        proto.opset_import.append(helper.make_opsetid(domain, 1))
    return proto


BRANCH = helper.make_graph([], "branch", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])


@pytest.mark.parametrize(
    ("proto", "said"),
    [
        (with_node("If", then_branch=BRANCH, else_branch=BRANCH), "If makes the graph depend on data (export with"),
        (with_node("Loop", body=BRANCH), "Loop makes the graph depend on data"),
        (with_node("Scan", body=BRANCH, num_scan_inputs=1), "Scan makes the graph depend on data"),
        (with_node("SequenceMap", body=BRANCH), "SequenceMap carries a subgraph (export the model without control"),
        (with_node("QuantizeLinear"), "QuantizeLinear: the model is already quantised (give the float model"),
        (with_node("DequantizeLinear"), "DequantizeLinear: the model is already quantised"),
        (with_node("QLinearConv"), "QLinearConv: the model is already quantised"),
        (with_node("DynamicQuantizeLinear", outputs=3), "DynamicQuantizeLinear: the model is already quantised"),
        (with_node("QGemm", "com.microsoft"), "QGemm: the model is already quantised"),
        (with_node("MatMulNBits", "com.microsoft"), "MatMulNBits: the model is already quantised"),
        (with_node("NonMaxSuppression"), "NonMaxSuppression: non-maximum suppression is inside the graph (export"),
        (with_node("EfficientNMS_TRT", "TRT", 4), "EfficientNMS_TRT: non-maximum suppression is inside the graph"),
        (with_node("EfficientNMS_TRT", "", 4), "EfficientNMS_TRT: non-maximum suppression is inside the graph"),
        (with_node("DCNv2", "mmcv"), "DCNv2: the operator domain 'mmcv' is unknown (export with standard ONNX"),
        (with_node("Plugin"), "Plugin: ONNX has no operator of this name (export with standard ONNX operators)"),
    ],
    ids=lambda value: value.graph.node[-1].op_type if isinstance(value, ModelProto) else "",
)
def test_node_that_no_rewrite_takes(tmp_path: Path, proto: ModelProto, said: str) -> None:
    refused(tmp_path, proto, f"node late: {said}", Exit.UNSUPPORTED)


def test_opset_newer_than_the_runtime(tmp_path: Path) -> None:
    said = f"opset 99 is newer than the runtime knows ({newest_opset()}) (export with opset 17)"
    refused(tmp_path, network(opset=99), said, Exit.UNSUPPORTED)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("c = Relu(x) c = Sigmoid(x) y = Relu(c)", "SSA"),
        ("a = Add(x, b1) b1 = Relu(a) y = Relu(b1)", "topologically sorted"),
        ("y = Add(x, nowhere)", "nowhere"),
        ("a = Relu(x)", "y"),
        ("y = Relu(x, x)", "Relu"),
        ("y = Relu <alpha = 1.0> (x)", "alpha"),
        ("y = Concat <axis = 7> (x, x)", "axis"),
    ],
)
def test_graph_that_contradicts_itself(tmp_path: Path, body: str, said: str) -> None:
    refused(tmp_path, network(body, outputs="float[1,3,8,8] y"), "the graph contradicts itself: ", Exit.BAD_INPUT)
    refused(tmp_path, network(body, outputs="float[1,3,8,8] y"), said, Exit.BAD_INPUT)


@pytest.mark.parametrize(
    ("constants", "said"),
    [
        ({"w": np.zeros((4, 2, 1, 1), np.float32)}, "its input has 3 channels, its kernel takes 1 x 2"),
        ({"b": np.zeros(3, np.float32)}, "its kernel gives 4 channels, its bias has 3"),
    ],
)
def test_convolution_that_does_not_fit(tmp_path: Path, constants: dict[str, np.ndarray], said: str) -> None:
    refused(tmp_path, network(**constants), f"node c: the graph contradicts itself: {said}", Exit.BAD_INPUT)


def focus(end: np.ndarray) -> ModelProto:
    """Two of a Focus's slices, the second cut from row 1 to `end`."""
    body = "a = Slice(x, zero, most, axis, two) b1 = Slice(x, one, end, axis, two) y = Concat <axis = 1> (a, b1)"
    ints = {"zero": [0], "one": [1], "axis": [2], "two": [2], "most": [np.iinfo(np.int64).max]}
    stored = {name: np.asarray(values, np.int64) for name, values in ints.items()}
    return network(body, outputs="float[1,6,4,8] y", **stored, end=end)


def test_focus_whose_slice_ends_were_cast_to_int32(tmp_path: Path) -> None:
    """int64's largest number is -1 as int32: the slice loses a row and the Concat no longer fits."""
    most = np.asarray([np.iinfo(np.int64).max])
    assert operators(loaded(tmp_path, focus(most))) == ["Slice", "Slice", "Concat"]
    broken = focus(most.astype(np.int32).astype(np.int64))
    refused(tmp_path, broken, "the graph contradicts itself: ", Exit.BAD_INPUT)
    refused(tmp_path, broken, "Concat", Exit.BAD_INPUT)
    mixed = focus(most.astype(np.int32))  # starts of int64, ends of int32: not even the types fit
    refused(tmp_path, mixed, "Slice", Exit.BAD_INPUT)


def test_attributes_that_hold_an_empty_list(tmp_path: Path) -> None:
    proto = with_node("ReduceMean")
    proto.graph.node[-1].attribute.append(helper.make_attribute("axes", [], attr_type=onnx.AttributeProto.INTS))
    refused(tmp_path, proto, "node late: ReduceMean: its attribute 'axes' is an empty list", Exit.UNSUPPORTED)
