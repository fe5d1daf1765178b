"""What a recovery gives back: COCO AP on labelled images, learned from unlabelled ones, MACs and CPU time.

    python benchmarks/recover.py ASSETS [--minutes M] [--only TEXT]

ASSETS holds models/yolox_nano_416.onnx, images/train (learned from), images/val and labels/val (evaluation only); the
last rows are the bundled model on its streets, learned from 200 others. CPU seconds are those of the whole recovery,
all threads together. "in integers" is the simulation of the main job's result on icraft-v1.1, plain and with --bits
auto. `--minutes` adds rows that learn by steps, for at most two minutes each on the streets.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from icraft_adapt.adapter.demonstration import MODEL, draw_streets
from icraft_adapt.adapter.detector import original_detector
from icraft_adapt.adapter.evaluation import evaluate
from icraft_adapt.adapter.evaluation_types import EvaluationRequest, EvaluationResult, Stage
from icraft_adapt.adapter.pictures import pictures
from icraft_adapt.adapter.pipeline import adapt
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.adapter.recover import recover
from icraft_adapt.adapter.recover_types import RecoveryRequest
from icraft_adapt.adapter.request import Request
from icraft_adapt.cli.folder import publish
from icraft_adapt.data.agreement import agreement
from icraft_adapt.data.detections import Detections
from icraft_adapt.data.images import write_image
from icraft_adapt.models.demo import films

Rows = dict[str, dict[str, object]]  # options of a recovery by the row's name

HEADER = "| network | AP | of the original | AP50 | agreement | MACs | CPU s |"


@dataclass(frozen=True, slots=True)
class Bench:
    """One network and its pictures; the labels only score."""

    model: Path
    training: Path
    images: Path
    labels: Path

    def request(self, **options: object) -> RecoveryRequest:
        """A recovery without steps unless `options` say otherwise."""
        return replace(RecoveryRequest(self.model, self.training, minutes=0, html=False), **options)  # type: ignore[arg-type]

    def measure(self, network: Path, stage: Stage | None = None) -> EvaluationResult:
        """AP against the labels."""
        return evaluate(EvaluationRequest(network, self.images, self.labels, stage=stage), Silent())

    def found(self, network: Path) -> list[Detections]:
        """What a network of the original's kind finds in each image."""
        detector = original_detector(Request(network), Silent())
        return [detector.detect(image) for _, image in pictures(self.images, "evaluating", Silent(), [])]


@dataclass(frozen=True, slots=True)
class Original:
    """What the rows are held against: its figures, and its own detections."""

    figures: EvaluationResult
    found: list[Detections]


def main(assets: Path, minutes: float, only: str) -> None:
    """Print the tables as Markdown."""
    rows: Rows = {
        "LeakyReLU, closed form": {},
        "pwl, 2 hinges, closed form": {"activation": "pwl"},
        "auto, 95%, at most +50% MACs, closed form": {"activation": "auto", "max_extra_macs": 0.5},
        "auto, 99%, closed form": {"activation": "auto", "min_agreement": 0.99},
    }
    if minutes:
        rows[f"LeakyReLU, {minutes:g} minutes"] = {"minutes": minutes}
    if rows := _wanted("yolox_nano_416", rows, only):
        images, labels = assets / "images", assets / "labels"
        nano = Bench(assets / "models" / "yolox_nano_416.onnx", images / "train", images / "val", labels / "val")
        _print("yolox_nano_416", nano, rows)
    rows = {"LeakyReLU, closed form": {}}
    if minutes:
        few = min(minutes, 2.0)
        rows[f"LeakyReLU, {few:g} minutes"] = {"minutes": few}
        rows[f"LeakyReLU, {few:g} minutes, the last third on 8-bit codes"] = {"minutes": few, "bits": 8}
        rows[f"LeakyReLU, {few:g} minutes, from the original on"] = {"minutes": few, "start": "original"}
    if rows := _wanted("the bundled model", rows, only):
        with tempfile.TemporaryDirectory() as folder:
            streets = draw_streets(Path(folder), Silent())
            unlabelled = _unlabelled(Path(folder) / "unlabelled")
            _print("the bundled model", Bench(MODEL, unlabelled, streets.images, streets.labels), rows)


def _wanted(title: str, rows: Rows, only: str) -> Rows:
    return {name: options for name, options in rows.items() if only in f"{title}: {name}"}


def _unlabelled(folder: Path) -> Path:
    """A new folder of streets to learn from: two frames of each of 100 films, none of those that are measured on."""
    folder.mkdir()
    for number, frame in enumerate(films.training_batch(np.random.default_rng(0), 100)):
        write_image(folder / f"street_{number:03}.png", frame.image)
    return folder


def _print(title: str, bench: Bench, rows: Rows) -> None:
    whole = Original(bench.measure(bench.model), bench.found(bench.model))
    print(f"\n### {title}\n\n{HEADER}\n" + "|---" * 7 + "|")
    print(f"| original | {whole.figures.ap:.4f} | 100.0% | {whole.figures.ap50:.4f} | 1.0000 | +0.0% | |", flush=True)
    for name, options in rows.items():
        _print_row(name, bench.request(**options), bench, whole)


def _print_row(name: str, request: RecoveryRequest, bench: Bench, whole: Original) -> None:
    started = time.process_time()
    recovery = recover(request, Silent())
    spent = f"{time.process_time() - started:.0f}"
    macs = f"{recovery.macs[1] / recovery.macs[0] - 1:+.1%}"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recovered.onnx"
        file.write_bytes(recovery.network)
        both: tuple[Literal["8", "auto"], ...] = ("8", "auto")
        for bits in both:
            out = Path(folder) / f"{bits}.icraft"
            job = Request(file, out, calibration=bench.training, bits=bits, html=False, postproc=False)
            publish(adapt(job).artifacts, out, force=False)
            if bits == "8":
                agreed = f"{agreement(whole.found, bench.found(file)).ap:.4f}"
                _print_figures(name, bench.measure(out, "adapted"), whole.figures, agreed, macs, spent)
            told = "8 bits" if bits == "8" else "8 bits, at most 20% of the MACs in 16"
            _print_figures(f"{name}; in integers, {told}", bench.measure(out, "integer"), whole.figures)


def _print_figures(
    name: str, found: EvaluationResult, whole: EvaluationResult, agreed: str = "", macs: str = "", spent: str = ""
) -> None:
    share = (found.ap or 0.0) / (whole.ap or 1.0)
    print(f"| {name} | {found.ap:.4f} | {share:.1%} | {found.ap50:.4f} | {agreed} | {macs} | {spent} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("assets", type=Path, nargs="?", default=Path("../shared/assets"))
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    main(given.assets, given.minutes, given.only)
