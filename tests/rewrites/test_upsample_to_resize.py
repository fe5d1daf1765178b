"""upsample_to_resize: every spelling of a plain repetition, near neighbours that are none, the opsets."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, version_converter

from icraft_adapt.rewrites.upsample_to_resize import RULE
from icraft_adapt.tests.rewrites.harness import (
    apply,
    assert_declines,
    assert_silent,
    attributes,
    network,
    one_op,
    operand,
    operators,
)

CANONICAL = {"mode": b"nearest", "coordinate_transformation_mode": b"asymmetric", "nearest_mode": b"floor"}
COORDINATES = ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners")
ROUNDINGS = ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")


def assert_becomes_resize(proto: ModelProto, *, times: int = 1, factors: tuple[int, int] = (2, 2)) -> None:
    adapted = apply(RULE, proto, times=times)
    assert operators(adapted) == ["Resize"]
    assert attributes(adapted, "Resize") == CANONICAL
    assert operand(adapted, "Resize", 2).tolist() == [1, 1, *factors]


def repeats(coordinates: str, rounding: str, factor: int, size: int = 4) -> bool:
    """By hand, after the ONNX definition: does this nearest Resize repeat plainly?"""
    i = np.arange(size * factor)
    x = {
        "half_pixel": (i + 0.5) / factor - 0.5,
        "pytorch_half_pixel": (i + 0.5) / factor - 0.5,
        "asymmetric": i / factor,
        "align_corners": i * (size - 1) / (size * factor - 1),
    }[coordinates]
    cell = {
        "floor": np.floor(x),
        "ceil": np.ceil(x),
        "round_prefer_floor": np.ceil(x - 0.5),
        "round_prefer_ceil": np.floor(x + 0.5),
    }[rounding]
    return bool((np.clip(cell, 0, size - 1) == i // factor).all())


@pytest.mark.parametrize("by_sizes", [False, True])
@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize(("coordinates", "rounding"), list(product(COORDINATES, ROUNDINGS)))
def test_resize(coordinates: str, rounding: str, factor: int, by_sizes: bool) -> None:
    scales = None if by_sizes else np.array([1, 1, factor, factor], np.float32)
    sizes = np.array([1, 3, 4 * factor, 4 * factor]) if by_sizes else None
    operands = (None, scales, sizes) if by_sizes else (None, scales)
    attrs: dict[str, Any] = {"coordinate_transformation_mode": coordinates, "nearest_mode": rounding}
    proto = one_op("Resize", (1, 3, 4, 4), *operands, **attrs)
    if not repeats(coordinates, rounding, factor):
        assert_declines(RULE, proto, "no plain repetition: row, column")
    elif (coordinates, rounding, by_sizes) == ("asymmetric", "floor", False):
        assert_silent(RULE, proto)
    else:
        assert_becomes_resize(proto, factors=(factor, factor))


SPELLINGS = {
    "reshape_expand": "a = Reshape(x, six) b = Expand(a, grown) y = Reshape(b, result)",
    "reshape_tile": "a = Reshape(x, six) b = Tile(a, copies) y = Reshape(b, result)",
    "unsqueeze_expand": "a = Unsqueeze(x, gaps) b = Expand(a, grown) y = Reshape(b, result)",
    "unsqueeze_concat": (
        "a = Unsqueeze(x, gaps) b = Concat<axis = 5>(a, a) c = Concat<axis = 3>(b, b) y = Reshape(c, result)"
    ),
    "channels_last": (
        "t = Transpose<perm = [0, 2, 3, 1]>(x) a = Reshape(t, six_last) b = Tile(a, copies_last) "
        "c = Reshape(b, result_last) y = Transpose<perm = [0, 3, 1, 2]>(c)"
    ),
    "gather_twice": "a = Gather<axis = 2>(x, rows) y = Gather<axis = 3>(a, columns)",
    "resize_twice": (
        'a = Resize<coordinate_transformation_mode = "asymmetric", nearest_mode = "floor">(x, , tall) '
        'y = Resize<coordinate_transformation_mode = "asymmetric", nearest_mode = "floor">(a, , wide)'
    ),
}
CONSTANTS: dict[str, Any] = {
    "six": np.array([1, 3, 4, 1, 5, 1]),
    "grown": np.array([1, 3, 4, 2, 5, 2]),
    "copies": np.array([1, 1, 1, 2, 1, 2]),
    "result": np.array([1, 3, 8, 10]),
    "gaps": np.array([3, 5]),
    "six_last": np.array([1, 4, 1, 5, 1, 3]),
    "copies_last": np.array([1, 1, 2, 1, 2, 1]),
    "result_last": np.array([1, 8, 10, 3]),
    "rows": np.arange(8) // 2,
    "columns": np.arange(10) // 2,
    "tall": np.array([1, 1, 2, 1], np.float32),
    "wide": np.array([1, 1, 1, 2], np.float32),
}
STEPS = {"gather_twice": 2}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings(spelling: str) -> None:
    proto = network("float[1,3,4,5] x", "y", SPELLINGS[spelling], **CONSTANTS)
    assert_becomes_resize(proto, times=STEPS.get(spelling, 1))


def test_an_intermediate_result_stays_for_its_other_readers() -> None:
    body = f"{SPELLINGS['reshape_expand']} z = Neg(b)"
    adapted = apply(RULE, network("float[1,3,4,5] x", "y, z", body, **CONSTANTS), times=1)
    assert sorted(operators(adapted)) == ["Expand", "Neg", "Reshape", "Resize"]


@pytest.mark.parametrize(("groups", "factors"), [(3, (2, 2)), (3, (3, 2)), (1, (2, 2))])
def test_transposed_convolution(groups: int, factors: tuple[int, int]) -> None:
    kernel = np.tile(np.eye(3 // groups), (groups, 1))[..., None, None] * np.ones(factors)
    proto = one_op("ConvTranspose", (1, 3, 4, 5), kernel, np.zeros(3), group=groups, strides=list(factors))
    assert_becomes_resize(proto, factors=factors)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("y = Tile(x, twice)", "row, column [0, 1] reads [0, 1], not [0, 0]"),
        ("y = Gather<axis = 2>(x, rows)", "reads [3, 0], not [0, 0]"),
        ("y = Resize(x, , half)", "by no whole factors"),
        ("y = Resize(x, , odd)", "by no whole factors"),
        ("y = Resize(x, , deep)", "by no whole factors"),
    ],
)
def test_declines(body: str, reason: str) -> None:
    constants: dict[str, Any] = {
        "twice": np.array([1, 1, 1, 2]),
        "rows": np.arange(8)[::-1] // 2,
        "half": np.array([1, 1, 0.5, 1], np.float32),
        "odd": np.array([1, 1, 1, 1.5], np.float32),
        "deep": np.array([1, 2, 1, 1], np.float32),
    }
    assert_declines(RULE, network("float[1,3,4,5] x", "y", body, **constants), reason)


def test_declines_computed_sizes() -> None:
    proto = network("float[1,3,4,5] x, int64[4] s", "y", "y = Resize(x, , , s) ")
    assert_declines(RULE, proto, "sizes are computed")


@pytest.mark.parametrize(
    ("bias", "attrs", "reason"),
    [
        (1.0, {}, "has a bias"),
        (0.0, {"pads": [1, 0, 0, 0], "output_padding": [1, 0]}, "cuts or pads"),
    ],
)
def test_declines_a_transposed_convolution(bias: float, attrs: dict[str, Any], reason: str) -> None:
    operands = (np.ones((3, 1, 2, 2)), np.full(3, bias))
    proto = one_op("ConvTranspose", (1, 3, 4, 4), *operands, group=3, strides=[2, 2], **attrs)
    assert_declines(RULE, proto, reason)


@pytest.mark.parametrize(
    "proto",
    [
        one_op("Resize", (1, 3, 4, 4), None, np.array([1, 1, 2, 2], np.float32), mode="linear"),
        one_op("Resize", (1, 3, 4, 4), None, np.ones(4, np.float32)),
        one_op("ConvTranspose", (1, 3, 4, 4), np.full((3, 1, 2, 2), 0.5), group=3, strides=[2, 2]),
        one_op("ConvTranspose", (1, 3, 4, 4), np.ones((3, 3, 2, 2)), strides=[2, 2]),  # mixes the channels
        one_op("Reshape", (1, 4, 4, 4), np.array([1, 1, 8, 8])),
        one_op("DepthToSpace", (1, 4, 4, 4), blocksize=2),
        network("float[1,3,4,4] x", "y", "a = Neg(x) y = Concat<axis = 1>(x, a)"),
    ],
)
def test_has_nothing_to_say(proto: ModelProto) -> None:
    assert_silent(RULE, proto)


@pytest.mark.parametrize("opset", [7, 9])
def test_declines_old_opsets_and_takes_their_conversion(opset: int) -> None:
    scales = np.array([1, 1, 2, 2], np.float32)
    if opset == 7:
        proto = one_op("Upsample", (1, 3, 4, 4), opset=7, scales=scales.tolist())
    else:
        proto = one_op("Upsample", (1, 3, 4, 4), scales, opset=9)
    assert_declines(RULE, proto, f"opset {opset} has no Resize of this kind")
    converted = version_converter.convert_version(proto, 17)
    constants = [node for node in converted.graph.node if node.op_type == "Constant"]
    for node in constants:
        node.attribute[0].t.name = node.output[0]
        converted.graph.initializer.append(node.attribute[0].t)
        converted.graph.node.remove(node)
    assert_becomes_resize(converted)
