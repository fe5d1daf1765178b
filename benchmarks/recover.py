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
from icraft_adapt.data.images import write_image
from icraft_adapt.models.demo import films

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

    def agreement(self, recovered: Path) -> float:
        """Of the recovered network with this model's own detections."""
        theirs, ours = (original_detector(Request(file), Silent()) for file in (self.model, recovered))
        images = [image for _, image in pictures(self.images, "evaluating", Silent(), [])]
        return agreement([theirs.detect(each) for each in images], [ours.detect(each) for each in images]).ap


def main(assets: Path, minutes: float, only: str) -> None:
    """Print the tables as Markdown."""
    images, labels = assets / "images", assets / "labels"
    nano = Bench(assets / "models" / "yolox_nano_416.onnx", images / "train", images / "val", labels / "val")
    rows = {
        "LeakyReLU, closed form": nano.request(),
        "pwl, 2 hinges, closed form": nano.request(activation="pwl"),
        "auto, 95%, at most +50% MACs, closed form": nano.request(activation="auto", max_extra_macs=0.5),
        "auto, 99%, closed form": nano.request(activation="auto", min_agreement=0.99),
    }
    if minutes:
        rows[f"LeakyReLU, {minutes:g} minutes"] = nano.request(minutes=minutes)
    _print("yolox_nano_416", nano, rows, only)
    with tempfile.TemporaryDirectory() as folder:
        streets = draw_streets(Path(folder), Silent())
        demo = Bench(MODEL, _unlabelled(Path(folder) / "unlabelled"), streets.images, streets.labels)
        rows = {"LeakyReLU, closed form": demo.request()}
        if minutes:
            few = min(minutes, 2.0)
            rows[f"LeakyReLU, {few:g} minutes"] = demo.request(minutes=few)
            rows[f"LeakyReLU, {few:g} minutes, the last third on 8-bit codes"] = demo.request(minutes=few, bits=8)
            rows[f"LeakyReLU, {few:g} minutes, from the original on"] = demo.request(minutes=few, start="original")
        _print("the bundled model", demo, rows, only)


def _unlabelled(folder: Path) -> Path:
    """A new folder of streets to learn from: two frames of each of 100 films, none of those that are measured on."""
    folder.mkdir()
    for number, frame in enumerate(films.training_batch(np.random.default_rng(0), 100)):
        write_image(folder / f"street_{number:03}.png", frame.image)
    return folder


def _print(title: str, bench: Bench, rows: dict[str, RecoveryRequest], only: str) -> None:
    rows = {name: request for name, request in rows.items() if only in f"{title}: {name}"}
    if not rows:
        return
    whole = bench.measure(bench.model)
    print(f"\n### {title}\n\n{HEADER}\n" + "|---" * 7 + "|")
    print(f"| original | {whole.ap:.4f} | 100.0% | {whole.ap50:.4f} | 1.0000 | +0.0% | |", flush=True)
    for name, request in rows.items():
        _print_row(name, request, bench, whole)


def _print_row(name: str, request: RecoveryRequest, bench: Bench, whole: EvaluationResult) -> None:
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
                agreed = f"{bench.agreement(file):.4f}"
                _print_figures(name, bench.measure(out, "adapted"), whole, agreed, macs, spent)
            told = "8 bits" if bits == "8" else "8 bits, at most 20% of the MACs in 16"
            _print_figures(f"{name}; in integers, {told}", bench.measure(out, "integer"), whole)


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
