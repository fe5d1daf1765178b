"""The tracker as C: what its templates take, and the files they give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ...errors import AdaptError
from ..c.project import Component, component
from ..c.render import comment, render
from . import kalman, options
from .golden import Film
from .options import TrackOptions

LEAST_CAPACITY = 16
MOST_CAPACITY = 0xFFFE  # of boxes and of tracks: indices have 16 bits, one of which means none
_STRIPS = 64
_OUTPUT = ("box", "score", "class_id", "id", "detection")
_LIMITS_IN_WORDS = (
    options.LOW_SCORE,
    options.SECOND_LIMIT,
    options.UNCONFIRMED_LIMIT,
    options.DUPLICATE_DISTANCE,
    options.FRAME_RATE,
)


@dataclass(frozen=True, slots=True)
class ByteTrackValues:
    """The options' defaults (their frame rate aside, which the caller states at run time), and the capacities.

    `provenance` are comment lines: tool version, model hash.
    """

    options: TrackOptions = field(default_factory=TrackOptions)
    max_boxes: int = 256
    max_tracks: int = 512
    provenance: tuple[str, ...] = ()


def byte_track_component(prefix: str, values: ByteTrackValues, film: Film | None = None) -> Component:
    """The tracker, a program that shows it, its manual, and with a film its self-test.

    Raises AdaptError (exit 2) for options or capacities out of their range.
    """
    values.options.lost_frames()
    for name in ("max_boxes", "max_tracks"):
        if not LEAST_CAPACITY <= getattr(values, name) <= MOST_CAPACITY:
            raise AdaptError(f"{name} {getattr(values, name)} is not in {LEAST_CAPACITY}..{MOST_CAPACITY}")
    fields = _fields(values) | {"film": None if film is None else [*_frames(film)], "film_buffer": 0}
    if film is not None:
        fields["film_buffer"] = film.options.track_buffer
    return component(render("byte_track", prefix, fields), [f"{prefix}_track.h"])


def _frames(film: Film) -> Iterator[Mapping[str, object]]:
    """Frame by frame what the self-test holds."""
    for boxes, tracks in zip(film.boxes, film.tracks, strict=True):
        given = zip(boxes.boxes.tolist(), boxes.scores.tolist(), boxes.classes.tolist(), strict=True)
        seen = (tracks.boxes, tracks.scores, tracks.classes, tracks.ids, tracks.rows)
        found = zip(*(each.tolist() for each in seen), strict=True)
        yield {
            "boxes": [{"box": box, "score": score, "class_id": number} for box, score, number in given],
            "tracks": [dict(zip(_OUTPUT, row, strict=True)) for row in found],
            "box_count": len(boxes),
            "track_count": len(tracks),
        }


def _fields(values: ByteTrackValues) -> dict[str, object]:
    chosen = values.options
    return {
        "provenance": [comment(line) for line in values.provenance],
        "max_boxes": values.max_boxes,
        "max_tracks": values.max_tracks,
        "table_size": max(values.max_boxes, values.max_tracks),
        "strips": _STRIPS,
        "limits_in_words": tuple(f"{limit:g}" for limit in _LIMITS_IN_WORDS),
        "track_thresh": chosen.track_thresh,
        "high_thresh": chosen.new_track_score,
        "match_thresh": chosen.match_thresh,
        "min_box_area": chosen.min_box_area,
        "max_aspect": chosen.max_aspect,
        "track_buffer": chosen.track_buffer,
        "fuse_score": chosen.fuse_score,
        "by_class": chosen.by_class,
        **{name.lower(): getattr(options, name) for name in vars(options) if name.isupper()},
        **{name.lower(): getattr(kalman, name) for name in vars(kalman) if name.isupper()},
    }
