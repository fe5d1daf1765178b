"""Each limit passes in one case and fails in another, and the reason names the sentence and the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import onnx_graphsurgeon as gs
import pytest

from icraft_adapt.graph.nodes import Node
from icraft_adapt.targets.limits import LIMITS


@dataclass(eq=False)
class FakeTensor:
    name: str
    shape: tuple[int, ...]
    dtype: Any = np.float32
    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)


def stored(values: npt.ArrayLike) -> gs.Constant:
    """A constant tensor, as the graph has them."""
    return gs.Constant("stored", np.asarray(values))


@dataclass(eq=False)
class FakeNode:
    op: str
    inputs: list[Any]
    outputs: list[Any]
    attrs: dict[str, Any] = field(default_factory=dict)
    name: str = "node"
    domain: str | None = None


def node(op: str, *inputs: object, **attrs: object) -> Node:
    """A node; a tuple stands for a computed tensor of that shape, a list or an array for a constant."""
    made = [
        FakeTensor(f"x{i}", x)
        if isinstance(x, tuple)
        else x
        if isinstance(x, FakeTensor)
        else stored(cast(npt.ArrayLike, x))
        for i, x in enumerate(inputs)
    ]
    fake = FakeNode(op, made, [FakeTensor("y", ())], attrs)
    for tensor in made:
        list.append(tensor.outputs, fake)  # the graph's own list would also append to the node's inputs
    return cast(Node, fake)


def conv(size: int, kernel: int, stride: int, pads: Sequence[int], **attrs: object) -> Node:
    weight = np.zeros((8, 3, kernel, kernel))
    return node("Conv", (1, 3, size, size), weight, strides=[stride] * 2, pads=list(pads), **attrs)


def grouped(groups: int, read: int, written: int) -> Node:
    return node("Conv", (1, read, 8, 8), np.zeros((written, read // groups, 1, 1)), group=groups)


def resize(before: tuple[int, ...], after: tuple[int, ...], **attrs: object) -> Node:
    made = node("Resize", before, **attrs)
    cast(FakeTensor, made.outputs[0]).shape = after
    return made


def slices(starts: list[int], ends: list[int], axes: list[int], steps: list[int]) -> Node:
    return node("Slice", (1, 64, 8, 8), starts, ends, axes, steps)


def behind(op: str, readers: int = 1) -> Node:
    source = FakeTensor("x", (1, 8, 4, 4), inputs=[FakeNode(op, [], [])], outputs=[object()] * (readers - 1))
    return node("LeakyRelu", source)


X = (1, 8, 4, 4)
ASYMMETRIC = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
CASES: list[tuple[str, Any, Node, str]] = [  # limit, bound, node, what the numbers hold ("" where it is kept)
    ("dimension", 65535, node("Relu", (1, 65535, 1, 1)), ""),
    ("dimension", 65535, node("Relu", (1, 65536, 1, 1)), "65536"),
    ("spatial_axes", 2, node("Conv", X), ""),
    ("spatial_axes", 2, node("Conv", (1, 8, 4)), "it has 1"),
    ("exact_stride", True, conv(416, 3, 2, [1, 1, 0, 0]), ""),
    ("exact_stride", True, conv(416, 3, 2, [1, 1, 1, 1]), "(416 - 3 + 2) mod 2 = 1"),
    ("exact_stride", True, conv(9, 3, 2, [0] * 4, dilations=[2, 2]), ""),
    ("exact_stride", True, conv(10, 3, 2, [0] * 4, dilations=[2, 2]), "(10 - 5 + 0) mod 2 = 1"),
    ("exact_stride", True, conv(8, 3, 2, [], auto_pad="SAME_UPPER"), ""),
    ("exact_stride", True, node("MaxPool", X, kernel_shape=[2, 2], strides=[2, 2]), ""),
    ("exact_stride", True, node("MaxPool", X, kernel_shape=[3, 3], strides=[2, 2]), "(4 - 3 + 0) mod 2 = 1"),
    ("one_group_or_depthwise", True, grouped(1, 8, 16), ""),
    ("one_group_or_depthwise", True, grouped(8, 8, 8), ""),
    ("one_group_or_depthwise", True, grouped(2, 8, 8), "2 groups, 8 channels to 8"),
    ("one_group_or_depthwise", True, grouped(8, 8, 16), "8 groups, 8 channels to 16"),
    ("dilated_kernel_area", 2048, conv(99, 3, 1, [0] * 4, dilations=[22, 22]), ""),
    ("dilated_kernel_area", 2048, conv(99, 3, 1, [0] * 4, dilations=[23, 23]), "2209"),
    ("constant_parameters", True, node("Conv", X, np.zeros((8, 8, 1, 1)), [0.0]), ""),
    ("constant_parameters", True, node("Conv", X, np.zeros((8, 8, 1, 1)), FakeTensor("", ())), ""),
    ("constant_parameters", True, node("MatMul", (1, 4), (4, 4)), "x1 is computed"),
    (
        "constant_area",
        True,
        node("AveragePool", X, kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1),
        "",
    ),
    ("constant_area", True, node("AveragePool", X, kernel_shape=[3, 3]), ""),
    (
        "constant_area",
        True,
        node("AveragePool", X, kernel_shape=[3, 3], pads=[1] * 4),
        "2 cells is not counted",
    ),
    ("nearest_factor", 22, resize(X, (1, 8, 8, 12), **ASYMMETRIC), ""),
    ("nearest_factor", 22, resize(X, (1, 8, 88, 88), **ASYMMETRIC), ""),
    ("nearest_factor", 22, resize(X, (1, 8, 8, 8)), ""),
    ("nearest_factor", 22, resize(X, (1, 8, 92, 92), **ASYMMETRIC), "axis 2 goes from 4 to 92"),
    ("nearest_factor", 22, resize(X, (1, 8, 6, 6), **ASYMMETRIC), "axis 2 goes from 4 to 6"),
    ("nearest_factor", 22, resize(X, (1, 8, 2, 2), **ASYMMETRIC), "axis 2 goes from 4 to 2"),
    ("nearest_factor", 22, resize(X, (1, 16, 4, 4), **ASYMMETRIC), "axis 1 goes from 8 to 16"),
    (
        "nearest_factor",
        22,
        resize(X, (1, 8, 12, 12), coordinate_transformation_mode="asymmetric"),
        "does not repeat",
    ),
    ("nearest_factor", 22, resize(X, (1, 8, 8, 8), nearest_mode="floor"), "axis 2 does not repeat"),
    (
        "nearest_factor",
        22,
        resize(X, (1, 8, 12, 12), coordinate_transformation_mode="align_corners"),
        "does not repeat",
    ),
    (
        "nearest_factor",
        22,
        resize(X, (1, 8, 8, 8), coordinate_transformation_mode="tf_crop_and_resize"),
        "does not",
    ),
    ("nearest_factor", 22, resize(X, (1, 8, 6, 6), mode="linear"), ""),
    ("bilinear_factor", 22, resize(X, (1, 8, 8, 8), mode="linear"), ""),
    ("bilinear_factor", 22, resize(X, (1, 8, 6, 6), mode="linear"), "axis 2 goes from 4 to 6"),
    ("resize_modes", ("nearest", "linear"), resize(X, X, mode="linear"), ""),
    ("resize_modes", ("nearest", "linear"), resize(X, X, mode="cubic"), "the mode is cubic"),
    ("constant_parts", 1, node("Concat", X, np.zeros(X)), ""),
    ("constant_parts", 1, node("Concat", np.zeros(X), np.zeros(X)), "2 are"),
    ("equal_or_channel_vector", True, node("Add", X, X), ""),
    ("equal_or_channel_vector", True, node("Add", X, np.zeros((1, 8, 1, 1))), ""),
    ("equal_or_channel_vector", True, node("Add", np.zeros((8, 1, 1)), X), ""),
    ("equal_or_channel_vector", True, node("Add", X, (1, 1, 4, 4)), "[1, 8, 4, 4] and [1, 1, 4, 4]"),
    ("equal_or_channel_vector", True, node("Add", X, np.zeros(())), "[1, 8, 4, 4] and []"),
    ("equal_or_channel_vector", True, node("Add", X, np.zeros(4)), "[1, 8, 4, 4] and [4]"),
    ("swaps_two_axes", True, node("Transpose", X, perm=[0, 1, 3, 2]), ""),
    ("swaps_two_axes", True, node("Transpose", X, perm=[0, 2, 1, 3]), ""),
    ("swaps_two_axes", True, node("Transpose", X, perm=[0, 1, 2, 3]), ""),
    ("swaps_two_axes", True, node("Transpose", X, perm=[0, 3, 2, 1]), "the order is [0, 3, 2, 1]"),
    ("swaps_two_axes", True, node("Transpose", X, perm=[0, 2, 3, 1]), "the order is [0, 2, 3, 1]"),
    ("swaps_two_axes", True, node("Transpose", X), "the order is [3, 2, 1, 0]"),
    ("pads_with_constant", True, node("Pad", X, [0, 0, 1, 1, 0, 0, 1, 1]), ""),
    ("pads_with_constant", True, node("Pad", X, [0] * 8, mode="reflect"), "the mode is reflect"),
    ("pads_with_constant", True, node("Pad", X, [0, 0, -1, 0, 0, 0, 0, 0]), "pads are"),
    ("channel_unit", 32, slices([32], [64], [1], [1]), ""),
    ("channel_unit", 32, slices([0, 1], [2**40, 5], [-3, 2], [1, 2]), ""),
    ("channel_unit", 32, node("Slice", (1, 64, 8, 8), [0, 32], [1, 64]), ""),
    ("channel_unit", 32, slices([16], [64], [1], [1]), "channels 16 to 64, step 1"),
    ("channel_unit", 32, slices([0], [40], [1], [1]), "channels 0 to 40, step 1"),
    ("channel_unit", 32, slices([0], [64], [1], [2]), "channels 0 to 64, step 2"),
    ("plain_product", True, node("Gemm", (1, 4), np.zeros((4, 4)), transB=1), ""),
    ("plain_product", True, node("Gemm", (1, 4), np.zeros((4, 4)), alpha=0.5), "alpha 0.5, beta 1, transA 0"),
    ("steepest_slope", 2, node("LeakyRelu", X, alpha=2.0), ""),
    ("steepest_slope", 2, node("LeakyRelu", X), ""),
    ("steepest_slope", 2, node("LeakyRelu", X, alpha=2.5), "2.5"),
    ("steepest_slope", 2, node("LeakyRelu", X, alpha=-0.1), "-0.1"),
    ("fused_behind", ("Conv",), behind("Conv"), ""),
    ("fused_behind", ("Conv",), behind("Add"), "it stands behind Add"),
    ("fused_behind", ("Conv",), behind("Conv", readers=3), "3 nodes read x"),
    ("fused_behind", ("Conv",), node("LeakyRelu", X), "it stands behind the network's input"),
]


@pytest.mark.parametrize(("name", "bound", "case", "numbers"), CASES, ids=lambda value: str(value)[:30])
def test_limit(name: str, bound: object, case: Node, numbers: str) -> None:
    found = LIMITS[name].numbers(case, bound)
    assert numbers in found
    assert bool(found) == bool(numbers)


def test_every_limit_is_kept_once_and_broken_once() -> None:
    assert {name for name, _, _, numbers in CASES if numbers} == set(LIMITS)
    assert {name for name, _, _, numbers in CASES if not numbers} == set(LIMITS)


def test_a_sentence_is_one_line_without_its_full_stop() -> None:
    for name, check in LIMITS.items():
        assert check.sentence, name
        assert "\n" not in check.sentence
        assert not check.sentence.endswith(".")
