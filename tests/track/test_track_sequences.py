"""Real and synthetic sequences: the published tracker's ids in every frame, its boxes to a thousandth of a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from icraft_adapt.postproc.c.library import compiler
from icraft_adapt.postproc.track.byte import ByteTracker
from icraft_adapt.postproc.track.compiled import CompiledLibrary
from icraft_adapt.postproc.track.options import TrackOptions
from icraft_adapt.postproc.track.sources import ByteTrackValues
from icraft_adapt.postproc.track.types import Boxes, Tracker
from icraft_adapt.tests.track.sequences import NAMES, expected_of, frames_of


def check(tracker: Tracker, frames: Sequence[Boxes], expected: dict[int, dict[int, np.ndarray]]) -> None:
    """Every frame's ids and boxes."""
    tracks, furthest = 0, 0.0
    for number, boxes in enumerate(frames, 1):
        seen, wanted = tracker.step(boxes), expected.get(number, {})
        assert sorted(seen.ids.tolist()) == sorted(wanted), f"frame {number}"
        if wanted:
            furthest = max(furthest, np.abs(seen.boxes - [wanted[track] for track in seen.ids.tolist()]).max())
        tracks += len(wanted)
    assert tracks == sum(map(len, expected.values())) > 0
    assert furthest <= 1e-3


@pytest.mark.parametrize("mot20", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_the_generated_c_gives_the_published_ids_and_boxes(
    name: str, mot20: int, library: CompiledLibrary, sequences: Path
) -> None:
    frames = frames_of(sequences / "detections" / f"{name}.txt")
    expected = expected_of(sequences / "expected" / f"{name}.mot20_{mot20}.txt")
    tracker = library.tracker(TrackOptions(fuse_score=not mot20))
    check(tracker, frames, expected)
    assert not tracker.full


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "mot20"), [("palace", 0), ("i3", 1)])
def test_so_does_the_python_reference(name: str, mot20: int, dtype: type, sequences: Path) -> None:
    frames = frames_of(sequences / "detections" / f"{name}.txt")
    expected = expected_of(sequences / "expected" / f"{name}.mot20_{mot20}.txt")
    check(ByteTracker(TrackOptions(fuse_score=not mot20), dtype), frames, expected)


def test_a_full_table_is_said_and_the_frame_is_done(sequences: Path) -> None:
    if compiler() is None:
        pytest.skip("no C compiler")
    frames = frames_of(sequences / "detections" / "syn50.txt")[:60]
    small = CompiledLibrary(ByteTrackValues(max_boxes=64, max_tracks=16)).tracker(TrackOptions())
    counts = [len(small.step(boxes)) for boxes in frames]
    assert small.full
    assert 0 < max(counts) <= 16
    assert counts[-1] > 0
