"""report.json: what a report becomes, and that the schema takes it and nothing else."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest

from icraft_adapt.adapter.artifact import Artifact
from icraft_adapt.adapter.emit.checksums import checksums
from icraft_adapt.adapter.emit.json_bytes import as_json, json_object
from icraft_adapt.adapter.emit.report_json import report_document, report_json
from icraft_adapt.adapter.emit.report_schema import PATH, validate_report
from icraft_adapt.adapter.report import types as t
from icraft_adapt.adapter.report.mixture_types import MixtureOption, MixturePoint, MixtureReport, MixtureSite
from icraft_adapt.adapter.report.recovery_types import RecoveredLayer, RecoveryMilestone, RecoveryReport
from icraft_adapt.data.matching import Matching
from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.golden.figures import Figures

SHA = "0123456789abcdef" * 4
BARE = t.Report(
    model=t.ModelInfo("net", SHA, 11, (t.InputInfo("images", (1, 3, 416, 416)),), "pytorch 1.7"),
    target=t.TargetInfo("icraft-v1.1", ("The shifts round down.",)),
    rewrites=(),
    declined=(),
)
HEAD = t.Head(8, (52, 52), 80, "obj_s8", "reg_s8", "cls_s8")
NEAR = Figures(0.9999, 31.5, 20.0, 0.1)
BOXES = Matching(9, 1, 0, 0, 0.97, -0.01)
FULL = dataclasses.replace(
    BARE,
    rewrites=(
        t.Rewrite("focus_to_conv", "exact", "stem.focus", ("Slice_4", "Concat_40"), 0.0, 2e-7),
        t.Rewrite("drop_identity", "exact", "net", ("Identity_1",), None, None),
    ),
    declined=(t.Declined("fold_batchnorm", "BatchNormalization_3", "the Conv output has other readers"),),
    placement=t.Placement(300, 2, (t.Refused("Exp_3", "Exp", "the NPU has no operator Exp"),)),
    activations=(t.ActivationFit("backbone.0", "silu", "pwl4", (0.1, -0.25), 0.0125),),
    heads=(HEAD, dataclasses.replace(HEAD, extra=("kpt_s8",))),
    reading=t.ReadingInfo("yolox", True, False, 1e-6),
    verify=t.Verification("noise", 0.5, 1e-5, (t.HeadError("obj_s8", "obj", 0.5, 1e-5, 1e-6),)),
    integers=t.Integers(8, ("s4.conv2",), 0.125, "channel", 16, BOXES, (t.SaturationResult("aware", 0.25, 9, 1, 0),)),
    layers=(
        t.LayerError("stem.focus", "Conv", "f", 8, None, NEAR, NEAR, 3, 0, 0),
        t.LayerError("s4.conv2", "Conv", "c", 16, NEAR, NEAR, dataclasses.replace(NEAR, sqnr_db=None), 0, 0, 1),
    ),
    head_metrics=(
        t.HeadMetric("obj_s8", "obj", 0.999, 30.1, 0.2, 21, (0.01, 0.02, 0.03), 0.9),
        t.HeadMetric("reg_s8", "reg", 1.0, None, 0.0, largest_box_px=380.5, centre_step_px=0.2, saturated_sizes=0.0),
    ),
    detections=BOXES,
    mixture=MixtureReport(
        8,
        0.95,
        0.5,
        64,
        0,
        (MixturePoint(0.1, 1000, 0.96),),
        (MixtureSite("s4.conv2", 0, 0.5, (MixtureOption(2, "terms", 0.01, 100, 300),)),),
    ),
    recovery=RecoveryReport(
        "auto",
        0.96,
        0.4,
        0.39,
        112,
        16,
        100,
        150,
        (RecoveryMilestone("rewritten", 0.0, 0, 0.1, 0.05), RecoveryMilestone("end to end", 1.5, 7, 0.96, None)),
        (RecoveredLayer("/act/Mul_output_0", 0.2, 0.01),),
    ),
    cost=t.Cost(10**12, 10**12 + 1, 900000, 900100, 12),
    artifacts=(t.ArtifactInfo("adapted.onnx", SHA),),
)


def document(report: t.Report = FULL) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(report_json(report).data)
    return loaded


@pytest.mark.parametrize("report", [BARE, FULL], ids=["bare", "full"])
def test_the_schema_takes_a_report(report: t.Report) -> None:
    assert report_json(report).path == "report.json"
    validate_report(document(report))


def test_every_stage_of_a_report_is_in_the_schema_and_in_the_document() -> None:
    properties = set(json.loads(PATH.read_text())["properties"])
    fields = {field.name for field in dataclasses.fields(t.Report)} | {"schema"}
    assert properties == fields == set(document())


def test_a_stage_that_did_not_run_is_absent() -> None:
    assert list(document(BARE)) == ["schema", "model", "target", "rewrites", "declined", "activations"]


def test_names_are_those_of_the_contract() -> None:
    made = document()
    assert made["schema"] == "icraft-adapt/report/1"
    assert made["activations"] == [
        {"anchor": "backbone.0", "from": "silu", "to": "pwl4", "parameters": [0.1, -0.25], "error": 0.0125}
    ]
    assert made["heads"][0] == {
        "stride": 8,
        "grid": [52, 52],
        "classes": 80,
        "obj": "obj_s8",
        "reg": "reg_s8",
        "cls": "cls_s8",
    }
    assert made["heads"][1]["extra"] == ["kpt_s8"]
    assert made["verify"]["original_vs_adapted"]["per_head"][0]["head"] == "obj_s8"
    assert "max_abs" not in made["rewrites"][1]


WRONG: list[tuple[tuple[str | int, ...], Any, str]] = [
    (("schema",), "icraft-adapt/report/2", "report.json.schema"),
    (("extra",), 1, "'extra' was unexpected"),
    (("rewrites", 0, "certificate"), "sure", "report.json.rewrites[0].certificate"),
    (("rewrites", 0, "max_rel"), -1.0, "report.json.rewrites[0].max_rel"),
    (("heads", 0, "stride"), "8", "report.json.heads[0].stride"),
    (("heads", 0, "grid"), [52], "report.json.heads[0].grid"),
    (("activations", 0, "source"), "silu", "'source' was unexpected"),
    (("placement", "npu"), -1, "report.json.placement.npu"),
    (("model", "sha256"), "abc", "report.json.model.sha256"),
    (("artifacts", 0, "path"), "/adapted.onnx", "report.json.artifacts[0].path"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG, ids=lambda value: str(value)[:30])
def test_the_schema_rejects(path: tuple[str | int, ...], value: object, message: str) -> None:
    made = document()
    place: Any = made
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(AdaptError) as caught:
        validate_report(made)
    assert message in str(caught.value)
    assert caught.value.code is Exit.BAD_INPUT


def test_the_schema_rejects_a_report_without_its_model() -> None:
    made = document()
    del made["model"]
    with pytest.raises(AdaptError, match="'model' is a required property"):
        validate_report(made)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_number_is_finite(number: float) -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        report_json(dataclasses.replace(FULL, reading=t.ReadingInfo("yolox", True, False, number)))


@pytest.mark.parametrize("number", [0.1, 1e-7, 2 / 3, 1e22, -0.0])
def test_floats_come_back_bit_for_bit(number: float) -> None:
    back = document(dataclasses.replace(FULL, reading=t.ReadingInfo("yolox", True, False, number)))
    assert repr(back["reading"]["proof_max_abs"]) == repr(number)


def test_a_name_that_is_no_text_is_written_and_read_back() -> None:
    odd = "\udcff\u7f51"
    back = document(dataclasses.replace(BARE, model=dataclasses.replace(BARE.model, name=odd)))
    assert back["model"]["name"] == odd


def test_what_json_has_no_word_for_is_our_fault() -> None:
    with pytest.raises(TypeError, match="bytes"):
        as_json((b"x",))
    with pytest.raises(TypeError, match="not a dataclass"):
        json_object([])


def test_the_same_report_gives_the_same_bytes() -> None:
    assert report_json(FULL) == report_json(dataclasses.replace(FULL))
    assert report_document(FULL) == report_document(FULL)


def test_checksums_are_sorted_and_leave_out_their_own_files() -> None:
    files = [
        Artifact("b", b"1"),
        Artifact("report.json", b""),
        Artifact("a", b""),
        Artifact("manifest.json", b""),
    ]
    listed = checksums(files)
    assert [entry.path for entry in listed] == ["a", "b"]
    assert listed[0].sha256 == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
