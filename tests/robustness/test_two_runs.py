"""Two runs into one folder at the same time: one wins or both do in turn; the folder is one run's, whole."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

from icraft_adapt.tests.robustness.command_client import Server
from icraft_adapt.tests.robustness.folders import whole_folder_of
from icraft_adapt.tests.robustness.room import Room

CALL = ("net.onnx", "--target", "icraft-v3-buyi", "--out", "net.icraft")


@pytest.fixture
def another(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server.started(tmp_path_factory.mktemp("said"))
    yield made
    made.close()


@pytest.mark.parametrize("force", [False, True])
def test_two_runs_at_once(server: Server, another: Server, room: Room, force: bool) -> None:
    delays = random.Random(force)
    options = ["--force"] if force else []
    for _ in range(4):
        empty = room.listing()
        runs = []
        for each, threshold in ((server, "0.2"), (another, "0.3")):
            runs.append(each.start(*CALL, *options, "--thr", threshold, cwd=room.cwd))
            time.sleep(delays.uniform(0, 0.05))
        done: list[Any] = [run.wait() for run in runs]
        codes = sorted(each.code for each in done)
        assert codes == ([0, 0] if force else [0, 2])
        for each in done:
            said = "icraft-adapt: net.icraft: exists (--force replaces it, --out chooses another)\n"
            assert each.err == ("" if each.code == 0 else said)
        winners = [threshold for each, threshold in zip(done, ("0.2", "0.3"), strict=True) if each.code == 0]
        assert whole_folder_of(room.cwd / "net.icraft") in winners
        assert sorted(entry.name for entry in room.cwd.iterdir()) == ["net.icraft", "net.onnx"]
        room.clear(empty)
