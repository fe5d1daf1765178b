"""drop_noop: every operator that can pass its input on, near neighbours that do not, the interface."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import ModelProto

from icraft_adapt.rewrites.drop_noop import RULE
from icraft_adapt.tests.rewrites.harness import apply, assert_declines, assert_silent, network, operators

CONSTANTS: dict[str, Any] = {
    "shape": np.array([1, 3, 6, 8]),
    "other_shape": np.array([1, 3, 8, 6]),
    "zeros": np.zeros(8, np.int64),
    "shift": np.array([0, 0, 0, 1, 0, 0, 0, -1]),
    "starts": np.array([0, 0]),
    "lasts": np.array([-1, -1]),
    "firsts": np.array([-9, -9]),
    "ends": np.array([99, 8]),
    "axes": np.array([2, 3]),
    "ones": np.array([1, 1]),
    "back": np.array([-1, -1]),
    "each": np.array([1, 1, 1, 1]),
    "unit": np.ones(4, np.float32),
    "almost": np.array([1, 1, 1.1, 1], np.float32),
    "zero": np.float32(0),
    "one": np.ones((1, 3, 1, 1), np.float32),
    "wide": np.ones((2, 1, 1, 1), np.float32),
    "two": np.float32(2),
    "true": np.array(True),
    "nothing": np.zeros(0, np.int64),
    "ratio": np.float32(0.5),
}


def between(body: str, opset: int = 17) -> ModelProto:
    """The body computes b from a, between two Relus."""
    used = {name: values for name, values in CONSTANTS.items() if name in body.replace(",", " ").replace(")", " ")}
    return network("float[1,3,6,8] x", "y", f"a = Relu(x) {body} y = Relu(b)", opset=opset, **used)


@pytest.mark.parametrize(
    "body",
    [
        "b = Identity(a)",
        "b = Dropout(a)",
        "b = Dropout(a, ratio)",
        "b, mask = Dropout(a)",
        "b = Cast<to = 1>(a)",
        "b = Concat<axis = 1>(a)",
        "b = Reshape(a, shape)",
        "b = Expand(a, shape)",
        "b = Tile(a, each)",
        "b = Unsqueeze(a, nothing)",
        "b = Transpose<perm = [0, 1, 2, 3]>(a)",
        "b = Slice(a, starts, ends, axes)",
        "b = Slice(a, starts, ends, axes, ones)",
        "b = Pad(a, zeros)",
        'b = Pad<mode = "reflect">(a, zeros)',
        "b = Add(a, zero)",
        "b = Add(zero, a)",
        "b = Sub(a, zero)",
        "b = Mul(a, one)",
        "b = Mul(one, a)",
        "b = Div(a, one)",
        'b = Resize<mode = "linear">(a, , unit)',
        'b = Resize<mode = "cubic">(a, , , shape)',
        'b = Resize<coordinate_transformation_mode = "align_corners">(a, , , shape)',
        "b = MaxPool<kernel_shape = [1, 1]>(a)",
        "b = AveragePool<kernel_shape = [1, 1], strides = [1, 1]>(a)",
    ],
)
def test_drops(body: str) -> None:
    assert operators(apply(RULE, between(body), times=1)) == ["Relu", "Relu"]


@pytest.mark.parametrize(
    ("body", "opset"),
    [
        ("b = Upsample<scales = [1.0, 1.0, 1.0, 1.0]>(a)", 7),
        ('b = Upsample<mode = "linear">(a, unit)', 9),
        ("b = Resize(a, unit)", 10),
        ("b = Pad<pads = [0, 0, 0, 0, 0, 0, 0, 0]>(a)", 9),
        ("b = Slice<starts = [0], ends = [99], axes = [2]>(a)", 9),
        ("b = Dropout<ratio = 0.3>(a)", 9),
    ],
)
def test_drops_in_old_opsets(body: str, opset: int) -> None:
    assert operators(apply(RULE, between(body, opset), times=1)) == ["Relu", "Relu"]


def test_drops_a_flatten_a_squeeze_and_a_transpose_of_single_axes() -> None:
    body = "a = Relu(x) b = Flatten(a) c = Squeeze(b) y = Relu(c)"
    apply(RULE, network("float[2,6] x", "y", body), times=2)
    body = "a = Relu(x) b = Transpose<perm = [1, 2, 0, 3]>(a) y = Relu(b)"
    apply(RULE, network("float[1,1,1,5] x", "y", body), times=1)


@pytest.mark.parametrize(
    "body",
    [
        "b = Dropout(a, ratio, true)",
        "c = Cast<to = 7>(a) b = Cast<to = 1>(c)",
        "b = Concat<axis = 1>(a, a)",
        "b = Reshape(a, other_shape)",
        "b = Transpose<perm = [0, 1, 3, 2]>(a)",
        "b = Slice(a, lasts, firsts, axes, back)",  # keeps the shape, turns the map around
        "b = Pad(a, shift)",  # likewise, and shifts it
        "b = Squeeze(a, nothing)",  # the runtime takes it for all axes of size 1
        "b = Add(a, two)",
        "b = Sub(zero, a)",
        "b = Div(one, a)",
        "b = Mul(a, wide)",  # a batch of two
        "b = Mul(a, a)",
        "b = Resize(a, , almost)",  # keeps the shape: 6 * 1.1 is rounded down
        "b = MaxPool<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(a)",
        "b = AveragePool<kernel_shape = [1, 1], strides = [2, 2]>(a)",
    ],
)
def test_has_nothing_to_say(body: str) -> None:
    assert_silent(RULE, between(body))


@pytest.mark.parametrize("mode", ["tf_crop_and_resize", "tf_half_pixel_for_nn"])
def test_leaves_a_resize_that_shifts(mode: str) -> None:
    body = f'b = Resize<coordinate_transformation_mode = "{mode}">(a, roi, unit)'
    roi = np.array([0, 0, 0, 0.5, 1, 1, 1, 1], np.float32)
    proto = network(
        "float[1,3,6,8] x",
        "y",
        f"a = Relu(x) {body} y = Relu(b)",
        opset=12,
        roi=roi,
        unit=CONSTANTS["unit"],
    )
    assert_silent(RULE, proto)


@pytest.mark.parametrize("body", ["y = Identity(a)", "b = Identity(a) c = Identity(b) y = Identity(c)"])
def test_a_graph_output_keeps_its_name(body: str) -> None:
    proto = network("float[1,3,6,8] x", "y", f"a = Relu(x) {body}")
    apply(RULE, proto, times=body.count("Identity"))


@pytest.mark.parametrize(
    ("outputs", "body", "reason"),
    [
        ("y", "y = Identity(x)", "between a graph input and a graph output"),
        ("a, y", "a = Relu(x) y = Identity(a)", "both of its sides"),
        ("y, z", "y = Identity(one) z = Relu(x)", "a constant"),
        ("y, s", "r, s = Split<axis = 2>(x) y = Identity(r)", "several outputs"),
        (
            "y",
            "a = Relu(x) b, i = MaxPool<kernel_shape = [1, 1]>(a) j = Cast<to = 1>(i) y = Add(b, j)",
            "output i is read",
        ),
    ],
)
def test_declines(outputs: str, body: str, reason: str) -> None:
    assert_declines(RULE, network("float[1,3,6,8] x", outputs, body, one=CONSTANTS["one"]), reason)
