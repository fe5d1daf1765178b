"""What a user may choose of the tracker, and what was found out about a frame rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...errors import AdaptError

LOW_SCORE = 0.1  # a detection's score is strictly greater, or it is dropped
SECOND_LIMIT = 0.5  # cost limit of the second association: low scores, IoU alone
UNCONFIRMED_LIMIT = 0.7  # ... of tracks that were seen once
DUPLICATE_DISTANCE = 0.15  # 1 - IoU below which a tracked and a lost box are one
NEW_TRACK_MARGIN = 0.1  # a new track's score is at least track_thresh plus this
FRAME_RATE = 30.0  # at which a track is kept for track_buffer frames
MOST_COORDINATE = float(1 << 20)  # pixels
LEAST_SIZE = 1.0 / (1 << 20)
MOST_LOST_FRAMES = 1 << 20  # half a day; the float32 covariance of a lost track stays finite for longer


@dataclass(frozen=True, slots=True)
class TrackOptions:
    """The reference's options under its names; `fuse_score` is its `not mot20`.

    `high_thresh` is the score from which a box starts a track (None: track_thresh + 0.1). `min_box_area` (pixels)
    and `max_aspect` (width / height) filter what is reported, not what is tracked; 0 is off. `by_class` lets only
    boxes of equal class match, which the reference does not.
    """

    track_thresh: float = 0.5
    high_thresh: float | None = None
    match_thresh: float = 0.8
    track_buffer: int = 30
    frame_rate: float = FRAME_RATE
    fuse_score: bool = True
    min_box_area: float = 0.0
    max_aspect: float = 0.0
    by_class: bool = False

    @property
    def new_track_score(self) -> float:
        """The score from which a box starts a track."""
        return self.track_thresh + NEW_TRACK_MARGIN if self.high_thresh is None else self.high_thresh

    def lost_frames(self) -> int:
        """For how many frames a lost track is kept. Raises AdaptError (exit 2) for an option out of its range."""
        scores = {"track_thresh": self.track_thresh, "match_thresh": self.match_thresh}
        for name, value in scores.items():
            if not 0 <= value <= 1 or (name == "match_thresh" and value == 0):
                raise AdaptError(f"{name} {value:g} is not a number in 0..1")
        others = {"high_thresh": self.new_track_score, "min_box_area": self.min_box_area, "max_aspect": self.max_aspect}
        for name, value in others.items():
            if not 0 <= value <= MOST_COORDINATE:
                raise AdaptError(f"{name} {value:g} is not a number in 0..{MOST_COORDINATE:.0f}")
        if not 0 < self.frame_rate < math.inf:
            raise AdaptError(f"a frame rate of {self.frame_rate:g} says nothing", hint="give the frames per second")
        frames = self.frame_rate / FRAME_RATE * self.track_buffer
        if not (0 <= frames <= MOST_LOST_FRAMES) or (self.track_buffer > 0 and frames < 1):
            raise AdaptError(f"a track buffer of {frames:g} frames is not in 1..{MOST_LOST_FRAMES}")
        return int(frames)
