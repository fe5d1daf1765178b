"""What `--activation auto` finds on yolox_nano_416 beside the same number of terms everywhere: AP and cost.

    python benchmarks/mixture.py ASSETS

ASSETS holds models/yolox_nano_416.onnx, images/train (calibration), images/val and labels/val (evaluation).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from onnx import ModelProto

from icraft_adapt.adapter.evaluation import evaluate
from icraft_adapt.adapter.evaluation_types import EvaluationRequest
from icraft_adapt.adapter.pipeline import adapt
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.adapter.request import Request
from icraft_adapt.graph.cost import count_macs, vector_operations

ROWS: dict[str, dict[str, Any]] = {
    "icraft-v3-buyi, SiLU kept": {"target": "icraft-v3-buyi"},
    "pwl, hinges 3": {"hinges": 3},
    "pwl, hinges 8": {"hinges": 8},
    "auto, 90%, at most +50% MACs": {"activation": "auto", "min_agreement": 0.90, "max_extra_macs": 0.5},
    "auto, 95%, at most +50% MACs": {"activation": "auto", "min_agreement": 0.95, "max_extra_macs": 0.5},
    "auto, 95%": {"activation": "auto", "min_agreement": 0.95},
}


def main(assets: Path, wanted: str) -> None:
    """Print the table as Markdown; `wanted` is part of the names of the rows to print."""
    model = assets / "models" / "yolox_nano_416.onnx"
    scored = assets / "images" / "val", assets / "labels" / "val"
    whole = evaluate(EvaluationRequest(model, *scored), Silent()).ap or 1.0
    print("| network | AP | of the original | AP50 | agreement | MACs | vector operations | CPU s |")
    print("|---" * 8 + "|")
    base: tuple[int, int] | None = None
    for name, options in ROWS.items():
        if wanted not in name and base is not None:
            continue
        with TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            since = time.process_time()
            request = Request(model, out, calibration=assets / "images" / "train", golden=False, html=False, **options)
            outcome = adapt(request)
            spent = time.process_time() - since
            if not outcome.artifacts:
                print(f"| {name} | {outcome.verdict} |", flush=True)
                continue
            for artifact in outcome.artifacts:
                path = out / artifact.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(artifact.data)
            made = ModelProto.FromString((out / "adapted.onnx").read_bytes())
            result = evaluate(EvaluationRequest(out, *scored), Silent())
        cost = count_macs(made), vector_operations(made)
        base = base or cost
        print(
            f"| {name} | {result.ap:.4f} | {(result.ap or 0) / whole:.1%} | {result.ap50:.4f} | {result.agreement:.4f} "
            f"| {cost[0] / base[0] - 1:+.1%} | {(cost[1] - base[1]) / 1e6:+.1f} M | {spent:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/assets"), sys.argv[2] if len(sys.argv) > 2 else "")
