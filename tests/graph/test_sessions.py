"""Running a model, a node, a region; what the runtime says of a bad one is told in one line."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.graph.model import Model
from icraft_adapt.graph.region import extract, run_region
from icraft_adapt.graph.session import Session, evaluate_node, with_outputs

from .networks import CONV, network, operators
from .test_model_facade import ready

IMAGE = np.random.default_rng(0).uniform(-2, 2, (1, 3, 8, 8)).astype(np.float32)


def test_outputs_by_name() -> None:
    session = Session(ready(network()))
    assert (session.inputs, session.outputs) == (["x"], ["y"])
    assert session.run({"x": IMAGE})["y"].shape == (1, 1, 4, 8, 8)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("y = Add(x, nowhere)", "nowhere"),
        ("y = Concat <axis = 9> (x, x)", "axis"),
        ("y = Relu(x) y = Relu(x)", "y"),
    ],
)
def test_model_that_does_not_load(body: str, said: str) -> None:
    with pytest.raises(AdaptError, match="ONNX Runtime cannot load the model: ") as caught:
        Session(network(body, outputs="float[1,3,8,8] y"))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.code == Exit.BAD_INPUT


def test_place_in_the_sources_of_the_runtime_is_left_out() -> None:
    with pytest.raises(AdaptError, match=r"^ONNX Runtime cannot load the model: ONNX Runtime only \*guarantees\*"):
        Session(network(opset=99))


def test_model_that_does_not_run() -> None:
    """The sentence that is kept names the node and what is wrong."""
    proto = network("k = Gather(b, far) c = Add(x, k) y = Relu(c)", outputs="float[1,3,8,8] y", far=np.asarray([99]))
    with pytest.raises(AdaptError, match="ONNX Runtime cannot run the model: ") as caught:
        Session(proto).run({"x": IMAGE})
    assert "Gather" in str(caught.value)
    assert "99" in str(caught.value)


def test_large_weights_outlive_the_model_they_came_from() -> None:
    weight = np.random.default_rng(0).standard_normal((3, 64, 64)).astype(np.float32)
    body = "y = MatMul(x, w)"
    proto = network(body, "float[1,3,8,64] x", "float[1,3,8,64] y", w=weight)
    session, image = Session(proto), np.ones((1, 3, 8, 64), np.float32)
    expected = image @ weight
    del proto, weight
    noise = [np.full((3, 64, 64), 7, np.float32) for _ in range(50)]
    np.testing.assert_allclose(session.run({"x": image})["y"], expected, rtol=1e-5, atol=1e-4)
    assert len(noise) == 50


def test_with_outputs() -> None:
    proto = ready(network("c = Conv(x, w, b) s = Shape(c) y = Relu(c)", outputs="float[1,4,8,8] y"))
    before = proto.SerializeToString(deterministic=True)
    tapped = with_outputs(proto, ["c", "s", "y", "c"])
    del tapped.graph.value_info[:]
    found = Session(tapped).run({"x": IMAGE})
    assert list(found) == ["y", "c", "s"]
    np.testing.assert_array_equal(found["s"], [1, 4, 8, 8])
    np.testing.assert_array_equal(found["y"], np.maximum(found["c"], 0))
    assert proto.SerializeToString(deterministic=True) == before


def test_with_outputs_of_unrecorded_type() -> None:
    proto = network("c = Conv(x, w, b) s = Shape(c) y = Relu(c)", outputs="float[1,4,8,8] y")
    np.testing.assert_array_equal(Session(with_outputs(proto, ["s"])).run({"x": IMAGE})["s"], [1, 4, 8, 8])


def test_evaluate_node() -> None:
    np.testing.assert_array_equal(
        evaluate_node("Concat", "", 13, {"axis": 0}, [np.arange(2), np.arange(3)]), [0, 1, 0, 1, 2]
    )
    gelu = evaluate_node("Gelu", "com.microsoft", 13, {}, [np.zeros(2, np.float32)])
    np.testing.assert_array_equal(gelu, [0, 0])


def test_evaluate_node_whose_attribute_is_a_tensor() -> None:
    """As onnx-graphsurgeon holds it: a constant, not a TensorProto."""
    proto = network(
        "a = ConstantOfShape <value = int64[1] {7}> (s) y = Add(a, s)", outputs="int64[2] y", s=np.asarray([2])
    )
    (node,) = (node for node in Model.from_proto(proto, "net").nodes if node.op == "ConstantOfShape")
    np.testing.assert_array_equal(evaluate_node(node.op, "", 13, node.attrs, [np.asarray([2])]), [7, 7])
    found = run_region([node], {}, node.outputs, 13)
    np.testing.assert_array_equal(found["a"], [7, 7])


def test_region_in_any_order_on_any_size() -> None:
    model = Model.from_proto(
        ready(network("a = Relu(x) b1 = Neg(a) c = Add(a, b1) y = Mul(c, k)", k=np.float32(2))), "net"
    )
    image = np.ones((1, 3, 2, 2), np.float32)
    nodes = list(reversed(model.nodes))
    found = run_region(nodes, {"x": image}, [model.tensors()["b1"], model.tensors()["y"]], model.opset)
    np.testing.assert_array_equal(found["b1"], -image)
    np.testing.assert_array_equal(found["y"], 0 * image)
    part = run_region([model.nodes[1], model.nodes[2]], {"a": image}, [model.tensors()["c"]], model.opset)
    np.testing.assert_array_equal(part["c"], 0 * image)


def test_extract() -> None:
    proto = ready(network("c = Conv(x, w, b) s = Sigmoid(c) m = Mul(c, s) y = Neg(m)", outputs="float[1,4,8,8] y"))
    whole = Session(with_outputs(proto, ["c", "m"])).run({"x": IMAGE})
    tail = extract(proto, ["c"], ["m"])
    assert operators(tail) == ["Sigmoid", "Mul"]
    assert [value.name for value in tail.graph.input] == ["c"]
    assert not tail.graph.initializer
    np.testing.assert_array_equal(Session(tail).run({"c": whole["c"]})["m"], whole["m"])
    head = extract(proto, [], ["c"])
    assert [value.name for value in head.graph.input] == ["x"]
    assert sorted(tensor.name for tensor in head.graph.initializer) == ["b", "w"]
    np.testing.assert_array_equal(Session(head).run({"x": IMAGE})["c"], whole["c"])


def test_extract_is_not_misled_by_outputs_left_out() -> None:
    """An input left out and an output left out have the same name: none."""
    proto = network("y = Clip(x, , k)", outputs="float[1,3,8,8] y", k=np.float32(1))
    split = helper.make_node("Split", ["z", "ones"], ["", "u"], axis=0)
    proto.graph.node.insert(0, split)
    proto.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [2]))
    part = extract(proto, [], ["y"])
    assert operators(part) == ["Clip"]
    assert [value.name for value in part.graph.input] == ["x"]


def test_extract_of_two_outputs_in_listing_order() -> None:
    proto = ready(network("c = Conv(x, w, b) s = Sigmoid(c) y = Neg(c)", outputs="float[1,4,8,8] y"))
    part = extract(proto, ["c"], ["y", "s"])
    assert operators(part) == ["Sigmoid", "Neg"]
    assert [value.name for value in part.graph.output] == ["y", "s"]
    with pytest.raises(KeyError, match="nobody"):
        extract(proto, ["nobody"], ["y"])


def test_weights_of_the_convolution() -> None:
    found = Session(extract(ready(network()), [], ["c"])).run({"x": IMAGE})["c"]
    expected = np.einsum("oi,nihw->nohw", CONV["w"][:, :, 0, 0], IMAGE) + CONV["b"][:, None, None]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
