"""The pictures of a folder, one after the other, under the eyes of whoever waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..data.images import find_images, usable_images
from ..errors import AdaptError
from .progress import Progress


def pictures(
    folder: Path, stage: str, progress: Progress, skipped: list[str]
) -> Iterator[tuple[Path, NDArray[np.uint8]]]:
    """Stream (path, uint8 [h, w, 3] BGR) in the order of names; what cannot be read is named in `skipped`.

    Raises AdaptError (exit 2) for a folder that holds no usable picture.
    """
    files = find_images(folder)
    progress.stage(stage, len(files))
    try:
        for path, image in usable_images(files, lambda file, reason: skipped.append(f"{file.name}: {reason}")):
            yield path, image
            progress.advance()
    except AdaptError as error:
        error.where = error.where or str(folder)
        error.hint = error.hint or "; ".join(skipped[:2])
        raise
