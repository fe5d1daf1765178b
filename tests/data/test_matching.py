"""Boxes paired between two networks."""

from __future__ import annotations

import numpy as np
import pytest

from icraft_adapt.data.detections import Detections
from icraft_adapt.data.matching import match


def boxes(*rows: tuple[float, float, float, int]) -> Detections:
    """(x, y, score, class) of boxes 10 x 10."""
    corners = np.array([[x, y, x + 10, y + 10] for x, y, _, _ in rows], np.float32).reshape(-1, 4)
    return Detections(corners, np.array([r[2] for r in rows], np.float32), np.array([r[3] for r in rows], np.int64))


def test_equal_boxes_match() -> None:
    same = boxes((0, 0, 0.9, 1), (50, 50, 0.4, 2))
    found = match([same], [same], 0.3)
    assert (found.matched, found.lost, found.new, found.class_flips) == (2, 0, 0, 0)
    assert (found.mean_iou, found.score_shift) == (1, 0)


def test_lost_new_flipped_and_shifted() -> None:
    theirs = boxes((0, 0, 0.9, 1), (50, 50, 0.8, 2), (100, 0, 0.7, 3))
    ours = boxes((1, 0, 0.6, 1), (50, 50, 0.8, 5), (0, 200, 0.5, 1))
    found = match([theirs], [ours], 0.3)
    assert (found.matched, found.lost, found.new, found.class_flips) == (2, 1, 1, 1)
    assert found.score_shift == pytest.approx(-0.15)
    assert found.mean_iou == pytest.approx((9 / 11 + 1) / 2)


def test_a_score_just_below_the_band_is_a_shift() -> None:
    found = match([boxes((0, 0, 0.35, 1))], [boxes((0, 0, 0.25, 1))], 0.3)
    assert (found.matched, found.lost, found.new) == (1, 0, 0)
    assert match([boxes((0, 0, 0.35, 1))], [boxes((0, 0, 0.1, 1))], 0.3).lost == 1


def test_a_band_leaves_the_others_out() -> None:
    theirs = [boxes((0, 0, 0.9, 1), (50, 50, 0.2, 1))]
    low = match(theirs, [boxes((0, 0, 0.9, 1))], 0.1, 0.6)
    assert (low.matched, low.lost, low.new) == (0, 1, 0)
    assert low.mean_iou is None


def test_the_same_class_is_paired_before_a_better_overlap() -> None:
    theirs = boxes((0, 0, 0.9, 1))
    ours = boxes((0, 0, 0.9, 2), (1, 0, 0.9, 1))
    found = match([theirs], [ours], 0.3)
    assert (found.class_flips, found.new) == (0, 1)
