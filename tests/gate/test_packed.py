"""Integers and pictures survive being packed, in as few letters as they need."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icraft_adapt.adapter.gate.packed import packed, packed_picture, unpacked, unpacked_picture


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-130, 130), max_size=40))
def test_integers_come_back(values: list[int]) -> None:
    assert unpacked(packed(np.array(values, np.int64))).tolist() == values


@pytest.mark.parametrize("levels", [1, 2, 256, 257, 40_000])
def test_pictures_come_back(levels: int) -> None:
    drawn = np.random.default_rng(levels).integers(0, levels, (1, 3, 70, 200)) - 500
    np.testing.assert_array_equal(unpacked_picture(*packed_picture(drawn), drawn.shape), drawn)


def test_a_smooth_picture_is_short() -> None:
    ramp = np.add.outer(np.arange(64), np.arange(96))[None, None] + np.zeros((1, 3, 1, 1), np.int64)
    assert sum(map(len, packed_picture(ramp))) < ramp.size / 20


@pytest.mark.parametrize("text", ["", "AAAA", "?", packed(np.arange(9))[:-8]])
def test_other_text_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"packed|whole"):
        unpacked(text)


def test_a_picture_of_another_shape_is_none() -> None:
    levels, cells = packed_picture(np.arange(12).reshape(1, 1, 3, 4))
    with pytest.raises(ValueError, match="shape"):
        unpacked_picture(levels, cells, (1, 1, 3, 5))
    with pytest.raises(ValueError, match="no value"):
        unpacked_picture(packed(np.arange(5)), cells, (1, 1, 3, 4))
