"""`icraft-adapt recover` as a user sees it: what it shows and writes, and that Ctrl-C keeps what there is."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from icraft_adapt.tests.cli.conftest import SCRIPT, Run

WARNING = "icraft-adapt: a.png of b is among those in c, too\n"
TEXT = """\
net.recovered/recovered.onnx: agreement 0.6250 with the original on 16 held-out images; learned from 112, MACs +50.0%
  rewritten    0.0000
  closed form  0.5000
  end to end   0.6250    after 7 steps
page: net.recovered/report.html
next: icraft-adapt net.recovered/recovered.onnx --calib pictures
"""


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder


def test_it_shows_the_way_and_writes_the_folder(command: Run, pictures: Path) -> None:
    done = command("recover", "net.onnx", "--images", "pictures", "--activation", "pwl")
    assert (done.returncode, done.stdout, done.stderr) == (0, TEXT, WARNING)
    assert (pictures.parent / "net.recovered" / "recovery.json").read_bytes() == b"pwl"
    assert "exists" in command("recover", "net.onnx", "--images", "pictures").stderr
    assert command("recover", "net.onnx", "--images", "pictures", "--force").returncode == 0
    assert (pictures.parent / "net.recovered" / "recovery.json").read_bytes() == b"leaky"


def test_labels_and_what_was_asked_for(command: Run, pictures: Path) -> None:
    asked = ["--activation", "auto", "--min-agreement", "99%", "--labels", "pictures"]
    done = command("recover", "net.onnx", "--images", "pictures", *asked)
    assert (done.returncode, done.stderr) == (1, WARNING + "icraft-adapt: it agrees to 62.5%\n")
    assert "held-out images; AP 0.2500, of the original 0.5000; learned" in done.stdout
    assert (pictures.parent / "net.recovered" / "recovery.json").read_bytes() == b"auto"


def test_json(command: Run, pictures: Path) -> None:
    told = json.loads(command("recover", "net.onnx", "--images", str(pictures), "--json", "--out", "r").stdout)
    assert (told["agreement"], told["out"], told["macs"]) == (0.625, "r", [100, 150])
    assert told["milestones"][-1] == ["end to end", 7, 0.625]
    assert told["images"] == {"training": 112, "held_out": 16}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--minutes", "-1"], "-1 is below 0"),
        (["--steps", "0"], "0 is not in the range x>=1"),
        (["--activation", "keep"], "'keep' is not one of"),
        (["--held-out", "nowhere"], "Directory 'nowhere' does not exist"),
    ],
)
def test_wrong_usage(command: Run, pictures: Path, arguments: list[str], line: str) -> None:
    done = command("recover", "net.onnx", "--images", str(pictures), *arguments)
    assert done.returncode == 2
    assert line in done.stderr


def test_the_folder_must_not_hold_what_is_read(command: Run, pictures: Path) -> None:
    done = command("recover", "net.onnx", "--images", str(pictures), "--out", str(pictures), "--force")
    assert (done.returncode, "which this run reads" in done.stderr) == (2, True)


def test_ctrl_c_keeps_the_best_so_far(tmp_path: Path, pictures: Path) -> None:
    (tmp_path / "net.onnx").write_text("until stopped")
    call = [sys.executable, str(SCRIPT), "recover", "net.onnx", "--images", "pictures"]
    run = subprocess.Popen(call, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not (note := tmp_path / "net.pid").exists() or not note.read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=30)
    assert (run.returncode, out) == (130, TEXT)
    assert "stopped early: net.recovered holds the best so far" in err
    assert (tmp_path / "net.recovered" / "recovered.onnx").exists()
