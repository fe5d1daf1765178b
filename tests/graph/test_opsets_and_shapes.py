"""Opset conversion, shape inference without the weights, cost, and the looks that decline with a reason."""

from __future__ import annotations

import math

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, version_converter

from icraft_adapt.errors import AdaptError, Decline, Exit
from icraft_adapt.graph import walk
from icraft_adapt.graph.cost import count_macs, count_parameters
from icraft_adapt.graph.model import Model
from icraft_adapt.graph.opset import convert_opset
from icraft_adapt.graph.session import Session
from icraft_adapt.graph.shapes import infer_shapes, skeleton
from icraft_adapt.graph.versions import opset_of

from .networks import CONV, network, operators
from .test_model_facade import ready

IMAGE = np.random.default_rng(0).uniform(-2, 2, (1, 3, 8, 8)).astype(np.float32)
SQUEEZE = "c = Conv(x, w, b) s = Sigmoid(c) m = Mul(c, s) y = Squeeze <axes = [0]> (m)"


def annotated(opset: int, body: str, outputs: str) -> ModelProto:
    proto = ready(network(body, outputs=outputs, opset=opset))
    helper.set_model_props(proto, {"classes": "80"})
    proto.doc_string, proto.producer_name = "what it is", "maker"
    for node in proto.graph.node:
        node.doc_string = f"doc of {node.op_type}"
        node.metadata_props.add(key="namespace", value="stem")
    return proto


@pytest.mark.parametrize(("source", "opset"), [(11, 17), (18, 17), (17, 17), (13, 18)])
def test_conversion_keeps_numbers_and_notes(source: int, opset: int) -> None:
    body, outputs = "c = Conv(x, w, b) s = Sigmoid(c) y = Mul(c, s)", "float[1,4,8,8] y"
    proto = annotated(source, body, outputs)
    before = proto.SerializeToString(deterministic=True)
    new = convert_opset(proto, opset, 8)
    assert proto.SerializeToString(deterministic=True) == before
    assert (opset_of(new), new.ir_version) == (opset, 8)
    onnx.checker.check_model(new, full_check=True)
    assert (new.doc_string, new.producer_name, new.metadata_props[0].value) == ("what it is", "maker", "80")
    assert operators(new) == operators(proto)
    for node in new.graph.node:
        assert node.doc_string == f"doc of {node.op_type}"
        assert [(note.key, note.value) for note in node.metadata_props] == [("namespace", "stem")]
    np.testing.assert_array_equal(Session(new).run({"x": IMAGE})["y"], Session(proto).run({"x": IMAGE})["y"])


def test_operands_that_the_converter_adds_are_stored() -> None:
    """Squeeze's axes, an attribute in opset 11, are an input in 13: an initialiser, not a Constant node."""
    proto = annotated(11, SQUEEZE, "float[4,8,8] y")
    new = convert_opset(proto, 17, 8)
    assert operators(new) == operators(proto)
    assert len(new.graph.initializer) == len(proto.graph.initializer) + 1
    np.testing.assert_array_equal(Session(new).run({"x": IMAGE})["y"], Session(proto).run({"x": IMAGE})["y"])


def test_large_weights_are_where_they_were() -> None:
    weight = np.random.default_rng(0).standard_normal((64, 3, 3, 3)).astype(np.float32)
    proto = ready(network("y = Conv(x, w)", outputs="float[1,64,6,6] y", opset=11, w=weight))
    new = convert_opset(proto, 17, 8)
    assert list(new.graph.initializer) == list(proto.graph.initializer)
    assert [value.name for value in new.graph.input] == ["x"]
    onnx.checker.check_model(new, full_check=True)


def test_conversion_that_cannot_be() -> None:
    """An operator that the older opset has not, and two that onnx cannot bring back to it."""
    for body, source, opset, said in [
        ("y = Gelu(x)", 20, 17, "Gelu cannot be brought from opset 20 to 17"),
        ("a = Sigmoid(x) y = Mul(a, x)", 17, 11, "Mul, Sigmoid cannot be brought from opset 17 to 11"),
    ]:
        proto = network(body, outputs="float[1,3,8,8] y", opset=source)
        with pytest.raises(AdaptError, match=said) as caught:
            convert_opset(ready(proto), opset, 8)
        assert caught.value.code == Exit.UNSUPPORTED
        assert caught.value.hint == f"export with opset {opset}"


def test_other_domains_stay() -> None:
    """The converter knows the default domain only; a graph whose operators did not change is restamped."""
    proto = network(
        "a = com.microsoft.Gelu(x) y = Relu(a)", outputs="float[1,3,8,8] y", header=', "com.microsoft": 1', opset=18
    )
    new = convert_opset(ready(proto), 17, 8)
    assert {(entry.domain, entry.version) for entry in new.opset_import} == {("", 17), ("com.microsoft", 1)}
    np.testing.assert_array_equal(Session(new).run({"x": IMAGE})["y"], Session(proto).run({"x": IMAGE})["y"])


def test_skeleton_knows_large_weights_by_shape() -> None:
    proto = network("c = Conv(x, w, b) r = Reshape(c, s) y = Relu(r)", outputs="float[256] y", s=np.asarray([-1]))
    large = np.zeros((512, 3, 3, 3), np.float32)
    proto.graph.initializer.append(onnx.numpy_helper.from_array(large, "large"))
    bones = skeleton(proto)
    assert {tensor.name for tensor in bones.graph.initializer} == {"w", "b", "s"}
    assert bones.ByteSize() < 2000
    (value,) = (value for value in bones.graph.input if value.name == "large")
    assert [dim.dim_value for dim in value.type.tensor_type.shape.dim] == [512, 3, 3, 3]
    infer_shapes(proto, check=True)
    assert {value.name for value in proto.graph.value_info} == {"c", "r"}
    assert [value.name for value in proto.graph.input] == ["x"]


def test_what_contradicts_is_named() -> None:
    proto = network("c = Conv(x, w, b) y = Add(c, k)", outputs="float[1,4,8,8] y", k=np.ones((1, 5, 1, 1)))
    proto.graph.node[1].name = "sum_7"
    with pytest.raises(AdaptError) as caught:
        infer_shapes(proto, check=True)
    assert str(caught.value).startswith("the graph contradicts itself: Add sum_7: Incompatible dimensions")
    infer_shapes(proto)  # without check it finds out what it can


def conv_cost(body: str, outputs: str, **stored: np.ndarray) -> tuple[int, int]:
    proto = ready(network(body, outputs=outputs, **stored))
    return count_macs(proto), count_parameters(proto)


def test_cost_of_known_layers() -> None:
    wide, deep = np.ones((16, 3, 3, 3)), np.ones((3, 1, 5, 5))
    assert conv_cost("y = Conv(x, w)", "float[1,16,6,6] y", w=wide) == (6 * 6 * 16 * 27, 16 * 27)
    body = "y = Conv <group = 3, strides = [2,2]> (x, w, b)"
    assert conv_cost(body, "float[1,3,2,2] y", w=deep, b=np.ones(3)) == (2 * 2 * 3 * 25, 3 * 25 + 3)
    body = "y = ConvTranspose <strides = [2,2]> (x, w)"  # every input value meets its 4 channels of 2x2
    assert conv_cost(body, "float[1,4,16,16] y", w=np.ones((3, 4, 2, 2))) == (8 * 8 * 3 * 4 * 4, 48)
    assert conv_cost("y = MatMul(x, w)", "float[1,3,8,5] y", w=np.ones((8, 5))) == (3 * 8 * 5 * 8, 40)
    assert conv_cost("f = Flatten(x) y = Gemm(f, w)", "float[1,7] y", w=np.ones((192, 7))) == (192 * 7, 192 * 7)
    body = "f = Flatten <axis = 4> (x) y = Gemm <transA = 1> (f, w)"
    assert conv_cost(body, "float[1,7] y", w=np.ones((192, 7))) == (192 * 7, 192 * 7)
    assert conv_cost("a = Sigmoid(x) y = Add(a, w)", "float[1,3,8,8] y", w=np.ones(8)) == (0, 0)


def test_looks_decline_with_a_reason() -> None:
    proto = ready(
        network(
            "c = Conv(x, w, b) s = Sigmoid(c) m = Mul(c, s) p, q = Split <axis = 1> (m) y = Add(p, q)",
            outputs="float[1,2,8,8] y",
        )
    )
    model = Model.from_proto(proto, "net")
    named = model.tensors()
    conv = walk.producer(named["c"], "Conv", "Relu")
    assert conv.op == "Conv"
    with pytest.raises(Decline, match="c is computed by Conv, not by Relu or Clip") as caught:
        walk.producer(named["c"], "Relu", "Clip")
    assert caught.value.at is conv
    with pytest.raises(Decline, match="x is not computed by any node"):
        walk.producer(named["x"])
    assert walk.sole_reader(named["c"], model) is None
    assert walk.sole_reader(named["s"], model).op == "Mul"
    assert walk.sole_reader(named["y"], model) is None
    np.testing.assert_array_equal(walk.constant(named["w"]), CONV["w"])
    with pytest.raises(Decline, match="c is not constant") as caught:
        walk.constant(named["c"])
    assert caught.value.at is conv
    assert walk.optional(conv, 2) is conv.inputs[2]
    assert walk.optional(conv, 3) is None
    assert walk.static_shape(named["p"]) == [1, 2, 8, 8]
    assert walk.node_name(conv) == "c"
    walk.need(True, "fine")
    with pytest.raises(Decline, match="because"):
        walk.need(False, "because")


def test_open_shapes_are_declined() -> None:
    proto = network("y = Relu(x)", "float[1,3,H,8] x", "float[1,3,H,8] y")
    proto.graph.value_info.append(helper.make_tensor_value_info("a", TensorProto.FLOAT, None))
    model = Model.from_proto(proto, "net")
    with pytest.raises(Decline, match="x has no static shape"):
        walk.static_shape(model.inputs[0])


def test_left_out_input_is_absent() -> None:
    model = Model.from_proto(ready(network("y = Clip(x, , k)", outputs="float[1,3,8,8] y", k=np.float32(1))), "net")
    (clip,) = model.nodes
    assert walk.optional(clip, 1) is None
    assert math.isclose(float(walk.constant(clip.inputs[2])), 1)


def test_a_conversion_that_changes_the_numbers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The converter is not believed: an operand that it alters is found by running the node in both opsets."""
    model = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 11]>
        g (float[1,2,12,12] x) => (float[1,2,12,12] y) { a = LeakyRelu <alpha = 0.1> (x)  y = Relu (a) }"""
    )
    honest = version_converter.convert_version

    def dishonest(bones: onnx.ModelProto, opset: int) -> onnx.ModelProto:
        converted = honest(bones, opset)
        converted.graph.node[0].attribute[0].f = 0.2
        return converted

    infer_shapes(model)
    assert convert_opset(model, 17, 8).opset_import[0].version == 17
    monkeypatch.setattr(version_converter, "convert_version", dishonest)
    with pytest.raises(AdaptError, match="computes 'a' otherwise") as refused:
        convert_opset(model, 17, 8)
    assert refused.value.code == Exit.UNSUPPORTED
