"""How far an adapted network still finds what the original found: needs pictures, but no labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import AdaptError, Exit
from .coco_ap import ApResult, average_precision
from .detections import Detections, GroundTruth
from .preprocess import PREPROCESSING_HINT

REFERENCE_SCORE = 0.3  # the original's detections of at least this score are taken for the truth


def reference_truth(reference: Sequence[Detections]) -> list[GroundTruth]:
    """The original's own detections of score >= 0.3 as ground truth, image by image.

    AdaptError (not measurable) when there is none in any image.
    """
    truth = []
    for image in reference:
        sure = image.select(image.scores >= REFERENCE_SCORE)
        truth.append(GroundTruth(sure.boxes.astype(np.float64), sure.classes, np.zeros(len(sure), np.bool_)))
    if not any(len(image) for image in truth):
        message = f"the original network finds nothing (score >= {REFERENCE_SCORE}) in {len(truth)} images"
        raise AdaptError(message, hint=PREPROCESSING_HINT, code=Exit.UNSUPPORTED)
    return truth


def agreement(reference: Sequence[Detections], candidate: Sequence[Detections]) -> ApResult:
    """AP of the candidate's detections against the original's own; 1.0 for the original itself.

    For its interval: `bootstrap_interval(reference_truth(reference), candidate)`.
    """
    return average_precision(reference_truth(reference), candidate)
