"""kill -9 at any moment of a run that replaces a folder: it is the old one or the new one; the next run mends."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from icraft_adapt.tests.robustness.command_client import Running, Server, is_alive
from icraft_adapt.tests.robustness.folders import whole_folder_of
from icraft_adapt.tests.robustness.room import Room

MOMENTS = 50
REPLACE = ("net.onnx", "--target", "icraft-v3-buyi", "--no-report", "--force", "--out", "net.icraft")


def drafts(cwd: Path) -> set[Path]:
    """Folders that are being written, or were when their run was killed."""
    return set(cwd.glob(".net.icraft.tmp-*"))


def wait_for_writing(run: Running, cwd: Path, left: set[Path]) -> None:
    """Until the files are being written, or the command has ended; `left` are the drafts of earlier runs."""
    while is_alive(run.pid) and drafts(cwd) <= left:
        time.sleep(0.0005)


@pytest.mark.parametrize("moment", ["any", "writing"])
def test_folder_is_whole_after_a_kill_at_any_moment(server: Server, room: Room, moment: str) -> None:
    moments = random.Random(moment)
    start = time.monotonic()
    assert server.call(*REPLACE, "--thr", "0.5", cwd=room.cwd).code == 0
    whole = time.monotonic() - start
    killed = set()
    before = whole_folder_of(room.cwd / "net.icraft")
    for number in range(MOMENTS // 2):
        now = f"0.{number + 10}"
        left = drafts(room.cwd)
        run = server.start(*REPLACE, "--thr", now, cwd=room.cwd)
        if moment == "writing":
            wait_for_writing(run, room.cwd, left)
        time.sleep(moments.uniform(0, whole if moment == "any" else 0.04))
        killed.add(run.kill())
        found = whole_folder_of(room.cwd / "net.icraft")
        assert found in (before, str(float(now)))
        assert len(list(room.cwd.iterdir())) <= 3, "net.onnx, net.icraft, and what one killed run left"
        before = found
    assert True in killed
    assert server.call(*REPLACE, cwd=room.cwd).code == 0
    assert sorted(entry.name for entry in room.cwd.iterdir()) == ["net.icraft", "net.onnx"]
    assert not [*room.tmp.iterdir(), *room.home.iterdir()]
