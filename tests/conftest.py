"""What every test shares: a folder of exported networks, and few searches for garbage among the libraries' objects."""

from __future__ import annotations

import gc
import os
from tempfile import TemporaryDirectory

import pytest

from icraft_adapt.tests.exports import FOLDER


def pytest_configure(config: pytest.Config) -> None:
    """The first process makes the folder; its workers, and what they start, find it in their environment."""
    gc.set_threshold(50_000)  # as the command's own worker does
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the workers: there is one for each processor already
    if FOLDER not in os.environ:
        made = TemporaryDirectory(prefix="icraft-adapt-exports-")
        os.environ[FOLDER] = made.name
        config.add_cleanup(made.cleanup)
        config.add_cleanup(lambda: os.environ.pop(FOLDER))
