"""The generated C gives the bits of the Python reference, and keeps nothing from one call to the next but its state."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from icraft_adapt.postproc.track.byte import ByteTracker
from icraft_adapt.postproc.track.compiled import CompiledLibrary
from icraft_adapt.postproc.track.options import TrackOptions
from icraft_adapt.postproc.track.types import Boxes, Tracks
from icraft_adapt.tests.track.scenes import KINDS, sequence

OPTIONS = (
    TrackOptions(),
    TrackOptions(fuse_score=False),
    TrackOptions(match_thresh=1.0, by_class=True),
    TrackOptions(track_thresh=0.3, high_thresh=0.3, track_buffer=2, match_thresh=0.95),
    TrackOptions(track_buffer=0, min_box_area=500, max_aspect=1.2),
)
NOTHING = Boxes(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int32))


def bits(tracks: Tracks) -> list[bytes]:
    """All that a frame returned, byte for byte."""
    boxes, scores = tracks.boxes.astype(np.float32), tracks.scores.astype(np.float32)
    return [array.tobytes() for array in (tracks.ids, boxes, scores, tracks.classes, tracks.rows)]


@pytest.mark.parametrize("seed", range(len(OPTIONS)))
@pytest.mark.parametrize("kind", KINDS)
def test_bit_for_bit(kind: str, seed: int, library: CompiledLibrary) -> None:
    reference, compiled = ByteTracker(OPTIONS[seed]), library.tracker(OPTIONS[seed])
    returned = 0
    for number, boxes in enumerate(sequence(kind, seed)):
        with np.errstate(all="raise", under="ignore"):
            expected = reference.step(boxes)
        assert bits(compiled.step(boxes)) == bits(expected), f"frame {number}"
        returned += len(expected)
    assert returned > 0 or (kind == "extreme" and OPTIONS[seed].max_aspect)


def test_two_trackers_have_ids_of_their_own(library: CompiledLibrary) -> None:
    frames, others = sequence("walk", 1), sequence("crowd", 2)
    alone = [bits(tracks) for tracks in map(library.tracker(TrackOptions()).step, frames)]
    one, other = library.tracker(TrackOptions()), library.tracker(TrackOptions())
    together = []
    for boxes, other_boxes in zip(frames, others, strict=True):
        together.append(bits(one.step(boxes)))
        other.step(other_boxes)
    assert together == alone


def test_the_state_may_be_copied_and_the_workspace_is_scratch(library: CompiledLibrary) -> None:
    frames = sequence("walk", 3)
    first = library.tracker(TrackOptions())
    for boxes in frames[:20]:
        first.step(boxes)
    second = library.tracker(TrackOptions())
    ctypes.memmove(second.state, first.state, len(first.state))
    ctypes.memset(second.work, 0xA5, len(second.work))
    for boxes in frames[20:]:
        assert bits(second.step(boxes)) == bits(first.step(boxes))


def relabelled(frames: list[Tracks]) -> list[tuple[list[int], bytes]]:
    """Ids as 0, 1, ... in the order in which they appear, and the boxes' bytes."""
    label: dict[int, int] = {}
    return [
        ([label.setdefault(track, len(label)) for track in seen.ids.tolist()], seen.boxes.tobytes()) for seen in frames
    ]


def test_a_looped_sequence_gives_the_same_tracks_every_time(library: CompiledLibrary) -> None:
    """Between the rounds is a pause in which all tracks end: nothing of one may be left in the next but the ids."""
    tracker = library.tracker(TrackOptions(track_buffer=3))
    frames = [NOTHING, *sequence("walk", 4, frames=30)]  # no round begins with the tracker's first frame
    rounds, newest = [], 0
    for _ in range(60):
        seen = [tracker.step(boxes) for boxes in frames]
        first = min(tracks.ids.min() for tracks in seen if len(tracks))
        assert first > newest
        newest = max(tracks.ids.max() for tracks in seen if len(tracks))
        rounds.append(relabelled(seen))
        assert not any(len(tracker.step(NOTHING)) for _ in range(6))
    assert rounds == [rounds[0]] * 60
    assert not tracker.full


def test_words_for_every_status(library: CompiledLibrary) -> None:
    words = {library.library.byte_track_message(status) for status in range(11)}
    assert len(words) == 11
    assert all(words)
    assert library.library.byte_track_message(99) == library.library.byte_track_message(10)
