"""The facade: one canonical order, unique names, nothing lost on the way through, the caller's proto untouched."""

from __future__ import annotations

import random

import numpy as np
import onnx
import pytest
from onnx import ModelProto, helper

from icraft_adapt.graph.check import check
from icraft_adapt.graph.edit import Editor
from icraft_adapt.graph.model import Model
from icraft_adapt.graph.normalise import constants_to_initialisers
from icraft_adapt.graph.session import Session
from icraft_adapt.graph.shapes import infer_shapes

from .networks import network, operators

TREE = """
    a = Relu(x)
    b1 = Sigmoid(x)
    c = Add(a, b1)
    d = Mul(b1, a)
    y = Sub(c, d)
    z = Tanh(b1)
    dead = Exp(a)
"""


def ready(proto: ModelProto) -> ModelProto:
    """As `load_static` leaves it."""
    constants_to_initialisers(proto)
    infer_shapes(proto)
    return proto


def tree() -> ModelProto:
    return ready(network(TREE, outputs="float[1,3,8,8] y, float[1,3,8,8] z"))


def test_order_depends_on_the_network_alone() -> None:
    """Depth first from the outputs, inputs left to right; what no output needs is gone."""
    expected = Model.from_proto(tree(), "net").to_proto()
    assert [node.output[0] for node in expected.graph.node] == ["a", "b1", "c", "d", "y", "z"]
    for seed in range(10):
        shuffled = tree()
        nodes = list(shuffled.graph.node)
        random.Random(seed).shuffle(nodes)
        del shuffled.graph.node[:]
        shuffled.graph.node.extend(nodes)
        found = Model.from_proto(shuffled, "net").to_proto()
        assert found.SerializeToString(deterministic=True) == expected.SerializeToString(deterministic=True)


def test_first_output_is_computed_first() -> None:
    proto = tree()
    outputs = list(proto.graph.output)
    del proto.graph.output[:]
    proto.graph.output.extend(reversed(outputs))
    nodes = Model.from_proto(proto, "net").to_proto().graph.node
    assert [node.output[0] for node in nodes] == ["b1", "z", "a", "c", "d", "y"]


def test_long_chains_need_no_deep_stack() -> None:
    body = "a0 = Relu(x) " + " ".join(f"a{i + 1} = Relu(a{i})" for i in range(3000)) + " y = Relu(a3000)"
    model = Model.from_proto(network(body, outputs="float[1,3,8,8] y"), "net")
    assert len(model.nodes) == 3002
    first = model.nodes[0].outputs[0]
    Editor(model).expose([(first, "y")])
    model.prune()
    check(model)
    assert [node.op for node in model.nodes] == ["Relu"]


def test_everything_survives_the_round_trip() -> None:
    proto = ready(network())
    proto.producer_name, proto.producer_version, proto.doc_string = "maker", "7", "what it is"
    proto.domain, proto.model_version, proto.ir_version = "org.example", 3, 9
    helper.set_model_props(proto, {"classes": "80", "stride": "8,16,32"})
    proto.graph.doc_string = "a graph"
    proto.graph.node[1].doc_string = "an activation"
    proto.graph.node[1].metadata_props.add(key="namespace", value="backbone.stem")
    proto.graph.quantization_annotation.add(tensor_name="c").quant_parameter_tensor_names.add(key="SCALE", value="b")
    for node in proto.graph.node:
        node.name = ""
    before = proto.SerializeToString(deterministic=True)
    found = Model.from_proto(proto, "net").to_proto()
    for field in ("producer_name", "producer_version", "doc_string", "domain", "model_version", "ir_version"):
        assert getattr(found, field) == getattr(proto, field), field
    assert list(found.metadata_props) == list(proto.metadata_props)
    assert list(found.opset_import) == list(proto.opset_import)
    assert found.graph.doc_string == "a graph"
    assert list(found.graph.quantization_annotation) == list(proto.graph.quantization_annotation)
    for mine, theirs in zip(found.graph.node, proto.graph.node, strict=True):
        assert mine.name == mine.output[0]  # nameless in the source
        mine.name = ""
        theirs.name = ""
        assert mine == theirs
    weights = {tensor.name: tensor for tensor in proto.graph.initializer}
    assert {tensor.name: tensor for tensor in found.graph.initializer} == {
        name: weights[name] for name in ("w", "b", "axes")
    }
    assert proto.SerializeToString(deterministic=True) == before


def test_own_proto_is_never_written_to() -> None:
    proto = ready(network())
    before = proto.SerializeToString(deterministic=True)
    model = Model.from_proto(proto, "net")
    edit = Editor(model)
    edit.supersede(model.tensors()["s"], "HardSigmoid", [model.tensors()["c"]], {"alpha": 0.25})
    edit.expose([(model.tensors()["m"], "w"), (model.tensors()["c"], "x.1")])  # w is a weight's name
    model.prune()
    check(model)
    onnx.checker.check_model(model.to_proto(), full_check=True)
    assert proto.SerializeToString(deterministic=True) == before


def test_note_of_another_operator_is_not_put_back() -> None:
    proto = ready(network())
    proto.graph.node[1].doc_string = "a sigmoid"
    model = Model.from_proto(proto, "net")
    Editor(model).supersede(model.tensors()["s"], "Relu", [model.tensors()["c"]], {})
    model.prune()
    assert {node.op_type: node.doc_string for node in model.to_proto().graph.node}["Relu"] == ""


def test_unique_names() -> None:
    model = Model.from_proto(ready(network()), "net")
    assert [model.unique("c"), model.unique("c"), model.unique("new"), model.unique("w")] == [
        "c.1",
        "c.2",
        "new",
        "w.1",
    ]


def test_duplicate_node_names_are_nobodys_business(capfd: pytest.CaptureFixture[str]) -> None:
    proto = ready(network())
    for node in proto.graph.node:
        node.name = "same"
    found = Model.from_proto(proto, "net").to_proto()
    assert [node.name for node in found.graph.node] == ["same", "same.1", "same.2", "same.3"]
    assert operators(found) == operators(proto)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("output", ["w", "x"])
def test_output_that_no_node_computes(output: str) -> None:
    proto = ready(network())
    shape = {"w": [4, 3, 1, 1], "x": [1, 3, 8, 8]}[output]
    proto.graph.output.append(helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, shape))
    model = Model.from_proto(proto, "net")
    check(model)
    feeds = {"x": np.ones((1, 3, 8, 8), np.float32)}
    expected = Session(proto).run(feeds)
    for name, values in Session(model.to_proto()).run(feeds).items():
        np.testing.assert_array_equal(values, expected[name])
