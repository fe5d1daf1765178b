"""The compiler's configuration parses back, and every stage reads what the one before it wrote."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from icraft_adapt.adapter.emit.compiler_toml import compiler_toml
from icraft_adapt.adapter.emit.customop_toml import customop_toml
from icraft_adapt.adapter.report.types import Head
from icraft_adapt.adapter.request import Request
from icraft_adapt.data.preprocess import Preprocess
from icraft_adapt.errors import AdaptError, Exit
from icraft_adapt.targets.loader import load_target, target_names

HEADS = tuple(Head(s, (48 // s * 8, 64 // s * 8), 80, f"obj_s{s}", f"reg_s{s}", f"cls_s{s}") for s in (8, 16, 32))
STAGES = ("optimize", "quantize", "adapt", "generate", "run")


REQUEST = Request(Path("net.onnx"))


def text(
    request: Request = REQUEST,
    target: str = "icraft-v1.1",
    *,
    heads: Sequence[Head] = HEADS,
    name: str = "net",
    shape: tuple[int, ...] = (1, 3, 384, 512),
    mixed: bool = False,
) -> str:
    artifact = compiler_toml(request, load_target(target), heads, name=name, shape=shape, mixed=mixed)
    assert artifact.path == f"icraft/{name}.toml"
    return artifact.data.decode()


@pytest.mark.parametrize("target", target_names())
@pytest.mark.parametrize("name", ["net", "a b", 'quo"te', "\u7f51[x]"])
def test_each_stage_reads_what_the_one_before_wrote(target: str, name: str) -> None:
    toml = tomllib.loads(text(REQUEST, target, name=name))
    suffix = {"buyi": "BY", "zhuge": "ZG"}[toml["parse"]["target"]]
    assert list(toml) == ["parse", *STAGES]
    assert toml["parse"]["net_name"] == name
    folder = toml["parse"]["jr_path"]
    written = ("parsed", "optimized", "quantized", "adapted", suffix)
    for stage, artefact in zip(STAGES, written, strict=True):
        assert toml[stage]["json"] == f"{folder}{name}_{artefact}.json"
        assert toml[stage]["raw"] == f"{folder}{name}_{artefact}.raw"
        assert toml[stage].get("jr_path", folder) == folder
    assert all(toml[stage]["target"] == toml["parse"]["target"] for stage in ("optimize", "quantize", "adapt"))


def test_the_input_is_nhwc_and_the_network_lies_one_folder_up() -> None:
    parse = tomllib.loads(text())["parse"]
    assert (parse["inputs"], parse["inputs_layout"]) == ([1, 384, 512, 3], "NHWC")
    assert (parse["network"], parse["framework"]) == ("../adapted.onnx", "onnx")


def test_yolox_takes_pictures_as_they_are_decoded() -> None:
    parse = tomllib.loads(text())["parse"]
    assert (parse["channel_swap"], parse["pre_method"]) == ([0, 1, 2], "resize")
    assert (parse["pre_mean"], parse["pre_scale"]) == ([0.0] * 3, [1.0] * 3)


def test_bytetrack_swaps_before_mean_and_scale() -> None:
    convention = Preprocess((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), "rgb", "stretch")
    parse = tomllib.loads(text(replace(REQUEST, preprocess=convention)))["parse"]
    assert (parse["channel_swap"], parse["pre_method"]) == ([2, 1, 0], "resize")
    assert (parse["pre_mean"], parse["pre_scale"]) == ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])


@pytest.mark.parametrize(("channels", "passes"), [(1, 2), (3, 2), (12, 1)])
def test_what_is_no_picture_is_taken_as_it_is(channels: int, passes: int) -> None:
    request = replace(REQUEST, preprocess=Preprocess(channels="rgb"))
    toml = tomllib.loads(text(request, shape=(1, channels, 8, 8)))
    parse = toml["parse"]
    assert len(parse["pre_mean"]) == len(parse["pre_scale"]) == channels
    assert sorted(parse["channel_swap"]) == list(range(channels))
    assert len(toml["adapt"]["pass_on"].split(",")) == passes
    if channels != 3:
        assert parse["channel_swap"] == list(range(channels))


@pytest.mark.parametrize(
    ("target", "options", "expected"),
    [
        ("icraft-v1.1", {}, {"bits": 8, "saturation": "kld", "per": "channel", "bin_num": 4096}),
        (
            "icraft-v1.1",
            {"bits": "16", "saturation": "ems", "per": "tensor"},
            {"bits": 16, "saturation": "ems"},
        ),
        ("icraft-v3-buyi", {"saturation": "null"}, {"bits": 8, "saturation": "null"}),
        ("icraft-v3-zhuge", {}, {"qdtype": "int8"}),
    ],
)
def test_quantize(target: str, options: dict[str, Any], expected: dict[str, Any]) -> None:
    quantize = tomllib.loads(text(replace(REQUEST, **options), target))["quantize"]
    assert quantize.items() >= expected.items()
    assert quantize["forward_list"] == "calibration.txt"
    assert "mix_precision" not in quantize
    assert ("bits" in quantize) != ("qdtype" in quantize)
    assert "forward_mode" not in quantize


def test_mix_precision_only_where_it_is_used() -> None:
    assert tomllib.loads(text(REQUEST, mixed=True))["quantize"]["mix_precision"] == "mix_precision.csv"


def test_a_width_that_the_chip_lacks() -> None:
    with pytest.raises(AdaptError, match="icraft-v3-zhuge has no int16") as caught:
        text(replace(REQUEST, bits="16"), "icraft-v3-zhuge")
    assert caught.value.code is Exit.UNSUPPORTED


@pytest.mark.parametrize(
    ("target", "filter_pass"),
    [("icraft-v1.1", "customop.DetPostPass"), ("icraft-v3-zhuge", "customop.DetPostZGPass")],
)
def test_hard_operators(target: str, filter_pass: str) -> None:
    adapt = tomllib.loads(text(REQUEST, target))["adapt"]
    assert adapt["pass_on"] == f"customop.ImageMakePass,{filter_pass}"
    assert f"icraft/{adapt['custom_config']}" == customop_toml(load_target(target), HEADS, 0.1).path


def test_a_head_that_the_filter_refuses_goes_without_it() -> None:
    heads = (Head(8, (48, 64), 2049, "obj_s8", "reg_s8", "cls_s8"),)
    made = text(REQUEST, heads=heads)
    assert tomllib.loads(made)["adapt"]["pass_on"] == "customop.ImageMakePass"
    assert "# Without the threshold filter: at most 2048 classes: 2049.\n" in made


def test_no_hard_operator_no_options() -> None:
    heads = (Head(8, (48, 64), 2049, "obj_s8", "reg_s8", "cls_s8"),)
    assert (
        not {"pass_on", "custom_config"}
        & tomllib.loads(text(REQUEST, heads=heads, shape=(1, 12, 8, 8)))["adapt"].keys()
    )


def test_mixed_widths_are_8_bits_and_a_list() -> None:
    made = tomllib.loads(text(replace(REQUEST, bits="auto"), mixed=True))["quantize"]
    assert (made["bits"], made["mix_precision"]) == (8, "mix_precision.csv")


def test_the_comments_say_what_the_user_has_to_do() -> None:
    made = text()
    assert made.count("EDIT") == 1
    assert "stretches them to 512x384" in made
    assert "kld stands in" in made
    assert "kld stands in" not in text(replace(REQUEST, saturation="kld"))


@pytest.mark.parametrize("name", ["customop", "two\nlines", "\udcff", "a\\b"])
def test_a_name_that_is_taken_or_no_text(name: str) -> None:
    with pytest.raises(AdaptError, match="cannot use this model name"):
        text(name=name)


def test_the_same_request_gives_the_same_bytes() -> None:
    assert text() == text()
