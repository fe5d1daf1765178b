"""The work runs in a forked child, so that a native crash of a library ends the child and not the command.

The child inherits stdout and stderr as files of its own (Screen); descriptors 1 and 2, where native libraries
talk, lead to nowhere. It tells the name of each stage through a pipe, dies with its parent, and leaves Ctrl-C
and the like to it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn, TextIO

from ..errors import Exit
from . import signals
from .failure import contain
from .screen import Screen, say

Work = Callable[[Screen], int]

GRACE = 1.0  # seconds an interrupted child has to tidy up
# Modules and the graph in hand live to the end: at Python's 700 new objects, looking for garbage among them took 4 % of
# the time.
_FEW_COLLECTIONS = 50_000
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_M_MMAP_THRESHOLD = -3  # malloc.h
_CLEAR_LINE_AND_SHOW_CURSOR = "\r\x1b[2K\x1b[?25h"


def run_isolated(work: Work, subject: str, tidy: Callable[[], None] = lambda: None, grace: float = GRACE) -> int:
    """Exit code of `work`. A crash is one line that names `subject` and the stage, and Exit.BAD_INPUT.

    `tidy` cleans up after a worker that crashed or was ended, and may have had no time to do so itself; an interrupted
    one has `grace` seconds. Where there is no fork (Windows) the work runs inline, without that protection.
    """
    if not hasattr(os, "fork"):
        screen = Screen(sys.stdout, sys.stderr, tell=lambda _: None)
        return contain(lambda: work(screen), screen.say)
    _open_standard_descriptors()
    reader, writer = os.pipe()
    parent = os.getpid()
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, signals.ENDING)  # until each side has its own answer to them
    child = os.fork()
    if child == 0:
        os.close(reader)
        _work_and_exit(work, writer, parent, unblocked)
    os.close(writer)
    stage, interrupted = "starting", False
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        with open(reader, encoding="utf-8", errors="replace") as stages:
            for line in stages:
                stage = line.rstrip("\n")
        signals.ignore()
    except KeyboardInterrupt:
        interrupted = True
        _end(child, grace)
        signals.ignore()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code >= 0 and code != Exit.INTERRUPTED:
        return code  # also where the signal came too late
    tidy()
    _repair_terminal()
    if not interrupted and code < 0:
        return _report_crash(-code, subject, stage)
    say("interrupted")
    return Exit.INTERRUPTED


def _report_crash(number: int, subject: str, stage: str) -> int:
    name = signal.Signals(number).name
    if number == signal.SIGKILL:
        say(f"{subject}: killed ({name}) in stage {stage!r}, most likely because memory ran out")
    else:
        why = "the file is damaged, or the library cannot take it"
        say(f"{subject}: a library crashed ({name}) in stage {stage!r}: {why}")
    return Exit.BAD_INPUT


def _end(child: int, grace: float) -> None:
    """SIGTERM; SIGKILL after `grace` or at a second Ctrl-C, since native code is deaf to Python's signals."""
    os.kill(child, signal.SIGTERM)
    deadline = time.monotonic() + grace
    with contextlib.suppress(KeyboardInterrupt):
        while time.monotonic() < deadline:
            if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return
            time.sleep(0.01)
    os.kill(child, signal.SIGKILL)


def _repair_terminal() -> None:
    if sys.stderr.isatty():
        sys.stderr.write(_CLEAR_LINE_AND_SHOW_CURSOR)


def _work_and_exit(work: Work, writer: int, parent: int, unblocked: set[int | signal.Signals]) -> NoReturn:
    code: int = Exit.BUG
    try:
        signals.ignore()
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        _die_with(parent)
        _give_memory_back()
        gc.set_threshold(_FEW_COLLECTIONS)
        screen = Screen(_take_over(1, sys.stdout), _take_over(2, sys.stderr), tell=lambda name: _tell(writer, name))
        code = contain(lambda: work(screen), screen.say)
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    finally:
        os._exit(code)  # no teardown: neither the parent's stack nor the libraries' destructors


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(Exit.INTERRUPTED)


def _give_memory_back() -> None:
    """Let large blocks go back to the system as soon as they are freed: the copies of a large network come and go."""
    if sys.platform == "linux":
        import ctypes

        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):  # glibc's
            libc.mallopt(_M_MMAP_THRESHOLD, 1 << 20)


def _take_over(descriptor: int, stream: TextIO | None) -> TextIO:
    """A file of our own on what `descriptor` leads to; the descriptor itself leads to nowhere from now on."""
    ours = os.dup(descriptor)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
    return open(ours, "w", encoding=stream.encoding if stream else "utf-8", errors="replace")


def _open_standard_descriptors() -> None:
    """Give a command started with 0, 1 or 2 closed something there, lest the pipe lands on it."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        continue
    os.close(descriptor)


def _tell(writer: int, name: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # an interrupted parent has stopped listening
        os.write(writer, f"{' '.join(name.split())}\n".encode(errors="replace"))
