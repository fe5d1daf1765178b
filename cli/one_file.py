"""One file beside the user's others, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ..errors import AdaptError


def write_whole(path: Path, data: bytes, hint: str) -> None:
    """Write a file, its folder too where that is missing. Raises AdaptError where it cannot be written."""
    place = Path(os.path.realpath(path))
    draft = place.parent / f".{place.name}.tmp-{os.getpid()}"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_bytes(data)
            os.replace(draft, place)
        finally:
            with contextlib.suppress(OSError):
                draft.unlink()
    except OSError as error:
        raise AdaptError(f"cannot be written: {error.strerror}", where=str(path), hint=hint) from error
