"""Which pictures a network learns from, and which only measure it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.images import find_images
from ..data.letterbox import Placement, letterbox
from ..data.preprocess import Preprocess
from ..errors import AdaptError
from ..graph.load import file_digest
from .pictures import pictures
from .progress import Progress

_EVERY = 8
_MOST_HELD_OUT = 32
_MOST_BYTES = 1 << 30  # of inputs in memory

Inputs = tuple[NDArray[np.float32], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as input float32 [1, 3, h, w]: its file, its own (height, width), and where it lies in the input."""

    path: Path
    size: tuple[int, int]
    tensor: NDArray[np.float32]
    placed: Placement


@dataclass(frozen=True, slots=True)
class Split:
    """`warnings` tell of pictures that were left out, or that stand on both sides."""

    training: Inputs
    held_out: tuple[Picture, ...]
    warnings: tuple[str, ...]


def split_pictures(
    images: Path, held_out: Path | None, size: tuple[int, int], preprocess: Preprocess, progress: Progress
) -> Split:
    """Load both sides. AdaptError (exit 2) for a folder without usable pictures, or with too few to be split."""
    skipped: list[str] = []
    found = _load(images, "loading pictures", size, preprocess, progress, skipped)
    if held_out is not None:
        others = _load(held_out, "loading held-out pictures", size, preprocess, progress, skipped)[:_MOST_HELD_OUT]
        warnings = (*overlap_warning(images, held_out), *_skipped(skipped))
        return Split(tuple(each.tensor for each in found), others, warnings)
    if len(found) < 2:
        raise AdaptError("one picture alone", where=str(images), hint="give more, or others with --held-out")
    kept = found[_EVERY - 1 :: _EVERY] or found[-1:]
    rest = tuple(each.tensor for each in found if all(each is not other for other in kept))
    return Split(rest, kept[:_MOST_HELD_OUT], _skipped(skipped))


def overlap_warning(training: Path, evaluation: Path) -> tuple[str, ...]:
    """One line where files of the two folders have the same content, whatever their names."""
    seen = {file_digest(path) for path in find_images(training)}
    common = [path.name for path in find_images(evaluation) if file_digest(path) in seen]
    if not common:
        return ()
    count = f"{len(common)} pictures of {evaluation} are" if len(common) > 1 else f"{common[0]} of {evaluation} is"
    return (f"{count} among those in {training}, too: what is measured on them flatters the network",)


def _load(
    folder: Path, stage: str, size: tuple[int, int], preprocess: Preprocess, progress: Progress, skipped: list[str]
) -> tuple[Picture, ...]:
    found: list[Picture] = []
    for path, image in pictures(folder, stage, progress, skipped):
        tensor, placed = letterbox(image, size, preprocess)
        found.append(Picture(path, (image.shape[0], image.shape[1]), tensor, placed))
        if len(found) * tensor.nbytes > _MOST_BYTES:
            break
    return tuple(found)


def _skipped(skipped: list[str]) -> tuple[str, ...]:
    return tuple(f"skipped {each}" for each in skipped)
