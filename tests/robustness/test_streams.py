"""stdout and stderr that are closed, full, or left by their reader: no traceback, and the exit code still tells."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from icraft_adapt.tests.robustness.command_client import Server
from icraft_adapt.tests.robustness.room import Room

COMMAND = f"{sys.executable} -m icraft_adapt"
KEEP = ("--target", "icraft-v3-buyi")
FULL = "/dev/full"


@pytest.mark.parametrize("arguments", [["net.onnx", *KEEP], ["net.onnx", "--dry-run"], ["rules"], ["--help"], []])
def test_full_stdout(server: Server, room: Room, arguments: list[str]) -> None:
    done = server.call(*arguments, cwd=room.cwd, out=FULL)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert done.err.endswith("No space left on device\n")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["net.onnx", *KEEP], 0),
        (["no.onnx"], 2),
        (["net.onnx", "--wrong"], 2),
        (["net.onnx", "--activation", "keep"], 3),
    ],
)
def test_full_stderr(server: Server, room: Room, arguments: list[str], code: int) -> None:
    assert server.call(*arguments, cwd=room.cwd, err=FULL).code == code


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{} --help | head -1", 0),
        ("{} rules | head -1", 0),
        ("{} net.onnx --target icraft-v3-buyi --json | head -c 1", 0),
        ("{} | head -1", 2),
        ("{} no.onnx 2>&-", 2),
        ("{} no.onnx >&- 2>&-", 2),
        ("{} rules >&-", 0),
        ("{} --version >&- 2>&- <&-", 0),
        ("{} --help 2>&1 >/dev/full", 2),
        ("{} rules 2>&1 >/dev/full", 2),
        ("{} no.onnx 2>/dev/full", 2),
        ("{} net.onnx --wrong 2>/dev/full", 2),
    ],
)
def test_shell(room: Room, line: str, code: int) -> None:
    call = ["bash", "-c", f"set -o pipefail; {line.format(COMMAND)}"]
    done = subprocess.run(
        call, cwd=room.cwd, env=room.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout.count("\n") <= 1
    assert {path for path in room.listing() if not path.startswith("cwd")} == {"home", "tmp"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["net.onnx", *KEEP], 0),
        (["net.onnx", "--dry-run"], 0),
        (["net.onnx", "--max-damage", "1e-9"], 1),
        (["net.onnx", "--activation", "keep"], 3),
        (["net.onnx", "--activation", "leaky"], 3),
    ],
)
def test_json_of_an_outcome(server: Server, room: Room, arguments: list[str], code: int) -> None:
    done = server.call(*arguments, "--json", cwd=room.cwd)
    said = json.loads(done.out)
    assert (done.code, said["exit_code"]) == (code, code)
    assert done.out.count("\n") == 1
    assert said["verdict"]
    assert bool(said["failures"]) == (code == 1)
    assert done.err == ("" if code == 0 else f"icraft-adapt: {said['verdict']}\n")
    assert (said["out"] is None) == (code != 0 or "--dry-run" in arguments)


@pytest.mark.parametrize(
    "arguments",
    [["no.onnx"], ["net.onnx", "--calib", "."], ["net.onnx", "--input-shape", "1x3x32x32"], ["net.onnx", "--wrong"]],
)
def test_json_where_there_is_no_outcome(server: Server, room: Room, arguments: list[str]) -> None:
    done = server.call(*arguments, "--json", cwd=room.cwd)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)


def test_json_of_numbers_that_json_lacks(server: Server, room: Room) -> None:
    """The spread of the values overflows: no number can be told of the site that fails, and JSON has no word for it."""
    done = server.call("net.onnx", *KEEP, "--scale", "1e-36,1e-36,1e-36", "--json", cwd=room.cwd)
    said = json.loads(done.out, parse_constant=pytest.fail)
    assert (done.code, said["exit_code"], said["out"]) == (1, 1, None)
    assert done.err == f"icraft-adapt: {said['verdict']}\n"
