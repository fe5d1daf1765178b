"""Where a picture lies in the input tensor, against arithmetic written down independently."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from icraft_adapt.data.letterbox import Placement, letterbox
from icraft_adapt.data.preprocess import Preprocess


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("image_hw", "size_hw", "inner_hw", "ratio"),
    [
        ((480, 640), (416, 416), (312, 416), 0.65),
        ((640, 480), (416, 416), (416, 312), 0.65),
        ((100, 200), (640, 640), (320, 640), 3.2),
        ((427, 640), (608, 1088), (608, 911), 608 / 427),  # 911.25 is rounded down
        ((600, 451), (416, 416), (416, 312), 416 / 600),  # and so is 312.69
        ((1, 1000), (416, 416), (1, 416), 0.416),  # a line stays a line
        ((1000, 1), (416, 416), (416, 1), 0.416),
    ],
)
def test_geometry_is_ratio_then_padding_right_and_below(
    image_hw: tuple[int, int], size_hw: tuple[int, int], inner_hw: tuple[int, int], ratio: float
) -> None:
    white = np.full((*image_hw, 3), 255, np.uint8)
    tensor, placement = letterbox(white, size_hw, Preprocess())
    assert tensor.shape == (1, 3, *size_hw)
    assert tensor.dtype == np.float32
    assert tensor.flags.c_contiguous
    inside = np.zeros(size_hw, bool)
    inside[: inner_hw[0], : inner_hw[1]] = True
    assert (tensor[0, :, inside] == 255).all()
    assert (tensor[0, :, ~inside] == 114).all()
    assert (placement.ratio_x, placement.ratio_y) == pytest.approx((ratio, ratio))


def test_an_image_of_the_input_size_is_copied_channel_by_channel() -> None:
    image = noise(32, 48)
    bgr, placement = letterbox(image, (32, 48), Preprocess())
    rgb, _ = letterbox(image, (32, 48), Preprocess(channels="rgb"))
    assert placement == Placement(1.0, 1.0)
    for channel in range(3):
        np.testing.assert_array_equal(bgr[0, channel], image[:, :, channel])
        np.testing.assert_array_equal(rgb[0, channel], image[:, :, 2 - channel])


def test_mean_and_scale_act_after_the_channel_order_and_on_the_padding() -> None:
    image = np.zeros((10, 20, 3), np.uint8)
    image[:] = (10, 20, 30)
    preprocess = Preprocess(mean=(1.0, 2.0, 3.0), scale=(2.0, 4.0, 5.0), channels="rgb", pad=50)
    tensor, _ = letterbox(image, (20, 20), preprocess)
    np.testing.assert_allclose(tensor[0, :, 0, 0], [(30 - 1) / 2, (20 - 2) / 4, (10 - 3) / 5], rtol=1e-6)
    np.testing.assert_allclose(tensor[0, :, -1, 0], [(50 - 1) / 2, (50 - 2) / 4, (50 - 3) / 5], rtol=1e-6)


def test_stretch_fills_the_input_with_two_ratios() -> None:
    tensor, placement = letterbox(np.full((10, 40, 3), 200, np.uint8), (30, 20), Preprocess(resize="stretch"))
    assert (tensor == 200).all()
    assert placement == Placement(0.5, 3.0)
    box = placement.to_image(np.array([[10.0, 15.0, 20.0, 30.0]], np.float32))
    np.testing.assert_array_equal(box, [[20.0, 5.0, 40.0, 10.0]])


def test_a_bright_block_returns_to_where_it_was() -> None:
    image = np.zeros((300, 500, 3), np.uint8)
    image[120:180, 200:320] = 255
    tensor, placement = letterbox(image, (416, 416), Preprocess(pad=0))
    rows, columns = np.nonzero(tensor[0, 0] > 127)
    found = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.float32)
    np.testing.assert_allclose(placement.to_image(found), [[200, 120, 320, 180]], atol=1 / placement.ratio_x)


@settings(max_examples=50, deadline=None)
@given(
    image_hw=st.tuples(st.integers(1, 400), st.integers(1, 400)),
    size_hw=st.tuples(st.sampled_from([32, 96, 416]), st.sampled_from([32, 96, 416])),
    resize=st.sampled_from(["letterbox", "stretch"]),
)
def test_boxes_make_the_round_trip_unclipped(image_hw: tuple[int, int], size_hw: tuple[int, int], resize: str) -> None:
    preprocess = Preprocess(resize="stretch" if resize == "stretch" else "letterbox")
    tensor, placement = letterbox(np.zeros((*image_hw, 3), np.uint8), size_hw, preprocess)
    assert tensor.shape == (1, 3, *size_hw)
    height, width = image_hw
    boxes = np.array([[0, 0, width, height], [-5, -7, 2 * width, 3 * height]], np.float32)
    ratios = np.array([placement.ratio_x, placement.ratio_y] * 2)
    returned = placement.to_image((boxes * ratios).astype(np.float32))
    assert returned.dtype == np.float32
    np.testing.assert_allclose(returned, boxes, rtol=1e-6)


def test_no_boxes_stay_no_boxes() -> None:
    assert Placement(0.5, 0.5).to_image(np.zeros((0, 4), np.float32)).shape == (0, 4)
