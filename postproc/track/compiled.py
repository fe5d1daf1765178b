"""The generated C as a tracker in Python, through ctypes."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from ..c.library import load_library
from ..c.project import library
from .options import TrackOptions
from .sources import ByteTrackValues, byte_track_component
from .types import Boxes, Tracks

_PREFIX = "byte"
FULL = 1  # the status of a frame whose new tracks did not all find a place

_BOX = np.dtype([("box", "<f4", 4), ("score", "<f4"), ("class", "<u4")])
_OUTPUT = np.dtype([("box", "<f4", 4), ("score", "<f4"), ("class", "<u4"), ("id", "<u4"), ("row", "<u4")])


class _Options(ctypes.Structure):
    _fields_ = (
        ("frame_rate", ctypes.c_double),
        ("track_thresh", ctypes.c_float),
        ("high_thresh", ctypes.c_float),
        ("match_thresh", ctypes.c_float),
        ("min_box_area", ctypes.c_float),
        ("max_aspect", ctypes.c_float),
        ("track_buffer", ctypes.c_uint32),
        ("fuse_score", ctypes.c_bool),
        ("by_class", ctypes.c_bool),
    )


class CompiledLibrary:
    """The C of these capacities and defaults, compiled: makes trackers.

    Raises AdaptError (exit 3) without a compiler, (exit 2) for values out of their range.
    """

    def __init__(self, values: ByteTrackValues) -> None:
        sources = library(byte_track_component(_PREFIX, values))
        self.values = values
        self.library = load_library(sources | {"sizes.c": _SIZES})
        self.library.byte_track_message.restype = ctypes.c_char_p

    def tracker(self, options: TrackOptions) -> CompiledTracker:
        """A tracker with these options. Raises AdaptError (exit 2) for options out of their range."""
        return CompiledTracker(self, options)


# A caller in C takes sizeof; through ctypes the library has to say it.
_SIZES = f"""#include "{_PREFIX}_track.h"
size_t {_PREFIX}_track_sizes(int which);
size_t {_PREFIX}_track_sizes(int which)
{{
    return which ? sizeof({_PREFIX}_track_workspace) : sizeof({_PREFIX}_track_tracker);
}}
"""


class CompiledTracker:
    """One camera's tracker, in C. `full` says whether any frame found no place for a new track."""

    def __init__(self, compiled: CompiledLibrary, options: TrackOptions) -> None:
        options.lost_frames()
        self._library = compiled.library
        self._library.byte_track_sizes.restype = ctypes.c_size_t
        self.state = ctypes.create_string_buffer(self._library.byte_track_sizes(0))
        self.work = ctypes.create_string_buffer(self._library.byte_track_sizes(1))
        self._outputs = np.zeros(compiled.values.max_boxes, _OUTPUT)
        self.full = False
        given = _Options()
        self._library.byte_track_defaults(ctypes.byref(given))
        given.frame_rate, given.track_buffer = options.frame_rate, options.track_buffer
        given.track_thresh, given.high_thresh = options.track_thresh, options.new_track_score
        given.match_thresh, given.fuse_score = options.match_thresh, options.fuse_score
        given.min_box_area, given.max_aspect = options.min_box_area, options.max_aspect
        given.by_class = options.by_class
        self._take(self._library.byte_track_init(self.state, ctypes.byref(given)))

    def step(self, found: Boxes) -> Tracks:
        """One frame further. Raises ValueError for what the C refuses, with its words."""
        boxes = np.zeros(len(found), _BOX)
        boxes["box"], boxes["score"], boxes["class"] = found.boxes, found.scores, found.classes
        count = ctypes.c_size_t()
        status = self._library.byte_track_step(
            self.state,
            self.work,
            ctypes.c_void_p(boxes.ctypes.data),
            ctypes.c_size_t(len(boxes)),
            ctypes.c_void_p(self._outputs.ctypes.data),
            ctypes.byref(count),
        )
        self._take(status)
        seen = self._outputs[: count.value].copy()
        classes = seen["class"].astype(np.int32)
        return Tracks(seen["id"].astype(np.int64), seen["box"], seen["score"], classes, seen["row"].astype(np.int64))

    def _take(self, status: int) -> None:
        if status > FULL:
            words: Any = self._library.byte_track_message(status)
            raise ValueError(words.decode())
        self.full = self.full or status == FULL
