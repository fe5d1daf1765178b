"""Ctrl-C and SIGTERM at any moment: exit 130, one line, and nothing left behind."""

from __future__ import annotations

import random
import signal
import time

import pytest

from icraft_adapt.tests.robustness.command_client import Server
from icraft_adapt.tests.robustness.room import Room

MOMENTS = 15
CALL = ("net.onnx", "--target", "icraft-v3-buyi", "--out", "deep/er/net.icraft")
INTERRUPTED = (130, "", "icraft-adapt: interrupted\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_at_any_moment(server: Server, room: Room, number: signal.Signals) -> None:
    moments = random.Random(number)
    empty = room.listing()
    assert server.call(*CALL, "--out", "first.icraft", cwd=room.cwd).code == 0
    start = time.monotonic()
    assert server.call(*CALL, "--out", "first.icraft", "--force", cwd=room.cwd).code == 0
    whole = (time.monotonic() - start) / 2  # so that most signals come in time, on a machine with other work, too
    before = room.listing()
    interrupted = 0
    for _ in range(MOMENTS):
        run = server.start(*CALL, cwd=room.cwd)
        time.sleep(0.03 + moments.uniform(0, whole))  # in the first moments the fork is not yet the command
        run.send(number)
        done = run.wait()
        if done.code:
            assert (done.code, done.out, done.err) == INTERRUPTED
            assert room.listing() == before
            interrupted += 1
        else:
            assert (room.cwd / "deep/er/net.icraft/manifest.json").exists()
            room.clear(before)
    assert interrupted
    assert empty < before
