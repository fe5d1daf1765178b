"""Two paths change places in one step: renameat2(2) with RENAME_EXCHANGE, which Python does not offer."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

_AT_FDCWD = -100  # linux/fcntl.h
_RENAME_EXCHANGE = 2  # linux/fs.h
_ABSENT = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)  # of the kernel, of the filesystem


def exchange(one: Path, other: Path) -> bool:
    """True when `one` and `other` have changed places, False where the system has no way to."""
    if sys.platform != "linux":
        return False
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    if libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _ABSENT:
        return False
    raise OSError(code, os.strerror(code), str(other))
