"""Pictures in a folder: found by name, read one at a time, the broken ones named and left out."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import AdaptError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})

Image = NDArray[np.uint8]

_STDERR = 2
_stderr_lock = threading.Lock()


def find_images(folder: Path) -> list[Path]:
    """The pictures that stand directly in a folder, sorted by name; AdaptError if there is none."""
    if not os.path.isdir(folder):
        what = "is not a folder" if os.path.exists(folder) else "no such folder"
        raise AdaptError(what, where=str(folder), hint="expected a folder of images")
    try:
        found = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()]
    except OSError as error:
        raise AdaptError(f"cannot be listed: {error.strerror}", where=str(folder)) from error
    if not found:
        raise AdaptError("no images here", where=str(folder), hint=f"looked for {' '.join(sorted(SUFFIXES))}")
    return sorted(found, key=lambda path: path.name)


def read_image(path: Path) -> Image:
    """A picture as uint8 [h, w, 3], BGR, turned as its EXIF orientation says (as cv2.imread does).

    AdaptError names a file that cannot be read or decoded.
    """
    import cv2

    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise AdaptError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if not data.size:
        raise AdaptError("the file is empty", where=str(path))
    try:
        with _silenced_stderr():
            image: Image | None = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise AdaptError(f"cannot be decoded: {error.err}", where=str(path)) from error
    if image is None:
        raise AdaptError("is not an image that can be decoded", where=str(path), hint="damaged or truncated?")
    return image


def write_image(path: Path, image: Image) -> None:
    """Write uint8 [h, w, 3], BGR, in the format of the suffix; any file name that Python can open works.

    Raises OSError as any writing, cv2.error for a suffix that is no picture's.
    """
    import cv2

    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())


def jpeg_bytes(image: Image, size: tuple[int, int], quality: int) -> bytes:
    """A JPEG file of uint8 [h, w, 3], BGR, resized to `size` (width, height); `quality` is 0 to 100."""
    import cv2

    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", resized, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


def usable_images(paths: Iterable[Path], on_skip: Callable[[Path, str], None]) -> Iterator[tuple[Path, Image]]:
    """Stream (path, image), one picture in memory at a time.

    An unreadable file is left out and reported as on_skip(path, reason). AdaptError when all were left out.
    """
    skipped = used = 0
    for path in paths:
        try:
            image = read_image(path)
        except AdaptError as error:
            skipped += 1
            on_skip(path, error.message)
            continue
        used += 1
        yield path, image
    if skipped and not used:
        raise AdaptError(f"none of the {skipped} images can be read")


@contextmanager
def _silenced_stderr() -> Iterator[None]:
    """Send file descriptor 2 to nowhere: libjpeg and libpng write their complaints there, past Python.

    The lock keeps two threads from saving and restoring each other's descriptor.
    """
    with _stderr_lock:
        try:
            saved = os.dup(_STDERR)
        except OSError:  # closed already: nothing to silence
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, _STDERR)
            yield
        finally:
            os.dup2(saved, _STDERR)
            os.close(nowhere)
            os.close(saved)
