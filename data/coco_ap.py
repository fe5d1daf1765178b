"""COCO average precision (pycocotools decides what matches) and how sure one can be of it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AdaptError, Exit
from .detections import Detections, GroundTruth

if TYPE_CHECKING:
    from pycocotools.cocoeval import COCOeval

_ALL_AREAS = [[0.0, 1e10]]  # COCOeval's own bounds of "all"; small, medium and large are not reported
_MAX_DETECTIONS = [100]  # per image and class
_RECALLS = np.linspace(0.0, 1.0, 101)
_MOST_NUMBERS = 1 << 22  # weights of one class's detections, in hand at once

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class ApResult:
    """AP over IoU 0.50:0.05:0.95 and AP at IoU 0.50, both 0..1."""

    ap: float
    ap50: float


@dataclass(frozen=True, slots=True)
class ApInterval:
    """Bounds (low, high) for the two figures of an ApResult."""

    ap: Interval
    ap50: Interval


@dataclass(frozen=True, slots=True, eq=False)
class ClassMatches:
    """One class over all images, detections by descending score, T = 10 IoU thresholds.

    image int64 [n] says where a detection stands; hit and miss bool [T, n] what it is (neither: it lies on a
    crowd); truth float64 [images] counts the boxes to find.
    """

    image: NDArray[np.int64]
    hit: NDArray[np.bool_]
    miss: NDArray[np.bool_]
    truth: NDArray[np.float64]


def average_precision(truth: Sequence[GroundTruth], predictions: Sequence[Detections]) -> ApResult:
    """COCOeval's AP and AP50 (bbox, 100 detections per image and class); one entry per image in both.

    AdaptError (not measurable) when the truth holds no box.
    """
    evaluator = evaluate(truth, predictions)
    with redirect_stdout(io.StringIO()):
        evaluator.accumulate()
    precision = evaluator.eval["precision"]  # [T, recall, class, 1, 1], -1 where a class has no truth
    at50 = precision[0]
    return ApResult(float(precision[precision > -1].mean()), float(at50[at50 > -1].mean()))


def bootstrap_interval(
    truth: Sequence[GroundTruth], predictions: Sequence[Detections], *, resamples: int = 200, seed: int = 0
) -> ApInterval:
    """The 95 % percentile bootstrap over images of AP and AP50.

    Images are matched once; a resample only weighs each image by how often it was drawn. The interval leans
    upward a little: AP takes a maximum over precisions, and resampling adds noise to them.
    """
    matches = class_matches(evaluate(truth, predictions))
    draw, count = np.random.default_rng(seed), len(truth)
    drawn = [np.bincount(draw.integers(count, size=count), minlength=count) for _ in range(resamples)]
    curves = weighted_ap(matches, np.array(drawn, np.float64))
    curves = curves[np.isfinite(curves[:, 0])]
    low, high = np.percentile(np.stack([curves.mean(1), curves[:, 0]], 1), [2.5, 97.5], axis=0)
    return ApInterval((float(low[0]), float(high[0])), (float(low[1]), float(high[1])))


def evaluate(truth: Sequence[GroundTruth], predictions: Sequence[Detections]) -> COCOeval:
    """A COCOeval whose `evaluate` has run: per-image matches, not accumulated yet. Prints nothing."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    if len(truth) != len(predictions):
        raise ValueError(f"truth of {len(truth)} images, predictions of {len(predictions)}")
    if all(image.crowd.all() for image in truth):
        raise AdaptError("no AP without a labelled box in any image", code=Exit.UNSUPPORTED)
    present = np.unique(np.concatenate([image.classes for image in truth]))
    with redirect_stdout(io.StringIO()):
        sides = []
        for annotations in (_truth_rows(truth), _prediction_rows(predictions)):
            side = COCO()
            side.dataset = {
                "images": [{"id": index} for index in range(len(truth))],
                "categories": [{"id": int(number)} for number in present],
                "annotations": [{"id": row, **entry} for row, entry in enumerate(annotations, 1)],
            }
            side.createIndex()
            sides.append(side)
        evaluator = COCOeval(*sides, "bbox")
        evaluator.params.areaRng, evaluator.params.areaRngLbl = _ALL_AREAS, ["all"]
        evaluator.params.maxDets = _MAX_DETECTIONS
        evaluator.evaluate()
    return evaluator


def _truth_rows(truth: Sequence[GroundTruth]) -> list[dict[str, Any]]:
    return [
        _annotation(index, box, number) | {"iscrowd": int(crowd)}
        for index, image in enumerate(truth)
        for box, number, crowd in zip(image.boxes, image.classes, image.crowd, strict=True)
    ]


def _prediction_rows(predictions: Sequence[Detections]) -> list[dict[str, Any]]:
    return [
        _annotation(index, box, number) | {"score": float(score)}
        for index, image in enumerate(predictions)
        for box, number, score in zip(image.boxes, image.classes, image.scores, strict=True)
    ]


def _annotation(index: int, box: NDArray[Any], number: np.int64) -> dict[str, Any]:
    x1, y1, x2, y2 = (float(value) for value in box)
    bbox = [x1, y1, x2 - x1, y2 - y1]
    return {"image_id": index, "category_id": int(number), "bbox": bbox, "area": bbox[2] * bbox[3]}


def class_matches(evaluator: COCOeval) -> list[ClassMatches]:
    """The matches of an evaluated COCOeval, class by class, for `weighted_ap`."""
    count = len(evaluator.params.imgIds)
    rows = [evaluator.evalImgs[k * count : (k + 1) * count] for k in range(len(evaluator.params.catIds))]
    return [_merge_images(per_image) for per_image in rows]


def _merge_images(per_image: list[dict[str, Any] | None]) -> ClassMatches:
    """One class's evalImgs (None: neither truth nor detections there), best detection first."""
    entries = [(index, entry) for index, entry in enumerate(per_image) if entry is not None]
    truth = np.zeros(len(per_image))
    for index, entry in entries:
        truth[index] = np.count_nonzero(np.asarray(entry["gtIgnore"]) == 0)
    scores = np.concatenate([entry["dtScores"] for _, entry in entries])
    order = np.argsort(-scores, kind="mergesort")  # the sort COCOeval uses
    image = np.repeat([index for index, _ in entries], [len(entry["dtScores"]) for _, entry in entries])
    matched = np.concatenate([entry["dtMatches"] for _, entry in entries], axis=1)[:, order] > 0
    ignored = np.concatenate([entry["dtIgnore"] for _, entry in entries], axis=1)[:, order].astype(np.bool_)
    return ClassMatches(image[order], matched & ~ignored, ~matched & ~ignored, truth)


def weighted_ap(matches: Sequence[ClassMatches], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """AP [R, T] at each of the T = 10 IoU thresholds when image i counts weights[r, i] times; NaN without any truth.

    The arithmetic of COCOeval.accumulate: precision made monotone, read at 101 recalls, averaged over the
    classes that have truth. Weights of 1 give its very numbers.
    """
    total = np.zeros((len(weights), len(matches[0].hit)))
    classes = np.zeros(len(weights))
    for one in matches:
        truth = weights @ one.truth
        there = np.flatnonzero(truth > 0)
        for some in np.array_split(there, max(1, len(there) * len(one.image) // _MOST_NUMBERS)):
            total[some] += _class_ap(one, weights[some], truth[some])
        classes += truth > 0
    with np.errstate(invalid="ignore"):
        return total / classes[:, None]


def _class_ap(one: ClassMatches, weights: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """[R, T] for weights [R, images] of `truth` [R] boxes. Precision is highest, and recall rises, at hits alone."""
    weight = weights[:, one.image]
    result = np.zeros((len(weights), len(one.hit)))
    for t, (hit, miss) in enumerate(zip(one.hit, one.miss, strict=True)):
        at = np.flatnonzero(hit)
        hits = np.cumsum(weight[:, at], axis=1)
        misses = np.cumsum(weight * miss, axis=1)[:, at]
        precision = hits / np.maximum(hits + misses, np.spacing(1))
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        read = np.searchsorted(_RECALLS, hits / truth[:, None], side="right")  # recalls that are reached by then
        result[:, t] = (envelope * np.diff(read, axis=1, prepend=0)).sum(1) / len(_RECALLS)
    return result
