"""What a failure looks like: one line on stderr and an exit code; a traceback goes into a file."""

from __future__ import annotations

import errno
import os
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from ..errors import AdaptError, Exit

# The machine's state, which no code of ours can mend.
SURROUNDINGS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOMEM, errno.EAGAIN}
    | {errno.EMFILE, errno.ENFILE, errno.EIO, errno.EFBIG, errno.ENAMETOOLONG}
)


def contain(work: Callable[[], int], say: Callable[[str], None]) -> int:
    """`work`'s own exit code; an exception becomes one line through `say` and its exit code."""
    try:
        return work()
    except AdaptError as error:
        say(str(error))
        return error.code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except MemoryError:
        say("out of memory")
        return Exit.BAD_INPUT
    except BrokenPipeError:
        return Exit.INTERRUPTED
    except OSError as error:
        if error.errno == errno.ENOENT and _is_nowhere():
            say("the working folder is gone (cd into one that exists)")
            return Exit.BAD_INPUT
        if error.errno not in SURROUNDINGS:
            return _report_bug(error, say)
        say(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror))
        return Exit.BAD_INPUT
    except Exception as error:  # noqa: BLE001  (the one place where every bug of ours ends)
        return _report_bug(error, say)


def _is_nowhere() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def _report_bug(error: Exception, say: Callable[[str], None]) -> int:
    trace = "".join(traceback.format_exception(error))
    file = _write_trace(trace)
    where = f"traceback written to {file}" if file else "no folder takes the traceback file"
    say(f"internal error: {type(error).__name__}: {error}; {where}")
    return Exit.BUG


def _write_trace(trace: str) -> Path | None:
    for folder in (os.getcwd, tempfile.gettempdir):
        try:
            handle, name = tempfile.mkstemp("-traceback.txt", "icraft-adapt-", folder())
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(trace)
        except OSError:
            continue
        return Path(name)
    return None
