"""The float reference of BYTE (ByteTrack, Zhang et al. 2022), in the generated C's order of operations.

In float32 it gives the C's bits, in float64 the published Python's numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import kalman
from .assignment import NOBODY, Array, assign, overlap
from .kalman import Belief
from .options import DUPLICATE_DISTANCE, LOW_SCORE, SECOND_LIMIT, UNCONFIRMED_LIMIT, TrackOptions
from .types import Boxes, Tracks

_HEIGHT = 3


@dataclass(frozen=True, slots=True, eq=False)
class _List:
    """Tracks in list order. `expired` says that the track was once lost for too long."""

    belief: Belief
    ids: Array
    first: Array
    last: Array
    confirmed: Array
    expired: Array
    scores: Array
    classes: Array
    rows: Array

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, rows: Array) -> _List:
        return _List(self.belief.select(rows), *(getattr(self, name)[rows] for name in _FIELDS))

    def join(self, other: _List) -> _List:
        fields = (np.concatenate([getattr(self, name), getattr(other, name)]) for name in _FIELDS)
        return _List(kalman.join(self.belief, other.belief), *fields)


_FIELDS = _List.__slots__[1:]


class ByteTracker:
    """`dtype` float32 mirrors the generated C bit for bit, float64 the published Python.

    Raises AdaptError (exit 2) for options out of their range.
    """

    def __init__(self, options: TrackOptions, dtype: type[np.floating[Any]] = np.float32) -> None:
        self._options = options
        self._most_lost = options.lost_frames()
        self._dtype = dtype
        self._frame = 0
        self._ids = 0
        nothing = Boxes(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int32))
        self._tracked = self._lost = self._started(nothing, np.zeros(0, np.int64))

    def step(self, found: Boxes) -> Tracks:
        """One frame further. Raises ValueError for a box that is not finite, without size or beyond all pixels."""
        found = Boxes(found.boxes.astype(self._dtype), found.scores.astype(self._dtype), found.classes)
        if (row := found.wrong()) is not None:
            raise ValueError(f"box {row} is not finite, has no size, or lies beyond all pixels")
        self._frame += 1
        threshold = self._dtype(self._options.track_thresh)
        high = np.flatnonzero(found.scores > threshold)
        low = np.flatnonzero((found.scores > self._dtype(LOW_SCORE)) & (found.scores < threshold))
        confirmed = self._tracked.confirmed
        tracked, lost = _predicted(self._tracked.select(confirmed), still=False), _predicted(self._lost, still=True)
        once = self._tracked.select(~confirmed)

        fuse = self._options.fuse_score
        pool = self._match(tracked.join(lost), found, high, self._options.match_thresh, fuse)
        rest = np.flatnonzero(pool[: len(tracked)] == NOBODY)
        pool[rest] = self._match(tracked.select(rest), found, low, SECOND_LIMIT, fuse=False)
        free = _left(high, pool, len(found))
        newcomers = self._match(once, found, free, UNCONFIRMED_LIMIT, fuse)
        free = _left(free, newcomers, len(found))
        new = free[found.scores[free] >= self._dtype(self._options.new_track_score)]

        # In the tracked list confirmed and unconfirmed tracks stand in the order of their start or return.
        matched = np.full(len(self._tracked), NOBODY)
        matched[confirmed], matched[~confirmed] = pool[: len(tracked)], newcomers
        everyone = _merged(tracked, once, confirmed)
        found_again = pool[len(tracked) :]
        self._tracked = self._updated(everyone, matched, found).join(self._started(found.select(new), new))
        self._tracked = self._tracked.join(self._updated(lost, found_again, found))
        self._lost = self._lost_now(lost.select(found_again == NOBODY), everyone, matched)
        self._drop_duplicates()
        return self._reported()

    def _match(self, tracks: _List, found: Boxes, rows: Array, limit: float, fuse: bool) -> Array:
        """The row of `found`, among `rows`, of each track, or NOBODY."""
        among = found.select(rows)
        cost = overlap(_corners(_boxes(tracks.belief)), _corners(among.boxes))
        cost = 1 - (cost * among.scores if fuse else cost)
        if self._options.by_class:
            cost[tracks.classes[:, None] != among.classes] = np.inf
        columns = assign(cost, limit)
        matched = np.full(len(tracks), NOBODY)
        matched[columns != NOBODY] = rows[columns[columns != NOBODY]]
        return matched

    def _updated(self, tracks: _List, matched: Array, found: Boxes) -> _List:
        """The tracks that were matched, confirmed and updated with their boxes."""
        tracks, rows = tracks.select(matched != NOBODY), matched[matched != NOBODY]
        belief = kalman.update(tracks.belief, _measured(found.boxes[rows]))
        yes = np.ones(len(rows), np.bool_)
        last = np.full(len(rows), self._frame)
        boxes = found.scores[rows], found.classes[rows], rows
        return _List(belief, tracks.ids, tracks.first, last, yes, tracks.expired, *boxes)

    def _started(self, boxes: Boxes, rows: Array) -> _List:
        """New tracks, each with its id; those of the first frame are confirmed."""
        count = len(boxes)
        ids = self._ids + 1 + np.arange(count)
        self._ids += count
        belief = kalman.initiate(_measured(boxes.boxes.astype(self._dtype)))
        frame, no = np.full(count, self._frame), np.zeros(count, np.bool_)
        confirmed = np.full(count, self._frame == 1)
        return _List(belief, ids, frame, frame, confirmed, no, boxes.scores, boxes.classes, rows)

    def _lost_now(self, lost: _List, tracked: _List, matched: Array) -> _List:
        """The lost tracks that remain, then those lost in this frame; of neither one that expired before this frame.

        The reference subtracts the expired before it adds this frame's: a track lives one frame longer, can be found
        in it, and is dropped when it is lost again.
        """
        lost = lost.select(~lost.expired)
        expired = lost.expired | (self._frame - lost.last > self._most_lost)
        fields = {name: getattr(lost, name) for name in _FIELDS} | {"expired": expired}
        just = tracked.select((matched == NOBODY) & tracked.confirmed & ~tracked.expired)
        return _List(lost.belief, **fields).join(just)

    def _drop_duplicates(self) -> None:
        """Of a tracked and a lost track at one place, the one that was seen for longer stays; else the lost one."""
        tracked, lost = self._tracked, self._lost
        distance = 1 - overlap(_corners(_boxes(tracked.belief)), _corners(_boxes(lost.belief)))
        same = distance < self._dtype(DUPLICATE_DISTANCE)
        longer = (tracked.last - tracked.first)[:, None] > (lost.last - lost.first)
        tracked_goes: Array = np.any(same & ~longer, axis=1)
        lost_goes: Array = np.any(same & longer, axis=0)
        self._tracked, self._lost = tracked.select(~tracked_goes), lost.select(~lost_goes)

    def _reported(self) -> Tracks:
        seen = self._tracked.select(self._tracked.confirmed)
        tracks = Tracks(seen.ids, _boxes(seen.belief), seen.scores, seen.classes, seen.rows)
        width, height = tracks.boxes[:, 2], tracks.boxes[:, 3]
        kept = np.ones(len(tracks), np.bool_)
        if self._options.min_box_area > 0:
            kept &= width * height > self._dtype(self._options.min_box_area)
        if self._options.max_aspect > 0:
            kept &= ~(width > self._dtype(self._options.max_aspect) * height)
        return tracks.select(kept)


def _left(rows: Array, matched: Array, count: int) -> Array:
    """The rows, of `count` in all, that nothing was matched with."""
    taken = np.zeros(count, np.bool_)
    taken[matched[matched != NOBODY]] = True
    return rows[~taken[rows]]


def _predicted(tracks: _List, *, still: bool) -> _List:
    """One frame later; `still`: a track that is not in sight keeps its height."""
    belief = tracks.belief
    if still:
        velocity = belief.velocity.copy()
        velocity[:, _HEIGHT] = 0
        belief = Belief(belief.mean, velocity, belief.variance, belief.covariance, belief.velocity_variance)
    return _List(kalman.predict(belief), *(getattr(tracks, name) for name in _FIELDS))


def _merged(confirmed: _List, once: _List, mask: Array) -> _List:
    """Both in the order of the list that `mask` divided."""
    order = np.empty(len(mask), np.int64)
    order[mask], order[~mask] = np.arange(len(confirmed)), len(confirmed) + np.arange(len(once))
    return confirmed.join(once).select(order)


def _measured(boxes: Array) -> Array:
    """Left, top, width, height to centre x, centre y, width / height, height."""
    size = boxes[:, 2:]
    centre = boxes[:, :2] + size * boxes.dtype.type(0.5)
    return np.column_stack([centre, size[:, 0] / size[:, 1], size[:, 1]])


def _boxes(belief: Belief) -> Array:
    """Left, top, width, height of the means."""
    width, height = belief.mean[:, 2] * belief.mean[:, 3], belief.mean[:, 3]
    half = belief.mean.dtype.type(0.5)
    return np.column_stack([belief.mean[:, 0] - width * half, belief.mean[:, 1] - height * half, width, height])


def _corners(boxes: Array) -> Array:
    return np.column_stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])
