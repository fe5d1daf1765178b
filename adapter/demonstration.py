"""The bundled network and its streets: pictures to calibrate on, and others to measure what the adaptation costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.images import write_image
from ..models.demo import films
from ..models.scenes.scene import Frame
from .evaluation import evaluate
from .evaluation_types import EvaluationRequest, EvaluationResult, Stage
from .progress import Progress

MODEL = Path(films.__file__).with_name("demo_person.onnx")

_CALIBRATION_FILMS = 24  # two frames of each: 48 pictures
_MEASURED_FILMS = 20  # three frames of each: 60 pictures


@dataclass(frozen=True, slots=True)
class Streets:
    """Folders of PNG pictures: those to calibrate on, and those to measure on with their YOLO labels."""

    calibration: Path
    images: Path
    labels: Path


def draw_streets(folder: Path, progress: Progress) -> Streets:
    """Draw the pictures into new folders of `folder`: the same ones each time, measured on films no training saw."""
    streets = Streets(folder / "calibration", folder / "images", folder / "labels")
    for each in (streets.calibration, streets.images, streets.labels):
        each.mkdir()
    progress.stage("drawing streets")
    _draw(films.training_batch(np.random.default_rng(0), _CALIBRATION_FILMS), streets.calibration)
    for path, frame in _draw(films.held_out(films.HELD_OUT[:_MEASURED_FILMS]), streets.images):
        (streets.labels / f"{path.stem}.txt").write_text(_yolo_rows(frame), encoding="utf-8")
    return streets


def measure(folder: Path, stage: Stage, streets: Streets, progress: Progress) -> EvaluationResult:
    """The figures of one stage of an output folder made from MODEL, on the streets that no training saw."""
    request = EvaluationRequest(folder, streets.images, streets.labels, stage=stage, original=MODEL)
    return evaluate(request, progress)


def _draw(frames: Iterable[Frame], folder: Path) -> list[tuple[Path, Frame]]:
    drawn = [(folder / f"street_{number:03}.png", frame) for number, frame in enumerate(frames)]
    for path, frame in drawn:
        write_image(path, frame.image)
    return drawn


def _yolo_rows(frame: Frame) -> str:
    """A line `0 cx cy w h` for each person, in fractions of the picture."""
    height, width = frame.image.shape[:2]
    boxes = films.people(frame).boxes / [width, height, width, height]
    centre, extent = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    return "".join(f"0 {' '.join(map(str, row))}\n" for row in np.hstack([centre, extent]).tolist())
