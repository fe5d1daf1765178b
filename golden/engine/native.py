"""kernels.c through ctypes: its structures, and the builds of it that this processor can run."""

from __future__ import annotations

import ctypes
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import ClassVar, Literal

Level = Literal["base", "avx2", "avx512"]
LEVELS: tuple[Level, ...] = ("base", "avx2", "avx512")  # as instruction_set() of kernels.c numbers them
AXES = 8
STATE, SATURATED = 5, 2  # numbers in a State; where its counts begin

# Kinds of operation and roundings, as kernels.c numbers them.
DENSE, TAPS, PRODUCT, MAXIMUM, LOOKUP, COPY, BORDER = range(7)
ROUNDINGS = ("floor", "half_up", "half_away")


class View(ctypes.Structure):
    """`View` of kernels.c."""

    _fields_: ClassVar = [("data", ctypes.c_void_p), *((n, ctypes.c_int64) for n in ("row", "pixel", "size"))]


def _numbers(names: str) -> list[tuple[str, type]]:
    return [(name, ctypes.c_int64) for name in names.split()]


def _pointers(names: str) -> list[tuple[str, type]]:
    return [(name, ctypes.c_void_p) for name in names.split()]


class Operation(ctypes.Structure):
    """`Op` of kernels.c, field by field."""

    _fields_: ClassVar = [
        ("kind", ctypes.c_int64),
        ("inputs", View * 2),
        ("output", View),
        *_numbers("height width channels"),
        ("border", ctypes.c_int64 * 4),
        ("stride", ctypes.c_int64 * 2),
        *_numbers("taps words split"),
        *_pointers("offsets source weights start"),
        ("kernel", ctypes.c_int64 * 2),
        ("cells", ctypes.c_int64 * 2),
        ("before", ctypes.c_int64 * 2),
        ("lowest", ctypes.c_int64),
        ("parameters", ctypes.c_void_p),
        *_numbers("padded wide one_cut first_cut rounding wrap accumulator_bits bias_bits code_max"),
        ("table", ctypes.c_void_p),
        ("extent", ctypes.c_int64 * AXES),
        ("in_step", ctypes.c_int64 * AXES),
        ("out_step", ctypes.c_int64 * AXES),
    ]


@cache
def kernels(level: Level) -> ctypes.CDLL | None:
    """That build of kernels.c, or None where there is none, it is another version's, or the processor lacks it."""
    name = "_kernels" if level == "base" else f"_kernels_{level}"
    files = (Path(__file__).with_name(name + suffix) for suffix in EXTENSION_SUFFIXES)
    file = next((each for each in files if each.exists()), None)
    if file is None or not _supported(level):
        return None
    try:
        library = ctypes.CDLL(str(file))
    except OSError:
        return None
    return library if library.operation_size() == ctypes.sizeof(Operation) else None


def _supported(level: Level) -> bool:
    if level == "base":
        return True
    base = kernels("base")
    return base is not None and base.instruction_set() >= LEVELS.index(level)


def levels() -> tuple[Level, ...]:
    """The builds that can be used here, the best last; () where the C was not compiled."""
    return tuple(level for level in LEVELS if kernels(level) is not None)
