"""focus_to_conv: every spelling, phase order, channel count and form, against the runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto

from icraft_adapt.rewrites.focus_to_conv import RULE
from icraft_adapt.tests.rewrites.focus import (
    BOTH_AXES,
    BOUNDS,
    CONV,
    EVERY_ORDER,
    PHASES,
    SIX_SLICES,
    Form,
    assert_becomes_conv,
    eight_slices,
    focused,
    int64,
    stem,
)
from icraft_adapt.tests.rewrites.harness import (
    assert_same_numbers,
    attributes,
    network,
    operand,
    operators,
    weights,
)

SPELLINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "eight_slices": (eight_slices(PHASES), BOUNDS),
    "columns_first": (eight_slices(PHASES, columns_first=True), BOUNDS),
    "six_slices": (SIX_SLICES, BOUNDS),
    "both_axes": (
        BOTH_AXES,
        {f"from{k}": int64(*phase) for k, phase in enumerate(PHASES)}
        | {"ends": int64(12, 16), "axes": int64(-2, -1), "twice": int64(2, 2)},
    ),
    "space_to_depth": ("z = SpaceToDepth<blocksize = 2>(x)", {}),
    "space_to_depth_permuted": (
        "s = SpaceToDepth<blocksize = 2>(x) z = Gather<axis = 1>(s, order)",
        {"order": np.random.default_rng(4).permutation(12)},
    ),
    "reshape_transpose_reshape": (
        "r = Reshape(x, six) t = Transpose<perm = [0, 3, 5, 1, 2, 4]>(r) z = Reshape(t, map)",
        {"six": int64(1, 3, 6, 2, 8, 2), "map": int64(1, 12, 6, 8)},
    ),
    "channel_major": (
        "r = Reshape(x, six) t = Transpose<perm = [0, 1, 5, 3, 2, 4]>(r) z = Reshape(t, map)",
        {"six": int64(1, 3, 6, 2, 8, 2), "map": int64(1, 12, 6, 8)},
    ),
    "gathers": (
        "e = Gather<axis = 2>(x, even) o = Gather<axis = 2>(x, odd) "
        "p0 = Gather<axis = 3>(e, left) p1 = Gather<axis = 3>(o, left) "
        "p2 = Gather<axis = 3>(e, right) p3 = Gather<axis = 3>(o, right) z = Concat<axis = 1>(p0, p1, p2, p3)",
        {"even": np.arange(0, 12, 2), "odd": np.arange(1, 12, 2)}
        | {"left": np.arange(0, 16, 2), "right": np.arange(1, 16, 2)},
    ),
    "split": (
        "r = Reshape(x, six) t = Transpose<perm = [0, 3, 5, 1, 2, 4]>(r) f = Reshape(t, map) "
        "a, c = Split<axis = 1>(f, halves) z = Concat<axis = 1>(c, a)",
        {"six": int64(1, 3, 6, 2, 8, 2), "map": int64(1, 12, 6, 8), "halves": int64(5, 7)},
    ),
}


@pytest.mark.parametrize("form", ["onehot2x2", "fused6x6"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings(spelling: str, form: Form) -> None:
    body, constants = SPELLINGS[spelling]
    adapted = assert_becomes_conv(stem(body, **constants), form)
    if form == "fused6x6":
        found = attributes(adapted, "Conv")
        assert (found["kernel_shape"], found["strides"], found["pads"]) == ([6, 6], [2, 2], [2, 2, 2, 2])


def test_the_one_hot_convolution() -> None:
    _, adapted = focused(stem(eight_slices(PHASES), **BOUNDS))
    conv = adapted.graph.node[0]
    (kernel,) = (onnx.numpy_helper.to_array(t) for t in adapted.graph.initializer if t.name == conv.input[1])
    assert kernel.shape == (12, 3, 2, 2)
    assert kernel.sum() == (kernel == 1).sum() == 12
    assert [tuple(np.argwhere(kernel[3 * k] == 1)[0][1:]) for k in range(4)] == list(PHASES)


@settings(max_examples=24, deadline=None)
@given(
    order=st.sampled_from(EVERY_ORDER),
    channels=st.sampled_from([1, 3, 4]),
    size=st.sampled_from([(8, 8), (4, 10), (18, 6)]),
    form=st.sampled_from(["onehot2x2", "fused6x6"]),
    columns_first=st.booleans(),
)
def test_orders_channels_and_sizes(
    order: tuple[tuple[int, int], ...], channels: int, size: tuple[int, int], form: Form, columns_first: bool
) -> None:
    body = eight_slices(order, columns_first=columns_first)
    assert_becomes_conv(stem(body, channels, size, **BOUNDS), form)


@pytest.mark.parametrize("form", ["onehot2x2", "fused6x6"])
def test_a_block_of_four(form: Form) -> None:
    assert_becomes_conv(stem("z = SpaceToDepth<blocksize = 4>(x)", size=(8, 12), block=4), form)


@pytest.mark.parametrize("form", ["onehot2x2", "fused6x6"])
def test_a_phase_may_come_twice(form: Form) -> None:
    order = (PHASES[0], PHASES[1], PHASES[1], PHASES[3])
    assert_becomes_conv(stem(eight_slices(order), **BOUNDS), form)


@pytest.mark.parametrize(
    ("conv", "kernel"),
    [
        ("Conv<pads = [0, 1, 2, 1], strides = [2, 1]>(z, w)", (5, 12, 3, 3)),
        ("Conv(z, w)", (5, 12, 1, 1)),
        ("Conv<pads = [2, 2, 2, 2]>(z, w)", (5, 12, 5, 3)),
    ],
)
def test_any_plain_convolution_takes_focus_in(conv: str, kernel: tuple[int, ...]) -> None:
    body = f"{SIX_SLICES} y = {conv}"
    proto = network("float[1,3,12,16] x", "y", body, w=weights(*kernel), **BOUNDS)
    assert_becomes_conv(proto, "fused6x6")


@pytest.mark.parametrize(
    ("conv", "kernel"),
    [
        ("Conv<group = 2>(z, w)", (4, 6, 3, 3)),
        ("Conv<dilations = [2, 1]>(z, w)", (4, 12, 2, 3)),
        ('Conv<auto_pad = "SAME_UPPER">(z, w)', (4, 12, 3, 3)),
    ],
)
def test_another_convolution_keeps_its_own_weights(conv: str, kernel: tuple[int, ...]) -> None:
    proto = network("float[1,3,12,16] x", "y", f"{SIX_SLICES} y = {conv}", w=weights(*kernel), **BOUNDS)
    applied, adapted = focused(proto, "fused6x6")
    assert len(applied.steps) == 1
    assert operators(adapted) == ["Conv", "Conv"]
    assert_same_numbers(proto, adapted, RULE.rtol, 0)


@pytest.mark.parametrize(
    ("outputs", "tail"),
    [
        ("y, v", f"{CONV} v = Neg(z)"),
        ("y, v", f"{CONV} v = Conv(z, w)"),
        ("y, z", CONV),
        ("y, v", f"{CONV} v = Neg(even)"),
    ],
)
def test_other_readers_keep_what_they_read(outputs: str, tail: str) -> None:
    """Another reader of the focused map forbids the fusion; one of a slice alone does not."""
    constants: dict[str, Any] = {"w": weights(5, 12, 3, 3), "b": weights(5, seed=1), **BOUNDS}
    proto = network("float[1,3,12,16] x", outputs, f"{SIX_SLICES} {tail}", **constants)
    applied, adapted = focused(proto, "fused6x6")
    assert len(applied.steps) == 1
    fused = _kernels(adapted) == [[6, 6]]
    assert fused is ("even" in tail)
    assert_same_numbers(proto, adapted, RULE.rtol, 0)


def _kernels(proto: ModelProto) -> list[list[int]]:
    stored = {tensor.name: tensor for tensor in proto.graph.initializer}
    return [list(stored[node.input[1]].dims[2:]) for node in proto.graph.node if node.op_type == "Conv"]


def test_the_fused_kernel_adds_up_a_repeated_phase() -> None:
    order = (PHASES[0],) * 4
    proto = stem(eight_slices(order), 1, **BOUNDS)
    _, adapted = focused(proto, "fused6x6")
    small = weights(5, 4, 3, 3)
    np.testing.assert_allclose(operand(adapted, "Conv", 1)[:, 0, ::2, ::2], small.sum(axis=1), rtol=1e-5)
