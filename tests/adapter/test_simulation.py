"""The main job in integers: what it stores, what the report says of it, and what evaluation makes of it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from icraft_adapt.adapter import compare_layers, pipeline
from icraft_adapt.adapter.emit.report_json import report_document
from icraft_adapt.adapter.emit.report_schema import validate_report
from icraft_adapt.adapter.evaluation import evaluate
from icraft_adapt.adapter.evaluation_types import EvaluationRequest
from icraft_adapt.adapter.integer_detector import folder_integers
from icraft_adapt.adapter.integer_warnings import integer_warnings
from icraft_adapt.adapter.outcome import Outcome
from icraft_adapt.adapter.output_folder import read_folder
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.adapter.simulate import simulate
from icraft_adapt.adapter.simulation_types import Simulation
from icraft_adapt.data.detections import nms
from icraft_adapt.data.letterbox import letterbox
from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.golden.engine.oracle import Oracle
from icraft_adapt.golden.engine.protocol import decode_map, encode_image
from icraft_adapt.golden.heads import BoxResolution, ScoreResolution
from icraft_adapt.golden.program import Program
from icraft_adapt.golden.storage import read_program
from icraft_adapt.postproc.core.family import family_of
from icraft_adapt.postproc.decode.values import Part, filter_code
from icraft_adapt.tests.adapter.networks import BUYI, V1, adapted, network_file, noise, pictures_folder, written


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """net.onnx and a folder of eight pictures."""
    folder = tmp_path_factory.mktemp("simulated")
    network_file(folder)
    pictures_folder(folder, 8)
    return folder


@pytest.fixture(scope="module")
def simulated(place: Path) -> tuple[Outcome, Simulation]:
    """The network for a chip that has tables, in 8 bits."""
    with patch.object(pipeline, "simulate", autospec=True) as spy:
        kept: list[Simulation] = []

        def keeping(*given: Any) -> Simulation:  # noqa: ANN401
            kept.append(simulate(*given))
            return kept[0]

        spy.side_effect = keeping
        outcome = adapted(place / "net.onnx", target=BUYI, calibration=place / "pictures")
    return outcome, kept[0]


@pytest.fixture(scope="module")
def outcome(simulated: tuple[Outcome, Simulation]) -> Outcome:
    """What came out."""
    return simulated[0]


@pytest.fixture(scope="module")
def files(outcome: Outcome) -> Mapping[str, bytes]:
    """What was written, by path."""
    return {artifact.path: artifact.data for artifact in outcome.artifacts}


@pytest.fixture(scope="module")
def folder(outcome: Outcome, place: Path) -> Path:
    """The same on disk."""
    return written(outcome, place / "out")


def document(outcome: Outcome) -> dict[str, Any]:
    """report.json as a reader sees it, validated."""
    made = json.loads(json.dumps(report_document(outcome.report), allow_nan=False))
    validate_report(made)
    return made  # type: ignore[no-any-return]


def arrays(data: bytes) -> dict[str, Any]:
    """Those of an npz."""
    with np.load(io.BytesIO(data)) as held:
        return dict(held)


def program(files: Mapping[str, bytes]) -> Program:
    """The stored one."""
    return read_program(files["golden/program.npz"])


def test_the_stored_program_gives_the_stored_heads(files: Mapping[str, bytes]) -> None:
    stored = program(files)
    (image,) = arrays(files["golden/inputs.npz"]).values()
    codes = encode_image(image, stored.input, stored.code_max(stored.input.format.bits))
    maps = Oracle(stored).run(codes).maps
    kept = arrays(files["golden/integer.npz"])
    assert list(kept) == list(arrays(files["golden/adapted.npz"])) == list(stored.outputs)
    for name, values in kept.items():
        np.testing.assert_array_equal(values, decode_map(maps[name], stored.formats()[name].normratios))
        assert values.dtype == np.float32


def test_the_report_says_it_layer_by_layer_and_head_by_head(outcome: Outcome, files: Mapping[str, bytes]) -> None:
    assert outcome.exit_code == Exit.FINE
    told = document(outcome)
    stored = program(files)
    assert [layer["tensor"] for layer in told["layers"]] == [layer.name for layer in stored.layers]
    anchors = [layer["anchor"] for layer in told["layers"]]
    assert len(set(anchors)) == len(anchors)
    assert {f"head[s{s}].{role}" for s in (8, 16, 32) for role in ("obj", "reg", "cls")} <= set(anchors)
    assert [head["head"] for head in told["head_metrics"]] == list(stored.outputs)
    assert all(("largest_box_px" in head) is (head["role"] == "reg") for head in told["head_metrics"])
    assert all(("levels_in_unit_score" in head) is (head["role"] != "reg") for head in told["head_metrics"])
    first = told["layers"][0]
    assert first["integer_single"] == first["integer_accumulated"]
    kept = [layer for layer in told["layers"] if "adapted" in layer]
    assert len(kept) > len(told["layers"]) / 2
    assert all(layer["adapted"].get("sqnr_db", 999) > 80 for layer in kept)  # nothing but exact rewrites
    ways = [each["saturation"] for each in told["integers"]["saturations"]]
    assert (ways[0], sorted(ways)) == ("aware", ["aware", "ems", "kld", "null"])
    found = told["detections"]
    assert f"{found['matched']} of {found['matched'] + found['lost']} boxes stay" in outcome.verdict
    assert found["matched"] > found["lost"]


def test_anchors_do_not_depend_on_the_names_of_an_export(outcome: Outcome, tmp_path: Path) -> None:
    again = network_file(tmp_path, opset=17, simplify="onnxslim")
    other = adapted(again, target=BUYI, calibration=pictures_folder(tmp_path, 8))
    first, second = ({layer["anchor"] for layer in document(each)["layers"]} for each in (outcome, other))
    assert first == second


def test_a_sum_of_leaky_relus_has_anchors_of_its_own(tmp_path: Path) -> None:
    file, pictures = network_file(tmp_path), pictures_folder(tmp_path, 8)
    anchors = [layer["anchor"] for layer in document(adapted(file, hinges=2, calibration=pictures))["layers"]]
    assert len(set(anchors)) == len(anchors)
    assert {"s2.conv1", "s2.conv1.act", "s2.conv1.act.term1"} <= set(anchors)
    assert all(anchor.startswith(("s", "head[")) for anchor in anchors)


def test_auto_takes_16_bits_within_the_budget(outcome: Outcome, place: Path) -> None:
    mixed = adapted(
        place / "net.onnx", target=BUYI, calibration=place / "pictures", bits="auto", max_16bit_macs=0.3, html=False
    )
    told, plain = document(mixed), document(outcome)
    assert 0 < told["integers"]["wider_macs"] <= 0.3
    wide = [layer["anchor"] for layer in told["layers"] if layer["bits"] == 16]
    assert set(told["integers"]["wider"]) <= set(wide)
    error, before = (each["integers"]["saturations"][0]["head_error"] for each in (told, plain))
    assert error < before


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"target": V1}, Exit.BAD_INPUT, "give --calib DIR"),
        ({"target": "icraft-v3-zhuge"}, Exit.UNSUPPORTED, "no integer arithmetic here yet"),
    ],
)
def test_auto_without_a_simulation_is_refused(place: Path, options: dict[str, Any], code: Exit, words: str) -> None:
    with pytest.raises(AdaptError) as caught:
        adapted(place / "net.onnx", bits="auto", **options)
    assert caught.value.code == code
    assert words in str(caught.value)


def test_a_chip_without_integer_arithmetic_is_adapted_and_says_so(place: Path) -> None:
    made = adapted(place / "net.onnx", target="icraft-v3-zhuge", calibration=place / "pictures")
    assert made.exit_code == Exit.FINE
    assert any("no integer simulation" in warning for warning in made.warnings)
    assert "golden/program.npz" not in {artifact.path for artifact in made.artifacts}


def test_the_integer_network_is_evaluated_with_and_without_the_filter(folder: Path, place: Path) -> None:
    asked = EvaluationRequest(folder, place / "pictures", stage="integer", threshold=0.5)
    result = evaluate(asked, Silent())
    assert (result.stage, result.images) == ("integer", 8)
    assert result.agreement is not None
    assert 0 < result.agreement < 1
    assert result.filtered is not None
    assert result.filtered.threshold == 0.5
    assert result.filtered.agreement is not None
    assert result.filtered.agreement < result.agreement
    told = json.loads(result.to_json())
    assert told["filtered"].keys() == {"threshold", "agreement", "interval"}
    assert json.loads(evaluate(replace(asked, stage="adapted"), Silent()).to_json()).keys() & {"filtered"} == set()


def test_the_filter_compares_codes_truncated_toward_zero(folder: Path, files: Mapping[str, bytes]) -> None:
    made, stored = read_folder(folder), program(files)
    detector = folder_integers(made, made.manifest.preprocess, 0.3)
    codes = detector.run(letterbox(noise(3), detector.size, detector.preprocess)[0])
    floats = {name: decode_map(codes[name], stored.formats()[name].normratios) for name in stored.outputs}
    stopped = 0
    for level in made.reading.levels:
        limit = filter_code(0.3, Part(float(stored.formats()[level.obj].normratios[0]), 8, 1))
        floats[level.obj][codes[level.obj] <= limit] = -np.inf
        stopped += int((codes[level.obj] <= limit).sum())
    wanted = nms(family_of(made.reading).decode(made.reading, floats, 0.001), 0.65)
    found = detector.decoder.filtered(codes, 0.001, 0.65)
    assert 0 < len(found) == len(wanted)
    assert stopped
    np.testing.assert_allclose(np.sort(found.scores), np.sort(wanted.scores), rtol=1e-5)


def test_a_folder_without_the_simulation_cannot_be_evaluated_in_integers(place: Path, tmp_path: Path) -> None:
    bare = written(adapted(place / "net.onnx", target=BUYI, golden=False), tmp_path / "bare")
    with pytest.raises(AdaptError, match="no integer simulation") as caught:
        evaluate(EvaluationRequest(bare, place / "pictures", stage="integer"), Silent())
    assert caught.value.code == Exit.UNSUPPORTED


def test_a_file_needs_images_to_be_evaluated_in_integers(place: Path) -> None:
    with pytest.raises(AdaptError, match="give --calib DIR") as caught:
        evaluate(EvaluationRequest(place / "net.onnx", place / "pictures", stage="integer", target=BUYI), Silent())
    assert caught.value.code == Exit.BAD_INPUT


def test_a_changed_program_is_refused(folder: Path, place: Path) -> None:
    file = folder / "golden" / "program.npz"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    try:
        with pytest.raises(AdaptError, match="SHA-256"):
            evaluate(EvaluationRequest(folder, place / "pictures", stage="integer"), Silent())
    finally:
        file.write_bytes(whole)


def test_heads_that_say_nothing_any_more_are_warned_of(simulated: tuple[Outcome, Simulation]) -> None:
    _, simulation = simulated
    obj, reg = simulation.heads[0], simulation.heads[1]
    assert isinstance(obj.resolution, ScoreResolution)
    assert isinstance(reg.resolution, BoxResolution)
    dead = replace(obj, resolution=replace(obj.resolution, levels=2))
    small = replace(reg, resolution=replace(reg.resolution, largest_px=40.0, saturated_sizes=0.2))
    blind = replace(simulation.boxes, matched=1, lost=9)
    lines = list(integer_warnings(replace(simulation, heads=(dead, small), boxes=blind)))
    assert [line.split(";")[0] for line in lines] == [
        "obj_s8 in integers tells only 2 scores apart",
        "reg_s8 in integers: 20.0% of its sizes meet the end of their range, 40 pixels",
        "in integers 9 of 10 boxes are lost",
    ]
    wide = replace(small, resolution=replace(small.resolution, largest_px=4000.0))
    assert not list(integer_warnings(replace(simulation, heads=(wide,), boxes=replace(blind, matched=9, lost=1))))


def test_layers_compared_in_small_groups_are_compared_alike(place: Path, outcome: Outcome) -> None:
    with patch.object(compare_layers, "_AT_ONCE", 1 << 14):
        again = adapted(place / "net.onnx", target=BUYI, calibration=place / "pictures")
    assert document(again)["layers"] == document(outcome)["layers"]
