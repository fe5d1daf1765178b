"""Locks on folders that vanish with their process, kill -9 included, and leave no file behind."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE = 3.0  # seconds; whoever holds a lock longer is no run of ours, which needs it for a few renames


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold `folder`'s lock, waiting for it up to PATIENCE.

    Where a lock cannot be had (no flock on this system or filesystem, someone keeps it) the body runs all the
    same: each rename in it is atomic by itself.
    """
    lock = _open(folder)
    deadline = time.monotonic() + PATIENCE
    try:
        while lock is not None and not _try(lock) and time.monotonic() < deadline:
            time.sleep(0.01)
        yield
    finally:
        if lock is not None:
            os.close(lock)


def is_abandoned(folder: Path) -> bool:
    """Nobody holds `folder`'s lock. False where that cannot be known."""
    lock = _open(folder)
    if lock is None:
        return False
    try:
        return _try(lock)
    finally:
        os.close(lock)


def _open(folder: Path) -> int | None:
    if sys.platform == "win32":
        return None
    try:
        return os.open(folder, os.O_RDONLY)
    except OSError:
        return None


def _try(lock: int) -> bool:
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
