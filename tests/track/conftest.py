"""The compiled tracker, once for all tests, and the real sequences."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from icraft_adapt.postproc.c.library import compiler
from icraft_adapt.postproc.track.compiled import CompiledLibrary
from icraft_adapt.postproc.track.sources import ByteTrackValues

ROOT = Path(__file__).parents[2]
ASSETS = Path(os.environ.get("ICRAFT_ADAPT_ASSETS", ROOT / ".." / "shared" / "assets")).resolve()


@pytest.fixture(scope="session")
def library() -> CompiledLibrary:
    """The generated C with room for 64 boxes and 2048 tracks; skips where there is no compiler."""
    if compiler() is None:
        pytest.skip("no C compiler")
    return CompiledLibrary(ByteTrackValues(max_boxes=64, max_tracks=2048))


@pytest.fixture(scope="session")
def sequences() -> Path:
    """The folder of real sequences, detections/ and expected/; skips where there is none."""
    if not (ASSETS / "mot" / "detections").is_dir():
        pytest.skip(f"no sequences at {ASSETS} (set ICRAFT_ADAPT_ASSETS)")
    return ASSETS / "mot"
