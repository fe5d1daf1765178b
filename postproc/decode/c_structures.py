"""The generated decoder's structures and functions as ctypes sees them; they mirror PREFIX_post.h.j2."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_bool, c_float, c_int, c_size_t, c_uint32, c_void_p
from enum import IntEnum


class Status(IntEnum):
    """What a call returns."""

    OK = 0
    TRUNCATED = 1
    BAD_ARGUMENT = 2
    BAD_OPTION = 3
    BAD_SIZE = 4
    BAD_COUNT = 5
    BAD_RECORD = 6
    BAD_VALUE = 7


class COptions(ctypes.Structure):
    """PREFIX_post_options."""

    _fields_ = (
        ("score", c_float),
        ("iou", c_float),
        ("ratio_x", c_float),
        ("ratio_y", c_float),
        ("picture_w", c_float),
        ("picture_h", c_float),
        ("top_k", c_uint32),
        ("class_agnostic", c_bool),
        ("multi_label", c_bool),
        ("clip", c_bool),
        ("as_hardware", c_bool),
    )


class CCounts(ctypes.Structure):
    """PREFIX_post_counts."""

    _fields_ = (
        ("candidates", c_uint32),
        ("survivors", c_uint32),
        ("written", c_uint32),
        ("level", c_uint32),
        ("item", c_uint32),
    )


class CRecords(ctypes.Structure):
    """PREFIX_post_records."""

    _fields_ = (("data", c_void_p), ("size", c_size_t), ("count", c_uint32))


class CMap(ctypes.Structure):
    """PREFIX_post_codes and PREFIX_post_floats, which look alike from here."""

    _fields_ = (("data", c_void_p), ("size", c_size_t), ("channel_stride", c_size_t), ("layout", c_int))


class CMaps(ctypes.Structure):
    """PREFIX_post_code_maps and PREFIX_post_float_maps."""

    _fields_ = (("obj", CMap), ("reg", CMap), ("cls", CMap))


def declare(library: ctypes.CDLL, symbol: str) -> None:
    """Give the functions of the library their types; `symbol` is PREFIX_post."""
    common = (POINTER(COptions), c_void_p, c_void_p, c_uint32, POINTER(CCounts))
    inputs = {
        "from_records": (c_void_p,),
        "from_codes": (c_void_p,),
        "from_floats": (c_void_p,),
        "from_boxes": (c_void_p, c_uint32),
    }
    for name, first in inputs.items():
        function = getattr(library, f"{symbol}_{name}", None)
        if function is not None:
            function.argtypes, function.restype = (*first, *common), c_int
    getattr(library, f"{symbol}_defaults").argtypes = (POINTER(COptions),)
    getattr(library, f"{symbol}_defaults").restype = None
    getattr(library, f"{symbol}_fit").argtypes = (POINTER(COptions), c_uint32, c_uint32)
    getattr(library, f"{symbol}_fit").restype = c_int
    getattr(library, f"{symbol}_workspace_size").argtypes = ()
    getattr(library, f"{symbol}_workspace_size").restype = c_size_t
