"""Maps in every layout that boards use come back as they were."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icraft_adapt.golden.layouts import SWAPPED, aligned, stored, stored_shape

LAYOUTS = ("NCHW", "NHWC", "NCHWc4", "NCHWc16", "NCHWc32")
SIDES = st.integers(1, 40)


@given(SIDES, st.integers(1, 9), st.integers(1, 9), st.sampled_from(LAYOUTS), st.booleans(), st.booleans())
def test_a_told_layout_is_undone(c: int, h: int, w: int, layout: str, flat: bool, batch: bool) -> None:
    values = np.random.default_rng(0).integers(-9, 9, (1, c, h, w))
    laid = stored(values, layout)
    assert laid.shape == stored_shape(values.shape, layout)
    laid = laid.ravel() if flat else laid if batch else laid[0]
    found = aligned(laid, values.shape, layout)
    assert found[0].layout == layout
    np.testing.assert_array_equal(found[0].values, values)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_untold_layout_is_among_those_tried(layout: str) -> None:
    values = np.random.default_rng(0).integers(-9, 9, (1, 5, 6, 7))
    found = {each.layout: each.values for each in aligned(stored(values, layout), values.shape, None)}
    np.testing.assert_array_equal(found[layout], values)


def test_swapped_sides_are_tried_last() -> None:
    values = np.random.default_rng(0).integers(-9, 9, (1, 5, 6, 7))
    turned = values.transpose(0, 1, 3, 2)
    (found,) = aligned(turned, values.shape, None)
    assert found.layout == "NCHW" + SWAPPED
    np.testing.assert_array_equal(found.values, values)
    square = values[..., :6]
    assert [each.layout for each in aligned(square, square.shape, "NCHW")] == ["NCHW", "NCHW" + SWAPPED]


def test_channels_padded_at_the_end_of_nhwc_are_cut_off() -> None:
    values = np.random.default_rng(0).integers(-9, 9, (1, 5, 6, 7))
    padded = np.pad(stored(values, "NHWC"), ((0, 0), (0, 0), (0, 0), (0, 27)))
    for each in (padded, padded[0]):
        np.testing.assert_array_equal(aligned(each, values.shape, "NHWC")[0].values, values)


@pytest.mark.parametrize("shape", [(1, 5, 6, 8), (5, 7), (2, 5, 6, 7), (1, 6, 5, 7), (2, 6, 7, 32)])
def test_what_cannot_be_the_map_is_none(shape: tuple[int, ...]) -> None:
    assert aligned(np.zeros(shape), (1, 5, 6, 7), None) == []


def test_vectors_have_no_layout() -> None:
    (found,) = aligned(np.arange(7), (1, 7), None)
    assert found.values.shape == (1, 7)
