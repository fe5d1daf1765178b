"""split_heads: names and order of the outputs, and the order in which they are computed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from icraft_adapt.models.yolox import OutputForm, YoloxConfig
from icraft_adapt.tests.rewrites.seeding import SMALL, Journey, detector

FORMS = {
    "sigmoid": OutputForm(),
    "logits": OutputForm(sigmoid=False),
    "scatter": OutputForm(decode="scatter"),
    "concat": OutputForm(decode="concat"),
    "constant": OutputForm(decode="constant"),
    "maps": OutputForm(sigmoid=False, layout="maps"),
    "raw": OutputForm(sigmoid=False, layout="raw"),
}
NAMES = [f"{role}_s{stride}" for stride in (8, 16, 32) for role in ("obj", "reg", "cls")]


def outputs(journey: Journey) -> list[str]:
    return [value.name for value in journey.adapted.graph.output]


def computed(journey: Journey) -> list[str]:
    """The outputs in the order in which the nodes compute them."""
    wanted = set(outputs(journey))
    return [name for node in journey.adapted.graph.node for name in node.output if name in wanted]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("classes", [1, 4])
def test_objectness_first_strides_ascending(tmp_path: Path, classes: int, form: str) -> None:
    journey, reading = detector(tmp_path, config=replace(SMALL, classes=classes), form=FORMS[form])
    assert outputs(journey) == computed(journey) == NAMES
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in journey.adapted.graph.output}
    for level in reading.levels:
        for role, channels in (("obj", 1), ("reg", 4), ("cls", classes)):
            assert shapes[level.output(role)] == [1, channels, *level.grid]
    assert {maker.op_type for maker in journey.adapted.graph.node if set(maker.output) & set(NAMES)} == {"Conv"}
    assert journey.certify().failures == ()


def test_key_points_follow_the_classes(tmp_path: Path) -> None:
    config = YoloxConfig("s", width=0.125, classes=2, keypoints=5)
    journey, reading = detector(tmp_path, config=config, form=OutputForm(sigmoid=False, layout="raw"))
    names = [level.output(role) for level in reading.levels for role, _ in level.roles]
    assert outputs(journey) == computed(journey) == names
    assert [name.split("_")[0] for name in names[:4]] == ["obj", "reg", "cls", "extra"]
    shapes = {v.name: v.type.tensor_type.shape.dim[1].dim_value for v in journey.adapted.graph.output}
    assert [shapes[name] for name in names[:4]] == [1, 4, 2, 10]
    assert journey.certify().failures == ()


def test_applies_once_and_leaves_no_tail(tmp_path: Path) -> None:
    journey, _ = detector(tmp_path, form=OutputForm(decode="scatter"))
    assert [step.rule for step in journey.steps].count("split_heads") == 1
    left = {node.op_type for node in journey.adapted.graph.node}
    assert left.isdisjoint({"Sigmoid", "Exp", "ScatterND", "Reshape", "Transpose", "Shape", "Mul"})
    onnx.checker.check_model(journey.adapted, full_check=True)
