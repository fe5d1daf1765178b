"""A healthy output folder and its baseline, made once for all tests that only read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from icraft_adapt.adapter.gate.golden_folder import GoldenFolder, read_golden
from icraft_adapt.adapter.gate.record import record
from icraft_adapt.adapter.gate.requests import RecordRequest
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.tests.gate.detector import detector, output_folder


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """net.icraft, and net.json recorded from it."""
    here = tmp_path_factory.mktemp("gate")
    folder = output_folder(here, detector())
    recorded = record(RecordRequest(folder, here / "net.json"), Silent())
    recorded.path.write_bytes(recorded.data)
    return here


@pytest.fixture(scope="package")
def golden(place: Path) -> GoldenFolder:
    """The folder, read."""
    return read_golden(place / "net.icraft")
