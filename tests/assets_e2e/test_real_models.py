"""Real YOLOX models through the real command line: adapted for each target, read right, and as good as promised."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from icraft_adapt.adapter.emit.report_schema import validate_report
from icraft_adapt.data.images import find_images
from icraft_adapt.tests.assets_e2e.conftest import Folder, command

V1, BUYI = "icraft-v1.1", "icraft-v3-buyi"
LESS = ("--no-report", "--no-postproc")
NANO = "yolox_nano_416"
REEXPORTS = (f"{NANO}_unsimplified", f"{NANO}_op17", f"{NANO}_dynamo_op18")
MODELS = (NANO, *REEXPORTS, "person_yolox_nano_192")
NPU_V1 = {"Conv", "LeakyRelu", "Relu", "MaxPool", "Add", "Concat", "Resize"}
LABELLED = {"dog": 16, "bicycle": 1, "car": 2}
Array = NDArray[np.float32]


def run(network: Path, tensor: Array) -> dict[str, Array]:
    """The network's outputs by name."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = ort.InferenceSession(str(network), options)
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(None, {session.get_inputs()[0].name: tensor}), strict=True))


def letterboxed(image: Path, size: int) -> Array:
    """float32 [1, 3, size, size] BGR 0..255: fitted at the top left, the rest 114."""
    pixels = cv2.imread(str(image))
    assert pixels is not None
    ratio = min(size / pixels.shape[0], size / pixels.shape[1])
    fitted = cv2.resize(pixels, (int(pixels.shape[1] * ratio), int(pixels.shape[0] * ratio)))
    canvas = np.full((size, size, 3), 114, np.uint8)
    canvas[: fitted.shape[0], : fitted.shape[1]] = fitted
    return canvas.transpose(2, 0, 1)[None].astype(np.float32)


def rows(heads: dict[str, Array]) -> dict[str, NDArray[np.float64]]:
    """Raw heads as the original lists them: a row a cell, levels by stride; boxes raw, scores through a sigmoid."""
    listed = {}
    for role in ("reg", "obj", "cls"):
        maps = [heads[f"{role}_s{stride}"][0].astype(np.float64) for stride in (8, 16, 32)]
        raw = np.concatenate([each.reshape(len(each), -1).T for each in maps])
        listed[role] = raw if role == "reg" else 1 / (1 + np.exp(-raw))
    return listed


@pytest.mark.parametrize("target", [V1, BUYI])
@pytest.mark.parametrize("model", MODELS)
def test_every_model_is_adapted(folder: Folder, model: str, target: str) -> None:
    out = folder(model, target)
    report = json.loads((out / "report.json").read_text())
    validate_report(report)
    proto = onnx.load(out / "adapted.onnx")
    onnx.checker.check_model(proto, full_check=True)
    roles = [f"{role}_s{stride}" for stride in (8, 16, 32) for role in ("obj", "reg", "cls")]
    assert [value.name for value in proto.graph.output] == roles
    assert report["placement"]["refused"] == []
    assert report["reading"]["sigmoid_inside"]
    assert {head["classes"] for head in report["heads"]} == {1 if "person" in model else 80}
    if target == V1:
        assert {node.op_type for node in proto.graph.node} <= NPU_V1


@pytest.mark.parametrize("image", ["dog.jpg", "first of val"])
@pytest.mark.parametrize("model", MODELS)
def test_kept_heads_equal_the_originals_output_role_by_role(
    folder: Folder, assets: Path, model: str, image: str
) -> None:
    file = assets / "images" / image if image.endswith("jpg") else min((assets / "images" / "val").iterdir())
    tensor = letterboxed(file, 192 if "person" in model else 416)
    (output,) = run(assets / "models" / f"{model}.onnx", tensor).values()
    columns = {"reg": output[0, :, :4], "obj": output[0, :, 4:5], "cls": output[0, :, 5:]}
    for role, values in rows(run(folder(model, BUYI) / "adapted.onnx", tensor)).items():
        assert values.shape == columns[role].shape
        assert np.abs(values - columns[role]).max() <= 1e-4 * min(1.0, float(np.ptp(columns[role]))), role


def test_dog_bicycle_and_car_are_found(folder: Folder, assets: Path) -> None:
    found = rows(run(folder(NANO, BUYI) / "adapted.onnx", letterboxed(assets / "images" / "dog.jpg", 416)))
    best = (found["obj"] * found["cls"]).max(axis=0)
    assert {name: float(best[index]) for name, index in LABELLED.items() if best[index] < 0.7} == {}


def test_activations_have_the_same_anchors_after_a_reexport(folder: Folder) -> None:
    def anchors(model: str) -> list[tuple[str, str, str]]:
        told = json.loads((folder(model, V1) / "report.json").read_text())["activations"]
        return sorted((fit["anchor"], fit["from"], fit["to"]) for fit in told)

    first = anchors(NANO)
    assert len({anchor for anchor, _, _ in first}) == len(first) == 104
    assert {model: anchors(model) == first for model in REEXPORTS} == dict.fromkeys(REEXPORTS, True)


def average_precision(assets: Path, what: Path) -> dict[str, float]:
    """The command line's figures on the val images."""
    images, labels = assets / "images" / "val", assets / "labels" / "val"
    result = command("evaluate", what, "--images", images, "--labels", labels, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)  # type: ignore[no-any-return]


def agreement(network: Path, images: Path) -> float:
    """With the original, on these pictures."""
    result = command("evaluate", network, "--images", images, "--json")
    return float(json.loads(result.stdout)["agreement"])


def few_pictures(assets: Path, folder: Path, count: int, side: str = "train") -> Path:
    """A new folder of the first pictures of one side."""
    made = folder / f"few-{side}"
    made.mkdir()
    for picture in find_images(assets / "images" / side)[:count]:
        (made / picture.name).symlink_to(picture)
    return made


def test_average_precision_is_kept_or_nearly(folder: Folder, assets: Path, tmp_path: Path) -> None:
    pictures = few_pictures(assets, tmp_path, 32)
    calibrated = folder(NANO, V1, "--calib", str(pictures), "--no-golden", *LESS)
    original = average_precision(assets, assets / "models" / f"{NANO}.onnx")
    assert original["ap"] == pytest.approx(0.357, abs=0.003)
    assert original["agreement"] == 1.0
    kept = agreement(folder(NANO, BUYI), few_pictures(assets, tmp_path, 24, "val"))
    assert kept >= 0.9999
    approximated = average_precision(assets, calibrated)
    assert approximated["ap"] >= 0.92 * original["ap"]
    assert {node.op_type for node in onnx.load(calibrated / "adapted.onnx").graph.node} <= NPU_V1
    assert len((calibrated / "icraft" / "calibration.txt").read_text().split()) == 32


def test_the_person_detector_is_calibrated_on_pictures_of_people(folder: Folder, assets: Path, tmp_path: Path) -> None:
    out = folder("person_yolox_nano_192", BUYI, "--calib", str(few_pictures(assets, tmp_path, 12)), *LESS)
    told = json.loads((out / "report.json").read_text())
    assert told["verify"]["original_vs_adapted"]["input"] == "12 images"


@pytest.mark.parametrize(
    ("model", "reason"),
    [("nanotrack_backbone_sim", "16x16 cells is no grid over an image of 255x255"), ("nanotrack_head_sim", "2 inputs")],
)
def test_a_tracker_is_declined_with_the_reason(assets: Path, tmp_path: Path, model: str, reason: str) -> None:
    result = command(assets / "models" / "nanotrack" / f"{model}.onnx", "--out", tmp_path / "out")
    assert (result.returncode, result.stdout) == (3, "")
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.count(model) == 1
    assert reason in result.stderr
    assert not (tmp_path / "out").exists()


def test_the_wrong_preprocessing_is_suspected(assets: Path, tmp_path: Path) -> None:
    wrong = ("--mean", "123.675,116.28,103.53", "--scale", "58.395,57.12,57.375", "--calib", assets / "images" / "val")
    result = command(assets / "models" / f"{NANO}.onnx", *wrong, "--out", tmp_path / "out")
    assert result.returncode == 3
    assert "finds nothing" in result.stderr
    assert "BGR 0..255" in result.stderr
    assert not (tmp_path / "out").exists()
