"""What `track` is asked, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..postproc.track.options import TrackOptions


@dataclass(frozen=True, slots=True)
class TrackRequest:
    """`folder` is an output folder; its adapted network finds the boxes in `images`, or they stand in `detections`
    (MOTChallenge rows).
    """

    folder: Path
    detections: Path | None = None
    images: Path | None = None
    options: TrackOptions = field(default_factory=TrackOptions)


@dataclass(frozen=True, slots=True)
class TrackResult:
    """MOTChallenge rows by frame, then id; of how many frames and tracks; what made them; what was left out."""

    rows: tuple[str, ...]
    frames: int
    tracks: int
    engine: str
    notes: tuple[str, ...]
