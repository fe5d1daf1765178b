"""The work runs in a forked child, so that a native crash of a library ends the child and not the command.

The child inherits stdout and stderr as files of its own (Screen); descriptors 1 and 2, where native libraries
talk, lead to nowhere. It tells the name of each stage through a pipe, dies with its parent, and leaves Ctrl-C
to it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn, TextIO

from ..errors import Exit
from .failure import contain
from .screen import Screen, say

Work = Callable[[Screen], int]

GRACE = 1.0  # seconds an interrupted child has to tidy up
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_CLEAR_LINE_AND_SHOW_CURSOR = "\r\x1b[2K\x1b[?25h"


def run_isolated(work: Work, subject: str) -> int:
    """Exit code of `work`. A crash is one line that names `subject` and the stage, and Exit.BAD_INPUT.

    Where there is no fork (Windows) the work runs inline, without that protection.
    """
    if not hasattr(os, "fork"):
        screen = Screen(sys.stdout, sys.stderr, tell=lambda _: None)
        return contain(lambda: work(screen), screen.say)
    _open_standard_descriptors()
    reader, writer = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _work_and_exit(work, writer, parent)
    os.close(writer)
    stage = "starting"
    try:
        with open(reader, encoding="utf-8", errors="replace") as stages:
            for line in stages:
                stage = line.rstrip("\n")
        status = os.waitpid(child, 0)[1]
    except KeyboardInterrupt:
        _end(child)
        _repair_terminal()
        say("interrupted")
        return Exit.INTERRUPTED
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else _report_crash(-code, subject, stage)


def _report_crash(number: int, subject: str, stage: str) -> int:
    _repair_terminal()
    name = signal.Signals(number).name
    if number == signal.SIGKILL:
        say(f"{subject}: killed ({name}) in stage {stage!r}, most likely because memory ran out")
    else:
        why = "the file is damaged, or the library cannot take it"
        say(f"{subject}: a library crashed ({name}) in stage {stage!r}: {why}")
    return Exit.BAD_INPUT


def _end(child: int) -> None:
    """SIGTERM; SIGKILL after GRACE or at a second Ctrl-C, since native code is deaf to Python's signals."""
    os.kill(child, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    try:
        while time.monotonic() < deadline:
            if os.waitpid(child, os.WNOHANG)[0]:
                return
            time.sleep(0.01)
    except KeyboardInterrupt:
        pass
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _repair_terminal() -> None:
    if sys.stderr.isatty():
        sys.stderr.write(_CLEAR_LINE_AND_SHOW_CURSOR)


def _work_and_exit(work: Work, writer: int, parent: int) -> NoReturn:
    code: int = Exit.BUG
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        _die_with(parent)
        screen = Screen(_take_over(1, sys.stdout), _take_over(2, sys.stderr), tell=lambda name: _tell(writer, name))
        code = contain(lambda: work(screen), screen.say)
    finally:
        os._exit(code)  # no teardown: neither the parent's stack nor the libraries' destructors


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(Exit.INTERRUPTED)


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
    os.write(writer, f"{' '.join(name.split())}\n".encode(errors="replace"))
