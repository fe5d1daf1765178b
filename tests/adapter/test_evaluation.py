"""Evaluation of a file and of a folder, and what it says where the folder or the original is not as it was."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from icraft_adapt.adapter.detector import Detector, original_detector
from icraft_adapt.adapter.evaluation import evaluate
from icraft_adapt.adapter.evaluation_types import EvaluationRequest
from icraft_adapt.adapter.output_folder import read_folder
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.adapter.request import Request
from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.tests.adapter.networks import BUYI, adapted, network_file, noise, pictures_folder, written


@pytest.fixture
def asked(tmp_path: Path) -> EvaluationRequest:
    """A network kept as it is for a target that runs it, its output folder, three pictures."""
    file, pictures = network_file(tmp_path), pictures_folder(tmp_path, 3)
    folder = written(adapted(file, target=BUYI), tmp_path / "out")
    return EvaluationRequest(folder, pictures)


def refusal(request: EvaluationRequest) -> str:
    """The one line with which evaluation ends, exit 2."""
    with pytest.raises(AdaptError) as caught:
        evaluate(request, Silent())
    assert caught.value.code == Exit.BAD_INPUT
    assert "\n" not in str(caught.value)
    return str(caught.value)


def model(request: EvaluationRequest) -> Path:
    """The original beside the folder."""
    return request.model_or_dir.parent / "net.onnx"


@pytest.mark.parametrize("stage", ["original", "adapted"])
def test_a_network_agrees_with_itself(asked: EvaluationRequest, stage: str) -> None:
    of_folder = evaluate(replace(asked, stage=stage), Silent())  # type: ignore[arg-type]
    of_file = evaluate(replace(asked, model_or_dir=model(asked), stage=stage, target=BUYI), Silent())  # type: ignore[arg-type]
    assert of_folder.agreement == of_file.agreement == 1.0
    assert of_folder.interval == {"agreement": (1.0, 1.0)}
    assert (of_folder.ap, of_folder.images, of_folder.stage) == (None, 3, stage)


def test_defaults_are_the_folders_adapted_and_the_files_original(asked: EvaluationRequest) -> None:
    assert evaluate(asked, Silent()).stage == "adapted"
    assert evaluate(replace(asked, model_or_dir=model(asked)), Silent()).stage == "original"


def test_labels_give_ap_and_unread_files_are_named(asked: EvaluationRequest, tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "0.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (asked.images / "torn.png").write_bytes(b"\x89PNG")
    result = evaluate(replace(asked, labels=labels), Silent())
    told = json.loads(result.to_json())
    assert 0 <= told["ap"] <= told["ap50"] <= 1
    assert (told["agreement"], told["images"]) == (1.0, 3)
    assert told["interval"].keys() == {"ap", "ap50", "agreement"}
    assert [line.split(":")[0] for line in told["skipped"]] == ["torn.png"]


def test_pictures_that_calibration_saw_are_warned_of(asked: EvaluationRequest) -> None:
    seen = replace(asked, model_or_dir=model(asked), calibration=asked.images)
    (told,) = evaluate(seen, Silent()).warnings
    assert told.endswith("too: what is measured on them flatters the network")
    assert evaluate(replace(seen, calibration=None), Silent()).warnings == ()


def test_without_the_original_there_is_no_agreement(asked: EvaluationRequest, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere.onnx"
    model(asked).rename(moved)
    assert refusal(asked) == "neither labels nor the original are at hand (add --labels or --original)"
    assert "name it with --original" in refusal(replace(asked, stage="original"))
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "1.txt").write_text("2 0.5 0.5 0.4 0.4\n")
    told = json.loads(evaluate(replace(asked, labels=labels), Silent()).to_json())
    assert "agreement" not in told
    assert told["ap"] >= 0
    assert evaluate(replace(asked, original=moved), Silent()).agreement == 1.0


def test_another_file_is_not_taken_for_the_original(asked: EvaluationRequest, tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(b"something else")
    assert refusal(replace(asked, original=other)).startswith(f"{other}: not the net that the folder was made from")
    model(asked).write_bytes(b"something else")
    assert "neither labels nor the original" in refusal(asked)


def test_a_changed_folder_is_one_clear_line(asked: EvaluationRequest) -> None:
    network, report = asked.model_or_dir / "adapted.onnx", asked.model_or_dir / "report.json"
    whole, told = network.read_bytes(), json.loads(report.read_text())
    for data in (whole[: len(whole) // 2], b"", whole[:-1] + bytes([whole[-1] ^ 1])):
        network.write_bytes(data)
        assert refusal(asked).startswith(f"{network}: not the file that the main job wrote")
    network.unlink()
    assert "adapted.onnx cannot be read" in refusal(asked)
    network.write_bytes(whole)
    report.write_text(json.dumps({name: value for name, value in told.items() if name != "heads"}))
    assert refusal(asked).startswith(f"{report}: a report without heads")
    report.write_text("{")
    assert "not a report of this tool" in refusal(asked)
    (asked.model_or_dir / "manifest.json").write_text("{}")
    assert "not a manifest of this tool" in refusal(asked)
    assert "manifest.json cannot be read" in refusal(replace(asked, model_or_dir=asked.images))


def test_a_network_that_cannot_be_adapted_says_why(asked: EvaluationRequest) -> None:
    with pytest.raises(AdaptError, match=r"net\.onnx: not adapted: .* nowhere") as caught:
        evaluate(replace(asked, model_or_dir=model(asked), stage="adapted", activation="keep"), Silent())
    assert caught.value.code == Exit.UNSUPPORTED


def test_damage_is_measured_and_not_refused(asked: EvaluationRequest) -> None:
    job = replace(asked, model_or_dir=model(asked), stage="adapted", activation="leaky", slope=0.9)
    agreement = evaluate(job, Silent()).agreement
    assert agreement is not None
    assert agreement < 0.9


def test_folder_and_memory_give_the_same_detector(asked: EvaluationRequest) -> None:
    folder = read_folder(asked.model_or_dir)
    levels = folder.reading.levels
    assert [(level.stride, level.grid, level.obj) for level in levels] == [
        (8, (8, 12), "obj_s8"),
        (16, (4, 6), "obj_s16"),
        (32, (2, 3), "obj_s32"),
    ]
    detector = original_detector(Request(model(asked)), Silent())
    assert isinstance(detector, Detector)
    assert detector.size == (64, 96)
    found = detector.detect(noise(0))
    assert len(found) > 0
    assert (found.boxes[:, 2:] >= found.boxes[:, :2]).all()
    assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)
