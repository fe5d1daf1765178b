"""MOTChallenge text: rows of detections in, rows of tracks out (motchallenge.net, section Instructions)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AdaptError

MOST_FRAMES = 10_000_000  # a row of a later frame is a mistake: this is four days of video
_FORM = "frame,id,x,y,w,h,score"
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


@dataclass(frozen=True, slots=True, eq=False)
class MotRows:
    """Detections in file order: frames int64 [n] from 1 up, boxes float64 [n, 4] (left, top, width, height in pixels,
    sizes above 0), scores float64 [n], and the file's line of each, int64 [n].
    """

    frames: NDArray[np.int64]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    lines: NDArray[np.int64]


def read_mot_rows(file: Path) -> MotRows:
    """Rows `frame,id,x,y,w,h,score[,...]` in any order; empty lines are skipped, further columns ignored.

    Raises AdaptError (exit 2) with the file, the line and what is wrong with it.
    """
    found = []
    for number, line in enumerate(_read(file).split("\n"), 1):
        if line.strip():
            found.append((number, *_row(line, f"{file}, line {number}")))
    table = np.array(found, np.float64).reshape(-1, 7)
    return MotRows(table[:, 1].astype(np.int64), table[:, 2:6], table[:, 6], table[:, 0].astype(np.int64))


def mot_row(frame: int, track: int, box: NDArray[Any], score: float) -> str:
    """One row of a track; box: left, top, width, height. Four decimals of a pixel, six of a score."""
    x, y, width, height = (float(value) for value in box)
    return f"{frame},{track},{x:.4f},{y:.4f},{width:.4f},{height:.4f},{score:.6f},-1,-1,-1"


def _row(line: str, where: str) -> tuple[float, ...]:
    """Frame, x, y, w, h, score."""
    words = line.split(",")
    if len(words) < 7:
        raise AdaptError(f"{len(words)} values, expected at least 7", where=where, hint=_FORM)
    for word, name in zip(words[:7], _FORM.split(","), strict=True):
        if not _NUMBER.fullmatch(word):
            raise AdaptError(f"{name} is not a number: {word.strip()[:40]!r}", where=where, hint=_FORM)
    frame, _, *rest = (float(word) for word in words[:7])
    if not (1 <= frame <= MOST_FRAMES and frame == math.floor(frame)):
        raise AdaptError(f"frame {words[0].strip()} is not a whole number in 1..{MOST_FRAMES}", where=where)
    if not all(map(math.isfinite, rest)):
        raise AdaptError("a number is too large", where=where)
    if rest[2] <= 0 or rest[3] <= 0:
        what = f"a box of {words[4].strip()} x {words[5].strip()} pixels has no size"
        raise AdaptError(what, where=where, hint=_FORM)
    return (frame, *rest)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise AdaptError(f"cannot be read: {error.strerror}", where=str(file)) from error
    except UnicodeDecodeError as error:
        raise AdaptError("is not UTF-8 text", where=str(file)) from error
