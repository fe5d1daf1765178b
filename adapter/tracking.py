"""Tracks from a detection file or from pictures, by the tracker that ships as C."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..data.detections import Detections
from ..data.images import find_images
from ..data.mot_rows import mot_row, read_mot_rows
from ..errors import AdaptError, Exit
from ..postproc.c.library import compiler
from ..postproc.track.byte import ByteTracker
from ..postproc.track.compiled import CompiledLibrary, CompiledTracker
from ..postproc.track.options import LOW_SCORE, MOST_COORDINATE, TrackOptions
from ..postproc.track.sources import LEAST_CAPACITY, MOST_CAPACITY, ByteTrackValues
from ..postproc.track.types import Boxes, Tracker
from .detector import folder_detector
from .output_folder import read_folder
from .pictures import pictures
from .progress import Progress
from .tracking_types import TrackRequest, TrackResult

Frames = Mapping[int, Boxes]  # by frame number, from 1 up; a frame that is absent has no boxes
_NOTHING = Boxes(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int32))


def track(request: TrackRequest, progress: Progress) -> TrackResult:
    """Find the boxes, then track them from frame 1 to the last one that has any.

    Raises AdaptError: exit 2 for a wrong folder, file, line or option, exit 3 for more boxes than the tracker takes.
    """
    lost_frames = request.options.lost_frames()
    notes: list[str] = []
    if request.detections is not None:
        read_folder(request.folder)
        last, frames = _frames_of_file(request.detections)
    elif request.images is not None:
        last, frames = _frames_of_images(request.folder, request.images, progress, notes)
    else:
        raise AdaptError("nothing to track", hint="give --detections or --images")
    progress.stage("compiling")
    tracker, engine = _tracker(request.options, frames, lost_frames)
    rows: list[str] = []
    ids: set[int] = set()
    progress.stage("tracking", last)
    for number in range(1, last + 1):
        seen = tracker.step(frames.get(number, _NOTHING))
        seen = seen.select(np.argsort(seen.ids))
        rows += map(mot_row, [number] * len(seen), seen.ids, seen.boxes, seen.scores)
        ids.update(seen.ids.tolist())
        progress.advance()
    if isinstance(tracker, CompiledTracker) and tracker.full:
        raise AdaptError(f"more than {MOST_CAPACITY} tracks at a time", code=Exit.UNSUPPORTED)
    return TrackResult(tuple(rows), last, len(ids), engine, tuple(notes))


def _frames_of_file(file: Path) -> tuple[int, Frames]:
    """The last frame and the boxes of each. Raises AdaptError with the line of a box that no tracker takes."""
    found = read_mot_rows(file)
    everything = Boxes(found.boxes, found.scores, np.zeros(len(found.scores), np.int32))
    if (row := everything.wrong()) is not None:
        what = f"a number beyond {MOST_COORDINATE:.0f}, or a box of no size"
        raise AdaptError(what, where=f"{file}, line {found.lines[row]}")
    order = np.argsort(found.frames, kind="stable")
    numbers, starts = np.unique(found.frames[order], return_index=True)
    parts = np.split(order, starts[1:])
    frames = {int(number): everything.select(rows) for number, rows in zip(numbers, parts, strict=False)}
    return int(found.frames.max(initial=0)), frames


def _frames_of_images(folder: Path, images: Path, progress: Progress, notes: list[str]) -> tuple[int, Frames]:
    """The number of pictures, and what the folder's adapted network finds in each, in the order of their names.

    A picture that cannot be read is a frame without boxes, and stands in `notes`.
    """
    made = read_folder(folder)
    detector = folder_detector(made, made.manifest.preprocess)
    numbers = {path: number for number, path in enumerate(find_images(images), 1)}
    frames = {}
    left_out = 0
    for path, image in pictures(images, "detecting", progress, notes):
        boxes = _boxes(detector.detect(image))
        usable = boxes.usable()
        frames[numbers[path]] = boxes.select(usable)
        left_out += len(boxes) - int(usable.sum())
    if left_out:
        notes.append(f"{left_out} boxes of no size, or beyond {MOST_COORDINATE:.0f} pixels")
    return len(numbers), frames


def _boxes(found: Detections) -> Boxes:
    """Corners to left, top, width, height; what the tracker would drop goes."""
    kept = found.select(found.scores > LOW_SCORE)
    sizes = kept.boxes[:, 2:] - kept.boxes[:, :2]
    return Boxes(np.hstack([kept.boxes[:, :2], sizes]), kept.scores, kept.classes.astype(np.int32))


def _tracker(options: TrackOptions, frames: Frames, lost_frames: int) -> tuple[Tracker, str]:
    """The generated C with room for these frames, or where none can be compiled the Python reference; and its name."""
    if compiler() is None:
        return ByteTracker(options), "the Python reference (no C compiler is here)"
    counts = {number: int((boxes.scores > LOW_SCORE).sum()) for number, boxes in frames.items()}
    most_boxes = max((len(boxes) for boxes in frames.values()), default=1)
    if most_boxes > MOST_CAPACITY:
        what = f"{most_boxes} boxes in one frame, where a tracker takes {MOST_CAPACITY}"
        raise AdaptError(what, code=Exit.UNSUPPORTED)
    most_tracks = _most_in_a_window(counts, lost_frames + 3)
    max_tracks = min(max(LEAST_CAPACITY, most_tracks), MOST_CAPACITY)
    values = ByteTrackValues(options, max_boxes=max(LEAST_CAPACITY, most_boxes), max_tracks=max_tracks)
    try:
        library = CompiledLibrary(values)
    except (RuntimeError, OSError) as error:  # a compiler without headers, a temporary folder that runs no code
        return ByteTracker(options), f"the Python reference (the C did not compile here: {str(error)[:200]})"
    return library.tracker(options), "the generated C"


def _most_in_a_window(counts: Mapping[int, int], window: int) -> int:
    """The most boxes in `window` frames on end: each living track was last seen in one of them, in a box of its own."""
    numbers = np.array(sorted(counts), np.int64)
    total = np.concatenate([[0], np.cumsum([counts[number] for number in numbers.tolist()], dtype=np.int64)])
    first = np.searchsorted(numbers, numbers - window, side="right")
    spans: Sequence[int] = (total[1:] - total[first]).tolist()
    return max(spans, default=0)
