"""How good a network is on images: AP against labels, agreement with the original's own detections."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..data.agreement import agreement, reference_truth
from ..data.coco_ap import average_precision, bootstrap_interval
from ..data.detections import Detections, GroundTruth
from ..data.labels import load_labels
from ..data.preprocess import Preprocess
from ..errors import AdaptError
from .detector import Detector, adapted_detector, folder_detector, original_detector
from .evaluation_types import EvaluationRequest, EvaluationResult, Filtered, Stage
from .integer_detector import IntegerDetector, file_integers, folder_integers
from .output_folder import read_folder
from .pictures import pictures
from .progress import Progress
from .request import DEFAULT_THRESHOLD, Request
from .split import overlap_warning

_Figures = tuple[float | None, float | None, float | None, dict[str, tuple[float, float]]]


@dataclass(frozen=True, slots=True)
class _Networks:
    """`wanted` is to be evaluated, `original` what it is held against (the same object if that is the stage; None where
    it is gone); `threshold` is the hardware filter's score, where an integer network is wanted.
    """

    wanted: Detector | IntegerDetector
    original: Detector | None
    threshold: float = 0.0


@dataclass(slots=True)
class _Seen:
    """What the networks found, image by image; `reference` is the original's."""

    images: list[tuple[Path, tuple[int, int]]] = field(default_factory=list)
    found: list[Detections] = field(default_factory=list)
    filtered: list[Detections] = field(default_factory=list)
    reference: list[Detections] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def evaluate(request: EvaluationRequest, progress: Progress) -> EvaluationResult:
    """Run the network over the images; AP where labels are given, agreement where the original is at hand.

    Raises AdaptError: exit 2 for wrong images, labels or models, exit 3 where the original finds nothing at all, or
    where there is no integer network to evaluate.
    """
    stage: Stage = request.stage or ("adapted" if request.model_or_dir.is_dir() else "original")
    networks = _networks(request, stage, progress)
    seen = _Seen()
    for path, image in pictures(request.images, "evaluating", progress, seen.skipped):
        seen.images.append((path, (image.shape[0], image.shape[1])))
        if isinstance(networks.wanted, IntegerDetector):
            found, filtered = networks.wanted.detect(image)
            seen.filtered.append(filtered)
        else:
            found = networks.wanted.detect(image)
        seen.found.append(found)
        if networks.original is not None:
            same = networks.original is networks.wanted
            seen.reference.append(found if same else networks.original.detect(image))
    progress.stage("scoring")
    scale = _Scale(request, seen)
    ap, ap50, agreed, interval = scale.figures(seen.found)
    through = Filtered(networks.threshold, *scale.figures(seen.filtered)) if seen.filtered else None
    overlap = () if request.calibration is None else overlap_warning(request.calibration, request.images)
    return EvaluationResult(stage, ap, ap50, agreed, len(seen.images), interval, tuple(seen.skipped), through, overlap)


def _networks(request: EvaluationRequest, stage: Stage, progress: Progress) -> _Networks:
    """The networks that take part."""
    if request.model_or_dir.is_dir():
        return _folder_networks(request, stage, progress)
    job = _job(request, request.model_or_dir, request.preprocess or Preprocess())
    original = original_detector(job, progress)
    if stage == "integer":
        return _Networks(file_integers(job, progress), original, job.threshold)
    return _Networks(original if stage == "original" else adapted_detector(job, progress), original)


def _folder_networks(request: EvaluationRequest, stage: Stage, progress: Progress) -> _Networks:
    folder = read_folder(request.model_or_dir)
    preprocess = request.preprocess or folder.manifest.preprocess
    file = folder.original(request.original)
    original = None
    if file is not None:
        shape = request.input_shape or folder.manifest.options.input_shape
        original = original_detector(_job(request, file, preprocess, shape), progress)
    if stage == "adapted":
        return _Networks(folder_detector(folder, preprocess), original)
    if stage == "integer":
        threshold = request.threshold or folder.manifest.options.threshold
        return _Networks(folder_integers(folder, preprocess, threshold), original, threshold)
    if original is None:
        raise AdaptError(
            f"the original {folder.manifest.model.path} is not there",
            where=str(request.model_or_dir),
            hint="name it with --original",
        )
    return _Networks(original, original)


def _job(
    request: EvaluationRequest, model: Path, preprocess: Preprocess, shape: tuple[int, ...] | None = None
) -> Request:
    return Request(
        model=model,
        target=request.target,
        activation=request.activation,
        hinges=request.hinges,
        slope=request.slope,
        min_agreement=request.min_agreement,
        max_extra_macs=request.max_extra_macs,
        accept_function_change=True,
        max_damage=math.inf,  # to measure it is the purpose
        input_shape=shape or request.input_shape,
        calibration=request.calibration,
        preprocess=preprocess,
        bits=request.bits,
        mix_precision=request.mix_precision,
        max_16bit_macs=request.max_16bit_macs,
        saturation=request.saturation,
        per=request.per,
        threshold=request.threshold or DEFAULT_THRESHOLD,
        golden=False,
        html=False,
    )


class _Scale:
    """What detections are held against: labels where they are given, the original's boxes where it is at hand."""

    def __init__(self, request: EvaluationRequest, seen: _Seen) -> None:
        self._reference = seen.reference
        self._truth: list[GroundTruth] | None = None
        if request.labels is not None:
            labels = load_labels(request.labels, request.format, seen.images)
            self._truth = [labels[path.name] for path, _ in seen.images]
        if self._truth is None and not self._reference:
            raise AdaptError("neither labels nor the original are at hand", hint="add --labels or --original")

    def figures(self, found: Sequence[Detections]) -> _Figures:
        """AP, AP50, agreement and their intervals."""
        interval: dict[str, tuple[float, float]] = {}
        ap = ap50 = agreed = None
        if self._truth is not None:
            figures, bounds = average_precision(self._truth, found), bootstrap_interval(self._truth, found)
            ap, ap50 = figures.ap, figures.ap50
            interval |= {"ap": bounds.ap, "ap50": bounds.ap50}
        if self._reference:
            agreed = agreement(self._reference, found).ap
            interval["agreement"] = bootstrap_interval(reference_truth(self._reference), found).ap
        return ap, ap50, agreed, interval
