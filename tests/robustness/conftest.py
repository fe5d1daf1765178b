"""A small network on disk, a room, and the command line ready to be called many times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from icraft_adapt.tests.robustness.bases import DEMO
from icraft_adapt.tests.robustness.command_client import Server
from icraft_adapt.tests.robustness.room import Room


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Calls of the command line, one after the other."""
    made = Server.started(tmp_path_factory.mktemp("said"))
    yield made
    made.close()


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A room with net.onnx, the bundled network, in its working folder."""
    made = Room.made(tmp_path / "room")
    (made.cwd / "net.onnx").write_bytes(DEMO.read_bytes())
    return made
