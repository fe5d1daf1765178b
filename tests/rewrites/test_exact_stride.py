"""exact_stride: the remainder leaves the end pad, a ceiling becomes a pad, and every precondition."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icraft_adapt.graph.model import Model
from icraft_adapt.rewrites.exact_stride import RULE
from icraft_adapt.targets.loader import load_target
from icraft_adapt.tests.rewrites.harness import (
    BUYI,
    apply,
    assert_declines,
    assert_silent,
    attempt,
    attributes,
    network,
    one_op,
    weights,
)

SIZE = st.integers(6, 13)


def test_the_usual_conv() -> None:
    proto = one_op("Conv", (1, 3, 8, 9), weights(4, 3, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1])
    adapted = apply(RULE, proto, times=1)
    assert attributes(adapted, "Conv")["pads"] == [1, 1, 0, 1]
    (node,) = Model.from_proto(adapted, "model").nodes
    assert load_target(BUYI).refuses(node) is None


def test_a_dilated_conv() -> None:
    attrs: dict[str, Any] = {"strides": [3, 3], "pads": [2, 2, 2, 2], "dilations": [2, 2]}
    proto = one_op("Conv", (1, 3, 9, 8), weights(4, 3, 3, 3), **attrs)
    assert attributes(apply(RULE, proto, times=1), "Conv")["pads"] == [2, 2, 0, 1]


def test_a_pool_that_rounds_up() -> None:
    proto = one_op("MaxPool", (1, 3, 8, 9), kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    adapted = apply(RULE, proto, times=1)
    assert attributes(adapted, "MaxPool")["pads"] == [0, 0, 1, 0]
    assert "ceil_mode" not in attributes(adapted, "MaxPool")


@settings(max_examples=60, deadline=None)
@given(
    op=st.sampled_from(["MaxPool", "AveragePool"]),
    size=st.tuples(SIZE, SIZE),
    kernel=st.integers(2, 4),
    stride=st.integers(2, 4),
    pads=st.lists(st.integers(0, 1), min_size=4, max_size=4),
    ceil_mode=st.integers(0, 1),
    counted=st.integers(0, 1),
)
def test_pools_keep_their_numbers(
    op: str, size: tuple[int, int], kernel: int, stride: int, pads: list[int], ceil_mode: int, counted: int
) -> None:
    attrs: dict[str, Any] = {
        "kernel_shape": [kernel] * 2,
        "strides": [stride] * 2,
        "pads": pads,
        "ceil_mode": ceil_mode,
    }
    attrs |= {"count_include_pad": counted} if op == "AveragePool" else {}
    proto = one_op(op, (1, 2, *size), **attrs)
    apply(RULE, proto, times=len(attempt(RULE, proto).steps))


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(SIZE, SIZE),
    kernel=st.integers(1, 4),
    stride=st.integers(2, 4),
    pads=st.lists(st.integers(0, 4), min_size=4, max_size=4),
)
def test_convs_keep_their_numbers(size: tuple[int, int], kernel: int, stride: int, pads: list[int]) -> None:
    proto = one_op("Conv", (1, 2, *size), weights(2, 2, kernel, kernel), strides=[stride] * 2, pads=pads)
    apply(RULE, proto, times=len(attempt(RULE, proto).steps))


def test_declines_rows_that_are_never_read() -> None:
    proto = one_op("Conv", (1, 3, 8, 8), weights(4, 3, 1, 1), strides=[2, 2])
    assert_declines(RULE, proto, "the last 1 of 8 rows or columns are never read")


def test_declines_a_pad_as_large_as_the_kernel() -> None:
    attrs: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [3, 3], "ceil_mode": 1}
    assert_declines(RULE, one_op("MaxPool", (1, 3, 9, 9), **attrs), "cannot pad by")


def test_declines_an_average_that_would_count_more_cells() -> None:
    attrs: dict[str, Any] = {
        "kernel_shape": [3, 3],
        "strides": [2, 2],
        "ceil_mode": 1,
        "count_include_pad": 1,
    }
    assert_declines(RULE, one_op("AveragePool", (1, 3, 8, 8), **attrs), "would count")


def test_declines_the_indices_of_a_pool() -> None:
    body = "y, i = MaxPool<kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1>(x)"
    proto = network("float[1,3,8,8] x", "y, z", f"{body} z = Cast<to = 1>(i)")
    assert_declines(RULE, proto, "indices")


@pytest.mark.parametrize(
    ("op", "attrs"),
    [
        ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}),
        ("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
        ("LpPool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ],
)
def test_has_nothing_to_say(op: str, attrs: dict[str, Any]) -> None:
    assert_silent(RULE, one_op(op, (1, 3, 8, 8), **attrs))
