"""The YAML of a target: what loads, and what each mistake says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.targets.loader import FOLDER, load_target, target_names
from icraft_adapt.targets.types import Target

SHIPPED = ("icraft-v1.1", "icraft-v3-buyi", "icraft-v3-zhuge")


def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / "icraft-v3-buyi.yaml").read_text())
    return loaded


def load(tmp_path: Path, content: object) -> Target:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return load_target(str(path))


def test_every_yaml_in_the_folder_is_a_target() -> None:
    assert target_names() == SHIPPED == tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_target(name: str) -> None:
    target = load_target(name)
    assert (target.name, target.onnx.opset, target.onnx.ir_version) == (name, 17, 8)
    assert target.focus == "onehot2x2"
    assert target.exact_stride_pools
    assert target.exact_stride("Conv")
    assert not target.exact_stride("Relu")
    assert target.runs_activation("leaky")
    assert target.runs_activation("silu") == (name != "icraft-v1.1")
    assert hash(target.activations) == hash(load_target(name).activations)


def test_the_widths_of_buyi() -> None:
    for name in ("icraft-v1.1", "icraft-v3-buyi"):
        arithmetic = load_target(name).arithmetic
        assert arithmetic is not None
        narrow, wide = arithmetic.widths[8], arithmetic.widths[16]
        assert (narrow.code_max, wide.code_max) == (127, 32767)
        for bits, width in ((8, narrow), (16, wide)):
            assert (width.multiplier_max, width.shift_min, width.shift_max) == (2**bits - 1, bits, 2 * bits)
            assert width.bias_bits == 2 * bits
        assert (narrow.accumulator_bits, wide.accumulator_bits) == (32, 48)
    assert load_target("icraft-v1.1").arithmetic.table is None  # type: ignore[union-attr]
    assert load_target("icraft-v3-zhuge").arithmetic is None


@pytest.mark.parametrize("name", SHIPPED)
def test_every_parameter_is_an_assumption_with_its_value(name: str) -> None:
    target = load_target(name)
    assert len(target.assumptions) == len(target.parameters) > 5
    for line, parameter in zip(target.assumptions, target.parameters, strict=True):
        assert line.endswith(f"[{parameter.name} = {parameter.value}]")


def test_a_parameter_sets_the_value_at_its_path(tmp_path: Path) -> None:
    raw = document()
    for parameter in raw["parameters"]:
        if parameter["name"] == "arithmetic.widths.16.accumulator_bits":
            parameter["value"] = 40
    arithmetic = load(tmp_path, raw).arithmetic
    assert arithmetic is not None
    assert arithmetic.widths[16].accumulator_bits == 40


@pytest.mark.parametrize(
    ("name", "hint"),
    [("icraft-v3-buy", "icraft-v3-buyi"), ("Icraft-V1.1", "icraft-v1.1"), ("zhuge", "icraft-v3-zhuge")],
)
def test_an_unknown_name_gets_a_hint(name: str, hint: str) -> None:
    with pytest.raises(AdaptError) as caught:
        load_target(name)
    assert caught.value.code is Exit.BAD_INPUT
    assert hint in caught.value.hint


MISTAKES: list[tuple[tuple[str | int, ...], Any, str]] = [  # path, value, what the error says
    (("chipp",), "x", "mine.yaml: unknown key chipp (did you mean chip?)"),
    (("name",), "x", "mine.yaml: unknown key name (a target is named by its file)"),
    (("onnx", "opset"), "17", "mine.yaml.onnx.opset: expected an integer, found '17'"),
    (("onnx", "opset"), True, "mine.yaml.onnx.opset: expected an integer, found True"),
    (("onnx", "opsett"), 17, "mine.yaml.onnx: unknown key opsett (did you mean opset?)"),
    (("focus",), "onehot", "mine.yaml.focus: unknown value 'onehot' (did you mean onehot2x2?)"),
    (("cpu",), "Add", "mine.yaml.cpu: expected a list, found 'Add'"),
    (("cpu",), ["Add", 3], "mine.yaml.cpu[1]: expected a text, found 3"),
    (("cpu",), ["Adddd"], "mine.yaml.cpu: unknown operator Adddd (did you mean Add?)"),
    (("npu", "Convv"), {}, "mine.yaml.npu: unknown operator Convv (did you mean Conv?)"),
    (
        ("npu", "Relu"),
        {"exact_strid": True},
        "npu.Relu: unknown limit exact_strid (did you mean exact_stride?)",
    ),
    (("npu", "Relu"), {"exact_stride": 1}, "npu.Relu.exact_stride: expected true or false, found 1"),
    (("npu", "Relu"), {"exact_stride": False}, "a limit that does not hold is left out"),
    (("npu", "Relu"), None, "mine.yaml.npu.Relu: expected a mapping with text keys, found None"),
    (("npu",), [], "no mapping npu"),
    (("arithmetic", "widths", 32), "x", "mine.yaml.arithmetic.widths.32: expected a mapping"),
    (("arithmetic", "cut_rounding"), "floor", "arithmetic.cut_rounding is stated twice"),
    (("postproc",), 3, "no mapping postproc"),
    (("parameters",), [{"name": "focus"}], "mine.yaml.parameters[0]: a parameter has a name, a value and an"),
    (("parameters",), 3, "mine.yaml.parameters: expected a list, found 3"),
]


@pytest.mark.parametrize(("path", "value", "message"), MISTAKES, ids=lambda value: str(value)[:40])
def test_a_mistake_is_named_with_its_path(
    tmp_path: Path, path: tuple[str | int, ...], value: object, message: str
) -> None:
    raw = document()
    place: Any = raw
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(AdaptError) as caught:
        load(tmp_path, raw)
    assert message in str(caught.value)
    assert caught.value.code is Exit.BAD_INPUT


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    raw = document()
    del raw["chip"]
    with pytest.raises(AdaptError, match="the key chip is missing"):
        load(tmp_path, raw)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (["relu", "silly"], "unknown activation silly (did you mean silu?)"),
        (["softplus"], "softplus needs Softplus, which npu lacks"),
    ],
)
def test_an_activation_has_a_name_and_its_operators(tmp_path: Path, stated: list[str], message: str) -> None:
    raw = document()
    raw["parameters"] = [p for p in raw["parameters"] if p["name"] != "activations"]
    raw["activations"] = stated
    with pytest.raises(AdaptError) as caught:
        load(tmp_path, raw)
    assert message in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a: [", b"just text", b""])
def test_a_file_that_is_no_target(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(AdaptError, match=r"mine\.yaml"):
        load_target(str(path))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AdaptError, match="No such file"):
        load_target(str(tmp_path / "absent.yaml"))
