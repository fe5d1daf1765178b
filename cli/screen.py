"""Where the commands speak: results on one stream, messages and progress on the other."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TextIO

from ..errors import AdaptError

if TYPE_CHECKING:
    from rich.progress import Progress as RichBar

PATIENCE = 1.0  # seconds before a stage gets a bar


def printable(words: str) -> str:
    """The same with control characters made visible: names out of a model must not drive the terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in words)


def columns(stream: TextIO) -> int | None:
    """The width of the terminal that `stream` is; None where it does not tell."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except OSError:
        return None


def say(line: str, stream: TextIO | None = None) -> None:
    """One message line on stderr (or `stream`), whatever the text holds. Where it cannot be said, so be it."""
    stream = stream or sys.stderr
    if stream is not None:
        with contextlib.suppress(OSError):
            print(f"icraft-adapt: {printable(' '.join(line.split()))}", file=stream, flush=True)


@dataclass(frozen=True, slots=True)
class Screen:
    """The user's stdout and stderr, and `tell`, which is told the name of each stage as it begins."""

    out: TextIO
    err: TextIO
    tell: Callable[[str], None]

    def show(self, text: str) -> None:
        """A result on stdout; a reader who has gone (`| head`) is no error. Raises AdaptError for a full device."""
        try:
            print(text, file=self.out, flush=True)
        except BrokenPipeError:
            return
        except OSError as error:
            raise AdaptError(f"the result cannot be written: {error.strerror}", where="standard output") from error

    def say(self, line: str) -> None:
        """One message line on stderr."""
        say(line, self.err)


class Bar:
    """The Progress of the terminal: a bar on stderr once a stage has lasted PATIENCE, gone with the stage.

    The bar appears from a timer thread, since native calls keep the main thread busy.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._done = 0
        self._timer: threading.Timer | None = None
        self._bar: RichBar | None = None

    def stage(self, name: str, total: int | None = None) -> None:
        """End the stage before, begin `name`."""
        self._end()
        self._done = 0
        self._screen.tell(name)
        if self._screen.err.isatty():
            self._timer = threading.Timer(PATIENCE, self._appear, (name, total))
            self._timer.daemon = True
            self._timer.start()

    def advance(self, n: int = 1) -> None:
        """Count `n` more steps."""
        self._done += n
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._done)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _appear(self, name: str, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(file=self._screen.err, width=columns(self._screen.err))
        bar = Progress(console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
        bar.add_task(name, total=total, completed=self._done)
        bar.start()
        self._bar = bar

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        if self._bar is not None:
            self._bar.stop()
        self._timer = self._bar = None
