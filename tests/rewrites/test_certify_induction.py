"""What the induction rests on: no difference hides in a name, a shape, an interface, a row or a NaN."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, helper, numpy_helper

from icraft_adapt.rewrites.core.certify import Certified
from icraft_adapt.rewrites.core.rule import Certificate, Step
from icraft_adapt.tests.rewrites.harness import network, weights
from icraft_adapt.tests.rewrites.seeding import against, failed, spoil

IMAGE = "float[1,4,16,6] x"
BODY = "a = Conv(x, w) b = Relu(a) y = Neg(b)"
KERNEL: dict[str, Any] = {"w": weights(4, 4, 1, 1)}


def compared(original: ModelProto, adapted: ModelProto) -> Certified:
    return against(original, adapted).certify()


def pair(before: str, after: str, outputs: str = "y", inputs: str = IMAGE, **constants: Any) -> Certified:  # noqa: ANN401
    used = KERNEL | constants
    return compared(network(inputs, outputs, before, **used), network(inputs, outputs, after, **used))


def test_an_equal_way_is_found_equal() -> None:
    certified = pair(BODY, "a = Conv(x, w) m = Max(a, zero) y = Neg(m)", zero=np.float32(0))
    assert [site.tensor for site in certified.sites] == ["y"]
    assert certified.failures == ()


def test_two_sites_may_share_what_lies_between() -> None:
    before = "a = Relu(x) p = Neg(a) q = Abs(a) y = Add(p, q)"
    after = "t = Max(x, zero) p = Neg(t) q = Abs(t) y = Add(p, q)"
    certified = pair(before, after, zero=np.float32(0))
    assert sorted(site.tensor for site in certified.sites) == ["p", "q"]
    assert certified.failures == ()


def test_a_constant_of_the_same_name_does_not_leak_into_the_original() -> None:
    proto = network(IMAGE, "y", BODY, **KERNEL)
    adapted = ModelProto.FromString(proto.SerializeToString())
    spoil(adapted, "w", KERNEL["w"] * np.float32(1.01))
    assert failed(compared(proto, adapted)) == ["a"]


def test_a_computed_tensor_does_not_pass_for_a_constant() -> None:
    proto = network(IMAGE, "y", BODY, **KERNEL)
    adapted = ModelProto.FromString(proto.SerializeToString())
    adapted.graph.initializer[0].name = "v"
    adapted.graph.node.insert(0, helper.make_node("Abs", ["v"], ["w"]))
    assert failed(compared(proto, adapted)) == ["a"]


def test_outputs_of_one_node_swapped() -> None:
    before = "p, q = Split<axis = 1>(x, half) y = Sub(p, q)"
    after = "q, p = Split<axis = 1>(x, half) y = Sub(p, q)"
    assert sorted(failed(pair(before, after, half=np.array([2, 2])))) == ["p", "q"]


def test_a_name_reused_for_another_tensor() -> None:
    before = "a = Neg(x) b = Abs(x) y = Sub(a, b)"
    after = "b = Neg(x) a = Abs(x) y = Sub(b, a)"
    assert {"a", "b"} <= set(failed(pair(before, after)))


@pytest.mark.parametrize(
    "after",
    [
        "m = ReduceMean<axes = [2, 3], keepdims = 1>(x) y = Neg(m)",  # would be broadcast
        "t = Transpose<perm = [0, 1, 3, 2]>(x) y = Neg(t)",
        "t = Slice(x, zero, two, two) y = Neg(t)",
        "t = Flatten(x) y = Neg(t)",
    ],
)
def test_another_shape_under_the_same_name(after: str) -> None:
    constants: dict[str, Any] = {"zero": np.array([0]), "two": np.array([2])}
    before = network(IMAGE, "y", "y = Neg(x)", **constants)
    adapted = network(IMAGE, "y", after, **constants)
    adapted.graph.output[0].CopyFrom(before.graph.output[0])  # the file claims the right shape
    assert failed(compared(before, adapted)) == ["y"]


def heads(outputs: str, extra: str = "") -> ModelProto:
    return network(IMAGE, outputs, f"p = Neg(x) q = Abs(x) {extra}")


@pytest.mark.parametrize(
    ("adapted", "expected"),
    [
        (heads("p, q"), []),
        (heads("p"), ["q"]),
        (heads("q, p"), ["p", "q"]),
        (heads("p, q, r", "r = Exp(x)"), ["r"]),
    ],
)
def test_the_outputs_are_the_wanted_ones_in_their_order(adapted: ModelProto, expected: list[str]) -> None:
    assert failed(compared(heads("p, q"), adapted)) == expected


def test_a_renamed_head_is_absent() -> None:
    journey = against(heads("p, q"), heads("p, q"))
    assert failed(replace(journey, renamed={"p": "p", "obj_s8": "q"}).certify()) == ["obj_s8"]


def test_an_output_stored_instead_of_computed() -> None:
    adapted = heads("p, q")
    adapted.graph.node.pop()
    adapted.graph.initializer.append(numpy_helper.from_array(np.zeros((1, 4, 16, 6), np.float32), "q"))
    assert failed(compared(heads("p, q"), adapted)) == ["q"]


def test_two_tensors_stand_for_one() -> None:
    """The second is right, the first, which the network goes on with, is not."""
    proto = network(IMAGE, "y, b", "a = Neg(x) b = Relu(a) y = Abs(b)")
    adapted = network(IMAGE, "y, head", "a = Neg(x) b = Exp(a) y = Abs(b) head = Relu(a)")
    journey = against(proto, adapted)
    assert "head" in failed(replace(journey, renamed={"y": "y", "head": "b"}).certify())


def test_a_network_cut_at_its_front() -> None:
    proto = network(IMAGE, "y", "a = Neg(x) y = Abs(a)")
    assert failed(compared(proto, network("float[1,4,16,6] a", "y", "y = Abs(a)"))) == ["a"]


def test_an_input_of_another_shape() -> None:
    proto = network(IMAGE, "y", "a = GlobalAveragePool(x) y = Abs(a)")
    adapted = network("float[1,4,8,8] x", "y", "a = GlobalAveragePool(x) y = Abs(a)")
    assert "x" in failed(compared(proto, adapted))


def test_an_input_whose_axes_have_names() -> None:
    """Denotations, as some exporters write them, are not brought into the adapted model."""
    proto = network(IMAGE, "y", "y = Abs(x)")
    adapted = network(IMAGE, "y", "y = Abs(x)")
    proto.graph.input[0].type.denotation = "IMAGE"
    proto.graph.input[0].type.tensor_type.shape.dim[0].denotation = "DATA_BATCH"
    assert failed(compared(proto, adapted)) == []


def test_a_map_of_one_cell() -> None:
    """It has no spread: a share of its magnitude is allowed."""
    one, other = "a = GlobalAveragePool(x) s = ReduceSum(a) y = Mul(s, ", "t)"
    proto = network(IMAGE, "y", f"{one}{other}", t=np.array(3, np.float32))
    near = network(IMAGE, "y", f"{one}{other}", t=np.array(3.00001, np.float32))
    far = network(IMAGE, "y", f"{one}{other}", t=np.array(3.001, np.float32))
    assert failed(compared(proto, near)) == []
    assert failed(compared(proto, far)) == ["y"]


@pytest.mark.parametrize("row", [0, 7, 9, 15])
def test_a_row_that_differs(row: int) -> None:
    """Elementwise regions are judged on a few rows, but not where a constant tells the rows apart."""
    scale = np.ones((1, 1, 16, 1), np.float32)
    spoiled = scale.copy()
    spoiled[0, 0, row] = 1.01
    proto = network(IMAGE, "y", "a = Mul(x, k) y = Relu(a)", k=scale)
    adapted = network(IMAGE, "y", "t = Mul(x, k) y = Relu(t)", k=spoiled)
    assert failed(compared(proto, adapted)) == ["y"]


@pytest.mark.parametrize("channel", range(4))
def test_a_channel_that_differs(channel: int) -> None:
    scale = np.ones((4, 1, 1), np.float32)
    spoiled = scale.copy()
    spoiled[channel] = 1.001
    proto = network(IMAGE, "y", "a = Mul(x, k) y = Relu(a)", k=scale)
    assert failed(compared(proto, network(IMAGE, "y", "t = Mul(x, k) y = Relu(t)", k=spoiled))) == ["y"]


def test_a_border_that_differs() -> None:
    """Not elementwise: every row is compared."""
    before = "p = Pad(x, pads) a = Slice(p, from, to, axes) y = Neg(a)"
    after = 'p = Pad<mode = "reflect">(x, pads) t = Slice(p, from, to, axes) y = Neg(t)'
    pads = np.array([0, 0, 0, 0, 0, 0, 1, 0])
    bounds: dict[str, Any] = {"from": np.array([1]), "to": np.array([17]), "axes": np.array([2])}
    assert failed(pair(before, after, pads=pads, **bounds)) == ["p"]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_one_value_that_is_not_finite(bad: float) -> None:
    spoiled = np.zeros((1, 4, 16, 6), np.float32)
    spoiled[0, 2, 5, 3] = bad
    proto = network(IMAGE, "y", "y = Neg(x)")
    adapted = network(IMAGE, "y", "t = Neg(x) y = Add(t, k)", k=spoiled)
    assert failed(compared(proto, adapted)) == ["y"]


def test_a_fit_does_not_excuse_what_is_no_function_of_its_input() -> None:
    from icraft_adapt.rewrites.core.rule import Fit

    fit = Fit("silu", "pwl1", (), 0.0, lambda x: x, lambda low, high: 1e9)
    step = Step("activation_to_pwl", Certificate.APPROXIMATE, 1e-5, ("y",), (), 1, fit)
    proto = network(IMAGE, "y", "s = Sigmoid(x) y = Mul(x, s)")
    pool = "AveragePool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>"
    assert failed(against(proto, network(IMAGE, "y", f"y = {pool}(x)"), [step]).certify()) == ["y"]
    assert failed(against(proto, network(IMAGE, "y", "t = Abs(x) y = Neg(t)"), [step]).certify()) == ["y"]
    assert failed(against(proto, network(IMAGE, "y", "t = Relu(x) n = Neg(x) y = Add(t, n)"), [step]).certify()) == [
        "y"
    ]


def test_integers_are_compared_too() -> None:
    before = "c = Cast<to = 7>(x) d = Add(c, one) y = Cast<to = 1>(d)"
    after = "c = Cast<to = 7>(x) d = Sub(c, one) y = Cast<to = 1>(d)"
    assert failed(pair(before, after, one=np.array(1))) == ["d"]


@pytest.mark.parametrize("opset", [11, 12, 13, 14, 15, 16, 17, 18])
def test_opsets(opset: int) -> None:
    before = network(IMAGE, "y", BODY, opset=opset, **KERNEL)
    after = network(IMAGE, "y", "a = Conv(x, w) t = Neg(a) y = Abs(t)", opset=opset, **KERNEL)
    assert failed(compared(before, after)) == ["y"]


def test_opsets_that_differ_are_no_comparison() -> None:
    with pytest.raises(ValueError, match="opsets 17 and 13"):
        compared(network(IMAGE, "y", BODY, **KERNEL), network(IMAGE, "y", BODY, opset=13, **KERNEL))


def test_names_of_nodes_may_coincide() -> None:
    proto = network(IMAGE, "y", "y = Relu(x)")
    adapted = network(IMAGE, "y", "y = Abs(x)")
    for each in (proto, adapted):
        each.graph.node[0].name = "act"
    onnx.checker.check_model(adapted)
    assert failed(compared(proto, adapted)) == ["y"]
