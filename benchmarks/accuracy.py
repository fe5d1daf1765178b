"""What each way of replacing SiLU costs on yolox_nano_416, without any training: COCO AP on the val images.

    python benchmarks/accuracy.py ASSETS

ASSETS holds models/yolox_nano_416.onnx, images/train (calibration), images/val and labels/val (evaluation).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from icraft_adapt.adapter.evaluation import evaluate
from icraft_adapt.adapter.evaluation_types import EvaluationRequest
from icraft_adapt.adapter.progress import Silent


def main(assets: Path) -> None:
    """Print the table as Markdown."""
    model = assets / "models" / "yolox_nano_416.onnx"
    base = EvaluationRequest(model, assets / "images" / "val", assets / "labels" / "val")
    adapted = replace(base, stage="adapted", calibration=assets / "images" / "train")
    rows = {"original": base, "icraft-v3-buyi, SiLU kept": replace(adapted, target="icraft-v3-buyi")}
    rows |= {f"icraft-v1.1, pwl, hinges {k}": replace(adapted, hinges=k) for k in (1, 2, 3, 4, 6, 8)}
    rows["icraft-v1.1, pwl, hinges 4, no images"] = replace(adapted, calibration=None)
    rows["icraft-v1.1, plain LeakyReLU"] = replace(adapted, activation="leaky")
    print("| network | AP | of the original | AP50 | agreement |\n|---|---|---|---|---|")
    whole = None
    for name, request in rows.items():
        result = evaluate(request, Silent())
        whole = whole or result.ap or 1.0
        share, agreed = (result.ap or 0.0) / whole, result.agreement or 0.0
        print(f"| {name} | {result.ap:.4f} | {share:.1%} | {result.ap50:.4f} | {agreed:.4f} |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/assets"))
