"""A native crash, a kill, Ctrl-C and a bug each end as one line and an exit code; nothing is left behind."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("with_fake_pipeline.py")
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGBUS, signal.SIGILL])
def test_native_crash_is_one_line(command: Run, tmp_path: Path, number: signal.Signals) -> None:
    done = command("net.onnx", model=f"signal {number:d}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"icraft-adapt: net.onnx: a library crashed ({number.name}) in stage 'verify'")
    assert done.stderr.count("\n") == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.onnx"]


def test_kill_is_told_as_lack_of_memory(command: Run) -> None:
    done = command("net.onnx", model="signal 9")
    assert done.returncode == 2
    assert "net.onnx: killed (SIGKILL) in stage 'verify'" in done.stderr
    assert "memory" in done.stderr


@pytest.mark.parametrize(
    ("model", "code", "line"),
    [
        ("user", 2, "images: a dynamic axis (--input-shape 1x3x416x416)"),
        ("memory", 2, "out of memory"),
        ("disk", 2, "cache.bin: No space left on device"),
        ("refused", 3, "not adapted: the reasons stand above"),
        ("failed", 1, "not adapted: the reasons stand above"),
    ],
)
def test_failure_is_one_line(command: Run, tmp_path: Path, model: str, code: int, line: str) -> None:
    done = command("net.onnx", model=model)
    assert done.returncode == code
    assert done.stderr == f"icraft-adapt: {line}\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.onnx"]


def test_bug_leaves_its_traceback_in_a_file(command: Run, tmp_path: Path) -> None:
    done = command("net.onnx", model="bug")
    (trace,) = tmp_path.glob("*-traceback.txt")
    assert done.returncode == 70
    assert done.stderr.startswith("icraft-adapt: internal error: KeyError")
    assert done.stderr.endswith(f"{trace}\n")
    assert done.stderr.count("\n") == 1
    assert "Traceback (most recent call last)" in trace.read_text()


def test_file_too_large_for_the_disk(command: Run, tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = command("net.onnx", preexec_fn=limit)
    assert done.returncode == 2
    assert done.stderr == "icraft-adapt: net.icraft: cannot write the folder: File too large\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.onnx"]


def start_sleeping(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """The command and its worker's pid, once the worker is in the middle of its work."""
    (folder / "net.onnx").write_text("sleep")
    call = [sys.executable, str(SCRIPT), "net.onnx"]
    run = subprocess.Popen(call, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not (note := folder / "net.pid").exists() or not note.read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return run, int(note.read_text())


def wait_until_gone(worker: int) -> None:
    deadline = time.monotonic() + 10
    status = Path(f"/proc/{worker}/stat")
    while status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_ctrl_c_ends_both(tmp_path: Path) -> None:
    run, worker = start_sleeping(tmp_path)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=10)
    assert (run.returncode, out, err) == (130, "", "icraft-adapt: interrupted\n")
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["net.onnx", "net.pid"]


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_worker_dies_with_its_parent(tmp_path: Path) -> None:
    run, worker = start_sleeping(tmp_path)
    run.kill()
    run.communicate(timeout=10)
    wait_until_gone(worker)


def test_closed_streams_are_no_error(command: Run, tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_text("fine")
    call = f"{sys.executable} {SCRIPT} net.onnx"
    assert subprocess.run(f"{call} >&- 2>&-", shell=True, cwd=tmp_path, check=False).returncode == 0
    piped = f"set -o pipefail; {call} --force | true"
    done = subprocess.run(["bash", "-c", piped], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
