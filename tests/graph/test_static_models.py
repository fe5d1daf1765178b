"""Every file is brought to one form: static, float32, opset 11 or newer, no Constant nodes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.graph.model import Model
from icraft_adapt.graph.session import Session
from icraft_adapt.graph.versions import opset_of

from .networks import loaded, network, operators, refused, shape_of, stored

IMAGE = np.random.default_rng(0).uniform(-2, 2, (1, 3, 8, 8)).astype(np.float32)


DYNAMIC = {"inputs": "float[N,3,H,W] x", "outputs": "float[N,1,4,H,W] y"}


def test_dynamic_axes_need_a_shape(tmp_path: Path) -> None:
    hint = "input 'x': dynamic axes ?x3x?x? (add --input-shape 1x3x640x640)"
    refused(tmp_path, network(**DYNAMIC), hint, Exit.BAD_INPUT)
    proto = loaded(tmp_path, network(**DYNAMIC), (1, 3, 16, 24))
    assert shape_of(proto, "x") == [1, 3, 16, 24]
    assert shape_of(proto, "m") == [1, 4, 16, 24]
    assert shape_of(proto, "y") == [1, 1, 4, 16, 24]


def test_shapes_recorded_for_the_open_axes_are_dropped(tmp_path: Path) -> None:
    proto = network(**DYNAMIC)
    proto.graph.value_info.append(helper.make_tensor_value_info("m", TensorProto.FLOAT, ["N", 4, 640, 640]))
    assert shape_of(loaded(tmp_path, proto, (1, 3, 8, 8)), "m") == [1, 4, 8, 8]


def test_unknown_rank_takes_a_shape(tmp_path: Path) -> None:
    proto = network()
    proto.graph.input[0].type.tensor_type.ClearField("shape")
    refused(tmp_path, proto, "not even the number of axes is known (add --input-shape 1x3x640x640)", Exit.BAD_INPUT)
    assert shape_of(loaded(tmp_path, proto, (1, 3, 8, 8)), "x") == [1, 3, 8, 8]


@pytest.mark.parametrize("shape", [(1, 3, 8, 9), (1, 4, 8, 8), (3, 8, 8), (2, 3, 8, 8)])
def test_shape_that_contradicts_the_model(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(AdaptError, match="contradicts the model's 1x3x8x8") as caught:
        loaded(tmp_path, network(), shape)
    assert caught.value.code == Exit.BAD_INPUT
    assert shape_of(loaded(tmp_path, network(), (1, 3, 8, 8)), "x") == [1, 3, 8, 8]


def test_several_inputs_take_no_shape(tmp_path: Path) -> None:
    two = {"body": "y = Add(x, z)", "outputs": "float[1,3,H,8] y"}
    still = network(**two, inputs="float[1,3,8,8] x, float[1,3,8,8] z")
    assert operators(loaded(tmp_path, still)) == ["Add"]
    refused(tmp_path, still, "this one has 2", Exit.BAD_INPUT, (1, 3, 8, 8))
    moving = network(**two, inputs="float[1,3,8,8] x, float[1,3,H,8] z")
    refused(tmp_path, moving, "input 'z': dynamic axes 1x3x?x8 (export without dynamic axes)", Exit.BAD_INPUT)


@pytest.mark.parametrize(("kind", "number"), [("float16", TensorProto.FLOAT16), ("bfloat16", TensorProto.BFLOAT16)])
def test_halves_are_widened(tmp_path: Path, kind: str, number: int) -> None:
    half = helper.tensor_dtype_to_np_dtype(number)
    weight = np.random.default_rng(1).standard_normal((4, 3, 1, 1)).astype(half)
    proto = network(
        f"f = Cast <to = 1> (x) h = Cast <to = {number}> (f) c = Conv <kernel_shape=[1,1]> (h, w) y = Mul(c, k)",
        f"{kind}[1,3,8,8] x",
        f"{kind}[1,4,8,8] y",
        w=weight,
    )
    value = numpy_helper.from_array(np.asarray([3], half))
    proto.graph.node.insert(0, helper.make_node("Constant", [], ["k"], value=value))
    wide = loaded(tmp_path, proto)
    onnx.checker.check_model(wide, full_check=True)
    assert all(tensor.data_type == TensorProto.FLOAT for tensor in wide.graph.initializer)
    np.testing.assert_array_equal(stored(wide, "w"), weight.astype(np.float32))
    expected = 3 * np.einsum("oi,nihw->nohw", weight.astype(np.float32)[:, :, 0, 0], IMAGE)
    np.testing.assert_allclose(Session(wide).run({"x": IMAGE})["y"], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("attribute", "values"),
    [
        ({"value": numpy_helper.from_array(np.asarray([[1, 2]], np.int32))}, np.asarray([[1, 2]], np.int32)),
        ({"value_float": 2.5}, np.float32(2.5)),
        ({"value_floats": [2.5, 3.0]}, np.asarray([2.5, 3], np.float32)),
        ({"value_int": -7}, np.int64(-7)),
        ({"value_ints": [1, 2, 3]}, np.asarray([1, 2, 3])),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_constants_of_every_kind(tmp_path: Path, attribute: dict[str, object], values: np.ndarray) -> None:
    proto = network()
    proto.graph.node.insert(0, helper.make_node("Constant", [], ["k"], **attribute))
    found = stored(loaded(tmp_path, proto), "k")
    np.testing.assert_array_equal(found, values, strict=True)
    assert "Constant" not in operators(loaded(tmp_path, proto))


def test_constants_of_text(tmp_path: Path) -> None:
    proto = network()
    proto.graph.node.insert(0, helper.make_node("Constant", [], ["k"], value_string="text"))
    with pytest.raises(AdaptError, match="node 'k': a Constant of text or sparse values") as caught:
        loaded(tmp_path, proto)
    assert caught.value.code == Exit.UNSUPPORTED


def test_functions_are_inlined(tmp_path: Path) -> None:
    function = '<domain: "local", opset_import: ["": 13]> swish (a) => (r) { s = Sigmoid(a) r = Mul(a, s) }'
    proto = network(
        "c = Conv(x, w, b) y = local.swish(c)",
        outputs="float[1,4,8,8] y",
        header=', "local": 1',
        functions=function,
    )
    flat = loaded(tmp_path, proto)
    assert operators(flat) == ["Conv", "Sigmoid", "Mul"]
    plain = network("c = Conv(x, w, b) s = Sigmoid(c) y = Mul(c, s)", outputs="float[1,4,8,8] y")
    np.testing.assert_array_equal(Session(flat).run({"x": IMAGE})["y"], Session(plain).run({"x": IMAGE})["y"])


OLD = {
    7: ('c = Conv(x, w, b) y = Upsample <mode = "nearest", scales = [1.0, 1.0, 2.0, 2.0]> (c)', [1, 4, 16, 16]),
    9: ("c = Conv(x, w, b) r = Clip <min = 0.0, max = 6.0> (c) y = Pad <pads = [0,0,1,1,0,0,1,1]> (r)", [1, 4, 10, 10]),
    10: ("c = Conv(x, w, b) y = Clip <min = 0.0, max = 6.0> (c)", [1, 4, 8, 8]),
}


@pytest.mark.parametrize("opset", OLD)
def test_old_opset_is_brought_to_eleven(tmp_path: Path, opset: int) -> None:
    body, shape = OLD[opset]
    proto = network(body, outputs=f"float{shape} y", opset=opset)
    new = loaded(tmp_path, proto)
    assert opset_of(new) == 11
    assert shape_of(new, "y") == shape
    assert "Constant" not in operators(new)
    np.testing.assert_array_equal(Session(new).run({"x": IMAGE})["y"], Session(proto).run({"x": IMAGE})["y"])


def test_weights_listed_as_inputs(tmp_path: Path) -> None:
    """As files of ir_version 3 have to: they are weights nevertheless, and the interface is the image alone."""
    proto = network()
    proto.ir_version = 3
    for tensor in proto.graph.initializer:
        proto.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    new = loaded(tmp_path, proto)
    expected = Session(network()).run({"x": IMAGE})["y"]
    np.testing.assert_array_equal(Session(new).run({"x": IMAGE})["y"], expected)
    model = Model.from_proto(new, "net")
    assert [tensor.name for tensor in model.inputs] == ["x"]
    np.testing.assert_array_equal(Session(model.to_proto()).run({"x": IMAGE})["y"], expected)


def test_nodes_of_one_name(tmp_path: Path) -> None:
    """The standard allows them, the runtime does not."""
    proto = network()
    for node in proto.graph.node:
        node.name = "same"
    proto.graph.node[1].name = ""
    new = loaded(tmp_path, proto)
    assert [node.name for node in new.graph.node] == ["", "same.1", "same.2", "same.3"]
    Session(new).run({"x": IMAGE})


def test_graph_without_a_name(tmp_path: Path) -> None:
    proto = network()
    proto.graph.ClearField("name")
    onnx.checker.check_model(loaded(tmp_path, proto))


def test_shapes_that_hang_on_arithmetic_among_constants(tmp_path: Path) -> None:
    """As exported without constant folding: the ends of a Slice and the sizes of a Resize are computed."""
    body = """
        start = Unsqueeze <axes = [0]> (zero)  end = Unsqueeze <axes = [0]> (eight)
        axis = Unsqueeze <axes = [0]> (two)  step = Unsqueeze <axes = [0]> (two)
        a = Slice(x, start, end, axis, step)
        s = Shape(a)  h = Gather(s, two)  g = Mul(h, two)  v = Unsqueeze <axes = [0]> (g)
        sizes = Concat <axis = 0> (lead, v, v)
        y = Resize <mode = "nearest"> (a, none, none, sizes)
        t = Identity(two)
    """
    ints = {
        "zero": np.asarray(0),
        "two": np.asarray(2),
        "eight": np.asarray(8),
        "lead": np.asarray([1, 3]),
        "none": np.zeros(0),
    }
    proto = network(body, outputs="float[a,b,c,d] y, int64 t", opset=11, **ints)
    for value in proto.graph.output:
        value.type.tensor_type.ClearField("shape")
    new = loaded(tmp_path, proto)
    assert shape_of(new, "a") == [1, 3, 4, 8]
    assert shape_of(new, "y") == [1, 3, 8, 8]
    assert operators(new) == ["Slice", "Resize", "Identity"]  # what an output needs stays
    np.testing.assert_array_equal(Session(new).run({"x": IMAGE})["y"], Session(proto).run({"x": IMAGE})["y"])


def test_output_of_no_recorded_shape(tmp_path: Path) -> None:
    """The runtime takes such files; onnx's checker wants a shape."""
    proto = network()
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    assert shape_of(loaded(tmp_path, proto), "y") == [1, 1, 4, 8, 8]
    proto.graph.output[0].ClearField("type")
    assert shape_of(loaded(tmp_path, proto), "y") == [1, 1, 4, 8, 8]


def test_output_whose_unrecorded_shape_is_computed_from_constants(tmp_path: Path) -> None:
    body = "t = Concat <axis = 0> (one, rest) y = Reshape(x, t)"
    ints = {"one": np.array([1]), "rest": np.array([12, 4, 4])}
    proto = network(body, outputs="float[a,b,c,d] y", **ints)
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    assert shape_of(loaded(tmp_path, proto), "y") == [1, 12, 4, 4]


def test_contradiction_upstream_of_an_output_without_a_shape(tmp_path: Path) -> None:
    """The sentence names the node, not the output that could not be inferred for it."""
    proto = network("a = Concat <axis = 7> (x, x) y = Relu(a)")
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    refused(tmp_path, proto, "Concat: axis must be in", Exit.BAD_INPUT)
