"""All rules together on the exporters' spellings: what is left is what Icraft 1.1 runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from icraft_adapt.models.yolox import OutputForm, YoloxConfig
from icraft_adapt.tests.rewrites.seeding import detector

LEFT = {"Conv", "LeakyRelu", "Relu", "MaxPool", "Add", "Concat", "Resize"}
VARIANTS: dict[str, tuple[YoloxConfig, OutputForm, dict[str, Any]]] = {
    "torchscript, decode by ScatterND": (
        YoloxConfig(width=0.125, classes=4),
        OutputForm(decode="scatter"),
        {"shape": (1, 3, 96, 64)},
    ),
    "torchscript 17, BatchNorm kept": (
        YoloxConfig("s", width=0.125, classes=1),
        OutputForm(),
        {"opset": 17, "keep_batchnorm": True},
    ),
    "dynamo, BatchNorm kept": (
        YoloxConfig("s", width=0.125, classes=1),
        OutputForm(decode="constant"),
        {"exporter": "dynamo", "keep_batchnorm": True},
    ),
    "hardswish, onnxslim": (
        YoloxConfig(width=0.125, classes=2, activation="hardswish"),
        OutputForm(decode="concat"),
        {"simplify": "onnxslim"},
    ),
    "relu6, convolution for Focus": (
        YoloxConfig("tiny", width=0.125, classes=3, activation="relu6", focus="conv"),
        OutputForm(layout="maps"),
        {"opset": 13},
    ),
    "leaky, halves": (
        YoloxConfig(width=0.125, classes=1, activation="leaky"),
        OutputForm(sigmoid=False, layout="raw"),
        {"dtype": "float16"},
    ),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_only_what_the_target_runs_is_left(tmp_path: Path, variant: str) -> None:
    config, form, spelling = VARIANTS[variant]
    journey, _ = detector(tmp_path, config=config, form=form, **spelling)
    assert {node.op_type for node in journey.adapted.graph.node} <= LEFT
    assert journey.certify().failures == ()
    folded = [step for step in journey.steps if step.rule == "fold_batchnorm"]
    assert bool(folded) is bool(spelling.get("keep_batchnorm"))
