"""The output folder is whole after a kill at any moment, a full disk, two runs at once."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from icraft_adapt.adapter.artifact import Artifact
from icraft_adapt.cli import folder
from icraft_adapt.errors import AdaptError

SCRIPT = Path(__file__).with_name("publish_forever.py")
OLD = (Artifact("manifest.json", b"old"), Artifact("icraft/net.toml", b"old"))
NEW = (Artifact("manifest.json", b"new"), Artifact("adapted.onnx", b"new"))


def files(out: Path) -> dict[str, bytes]:
    return {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file()}


def start(out: Path, way: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(SCRIPT), str(out), way], stderr=subprocess.PIPE)


def wait_until_publishing(run: subprocess.Popen[bytes], out: Path) -> None:
    deadline = time.monotonic() + 30
    seen = b""
    while not seen.startswith(f"{run.pid}.".encode()):
        assert time.monotonic() < deadline
        with contextlib.suppress(FileNotFoundError):
            seen = (out / "manifest.json").read_bytes()


def assert_whole_and_alone(out: Path) -> None:
    """`check` mends; then the folder holds one generation of all four files, and nothing lies beside it."""
    folder.check(out, force=True)
    found = files(out)
    assert len(found) == 4
    assert len(set(found.values())) == 1
    assert [entry.name for entry in out.parent.iterdir()] == [out.name]


@pytest.mark.parametrize("way", ["exchange", "renames"])
def test_kill_at_any_moment_leaves_a_whole_folder(tmp_path: Path, way: str) -> None:
    moments = random.Random(way)
    out = tmp_path / "net.icraft"
    for _ in range(12):
        run = start(out, way)
        wait_until_publishing(run, out)
        time.sleep(moments.uniform(0, 0.02))
        run.kill()
        run.communicate()
        assert_whole_and_alone(out)


@pytest.mark.parametrize("way", ["exchange", "renames"])
def test_two_runs_at_once_leave_a_whole_folder(tmp_path: Path, way: str) -> None:
    out = tmp_path / "net.icraft"
    runs = [start(out, way), start(out, way)]
    for run in runs:
        wait_until_publishing(run, out)
    time.sleep(0.5)
    for run in runs:
        assert run.poll() is None, "a run that meets another one goes on"
        run.send_signal(signal.SIGKILL)
        run.communicate()
    assert_whole_and_alone(out)


def test_new_folder_in_missing_parents(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b" / "net.icraft"
    folder.check(out, force=False)
    folder.publish(OLD, out, force=False)
    assert files(out) == {"manifest.json": b"old", "icraft/net.toml": b"old"}


@pytest.mark.parametrize("swaps", [True, False], ids=["exchange", "renames"])
def test_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swaps: bool) -> None:
    if not swaps:
        monkeypatch.setattr(folder, "exchange", lambda one, other: False)
    out = tmp_path / "net.icraft"
    folder.publish(OLD, out, force=False)
    folder.publish(NEW, out, force=True)
    assert files(out) == {"manifest.json": b"new", "adapted.onnx": b"new"}
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_failed_write_leaves_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    out = tmp_path / "net.icraft"
    folder.publish(OLD, out, force=False)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(AdaptError, match=os.strerror(code)):
        folder.publish(NEW, out, force=True)
    assert files(out)["manifest.json"] == b"old"
    assert list(tmp_path.iterdir()) == [out]


def test_swap_interrupted_between_two_renames_is_mended(tmp_path: Path) -> None:
    (tmp_path / ".net.icraft.old-77").mkdir()
    (tmp_path / ".net.icraft.old-77" / "manifest.json").write_bytes(b"old")
    (tmp_path / ".net.icraft.tmp-77").mkdir()
    (tmp_path / ".other.icraft.tmp-77").mkdir()
    (tmp_path / ".net.icraft.tmp-mine").mkdir()
    with pytest.raises(AdaptError, match="exists"):
        folder.check(tmp_path / "net.icraft", force=False)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        ".net.icraft.tmp-mine",
        ".other.icraft.tmp-77",
        "net.icraft",
    ]


def test_second_rename_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def fail_on_draft(self: Path, target: Path) -> Path:
        if ".tmp-" in self.name:
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    out = tmp_path / "net.icraft"
    folder.publish(OLD, out, force=False)
    monkeypatch.setattr(folder, "exchange", lambda one, other: False)
    monkeypatch.setattr(Path, "rename", fail_on_draft)
    with pytest.raises(AdaptError, match="Input/output"):
        folder.publish(NEW, out, force=True)
    assert files(out)["manifest.json"] == b"old"


def test_folder_that_appeared_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    out = tmp_path / "net.icraft"
    folder.check(out, force=False)
    out.mkdir()
    with pytest.raises(AdaptError, match="exists"):
        folder.publish(NEW, out, force=False)
    assert list(tmp_path.iterdir()) == [out]


def test_force_spares_what_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("x")
    with pytest.raises(AdaptError, match=r"holds no manifest\.json"):
        folder.check(tmp_path / "thesis", force=True)
    (tmp_path / "file").write_text("x")
    with pytest.raises(AdaptError, match="is a file"):
        folder.check(tmp_path / "file", force=True)
    (tmp_path / "empty").mkdir()
    folder.check(tmp_path / "empty", force=True)


def test_force_spares_a_folder_that_the_run_reads(tmp_path: Path) -> None:
    folder.publish(NEW, tmp_path / "net.icraft", force=False)
    with pytest.raises(AdaptError, match="which this run reads"):
        folder.check(tmp_path / "net.icraft", force=True, inputs=[tmp_path / "net.icraft" / "adapted.onnx"])


def test_symlink_stays_and_its_folder_is_replaced(tmp_path: Path) -> None:
    folder.publish(OLD, tmp_path / "real", force=False)
    (tmp_path / "link").symlink_to("real")
    folder.publish(NEW, tmp_path / "link", force=True)
    assert (tmp_path / "link").is_symlink()
    assert files(tmp_path / "real")["manifest.json"] == b"new"


def test_parent_that_takes_nothing_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(AdaptError, match="cannot write into"):
        folder.check(tmp_path / "a" / "net.icraft", force=False)


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "", ".", "a\\..\\x"])
def test_artifacts_stay_inside(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="leaves the output folder"):
        folder.publish([Artifact(path, b"")], tmp_path / "net.icraft", force=False)
    assert list(tmp_path.iterdir()) == []
