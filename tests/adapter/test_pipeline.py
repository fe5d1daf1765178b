"""The main job on small networks: what comes out, what is refused, and what the report says of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest

from icraft_adapt.adapter.emit.report_json import report_document
from icraft_adapt.adapter.emit.report_schema import validate_report
from icraft_adapt.adapter.judge import EXACT_HEADS
from icraft_adapt.adapter.outcome import Outcome
from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.graph.session import Session
from icraft_adapt.models.export import Spelling
from icraft_adapt.models.yolox import OutputForm, YoloxConfig
from icraft_adapt.tests.adapter.networks import BUYI, NANO, SMALL, V1, adapted, network_file, pictures_folder

NPU_V1 = {"Conv", "LeakyRelu", "Relu", "MaxPool", "Add", "Concat", "Resize"}
FILES = {
    "adapted.onnx",
    "report.html",
    "report.json",
    "manifest.json",
    "icraft/net.toml",
    "icraft/customop.toml",
    "icraft/calibration.txt",
    "golden/inputs.npz",
    "golden/original.npz",
    "golden/adapted.npz",
    *(
        f"postproc/{name}"
        for name in ("CMakeLists.txt", "Makefile", "README.md", "net_main.c", "net_post.c", "net_post.h")
    ),
    *(f"postproc/net_{name}" for name in ("post_selftest.c", "tables.c", "tables.h")),
    *(f"postproc/net_track{name}" for name in (".c", ".h", "_main.c", "_selftest.c")),
}
VARIANTS: dict[str, tuple[YoloxConfig, OutputForm, Spelling]] = {
    "plain": (NANO, OutputForm(), {}),
    "scatter": (SMALL, OutputForm(True, "scatter"), {"simplify": "onnxslim"}),
    "concat": (SMALL, OutputForm(False, "concat"), {"opset": 17}),
    "one class": (YoloxConfig("s", classes=1, width=0.125), OutputForm(True, "constant"), {}),
    "maps": (SMALL, OutputForm(True, None, "maps"), {"simplify": "onnxsim"}),
    "raw": (SMALL, OutputForm(False, None, "raw"), {}),
    "upright": (SMALL, OutputForm(), {"shape": (1, 3, 96, 64)}),
    "one cell": (SMALL, OutputForm(), {"shape": (1, 3, 32, 32), "dtype": "float16"}),
    "halves": (SMALL, OutputForm(True, "concat"), {"dtype": "float16"}),
    "conv stem": (YoloxConfig("s", classes=4, width=0.125, focus="conv"), OutputForm(), {}),
    "leaky already": (YoloxConfig("s", classes=3, width=0.125, activation="leaky"), OutputForm(), {}),
    "hardswish": (YoloxConfig("s", classes=3, width=0.125, activation="hardswish"), OutputForm(), {"opset": 14}),
    "key points": (YoloxConfig("s", classes=1, width=0.125, keypoints=3), OutputForm(), {}),
}


def document(outcome: Outcome) -> dict[str, Any]:
    """report.json as a reader sees it, validated."""
    made = json.loads(json.dumps(report_document(outcome.report), allow_nan=False))
    validate_report(made)
    return made  # type: ignore[no-any-return]


def numbers(value: object) -> Iterator[float]:
    """Every number in a JSON value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, float | int):
        yield value


@pytest.mark.parametrize("target", [V1, BUYI])
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_are_adapted(tmp_path: Path, variant: str, target: str) -> None:
    config, form, spelling = VARIANTS[variant]
    file = network_file(tmp_path, config, form, **spelling)
    outcome = adapted(file, target=target, html=True, postproc=True)
    assert (outcome.exit_code, outcome.failures) == (Exit.FINE, ())
    assert {artifact.path for artifact in outcome.artifacts} == FILES
    report = document(outcome)
    assert all(math.isfinite(number) for number in numbers(report))
    approximated = any(fit["from"] != fit["to"] for fit in report["activations"])
    assert approximated is (target == V1 and config.activation in ("silu", "hardswish"))
    if not approximated:
        assert report["verify"]["original_vs_adapted"]["max_rel"] <= EXACT_HEADS
    proto = onnx.load_from_string(outcome.artifacts[0].data)
    operators = {node.op_type for node in proto.graph.node}
    assert target != V1 or operators <= NPU_V1
    assert_heads(proto, report, config)


def assert_heads(proto: onnx.ModelProto, report: dict[str, Any], config: YoloxConfig) -> None:
    """The order of outputs and of the nodes that compute them, and the shapes that the report tells."""
    onnx.checker.check_model(proto, full_check=True)
    names = [value.name for value in proto.graph.output]
    roles = ["obj", "reg", "cls", *(["extra"] if config.keypoints else [])]
    assert names == [f"{role}_s{stride}" for stride in (8, 16, 32) for role in roles]
    made = [name for node in proto.graph.node for name in node.output if name in names]
    assert made == names
    shape = report["model"]["inputs"][0]["shape"]
    outputs = Session(proto).run({proto.graph.input[0].name: np.zeros(shape, np.float32)})
    for head in report["heads"]:
        h, w = head["grid"]
        assert outputs[head["obj"]].shape == (1, 1, h, w)
        assert outputs[head["cls"]].shape == (1, config.classes, h, w)
        assert (h * head["stride"], w * head["stride"]) == tuple(shape[2:])


def test_keep_where_the_target_lacks_the_activation_is_refused_with_a_list(tmp_path: Path) -> None:
    outcome = adapted(network_file(tmp_path), activation="keep")
    assert outcome.exit_code == Exit.UNSUPPORTED
    assert outcome.artifacts == ()
    refused = document(outcome)["placement"]["refused"]
    assert {each["op"] for each in refused} == {"Sigmoid", "Mul"} or {each["op"] for each in refused} == {"Sigmoid"}
    assert all("no operator Sigmoid" in each["reason"] for each in refused if each["op"] == "Sigmoid")
    assert "--activation pwl" in outcome.verdict


def test_leaky_needs_consent_and_names_the_damage(tmp_path: Path) -> None:
    file = network_file(tmp_path)
    outcome = adapted(file, activation="leaky")
    assert (outcome.exit_code, outcome.artifacts) == (Exit.UNSUPPORTED, ())
    for word in ("obj ", "reg ", "cls ", "%", "--accept-function-change"):
        assert word in outcome.verdict
    agreed = adapted(file, activation="leaky", accept_function_change=True, html=True, postproc=True)
    assert agreed.exit_code == Exit.FINE
    assert {step["certificate"] for step in document(agreed)["rewrites"]} >= {"function-changing", "exact"}
    assert {artifact.path for artifact in agreed.artifacts} == FILES


def test_damage_above_its_bound_fails_and_gives_no_files(tmp_path: Path) -> None:
    outcome = adapted(network_file(tmp_path), max_damage=1e-4)
    assert (outcome.exit_code, outcome.artifacts) == (Exit.FAILED, ())
    assert len(outcome.failures) == 3
    assert all("--max-damage 0.0001" in failure for failure in outcome.failures)
    assert outcome.verdict.startswith("not adapted: obj is off by")


def test_dry_run_plans_and_makes_nothing(tmp_path: Path) -> None:
    outcome = adapted(network_file(tmp_path), dry_run=True)
    assert (outcome.exit_code, outcome.artifacts) == (Exit.FINE, ())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.onnx"]
    report = document(outcome)
    assert not {"verify", "artifacts", "layers", "head_metrics", "detections"} & report.keys()
    assert all("max_abs" not in step and "max_rel" not in step for step in report["rewrites"])
    assert report["placement"]["refused"] == []
    assert outcome.verdict.startswith("plan: silu -> pwl4")


def test_stages_that_did_not_run_are_absent(tmp_path: Path) -> None:
    outcome = adapted(network_file(tmp_path), golden=False, html=True, postproc=True)
    assert {artifact.path for artifact in outcome.artifacts} == {path for path in FILES if "golden" not in path}
    report = document(outcome)
    assert not {"integers", "layers", "head_metrics", "detections"} & report.keys()
    assert {each["path"] for each in report["artifacts"]} == {p for p in FILES if "golden" not in p} - {
        "report.json",
        "manifest.json",
    }


def test_calibration_is_used_and_told(tmp_path: Path) -> None:
    folder = pictures_folder(tmp_path)
    (folder / "broken.png").write_bytes(b"no picture")
    outcome = adapted(network_file(tmp_path), target=BUYI, calibration=folder, golden=False)
    assert outcome.exit_code == Exit.FINE, outcome.verdict
    assert any(warning.startswith("skipped broken.png") for warning in outcome.warnings)
    files = {artifact.path: artifact.data for artifact in outcome.artifacts}
    assert files["icraft/calibration.txt"].split() == [f"{number}.png".encode() for number in range(8)]
    assert document(outcome)["verify"]["original_vs_adapted"]["input"] == "8 images"


def test_calibration_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    file, folder = network_file(tmp_path), tmp_path / "pictures"
    folder.mkdir()
    assert_says(file, folder, Exit.BAD_INPUT, f"{folder}: no images here")
    (folder / "a.jpg").write_bytes(b"no picture")
    assert_says(file, folder, Exit.BAD_INPUT, f"{folder}: none of the 1 images can be read (a.jpg: ")
    assert_says(file, tmp_path / "nowhere", Exit.BAD_INPUT, "no such folder")


def test_pictures_that_say_nothing_do_not_count(tmp_path: Path) -> None:
    file, folder = network_file(tmp_path), pictures_folder(tmp_path, 7)
    (folder / "grey.png").write_bytes(cv2.imencode(".png", np.full((64, 96, 3), 114, np.uint8))[1].tobytes())
    (folder / "text.png").write_bytes(b"no picture")
    assert_says(
        file,
        folder,
        Exit.BAD_INPUT,
        f"{folder}: calibration takes 8 usable images or more, and here are 7 (grey.png: it shows one colour",
        "text.png: is not an image",
    )


def test_an_original_that_finds_nothing_points_at_the_preprocessing(tmp_path: Path) -> None:
    file = network_file(tmp_path)
    proto = onnx.load(file)
    for tensor in proto.graph.initializer:
        if ".obj.bias" in tensor.name:
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.full(1, -30, np.float32), tensor.name))
    onnx.save(proto, file)
    folder = pictures_folder(tmp_path)
    assert_says(
        file, folder, Exit.UNSUPPORTED, "finds nothing on these 8 images", "BGR 0..255", "--channels rgb --mean"
    )


def assert_says(file: Path, folder: Path, code: Exit, *words: str) -> None:
    """The main job ends with this code and one line that holds these words."""
    with pytest.raises(AdaptError) as caught:
        adapted(file, calibration=folder)
    line = str(caught.value)
    assert caught.value.code == code
    assert "\n" not in line
    assert all(word in line for word in words), line
