"""What `evaluate` is asked, and what it answers."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ..data.preprocess import Preprocess
from .request import Activation

Stage = Literal["original", "adapted", "integer"]


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """The options of `evaluate`, named as on the command line.

    `model_or_dir` is an ONNX file or an output folder. `labels` None leaves the average precisions out.
    `stage` None means the original of a file and the adapted network of a folder. `original` says where a
    folder's original ONNX lies now. `preprocess` None means the folder's own, else the default.
    `threshold` is the hardware filter's score (None: the folder's own, else the default). All other options are those
    of the main job (see Request), for a model file that is to be evaluated as adapted or in integers.
    """

    model_or_dir: Path
    images: Path
    labels: Path | None = None
    format: Literal["yolo", "coco"] = "yolo"
    stage: Stage | None = None
    original: Path | None = None
    preprocess: Preprocess | None = None
    target: str = "icraft-v1.1"
    activation: Activation | None = None
    hinges: int = 4
    slope: float = 0.1
    min_agreement: float = 0.95
    max_extra_macs: float | None = None
    input_shape: tuple[int, ...] | None = None
    calibration: Path | None = None
    bits: Literal["8", "16", "auto"] = "8"
    max_16bit_macs: float = 0.2
    mix_precision: Path | None = None
    saturation: Literal["aware", "kld", "ems", "null"] = "aware"
    per: Literal["tensor", "channel"] = "channel"
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Filtered:
    """The figures of what the hardware filter lets by at the score `threshold`; None as in EvaluationResult."""

    threshold: float
    ap: float | None
    ap50: float | None
    agreement: float | None
    interval: dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """Figures in 0..1 over `images` pictures; None where labels or the original are absent.

    `ap` is COCO AP (IoU 0.50:0.95), `ap50` at IoU 0.50, `agreement` the AP against the original's own
    detections of score >= 0.3. `filtered` are the same figures behind the hardware filter, of the integer network.
    `interval` holds for each figure its 95 % bootstrap interval over images.
    `skipped` names the files that could not be read; `warnings` tell of pictures that calibration saw, too.
    """

    stage: Stage
    ap: float | None
    ap50: float | None
    agreement: float | None
    images: int
    interval: dict[str, tuple[float, float]]
    skipped: tuple[str, ...] = ()
    filtered: Filtered | None = None
    warnings: tuple[str, ...] = ()

    def to_json(self) -> str:
        """One JSON object; a figure that was not measured is absent."""
        return json.dumps(_told(asdict(self)))


def _told(values: dict[str, Any]) -> dict[str, Any]:
    told = {key: _told(value) if isinstance(value, dict) else value for key, value in values.items()}
    return {key: value for key, value in told.items() if value is not None}
