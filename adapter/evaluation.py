"""How good a network is on images: AP against labels, agreement with the original's own detections."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..data.agreement import agreement, reference_truth
from ..data.coco_ap import average_precision, bootstrap_interval
from ..data.detections import Detections
from ..data.labels import load_labels
from ..data.preprocess import Preprocess
from ..errors import AdaptError
from .detector import Detector, adapted_detector, folder_detector, original_detector
from .evaluation_types import EvaluationRequest, EvaluationResult
from .output_folder import read_folder
from .pictures import pictures
from .progress import Progress
from .request import Request


@dataclass(slots=True)
class _Seen:
    """What the networks found, image by image; `reference` is the original's."""

    images: list[tuple[Path, tuple[int, int]]] = field(default_factory=list)
    found: list[Detections] = field(default_factory=list)
    reference: list[Detections] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def evaluate(request: EvaluationRequest, progress: Progress) -> EvaluationResult:
    """Run the network over the images; AP where labels are given, agreement where the original is at hand.

    Raises AdaptError: exit 2 for wrong images, labels or models, exit 3 where the original finds nothing at all.
    """
    default: Literal["original", "adapted"] = "adapted" if request.model_or_dir.is_dir() else "original"
    stage = request.stage or default
    wanted, original = _detectors(request, stage, progress)
    seen = _Seen()
    for path, image in pictures(request.images, "evaluating", progress, seen.skipped):
        seen.images.append((path, (image.shape[0], image.shape[1])))
        seen.found.append(wanted.detect(image))
        if original is not None:
            seen.reference.append(seen.found[-1] if original is wanted else original.detect(image))
    progress.stage("scoring")
    return _score(request, stage, seen)


def _detectors(
    request: EvaluationRequest, stage: Literal["original", "adapted"], progress: Progress
) -> tuple[Detector, Detector | None]:
    """The network to be evaluated, and the original where it is at hand (the same object if that is the stage)."""
    if request.model_or_dir.is_dir():
        return _folder_detectors(request, stage, progress)
    job = _job(request, request.model_or_dir, request.preprocess or Preprocess())
    original = original_detector(job, progress)
    return (original if stage == "original" else adapted_detector(job, progress)), original


def _folder_detectors(
    request: EvaluationRequest, stage: Literal["original", "adapted"], progress: Progress
) -> tuple[Detector, Detector | None]:
    folder = read_folder(request.model_or_dir)
    preprocess = request.preprocess or folder.manifest.preprocess
    file = folder.original(request.original)
    original = None
    if file is not None:
        shape = request.input_shape or folder.manifest.options.input_shape
        original = original_detector(_job(request, file, preprocess, shape), progress)
    if stage == "adapted":
        return folder_detector(folder, preprocess), original
    if original is None:
        raise AdaptError(
            f"the original {folder.manifest.model.path} is not there",
            where=str(request.model_or_dir),
            hint="name it with --original",
        )
    return original, original


def _job(
    request: EvaluationRequest, model: Path, preprocess: Preprocess, shape: tuple[int, ...] | None = None
) -> Request:
    return Request(
        model=model,
        target=request.target,
        activation=request.activation,
        hinges=request.hinges,
        slope=request.slope,
        accept_function_change=True,
        max_damage=math.inf,  # to measure it is the purpose
        input_shape=shape or request.input_shape,
        calibration=request.calibration,
        preprocess=preprocess,
        golden=False,
    )


def _score(request: EvaluationRequest, stage: Literal["original", "adapted"], seen: _Seen) -> EvaluationResult:
    interval: dict[str, tuple[float, float]] = {}
    ap = ap50 = agreed = None
    if request.labels is not None:
        labels = load_labels(request.labels, request.format, seen.images)
        truth = [labels[path.name] for path, _ in seen.images]
        figures, bounds = average_precision(truth, seen.found), bootstrap_interval(truth, seen.found)
        ap, ap50 = figures.ap, figures.ap50
        interval |= {"ap": bounds.ap, "ap50": bounds.ap50}
    if seen.reference:
        agreed = agreement(seen.reference, seen.found).ap
        interval["agreement"] = _agreement_interval(seen.reference, seen.found)
    if ap is None and agreed is None:
        raise AdaptError("neither labels nor the original are at hand", hint="add --labels or --original")
    return EvaluationResult(stage, ap, ap50, agreed, len(seen.images), interval, tuple(seen.skipped))


def _agreement_interval(reference: Sequence[Detections], found: Sequence[Detections]) -> tuple[float, float]:
    return bootstrap_interval(reference_truth(reference), found).ap
