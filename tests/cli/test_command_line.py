"""Arguments in, exit code and one clear line out; --json says one object on stdout and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path

import click
import pytest

from icraft_adapt.adapter.request import Request
from icraft_adapt.cli import options
from icraft_adapt.cli.adapt import adapt
from icraft_adapt.data.preprocess import Preprocess

Run = Callable[..., subprocess.CompletedProcess[str]]
HEAVY = {
    "torch",
    "onnxruntime",
    "onnx",
    "onnx_graphsurgeon",
    "numpy",
    "rich",
    "networkx",
    "cv2",
    "yaml",
    "jinja2",
}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["adapt", "--help"], ["evaluate", "-h"], ["evalute"]])
def test_nothing_heavy_is_imported_to_answer(arguments: list[str]) -> None:
    code = f"import sys; from icraft_adapt.cli.main import main; main({arguments}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split("\n")[-2].split())


def test_adapt_is_the_main_job(command: Run) -> None:
    assert command("net.onnx").stdout.startswith("every certificate holds\n")
    assert command("adapt", "net.onnx", "--force").returncode == 0
    assert command("--force", "--target", "icraft-v1.1", "net.onnx").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["evalute"], "evalute: no such file or command (did you mean evaluate?)"),
        (["ntt.onnx"], "ntt.onnx: no such file or command (did you mean net.onnx?)"),
        (["--force", "taregts"], "taregts: no such file or command (did you mean targets?)"),
        (["evaluate", "nett.onnx", "--images", "."], "nett.onnx: no such file (did you mean net.onnx?)"),
        (["targets", "icraft-v1.2"], "unknown target icraft-v1.2 (did you mean icraft-v1.1?)"),
    ],
)
def test_did_you_mean(command: Run, arguments: list[str], line: str) -> None:
    done = command(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"icraft-adapt: {line}\n")


@pytest.mark.parametrize(
    "wrong",
    [
        ["--taget", "x"],
        ["--input-shape", "1x3x416"],
        ["--input-shape", "1x3x0x416"],
        ["--mean", "1,2"],
        ["--mean", "1,2,nan"],
        ["--scale", "1,0,1"],
        ["--pad", "256"],
        ["--hinges", "0"],
        ["--slope", "1"],
        ["--thr", "0"],
        ["--max-damage", "inf"],
        ["--max-16bit-macs", "20"],
        ["--bits", "4"],
        ["--activation", "relu"],
        ["--calib", "nowhere"],
        ["a-second-model.onnx"],
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(command: Run, wrong: list[str]) -> None:
    done = command("net.onnx", *wrong)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert wrong[0] in done.stderr
    assert done.stderr.endswith("(see icraft-adapt adapt --help)\n")


def test_no_arguments_is_help_and_exit_2(command: Run) -> None:
    done = command()
    assert done.returncode == 2
    assert done.stdout.startswith("Usage: icraft-adapt")


def test_json_is_one_object_and_nothing_else(command: Run) -> None:
    done = command("net.onnx", "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    assert said["out"] == "net.icraft"
    assert said["exit_code"] == 0
    assert said["durations_s"] == {"load": 0.25}
    assert said["warnings"] == ["a warning"]
    assert said["schema"] == "icraft-adapt/report/1"
    assert said["activations"][0]["from"] == "silu"
    assert "cost" not in said, "a stage that did not run is absent"


def test_json_of_a_refusal(command: Run) -> None:
    done = command("net.onnx", "--json", model="refused")
    said = json.loads(done.stdout)
    assert (done.returncode, said["exit_code"], said["out"]) == (3, 3, None)
    assert said["placement"]["refused"][0]["op"] == "NonMaxSuppression"
    assert done.stderr.count("\n") == 1


def test_existing_folder_needs_force(command: Run, tmp_path: Path) -> None:
    assert command("net.onnx").returncode == 0
    before = (tmp_path / "net.icraft" / "manifest.json").read_bytes()
    done = command("net.onnx", model="bug")
    assert done.returncode == 2, "refused before any work"
    assert done.stderr == "icraft-adapt: net.icraft: exists (--force replaces it, --out chooses another)\n"
    assert (tmp_path / "net.icraft" / "manifest.json").read_bytes() == before
    assert command("net.onnx", "--force").returncode == 0
    assert (tmp_path / "net.icraft" / "manifest.json").read_bytes() != before


def test_dry_run_writes_nothing(command: Run, tmp_path: Path) -> None:
    done = command("net.onnx", "--dry-run")
    assert done.returncode == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.onnx"]


def test_evaluate_says_plain_numbers(command: Run) -> None:
    done = command("evaluate", "net.onnx", "--images", ".", "--json")
    said = json.loads(done.stdout)
    assert (said["ap"], said["images"], said["interval"]["ap"]) == (0.357, 64, [0.3, 0.4])
    assert "agreement" not in said
    assert "AP         0.3570   [0.3000, 0.4000]" in command("evaluate", "net.onnx", "--images", ".").stdout


@pytest.mark.parametrize("manual", ["targets", "rules"])
def test_manual_lists_and_describes(command: Run, manual: str) -> None:
    names = [line.split()[0] for line in command(manual).stdout.splitlines()]
    page = command(manual, names[0])
    assert page.returncode == 0
    assert names[0] in page.stdout.splitlines()[0]
    assert command(manual, "no-such-name").returncode == 2


def test_defaults_are_those_of_the_request() -> None:
    given = adapt.make_context("adapt", ["net.onnx"]).params
    assert options.take_preprocess(given) is None
    given = options.take_threshold(given)
    for field in fields(Request):
        if field.name in given and field.default is not MISSING:
            assert given[field.name] == field.default, field.name
    assert {field.name for field in fields(Request)} - given.keys() == {"preprocess", "threshold"}


def test_options_reach_the_request() -> None:
    line = ["net.onnx", "--mean", "1,2,3", "--channels", "rgb", "--input-shape", "1x3x320x640", "--no-report"]
    given = adapt.make_context("adapt", line).params
    assert options.take_preprocess(given) == Preprocess(mean=(1.0, 2.0, 3.0), channels="rgb")
    assert given["input_shape"] == (1, 3, 320, 640)
    assert given["html"] is False


@pytest.mark.parametrize(("text", "value"), [("20%", 0.2), ("0.2", 0.2), ("0", 0.0), ("100%", 1.0)])
def test_share(text: str, value: float) -> None:
    assert options.share(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["101%", "-1%", "1.5", "%", "x%", "nan"])
def test_wrong_share(text: str) -> None:
    with pytest.raises(click.BadParameter):
        options.share(text)
