"""A baseline, and what a check sees: nothing in a re-export, everything else in the layer where it begins."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from icraft_adapt.adapter.gate.baseline import Tolerances
from icraft_adapt.adapter.gate.baseline_json import PATH, baseline_json, read_baseline
from icraft_adapt.adapter.gate.record import record
from icraft_adapt.adapter.gate.requests import RecordRequest
from icraft_adapt.adapter.gate.verdict_text import text
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.data.preprocess import Preprocess
from icraft_adapt.errors import Exit
from icraft_adapt.tests.gate.checking import checked, edited
from icraft_adapt.tests.gate.detector import PHASES, detector, output_folder, renamed

Weights = dict[str, Any]


def test_a_fresh_baseline_matches_and_every_fault_is_seen(place: Path) -> None:
    verdict = checked(place / "net.icraft", place / "net.json", self_test=True)
    assert verdict.exit_code == Exit.FINE, text(verdict)
    assert verdict.faults is not None
    assert [fault.is_red for fault in verdict.faults] == [True] * 5
    assert len(verdict.comparison.layers) == 16
    assert verdict.failure == ""


def test_a_re_export_matches(place: Path, tmp_path: Path) -> None:
    again = output_folder(tmp_path, renamed(detector()), "other")
    tensors = [
        {layer["tensor"] for layer in json.loads((folder / "report.json").read_bytes())["layers"]}
        for folder in (again, place / "net.icraft")
    ]
    assert tensors[0] & tensors[1] <= {f"{role}_s{s}" for role in ("obj", "reg", "cls") for s in (8, 16, 32)}
    verdict = checked(again, place / "net.json", self_test=True)
    assert verdict.exit_code == Exit.FINE, text(verdict)


def flip_a_weight(stored: Weights) -> None:
    stored["wt8"][3, 2, 1, 1] *= -1


def swap_phases(stored: Weights) -> None:
    stored["start1"], stored["start2"] = (np.array(PHASES[i], np.int64) for i in (2, 1))


def zero_a_score(stored: Weights) -> None:
    stored["wcls16"][1], stored["bcls16"][1] = 0, 0


def nudge_a_bias(stored: Weights) -> None:
    stored["breg32"][2] += 0.2


@pytest.mark.parametrize(
    ("change", "first", "words"),
    [
        (flip_a_weight, "s8.conv3.act", "1 of 8 channels have another sum, the first is 3"),
        (swap_phases, "stem.focus", "6 of 12 channels"),
        (zero_a_score, "head[s16].cls", "1 of 3 channels have another sum, the first is 1"),
        (nudge_a_bias, "head[s32].reg", "its own numbers (weights, biases, scales, cuts) changed"),
    ],
)
def test_a_change_is_named_where_it_begins(
    place: Path, tmp_path: Path, change: Callable[[Weights], None], first: str, words: str
) -> None:
    verdict = checked(output_folder(tmp_path, detector(change=change)), place / "net.json", self_test=True)
    assert verdict.exit_code == Exit.FAILED
    assert verdict.comparison.findings[0].anchor == first, text(verdict)
    assert words in verdict.comparison.findings[0].words
    assert first in verdict.failure
    assert verdict.faults is None
    assert "seeded fault" in verdict.notes[-1]


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ({"bits": "16"}, "input.bits"),
        ({"preprocess": Preprocess(channels="rgb")}, "input.channels"),
        ({"saturation": "null"}, "s2.conv2.act"),
    ],
)
def test_another_option_is_named(place: Path, tmp_path: Path, options: dict[str, Any], first: str) -> None:
    verdict = checked(output_folder(tmp_path, detector(), **options), place / "net.json")
    assert verdict.exit_code == Exit.FAILED
    assert verdict.comparison.findings[0].anchor == first, text(verdict)


def test_the_file_is_deterministic_valid_and_comes_back(place: Path) -> None:
    data = (place / "net.json").read_bytes()
    assert baseline_json(read_baseline(data, "net.json")) == data
    assert record(RecordRequest(place / "net.icraft", place / "new.json"), Silent()).data == data
    assert str(place).encode() not in data
    document = json.loads(data)
    assert document["coverage"] == {"layers": 16, "heads": 9, "varying": 16}
    assert document["tolerances"]["codes"] == 0
    assert {layer["anchor"] for layer in document["layers"]} >= {"stem.focus", "head[s8].obj"}
    assert PATH.name == "baseline.schema.json"


def test_one_layer_that_lies_is_seen(place: Path, tmp_path: Path) -> None:
    def lie(document: dict[str, Any]) -> None:
        document["layers"][4]["digest"] = "0" * 64

    verdict = checked(place / "net.icraft", edited(place, tmp_path, lie))
    assert [each.anchor for each in verdict.comparison.findings] == ["s8.conv3.act"]
    assert "own numbers" not in verdict.comparison.findings[0].words, "the layer is as it was: the arithmetic is not"


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("bits", 16, "width"),
        ("shape", [1, 8, 48, 32], "shape"),
        ("numbers", "0" * 64, "numbers"),
        ("saturated", 10**6, "counts"),
        ("normratios", [[8, 0.5]], "scale"),
        ("normratios", [[7, 0.5]], "scale"),
    ],
)
def test_every_field_counts(place: Path, tmp_path: Path, field: str, value: object, kind: str) -> None:
    def change(document: dict[str, Any]) -> None:
        document["layers"][2][field] = value

    (finding,) = checked(place / "net.icraft", edited(place, tmp_path, change)).comparison.findings
    assert (finding.anchor, finding.kind) == ("s2.conv2.act", kind)


def test_outputs_that_change_places_are_seen(place: Path, tmp_path: Path) -> None:
    def swap(document: dict[str, Any]) -> None:
        first, second = (each for each in document["layers"] if each.get("output") in ("reg_s8", "reg_s16"))
        first["output"], second["output"] = second["output"], first["output"]

    findings = checked(place / "net.icraft", edited(place, tmp_path, swap)).comparison.findings
    assert [each.words for each in findings] == [
        "it is the output reg_s8, it was reg_s16",
        "it is the output reg_s16, it was reg_s8",
    ]


def test_layers_that_come_and_go_are_named_in_their_place(place: Path, tmp_path: Path) -> None:
    def rename(document: dict[str, Any]) -> None:
        document["layers"][2]["anchor"] = "s2.conv9"

    findings = checked(place / "net.icraft", edited(place, tmp_path, rename)).comparison.findings
    assert [(each.anchor, each.kind) for each in findings] == [("s2.conv2.act", "new"), ("s2.conv9", "missing")]


def test_last_digits_of_scales_are_no_difference(place: Path, tmp_path: Path) -> None:
    def nudge(document: dict[str, Any]) -> None:
        for layer in document["layers"]:
            layer["normratios"] = [[count, value * (1 + 1e-8)] for count, value in layer["normratios"]]

    assert checked(place / "net.icraft", edited(place, tmp_path, nudge)).exit_code == Exit.FINE


def test_arithmetic_that_changed_is_named(place: Path, tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        document["arithmetic"]["cut_rounding"] = "half_up"

    (finding,) = checked(place / "net.icraft", edited(place, tmp_path, change)).comparison.findings
    assert (finding.anchor, finding.words) == ("arithmetic.cut_rounding", "floor, it was half_up")


def test_a_tolerance_lets_small_changes_pass_and_the_self_test_says_what_it_hides(place: Path, tmp_path: Path) -> None:
    def soften(stored: Weights) -> None:
        stored["bcls8"][1] += 0.02

    changed = output_folder(tmp_path, detector(change=soften))
    assert checked(changed, place / "net.json").exit_code == Exit.FAILED
    for codes, code in ((2, Exit.FINE), (254, Exit.FAILED)):
        loose = record(RecordRequest(place / "net.icraft", tmp_path / "loose.json", Tolerances(codes)), Silent())
        loose.path.write_bytes(loose.data)
        assert checked(changed, loose.path).exit_code == Exit.FINE
        assert checked(changed, loose.path, self_test=True).exit_code == code
    verdict = checked(changed, loose.path, self_test=True)
    assert "not seen where it was put" in verdict.failure
    assert "NOT SEEN" in text(verdict)


def test_a_blind_comparison_fails_its_self_test(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icraft_adapt.adapter.gate.comparison.difference", lambda *_: None)
    verdict = checked(place / "net.icraft", place / "net.json", self_test=True)
    assert not verdict.comparison.findings
    assert verdict.exit_code == Exit.FAILED, "a checksum of the weights is no proof that codes are compared"


def test_a_slight_change_says_where_it_may_come_from(place: Path, tmp_path: Path) -> None:
    def forget_the_numbers(document: dict[str, Any]) -> None:
        document["layers"][4]["numbers"] = "0" * 64

    verdict = checked(place / "net.icraft", edited(place, tmp_path, forget_the_numbers))
    assert verdict.comparison.findings[0].is_slight
    assert "another kind of CPU" in text(verdict)
