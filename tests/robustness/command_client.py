"""Calls of the command line through `command_server.py`: as real as a process of one's own, in a tenth of the time."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SERVER = Path(__file__).with_name("command_server.py")


def state(process: int) -> list[str]:
    """The fields of proc(5)'s stat behind the name, the state first; none where there is no such process."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def is_alive(process: int) -> bool:
    """The process is there, and no zombie."""
    return state(process)[:1] not in ([], ["Z"])


def children_of(process: int) -> list[int]:
    """The processes whose parent it is."""
    everyone = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())
    return [each for each in everyone if state(each)[1:2] == [str(process)]]


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended: its exit code (minus the signal where one killed it) and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Running:
    """A command on its way."""

    server: Server
    pid: int
    out: Path
    err: Path

    def send(self, number: signal.Signals) -> None:
        """Signal the command, not its worker."""
        os.kill(self.pid, number)

    def kill(self) -> bool:
        """kill -9, and wait until the worker is gone, too. False: the command had ended before."""
        children = children_of(self.pid)
        self.send(signal.SIGKILL)
        killed = self.wait().code == -signal.SIGKILL
        deadline = time.monotonic() + 10
        while any(map(is_alive, children)):
            assert time.monotonic() < deadline, "the worker outlives its parent"
            time.sleep(0.001)
        return killed

    def wait(self) -> Done:
        """Wait for its end."""
        code = os.waitstatus_to_exitcode(self.server.ask("wait"))
        said = [path.read_text() if path.is_file() else "" for path in (self.out, self.err)]
        return Done(code, said[0], said[1])


@dataclass(slots=True)
class Server:
    """One process that has everything loaded; one command at a time."""

    process: subprocess.Popen[bytes]
    scratch: Path
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    @classmethod
    def started(cls, scratch: Path) -> Server:
        """A new one; what the commands say goes through files in `scratch`."""
        call = [sys.executable, str(SERVER)]
        return cls(subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE), scratch)

    def start(
        self,
        *arguments: str | Path,
        cwd: Path,
        out: str | None = None,
        err: str | None = None,
        environment: Mapping[str, str] | None = None,
        limits: Mapping[str, int] | None = None,
        user: int | None = None,
    ) -> Running:
        """Start a command in `cwd`. `out` and `err` name a device for its stdout and stderr; `limits` are rlimits by
        name without RLIMIT_; `user` is the id it runs as.
        """
        number = next(self.numbers)
        files = []
        for name, device in (("out", out), ("err", err)):
            file = Path(device) if device else self.scratch / f"{number}.{name}"
            if not device:
                file.touch()
                file.chmod(0o666)
            files.append(file)
        call = {
            "arguments": [os.fspath(argument) for argument in arguments],
            "cwd": str(cwd),
            "out": str(files[0]),
            "err": str(files[1]),
            "environment": {"TMPDIR": tempfile.gettempdir()} | dict(environment or {}),
            "limits": dict(limits or {}),
            "user": user,
        }
        return Running(self, self.ask(call), *files)

    def call(self, *arguments: str | Path, **options: Any) -> Done:  # noqa: ANN401  (those of `start`)
        """Run a command to its end."""
        return self.start(*arguments, **options).wait()

    def ask(self, question: object) -> int:
        """The number that the server answers with."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self.process.communicate()
