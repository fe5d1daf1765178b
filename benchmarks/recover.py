"""What a recovery gives back on yolox_nano_416: COCO AP on the val images, learned from unlabelled ones.

    python benchmarks/recover.py ASSETS [--minutes M] [--only TEXT]

ASSETS holds models/yolox_nano_416.onnx, images/train (learned from), images/val and labels/val (evaluation only).
CPU seconds are those of the whole recovery, all threads together. `--minutes` adds a row that learns by steps.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from icraft_adapt.adapter.evaluation import evaluate
from icraft_adapt.adapter.evaluation_types import EvaluationRequest, EvaluationResult
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.adapter.recover import recover
from icraft_adapt.adapter.recover_types import Recovery, RecoveryRequest


def main(assets: Path, minutes: float, only: str) -> None:
    """Print the table as Markdown."""
    model, images = assets / "models" / "yolox_nano_416.onnx", assets / "images"
    base = RecoveryRequest(model, images / "train", minutes=0)
    rows = {
        "closed form, LeakyReLU": base,
        "closed form, pwl, hinges 2": RecoveryRequest(model, images / "train", activation="pwl", hinges=2, minutes=0),
        "closed form, pwl, hinges 3": RecoveryRequest(model, images / "train", activation="pwl", hinges=3, minutes=0),
    }
    if minutes:
        rows[f"LeakyReLU, {minutes:g} minutes"] = RecoveryRequest(model, images / "train", minutes=minutes)
    whole = _measure(model, assets)
    print("| network | AP | of the original | AP50 | agreement | MACs | CPU s |\n|---|---|---|---|---|---|---|")
    print(f"| original | {whole.ap:.4f} | 100.0% | {whole.ap50:.4f} | 1.0000 | +0.0% | |", flush=True)
    for name, request in rows.items():
        if only in name:
            _print_row(name, request, assets, whole)


def _print_row(name: str, request: RecoveryRequest, assets: Path, whole: EvaluationResult) -> None:
    started = time.process_time()
    recovery = recover(request, Silent())
    spent = time.process_time() - started
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recovered.onnx"
        file.write_bytes(_model(recovery))
        result = _measure(file, assets)
        agreed = _agreement(file, request.model, assets)
    macs = recovery.macs[1] / recovery.macs[0] - 1
    share = (result.ap or 0.0) / (whole.ap or 1.0)
    print(
        f"| {name} | {result.ap:.4f} | {share:.1%} | {result.ap50:.4f} | {agreed:.4f} | {macs:+.1%} | {spent:.0f} |",
        flush=True,
    )


def _model(recovery: Recovery) -> bytes:
    return next(each.data for each in recovery.artifacts if each.path == "recovered.onnx")


def _measure(model: Path, assets: Path) -> EvaluationResult:
    return evaluate(EvaluationRequest(model, assets / "images" / "val", assets / "labels" / "val"), Silent())


def _agreement(model: Path, original: Path, assets: Path) -> float:
    """Of the recovered network with the original on the val images."""
    from icraft_adapt.adapter.detector import original_detector
    from icraft_adapt.adapter.pictures import pictures
    from icraft_adapt.adapter.request import Request
    from icraft_adapt.data.agreement import agreement

    theirs, ours = (original_detector(Request(file), Silent()) for file in (original, model))
    images = [image for _, image in pictures(assets / "images" / "val", "evaluating", Silent(), [])]
    return agreement([theirs.detect(image) for image in images], [ours.detect(image) for image in images]).ap


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("assets", type=Path, nargs="?", default=Path("../shared/assets"))
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    main(given.assets, given.minutes, given.only)
