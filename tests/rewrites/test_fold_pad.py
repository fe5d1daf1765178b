"""fold_pad: into a Conv, into a max pool, in both spellings, and every precondition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto

from icraft_adapt.rewrites.fold_pad import RULE
from icraft_adapt.tests.rewrites.harness import (
    apply,
    assert_declines,
    assert_silent,
    attributes,
    network,
    operators,
    weights,
)

HW = [0, 0, 1, 2, 0, 0, 3, 0]
CONV = "y = Conv<pads = [1, 0, 0, 2]>(p, w)"
POOL = "y = MaxPool<kernel_shape = [5, 5], pads = [1, 0, 0, 2]>(p)"


def padded(
    reader: str = CONV,
    pads: list[int] = HW,
    value: float = 0.0,
    pad: str = "Pad(x, pads, value)",
    channels: int = 3,
) -> ModelProto:
    return network(
        "float[1,3,8,8] x",
        "y",
        f"p = {pad} {reader}",
        pads=np.array(pads),
        value=np.float32(value),
        w=weights(4, channels, 3, 3),
    )


@settings(max_examples=15, deadline=None)
@given(pads=st.lists(st.integers(0, 4), min_size=4, max_size=4).filter(any))
def test_folds_into_a_conv(pads: list[int]) -> None:
    adapted = apply(RULE, padded(pads=[0, 0, *pads[:2], 0, 0, *pads[2:]]), times=1)
    assert operators(adapted) == ["Conv"]
    assert attributes(adapted, "Conv")["pads"] == [a + b for a, b in zip([1, 0, 0, 2], pads, strict=True)]


def test_folds_into_a_strided_conv_without_pads() -> None:
    adapted = apply(RULE, padded("y = Conv<strides = [2, 2]>(p, w)"), times=1)
    assert attributes(adapted, "Conv")["pads"] == [1, 2, 3, 0]


def test_folds_into_a_pool_that_pads_with_the_same_value() -> None:
    adapted = apply(RULE, padded(POOL, value=-np.inf), times=1)
    assert operators(adapted) == ["MaxPool"]
    assert attributes(adapted, "MaxPool")["pads"] == [2, 2, 3, 2]


def test_folds_the_attributes_of_old_opsets() -> None:
    body = "p = Pad<pads = [0, 0, 1, 2, 0, 0, 3, 0]>(x) y = Conv(p, w)"
    apply(RULE, network("float[1,3,8,8] x", "y", body, opset=9, w=weights(4, 3, 3, 3)), times=1)


def test_folds_a_pad_of_named_axes() -> None:
    body = "p = Pad(x, pads, , axes) y = Conv(p, w)"
    proto = network("float[1,3,8,8] x", "y", body, opset=18, pads=[1, 2, 3, 0], axes=[-2, 3], w=weights(4, 3, 3, 3))
    assert attributes(apply(RULE, proto, times=1), "Conv")["pads"] == [1, 2, 3, 0]


def test_folds_two_pads_behind_one_another() -> None:
    proto = padded("q = Pad(p, pads) y = Conv(q, w)")
    assert attributes(apply(RULE, proto, times=2), "Conv")["pads"] == [2, 4, 6, 0]


@pytest.mark.parametrize(
    ("proto", "reason"),
    [
        (padded(value=1.0), "pads with 1, but Conv with 0"),
        (padded(value=-np.inf), "pads with -inf, but Conv with 0"),
        (padded(POOL), "pads with 0, but MaxPool with -inf"),
        (padded(pad='Pad<mode = "reflect">(x, pads)'), "mode is reflect"),
        (padded(pad='Pad<mode = "edge">(x, pads)'), "mode is edge"),
        (padded(pads=[0, 0, 1, -1, 0, 0, 1, 1]), "cut cells off"),
        (padded(pads=[0, 1, 1, 1, 0, 0, 1, 1], channels=4), "add channels"),
        (
            padded("c = Conv(p, w) q = Relu(p) d = Conv(q, w) y = Add(c, d)"),
            "else reads",
        ),
        (padded('y = Conv<auto_pad = "SAME_UPPER">(p, w)'), "auto_pad is SAME_UPPER"),
        (padded(POOL.replace("[5, 5]", "[5, 5], ceil_mode = 1"), value=-np.inf), "ceil_mode"),
        (padded(POOL.replace("[5, 5]", "[3, 3]"), value=-np.inf), "cannot pad by"),
        (padded(POOL.replace("y =", "y, i ="), value=-np.inf), "indices"),
    ],
)
def test_declines(proto: ModelProto, reason: str) -> None:
    assert_declines(RULE, proto, reason)


def test_declines_computed_pads() -> None:
    body = f"q = Mul(pads, pads) p = Pad(x, q) {CONV}"
    proto = network("float[1,3,8,8] x", "y", body, pads=np.array(HW), w=weights(4, 3, 3, 3))
    assert_declines(RULE, proto, "q is not constant")


@pytest.mark.parametrize("proto", [padded("y = Relu(p)"), padded(pads=[0] * 8)])
def test_has_nothing_to_say(proto: ModelProto) -> None:
    assert_silent(RULE, proto)
