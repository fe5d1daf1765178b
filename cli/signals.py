"""The signals that end a command: Ctrl-C, SIGTERM, and SIGHUP, when the terminal goes."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

ENDING = tuple(signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in signal.Signals.__members__)


@contextlib.contextmanager
def all_like_ctrl_c() -> Iterator[None]:
    """Each raises KeyboardInterrupt in the body, unless whoever started the command wants it ignored."""
    before = {number: signal.getsignal(number) for number in ENDING}
    for number, handler in before.items():
        if handler == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore() -> None:
    """From now on nothing interrupts."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
