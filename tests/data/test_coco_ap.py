"""Average precision: known values, the bootstrap's arithmetic against COCOeval's, agreement."""

from __future__ import annotations

import contextlib
import io
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icraft_adapt.data.agreement import agreement, reference_truth
from icraft_adapt.data.coco_ap import (
    ApResult,
    average_precision,
    bootstrap_interval,
    class_matches,
    evaluate,
    weighted_ap,
)
from icraft_adapt.data.detections import Detections, GroundTruth
from icraft_adapt.errors import AdaptError, Exit

Scene = tuple[list[GroundTruth], list[Detections]]


def figures(result: ApResult) -> tuple[float, float]:
    return result.ap, result.ap50


def truth_of(boxes: list[list[float]], classes: list[int], crowd: list[bool] | None = None) -> GroundTruth:
    flags = np.array(crowd if crowd is not None else [False] * len(classes), np.bool_)
    return GroundTruth(np.array(boxes, np.float64).reshape(-1, 4), np.array(classes, np.int64), flags)


def found(boxes: list[list[float]], scores: list[float], classes: list[int]) -> Detections:
    corners = np.array(boxes, np.float32).reshape(-1, 4)
    return Detections(corners, np.array(scores, np.float32), np.array(classes, np.int64))


def random_scene(seed: int, images: int, classes: int, boxes: int, noise: int) -> Scene:
    """Truth with a few crowds; shaken copies of it as detections, some of a wrong class, and noise."""
    draw = np.random.default_rng(seed)
    truth, predictions = [], []
    for _ in range(images):
        corner, extent = draw.uniform(0, 500, (boxes, 2)), draw.uniform(10, 150, (boxes, 2))
        real = np.hstack([corner, corner + extent])
        number = draw.integers(0, classes, boxes)
        truth.append(GroundTruth(real, number, draw.random(boxes) < 0.05))
        shaken = real + draw.normal(0, 6, real.shape)
        wrong = np.where(draw.random(boxes) < 0.2, draw.integers(0, classes, boxes), number)
        corner, extent = draw.uniform(0, 500, (noise, 2)), draw.uniform(10, 150, (noise, 2))
        everything = np.vstack([shaken, np.hstack([corner, corner + extent])]).astype(np.float32)
        scores = np.concatenate([draw.uniform(0.2, 1, boxes), draw.uniform(0.001, 0.6, noise)])
        both = np.concatenate([wrong, draw.integers(0, classes, noise)])
        predictions.append(Detections(everything, scores.astype(np.float32), both))
    return truth, predictions


A, B, C = [0.0, 0.0, 10.0, 10.0], [50.0, 0.0, 80.0, 40.0], [0.0, 50.0, 20.0, 90.0]


def test_perfect_detections_reach_one_silently(capsys: pytest.CaptureFixture[str]) -> None:
    truth = [truth_of([A, B], [0, 1]), truth_of([], [])]
    assert figures(average_precision(truth, [found([A, B], [0.9, 0.8], [0, 1]), Detections.empty()])) == pytest.approx(
        (1, 1)
    )
    assert capsys.readouterr() == ("", "")


def test_no_detections_reach_zero() -> None:
    assert average_precision([truth_of([A], [0])], [Detections.empty()]) == ApResult(0, 0)


def test_one_of_two_missed_gives_the_51_of_101_recalls_it_reaches() -> None:
    result = average_precision([truth_of([A, B], [0, 0])], [found([A], [0.9], [0])])
    assert result.ap == pytest.approx(51 / 101)
    assert result.ap50 == pytest.approx(51 / 101)


def test_a_better_scored_false_positive_halves_the_precision() -> None:
    result = average_precision([truth_of([A], [0])], [found([C, A], [0.9, 0.8], [0, 0])])
    assert result.ap == pytest.approx(0.5)


def test_a_box_of_iou_0_6_counts_at_three_of_ten_thresholds() -> None:
    result = average_precision([truth_of([A], [0])], [found([[0, 0, 10, 6.2]], [0.9], [0])])
    assert figures(result) == pytest.approx((0.3, 1.0))  # 0.50, 0.55, 0.60


def test_finding_a_crowd_is_neither_right_nor_wrong() -> None:
    truth = [truth_of([A, B], [0, 0], [False, True])]
    assert figures(average_precision(truth, [found([B, A], [0.9, 0.8], [0, 0])])) == pytest.approx((1, 1))
    assert average_precision(truth, [found([C, A], [0.9, 0.8], [0, 0])]).ap == pytest.approx(0.5)


def test_classes_without_truth_do_not_enter_the_mean() -> None:
    assert figures(average_precision([truth_of([A], [3])], [found([A, B], [0.9, 0.95], [3, 7])])) == pytest.approx(
        (1, 1)
    )


@pytest.mark.parametrize("truth", [[truth_of([], [])], [truth_of([A], [0], [True])], []])
def test_without_a_labelled_box_nothing_is_measurable(truth: list[GroundTruth]) -> None:
    with pytest.raises(AdaptError, match="no AP without") as caught:
        average_precision(truth, [Detections.empty()] * len(truth))
    assert caught.value.code == Exit.UNSUPPORTED


def test_truth_and_predictions_are_of_the_same_images() -> None:
    with pytest.raises(ValueError, match="truth of 1 images, predictions of 2"):
        average_precision([truth_of([A], [0])], [Detections.empty()] * 2)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    images=st.integers(1, 8),
    classes=st.integers(1, 5),
    boxes=st.integers(1, 12),
    noise=st.integers(0, 20),
)
def test_the_bootstraps_arithmetic_is_cocoevals(seed: int, images: int, classes: int, boxes: int, noise: int) -> None:
    truth, predictions = random_scene(seed, images, classes, boxes, noise)
    if all(one.crowd.all() for one in truth):
        return
    (curve,) = weighted_ap(class_matches(evaluate(truth, predictions)), np.ones((1, images)))
    official = average_precision(truth, predictions)
    assert curve.mean() == pytest.approx(official.ap, abs=1e-9)
    assert curve[0] == pytest.approx(official.ap50, abs=1e-9)


def test_a_weight_is_as_good_as_copies_of_the_image() -> None:
    truth, predictions = random_scene(seed=5, images=12, classes=4, boxes=6, noise=12)
    draw = np.random.default_rng(1)
    matches = class_matches(evaluate(truth, predictions))
    samples = draw.integers(12, size=(5, 12))
    curves = weighted_ap(matches, np.array([np.bincount(drawn, minlength=12) for drawn in samples], np.float64))
    for drawn, curve in zip(samples, curves, strict=True):
        official = average_precision([truth[i] for i in drawn], [predictions[i] for i in drawn])
        assert (curve.mean(), curve[0]) == pytest.approx((official.ap, official.ap50), abs=1e-9)


def test_our_ap_is_the_first_line_of_cocoevals_summary() -> None:
    truth, predictions = random_scene(seed=11, images=20, classes=6, boxes=8, noise=20)
    evaluator = evaluate(truth, predictions)
    evaluator.params = type(evaluator.params)("bbox")  # all areas, 1, 10 and 100 detections
    evaluator.params.imgIds = evaluator.cocoGt.getImgIds()
    evaluator.params.catIds = evaluator.cocoGt.getCatIds()
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    result = average_precision(truth, predictions)
    assert (result.ap, result.ap50) == pytest.approx(tuple(evaluator.stats[:2]), abs=1e-9)
    assert 0.05 < result.ap < 0.95


def test_the_interval_is_seeded_holds_the_value_and_shrinks_with_images() -> None:
    truth, predictions = random_scene(seed=2, images=80, classes=3, boxes=6, noise=10)
    few = bootstrap_interval(truth[:10], predictions[:10], resamples=100, seed=4)
    assert few == bootstrap_interval(truth[:10], predictions[:10], resamples=100, seed=4)
    assert few != bootstrap_interval(truth[:10], predictions[:10], resamples=100, seed=5)
    many = bootstrap_interval(truth, predictions, resamples=100)
    value = average_precision(truth, predictions)
    assert many.ap[0] < value.ap < many.ap[1]
    assert many.ap50[0] < value.ap50 < many.ap50[1]
    assert many.ap[1] - many.ap[0] < few.ap[1] - few.ap[0]


def test_resamples_without_any_truth_are_left_out() -> None:
    truth = [truth_of([A], [0]), truth_of([], []), truth_of([], [])]
    predictions = [found([A], [0.9], [0]), Detections.empty(), Detections.empty()]
    assert bootstrap_interval(truth, predictions).ap == pytest.approx((1.0, 1.0))


def test_two_hundred_resamples_of_64_images_and_80_classes_are_quick() -> None:
    truth, predictions = random_scene(seed=3, images=64, classes=80, boxes=8, noise=150)
    start = time.process_time()
    bootstrap_interval(truth, predictions, resamples=200)
    assert time.process_time() - start < 20.0  # measured 1.1 s


def test_the_original_agrees_with_itself() -> None:
    _, predictions = random_scene(seed=8, images=6, classes=4, boxes=5, noise=30)
    assert figures(agreement(predictions, predictions)) == pytest.approx((1, 1))


def test_agreement_counts_only_what_the_original_is_sure_of() -> None:
    reference = [found([A, B, C], [0.9, 0.3, 0.299], [0, 0, 0])]
    assert [len(one) for one in reference_truth(reference)] == [2]
    assert agreement(reference, [found([A], [0.5], [0])]).ap == pytest.approx(51 / 101)
    assert agreement(reference, [found([A, B], [0.5, 0.4], [0, 1])]).ap == pytest.approx(51 / 101)


def test_an_original_that_finds_nothing_points_to_the_preprocessing() -> None:
    reference = [found([A], [0.29], [0]), Detections.empty()]
    with pytest.raises(AdaptError, match=r"BGR 0..255 .*123.675,116.28,103.53.*58.395") as caught:
        agreement(reference, reference)
    assert caught.value.code == Exit.UNSUPPORTED
