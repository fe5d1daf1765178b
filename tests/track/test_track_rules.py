"""The rules of BYTE that ports get wrong, each in the Python reference and in the generated C."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from icraft_adapt.errors import AdaptError
from icraft_adapt.postproc.track.byte import ByteTracker
from icraft_adapt.postproc.track.options import TrackOptions
from icraft_adapt.postproc.track.types import Boxes, Tracker, Tracks

Make = Callable[..., Tracker]
HERE = (100.0, 100.0, 40.0, 80.0)
THERE = (400.0, 100.0, 40.0, 80.0)


@pytest.fixture(params=["reference", "compiled"])
def tracker(request: pytest.FixtureRequest) -> Make:
    """`tracker(**options)` makes a tracker of either kind."""
    if request.param == "reference":
        return lambda **options: ByteTracker(TrackOptions(**options))
    library = request.getfixturevalue("library")
    return lambda **options: library.tracker(TrackOptions(**options))


def frame(*boxes: tuple[tuple[float, ...], float], classes: tuple[int, ...] = ()) -> Boxes:
    """Boxes with their scores."""
    places = np.array([box for box, _ in boxes], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score in boxes], np.float32)
    return Boxes(places, scores, np.array(classes or [0] * len(boxes), np.int32))


def moved(box: tuple[float, ...], x: float) -> tuple[float, ...]:
    return (box[0] + x, *box[1:])


def ids(tracks: Tracks) -> list[int]:
    return tracks.ids.tolist()


def feed(tracker: Tracker, *frames: Boxes) -> list[list[int]]:
    return [ids(tracker.step(boxes)) for boxes in frames]


NOTHING = frame()


def test_tracks_of_the_first_frame_are_confirmed_at_once_and_later_ones_by_their_second_box(tracker: Make) -> None:
    both = frame((HERE, 0.9), (THERE, 0.9))
    assert feed(tracker(), frame((HERE, 0.9)), both, both) == [[1], [1], [1, 2]]
    assert feed(tracker(), NOTHING, both, both) == [[], [], [1, 2]]


def test_an_id_is_spent_even_if_the_track_is_never_confirmed(tracker: Make) -> None:
    here, both = frame((HERE, 0.9)), frame((HERE, 0.9), (THERE, 0.9))
    assert feed(tracker(), here, both, here, both, both)[-1] == [1, 3]


def test_an_unconfirmed_track_does_not_survive_a_missed_frame(tracker: Make) -> None:
    there = frame((THERE, 0.9))
    assert feed(tracker(), NOTHING, there, NOTHING, there, there) == [[], [], [], [], [2]]


def test_the_score_that_equals_track_thresh_is_dropped(tracker: Make) -> None:
    assert feed(tracker(), frame((HERE, 0.9)), frame((HERE, 0.5)), frame((HERE, 0.9))) == [[1], [], [1]]
    assert feed(tracker(), frame((HERE, 0.9)), frame((HERE, 0.49999))) == [[1], [1]]
    assert feed(tracker(track_thresh=0.55), frame((HERE, 0.9)), frame((HERE, 0.5))) == [[1], [1]]


def test_the_score_that_equals_the_low_one_is_dropped(tracker: Make) -> None:
    assert feed(tracker(), frame((HERE, 0.9)), frame((HERE, 0.1))) == [[1], []]
    assert feed(tracker(), frame((HERE, 0.9)), frame((HERE, 0.10001))) == [[1], [1]]


def test_a_new_track_needs_high_thresh_and_no_more(tracker: Make) -> None:
    assert feed(tracker(), frame((HERE, 0.6), (THERE, 0.59999))) == [[1]]
    assert feed(tracker(high_thresh=0.55), frame((HERE, 0.55), (THERE, 0.54))) == [[1]]
    assert feed(tracker(track_thresh=0.3), frame((HERE, 0.4), (THERE, 0.39))) == [[1]]


def test_low_boxes_keep_a_track_start_none_and_are_not_fused(tracker: Make) -> None:
    near = moved(HERE, 11.0)  # IoU 0.57: 1 - 0.57 * 0.3 is far above the limit, 1 - 0.57 is not
    assert feed(tracker(), frame((HERE, 0.9)), frame((near, 0.3)), frame((THERE, 0.3))) == [[1], [1], []]
    assert feed(tracker(), frame((HERE, 0.9)), frame((moved(HERE, 16.0), 0.3))) == [[1], []]


def test_a_low_box_finds_no_lost_track(tracker: Make) -> None:
    assert feed(tracker(), frame((HERE, 0.9)), NOTHING, frame((HERE, 0.3)), frame((HERE, 0.9))) == [[1], [], [], [1]]


def test_fusion_counts_the_score_in_the_first_association(tracker: Make) -> None:
    near = frame((moved(HERE, 22.0), 0.55))  # IoU 0.30; 1 - 0.30 * 0.55 = 0.83
    assert feed(tracker(), frame((HERE, 0.9)), near) == [[1], []]
    assert feed(tracker(fuse_score=False), frame((HERE, 0.9)), near) == [[1], [1]]
    assert feed(tracker(match_thresh=0.9), frame((HERE, 0.9)), near) == [[1], [1]]


def test_the_predicted_box_is_matched(tracker: Make) -> None:
    walk = [frame((moved(HERE, 12.0 * step), 0.9)) for step in range(8)]
    assert feed(tracker(), *walk, NOTHING, NOTHING, NOTHING, frame((moved(HERE, 132.0), 0.9)))[-1] == [1]


@pytest.mark.parametrize(("rate", "buffer", "lost"), [(30.0, 3, 3), (10.0, 9, 3), (25.0, 30, 25), (29.97, 30, 29)])
def test_the_frame_rate_says_how_long_a_track_is_kept(tracker: Make, rate: float, buffer: int, lost: int) -> None:
    here = frame((HERE, 0.9))
    for missing, expected in [(lost + 1, [1]), (lost + 2, [])]:
        assert feed(tracker(frame_rate=rate, track_buffer=buffer), here, *[NOTHING] * missing, here)[-1] == expected


def test_a_track_that_expired_is_found_one_frame_late_and_then_dropped_when_it_is_lost_again(tracker: Make) -> None:
    here = frame((HERE, 0.9))
    late, early = tracker(track_buffer=3), tracker(track_buffer=3)
    assert feed(late, here, *[NOTHING] * 4, here, NOTHING, here, here)[5:] == [[1], [], [], [2]]
    assert feed(early, here, *[NOTHING] * 3, here, NOTHING, here, here)[4:] == [[1], [], [1], [1]]


def strict(tracker: Make) -> Tracker:
    """Only a box of score 1 in nearly the same place matches a track."""
    return tracker(match_thresh=0.05)


@pytest.mark.parametrize("seen", [1, 3])
def test_a_new_track_on_an_older_or_equally_old_lost_one_is_dropped_as_its_duplicate(tracker: Make, seen: int) -> None:
    exact, beside = frame((HERE, 1.0)), frame((moved(HERE, 1.0), 0.9))
    one = strict(tracker)
    assert feed(one, *[exact] * seen, NOTHING, beside, exact)[-3:] == [[], [], [1]]
    assert feed(one, exact, frame((THERE, 1.0)), frame((THERE, 1.0)))[-1] == [3]  # the duplicate had taken id 2


def test_a_lost_track_under_an_older_one_is_dropped_as_its_duplicate(tracker: Make) -> None:
    one = strict(tracker)
    feed(one, frame((HERE, 1.0), (moved(HERE, 10.0), 1.0)))
    steps = [frame((moved(HERE, 10.0 - 0.5 * step), 1.0)) for step in range(1, 17)]
    assert feed(one, *steps) == [[2]] * 16
    assert feed(one, frame((HERE, 1.0))) == [[]]  # track 2 has walked past, track 1 is gone
    far = strict(tracker)
    feed(far, frame((HERE, 1.0), (moved(HERE, 10.0), 1.0)))
    assert feed(far, *steps[:8], frame((HERE, 1.0)))[-1] == [1]  # 6 pixels away it was no duplicate


def test_boxes_of_different_classes_match_unless_by_class(tracker: Make) -> None:
    person, car = frame((HERE, 0.9), classes=(0,)), frame((HERE, 0.9), classes=(2,))
    crossing = tracker()
    assert ids(crossing.step(person)) == [1]
    tracks = crossing.step(car)
    assert (ids(tracks), tracks.classes.tolist()) == ([1], [2])
    assert feed(tracker(by_class=True), person, car, car, person)[1:] == [[], [], [1]]


def test_small_and_wide_boxes_are_tracked_and_not_reported(tracker: Make) -> None:
    small, wide = (0.0, 0.0, 5.0, 10.0), (300.0, 300.0, 90.0, 40.0)
    boxes = frame((HERE, 0.9), (small, 0.9), (wide, 0.9))
    assert ids(tracker().step(boxes)) == [1, 2, 3]
    assert ids(tracker(min_box_area=50).step(boxes)) == [1, 3]
    assert ids(tracker(max_aspect=1.6).step(boxes)) == [1, 2]
    assert ids(tracker(min_box_area=49, max_aspect=2.25).step(boxes)) == [1, 2, 3]


def test_among_equal_tracks_the_first_and_among_equal_boxes_the_first_are_matched(tracker: Make) -> None:
    twice = frame((HERE, 0.9), (HERE, 0.9))
    one = tracker()
    assert feed(one, twice, frame((HERE, 0.9))) == [[1, 2], [1]]
    other = tracker()
    other.step(frame((HERE, 0.9)))
    assert other.step(twice).rows.tolist() == [0]


def test_each_track_says_which_detection_it_was_matched_with(tracker: Make) -> None:
    one = tracker()
    one.step(frame((HERE, 0.9), (THERE, 0.8)))
    tracks = one.step(frame((THERE, 0.7), (HERE, 0.65)))
    assert (ids(tracks), tracks.rows.tolist()) == ([1, 2], [1, 0])
    np.testing.assert_array_equal(tracks.scores, np.float32([0.65, 0.7]))
    np.testing.assert_allclose(tracks.boxes, [HERE, THERE], atol=1e-3)


@pytest.mark.parametrize(
    "options",
    [
        {"frame_rate": 0.0},
        {"frame_rate": float("nan")},
        {"frame_rate": -30.0},
        {"frame_rate": 0.5},
        {"frame_rate": 1e9},
        {"track_buffer": -1},
        {"track_thresh": 1.5},
        {"track_thresh": float("nan")},
        {"match_thresh": 0.0},
        {"match_thresh": 1.1},
        {"high_thresh": -0.1},
        {"min_box_area": -1.0},
        {"max_aspect": float("inf")},
    ],
)
def test_options_out_of_range_are_refused(tracker: Make, options: dict[str, Any]) -> None:
    with pytest.raises(AdaptError):
        tracker(**options)


@pytest.mark.parametrize(
    "box",
    [
        (np.nan, 0, 10, 10, 0.9),
        (0, np.inf, 10, 10, 0.9),
        (0, 0, -1, 10, 0.9),
        (0, 0, 10, 0, 0.9),
        (2e6, 0, 10, 10, 0.9),
        (0, 0, 10, 10, np.nan),
        (0, 0, 10, 10, -np.inf),
    ],
)
def test_a_wrong_box_is_refused_and_changes_nothing(tracker: Make, box: tuple[float, ...]) -> None:
    one, other = tracker(), tracker()
    good = frame((HERE, 0.9), (THERE, 0.8))
    assert feed(one, good) == feed(other, good)
    with pytest.raises(ValueError, match=r"box|score"):
        one.step(frame((HERE, 0.9), (box[:4], box[4])))
    assert feed(one, good, NOTHING, good) == feed(other, good, NOTHING, good)
