"""Overlap and suppression against exact fractions and a brute force of three nested loops."""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icraft_adapt.data.detections import Detections, iou_matrix, nms

Row = tuple[tuple[int, int, int, int], int, int]  # box xywh, score in sixteenths, class


def detections(rows: list[Row]) -> Detections:
    boxes = np.array([(x, y, x + w, y + h) for (x, y, w, h), _, _ in rows], np.float32).reshape(-1, 4)
    scores = np.array([score / 16 for _, score, _ in rows], np.float32)
    return Detections(boxes, scores, np.array([number for _, _, number in rows], np.int64))


def exact_iou(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> Fraction:
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(w, 0) * max(h, 0)
    union = a[2] * a[3] + b[2] * b[3] - shared
    return Fraction(shared, union) if union else Fraction(0)


def brute_force(rows: list[Row], threshold: Fraction, class_aware: bool) -> list[Row]:
    kept: list[Row] = []
    for row in sorted(rows, key=lambda row: -row[1]):  # Python's sort is stable
        rivals = [other for other in kept if not class_aware or other[2] == row[2]]
        if all(exact_iou(row[0], other[0]) <= threshold for other in rivals):
            kept.append(row)
    return kept


boxes = st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 10), st.integers(0, 10))
scenes = st.lists(st.tuples(boxes, st.integers(0, 4), st.integers(0, 2)), max_size=25)


@settings(max_examples=200, deadline=None)
@given(rows=scenes, threshold=st.sampled_from(["0.5", "0.65", "0.25", "0", "1"]), class_aware=st.booleans())
def test_nms_equals_brute_force(rows: list[Row], threshold: str, class_aware: bool) -> None:
    got = nms(detections(rows), float(threshold), class_aware)
    want = detections(brute_force(rows, Fraction(threshold), class_aware))
    np.testing.assert_array_equal(got.boxes, want.boxes)
    np.testing.assert_array_equal(got.scores, want.scores)
    np.testing.assert_array_equal(got.classes, want.classes)


def test_an_overlap_equal_to_the_threshold_stays() -> None:
    pair: list[Row] = [
        ((0, 0, 2, 1), 8, 0),
        ((0, 0, 1, 1), 4, 0),
    ]  # IoU 1/2; with the +1 pixel it would be 2/3
    assert len(nms(detections(pair), 0.5)) == 2
    assert len(nms(detections(pair), 0.499)) == 1


def test_equal_scores_keep_the_order_of_the_rows() -> None:
    rows: list[Row] = [((30 * n, 0, 5, 5), 8, number) for n, number in enumerate([2, 0, 1, 0])]
    assert nms(detections(rows), 0.65).classes.tolist() == [2, 0, 1, 0]


@settings(max_examples=100, deadline=None)
@given(a=st.lists(boxes, max_size=5), b=st.lists(boxes, max_size=5))
def test_iou_matrix_equals_exact_fractions(
    a: list[tuple[int, int, int, int]], b: list[tuple[int, int, int, int]]
) -> None:
    corners = [detections([(box, 1, 0) for box in side]).boxes for side in (a, b)]
    want = np.array([[float(exact_iou(one, two)) for two in b] for one in a]).reshape(len(a), len(b))
    np.testing.assert_allclose(iou_matrix(*corners), want, rtol=1e-6)


def test_boxes_that_are_not_finite_neither_warn_nor_suppress() -> None:
    odd = np.array([[np.nan] * 4, [-np.inf, -np.inf, np.inf, np.inf], [0, 0, 4, 4]], np.float32)
    scores = np.array([0.9, 0.8, 0.7], np.float32)
    assert len(nms(Detections(odd, scores, np.zeros(3, np.int64)), 0.5)) == 3


def test_nothing_in_nothing_out() -> None:
    result = nms(Detections.empty(), 0.65)
    assert (result.boxes.shape, len(result)) == ((0, 4), 0)


@pytest.mark.parametrize("class_aware", [True, False])
def test_three_thousand_candidates_take_little_time(class_aware: bool) -> None:
    draw = np.random.default_rng(7)
    corner, extent = draw.uniform(0, 600, (3000, 2)), draw.uniform(5, 120, (3000, 2))
    scene = Detections(
        np.hstack([corner, corner + extent]).astype(np.float32),
        draw.uniform(0.001, 1, 3000).astype(np.float32),
        draw.integers(0, 80, 3000),
    )
    start = time.process_time()
    nms(scene, 0.65, class_aware)
    assert time.process_time() - start < 2.0  # measured 0.1 s; comparing pair by pair takes ten times that
