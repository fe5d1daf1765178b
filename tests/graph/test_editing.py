"""The editing verbs keep their promises, and whatever they do, the graph stays whole."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto

from icraft_adapt.graph.check import check
from icraft_adapt.graph.edit import Editor
from icraft_adapt.graph.model import Model
from icraft_adapt.graph.nodes import Node, constant_values
from icraft_adapt.graph.session import Session

from .networks import network
from .test_model_facade import ready

IMAGE = np.random.default_rng(0).uniform(-2, 2, (1, 3, 8, 8)).astype(np.float32)


def model_of(body: str, outputs: str = "float[1,3,8,8] y", **constants: np.ndarray) -> tuple[ModelProto, Model]:
    proto = ready(network(body, outputs=outputs, **constants))
    return proto, Model.from_proto(proto, "net")


def maker(model: Model, name: str) -> Node:
    return model.tensors()[name].inputs[0]


def results(model: Model) -> dict[str, np.ndarray]:
    """The outputs, once the edits are settled and every check has passed."""
    model.prune()
    check(model)
    proto = model.to_proto()
    onnx.checker.check_model(proto, full_check=True)
    return Session(proto).run({"x": IMAGE})


def test_supersede_keeps_the_tensor_and_its_readers() -> None:
    _, model = model_of("a = Sigmoid(x) b1 = Relu(a) y = Add(a, b1)")
    edit, tensor = Editor(model), model.tensors()["a"]
    edit.supersede(tensor, "Tanh", [model.inputs[0]], {})
    assert (edit.sites, edit.replaced, edit.added) == (["a"], ["a"], 1)
    np.testing.assert_allclose(results(model)["y"], np.tanh(IMAGE) + np.maximum(np.tanh(IMAGE), 0), rtol=1e-5)
    assert maker(model, "a").op == "Tanh"
    assert model.tensors()["a"] is tensor


def test_producers_that_nothing_reads_any_more_go_too() -> None:
    _, model = model_of("a = Relu(x) b1 = Exp(a) c = Tanh(b1) d = Add(c, a) y = Neg(d)")
    edit = Editor(model)
    edit.supersede(model.tensors()["d"], "Identity", [model.tensors()["a"]], {})
    assert edit.replaced == ["d", "c", "b1"]
    np.testing.assert_array_equal(results(model)["y"], -np.maximum(IMAGE, 0))


def test_compute_takes_type_and_shape_of_its_first_input() -> None:
    _, model = model_of("y = Relu(x)")
    edit = Editor(model)
    plain = edit.compute("Neg", [model.inputs[0]], {}, "y")
    pooled = edit.compute("GlobalAveragePool", [plain], {}, "pooled", shape=[1, 3, 1, 1])
    assert (plain.name, plain.dtype, plain.shape) == ("y.1", np.float32, [1, 3, 8, 8])
    assert pooled.shape == [1, 3, 1, 1]
    edit.supersede(model.tensors()["y"], "Add", [plain, pooled], {})
    expected = -IMAGE - IMAGE.mean((2, 3), keepdims=True)
    np.testing.assert_allclose(results(model)["y"], expected, rtol=1e-5, atol=1e-6)


def test_scalars_stay_scalars() -> None:
    _, model = model_of("a = Relu(x) y = Mul(a, k)", k=np.float32(2))
    edit = Editor(model)
    edit.supersede(model.tensors()["a"], "Add", [model.inputs[0], edit.constant(np.float32(3), "k")], {})
    np.testing.assert_allclose(results(model)["y"], (IMAGE + 3) * 2)
    assert all(list(tensor.dims) == [] for tensor in model.to_proto().graph.initializer)
    assert {tensor.name for tensor in model.to_proto().graph.initializer} == {"k", "k.1"}


def test_freeze() -> None:
    _, model = model_of("a = Relu(x) s = Shape(a) r = Expand(a, s) y = Add(r, a)")
    edit = Editor(model)
    edit.freeze(model.tensors()["s"], np.asarray([1, 3, 8, 8]))
    assert (edit.sites, edit.replaced) == (["s"], ["s"])
    assert constant_values(maker(model, "r").inputs[1]) is not None
    np.testing.assert_array_equal(results(model)["y"], 2 * np.maximum(IMAGE, 0))


def test_freeze_of_a_graph_output() -> None:
    _, model = model_of("a = Relu(x) y = Neg(a)")
    Editor(model).freeze(model.tensors()["y"], np.ones((1, 3, 8, 8), np.float32))
    np.testing.assert_array_equal(results(model)["y"], np.ones((1, 3, 8, 8)))


def test_forward_hands_every_reader_over_even_one_that_reads_twice() -> None:
    _, model = model_of("a = Relu(x) i = Identity(a) b1 = Mul(i, i) y = Add(b1, i)")
    edit = Editor(model)
    edit.forward(model.tensors()["i"], model.tensors()["a"])
    assert edit.replaced == ["i"]
    a = np.maximum(IMAGE, 0)
    np.testing.assert_array_equal(results(model)["y"], a * a + a)
    assert "i" not in model.tensors()


def test_forward_of_a_graph_output_keeps_its_name() -> None:
    _, model = model_of("a = Relu(x) y = Identity(a) z = Neg(a)", "float[1,3,8,8] y, float[1,3,8,8] z")
    Editor(model).forward(model.tensors()["y"], model.tensors()["a"])
    found = results(model)
    assert [node.op for node in model.nodes] == ["Relu", "Neg"]
    np.testing.assert_array_equal(found["z"], -found["y"])


@pytest.mark.parametrize(
    ("body", "source"), [("a = Relu(x) y = Identity(a) z = Neg(a)", "z"), ("y = Relu(x) z = Neg(x)", "x")]
)
def test_forward_of_an_output_to_what_has_to_stay(body: str, source: str) -> None:
    """Another output, or a graph input: an Identity computes the output."""
    _, model = model_of(body, "float[1,3,8,8] y, float[1,3,8,8] z")
    Editor(model).forward(model.tensors()["y"], model.tensors()[source])
    found = results(model)
    np.testing.assert_array_equal(found["y"], IMAGE if source == "x" else found["z"])
    assert maker(model, "y").op == "Identity"
    assert [tensor.name for tensor in model.outputs] == ["y", "z"]


@pytest.mark.parametrize("verb", ["supersede", "forward"])
@pytest.mark.parametrize("part", ["p", "q", "r"])
def test_outputs_of_a_split_keep_their_order(part: str, verb: str) -> None:
    outputs = "float[1,1,8,8] y, float[1,1,8,8] z, float[1,1,8,8] u"
    body = "p, q, r = Split <axis = 1> (x, ones) y = Neg(p) z = Neg(q) u = Neg(r)"
    proto, model = model_of(body, outputs, ones=np.asarray([1, 1, 1]))
    expected = Session(proto).run({"x": IMAGE})
    edit = Editor(model)
    zeros = np.zeros((1, 1, 8, 8), np.float32)
    if verb == "supersede":
        edit.supersede(model.tensors()[part], "Identity", [edit.constant(zeros, "zeros")], {})
    else:
        edit.freeze(model.tensors()[part], zeros)
    changed = {"p": "y", "q": "z", "r": "u"}[part]
    found = results(model)
    for name in "yzu":
        np.testing.assert_array_equal(found[name], zeros if name == changed else expected[name])
    assert len(next(node for node in model.nodes if node.op == "Split").outputs) == 3
    for name in set("pqr") - {part}:
        edit.freeze(model.tensors()[name], zeros)
    assert all(not value.any() for value in results(model).values())
    assert "Split" not in [node.op for node in model.nodes]


def test_expose_gives_exactly_these_names() -> None:
    """Even where other tensors bear them: an old output, one that stays inside, two that change places."""
    body = "head = Relu(x) obj = Sigmoid(head) reg = Neg(head) cls = Add(reg, obj) y = Exp(cls)"
    _, model = model_of(body)
    edit, named = Editor(model), model.tensors()
    edit.expose([(named["head"], "obj"), (named["cls"], "reg"), (named["reg"], "y")])
    found = results(model)
    assert list(found) == ["obj", "reg", "y"]
    relu = np.maximum(IMAGE, 0)
    np.testing.assert_array_equal(found["obj"], relu)
    np.testing.assert_array_equal(found["y"], -relu)
    np.testing.assert_allclose(found["reg"], -relu + 1 / (1 + np.exp(-relu)), rtol=1e-5, atol=1e-6)
    assert edit.sites == ["head", "cls", "reg"]
    assert edit.replaced == ["y"]


def test_equal_nodes_are_told_apart() -> None:
    """onnx-graphsurgeon compares by content: two nodes alike in everything, one of which is edited away."""
    _, model = model_of("a = Relu(x) b1 = Relu(x) c = Neg(a) d = Neg(b1) y = Add(c, d)")
    for node in model.nodes:
        node.name = "same"
    first, second = maker(model, "a"), maker(model, "b1")
    second.outputs[0].name = "a"  # now equal, as onnx-graphsurgeon sees it
    assert first == second
    second.outputs[0].name = "b1"
    edit = Editor(model)
    edit.supersede(model.tensors()["b1"], "Exp", [model.inputs[0]], {})
    edit.forward(model.tensors()["d"], model.tensors()["b1"])
    np.testing.assert_allclose(results(model)["y"], np.exp(IMAGE) - np.maximum(IMAGE, 0), rtol=1e-5, atol=1e-6)
    assert maker(model, "a") is first
    assert len({node.name for node in model.to_proto().graph.node}) == 4


BODY = """
    a = Relu(x)
    p, q = Split <axis = 1> (four, halves)
    b1 = Add(a, k)
    c = Mul(b1, a)
    d = Sigmoid(c)
    e = Mul(c, d)
    f = Add(e, b1)
    g = Add(p, q)
    y = Add(f, a)
    z = Add(e, g)
"""
STORED = {"k": np.float32(0.5), "four": np.ones((1, 2, 1, 1)), "halves": np.asarray([1, 1])}
VERBS = st.tuples(st.sampled_from(["supersede", "freeze", "forward", "compute", "expose"]), st.integers(0, 99))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(VERBS, min_size=1, max_size=8))
def test_any_edits_leave_the_graph_whole(verbs: list[tuple[str, int]]) -> None:
    """Every verb, on any tensor, in any order: names, links, order and interface hold, and the model runs."""
    _, model = model_of(BODY, "float[1,3,8,8] y, float[1,3,8,8] z", **STORED)
    for verb, pick in verbs:
        names = [output.name for output in model.outputs]
        edit = Editor(model)
        tensors = [node.outputs[0] for node in model.nodes if node.outputs and node.op != "Split"]
        tensor = tensors[pick % len(tensors)]
        earlier = tensors[: pick % len(tensors)]  # what a rule may read without closing a loop
        source = next((t for t in reversed(earlier) if t.shape == tensor.shape), model.inputs[0])
        fits = source.shape == tensor.shape
        if verb == "supersede" and fits:
            edit.supersede(tensor, "Neg", [source], {})
        elif verb == "freeze":
            edit.freeze(tensor, np.ones(tensor.shape or [], np.float32))
        elif verb == "forward" and fits:
            edit.forward(tensor, source)
        elif verb == "compute" and fits:
            edit.supersede(tensor, "Neg", [edit.compute("Relu", [source], {}, tensor.name)], {})
        elif verb == "expose":
            edit.expose([(tensor, tensor.name), *((t, t.name) for t in model.outputs if t is not tensor)][:2])
            names = [output.name for output in model.outputs]
        model.prune()
        check(model)
        assert [output.name for output in model.outputs] == names
    results(model)
