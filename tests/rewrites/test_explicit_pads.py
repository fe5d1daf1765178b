"""explicit_pads: every size, kernel, stride and dilation against the runtime's own automatic padding."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icraft_adapt.rewrites.explicit_pads import RULE
from icraft_adapt.tests.rewrites.harness import (
    apply,
    assert_declines,
    assert_silent,
    attributes,
    one_op,
    weights,
)

AUTO = st.sampled_from(["SAME_UPPER", "SAME_LOWER", "VALID"])


@settings(max_examples=25, deadline=None)
@given(
    auto_pad=AUTO,
    size=st.tuples(st.integers(5, 11), st.integers(5, 11)),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
)
def test_conv(auto_pad: str, size: tuple[int, int], kernel: int, stride: int) -> None:
    kernel_w = weights(2, 3, kernel, kernel)
    proto = one_op("Conv", (1, 3, *size), kernel_w, auto_pad=auto_pad, strides=[stride, 1])
    assert "auto_pad" not in attributes(apply(RULE, proto, times=1), "Conv")


@settings(max_examples=25, deadline=None)
@given(
    auto_pad=AUTO,
    op=st.sampled_from(["MaxPool", "AveragePool"]),
    size=st.tuples(st.integers(5, 11), st.integers(5, 11)),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
)
def test_pools(auto_pad: str, op: str, size: tuple[int, int], kernel: int, stride: int) -> None:
    strides = [min(stride, kernel), 2]  # where a pool skips cells, the runtime fails on its own padding
    proto = one_op(op, (1, 3, *size), auto_pad=auto_pad, kernel_shape=[kernel, 2], strides=strides)
    apply(RULE, proto, times=1)


@pytest.mark.parametrize(
    ("auto_pad", "pads"), [("SAME_UPPER", [0, 1, 1, 1]), ("SAME_LOWER", [1, 1, 0, 1]), ("VALID", [0] * 4)]
)
def test_the_odd_cell(auto_pad: str, pads: list[int]) -> None:
    proto = one_op("Conv", (1, 3, 8, 7), weights(2, 3, 3, 3), auto_pad=auto_pad, strides=[2, 2])
    assert attributes(apply(RULE, proto, times=1), "Conv")["pads"] == pads


def test_declines_ceil_mode() -> None:
    proto = one_op("MaxPool", (1, 3, 8, 8), auto_pad="VALID", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    assert_declines(RULE, proto, "ceil_mode")


@pytest.mark.parametrize("attrs", [{}, {"pads": [1, 1, 1, 1]}, {"auto_pad": "NOTSET"}])
def test_has_nothing_to_say(attrs: dict[str, Any]) -> None:
    assert_silent(RULE, one_op("Conv", (1, 3, 8, 8), weights(2, 3, 3, 3), **attrs))
