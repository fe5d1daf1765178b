"""The command line, over and over, for one start of Python: each call is forked from here, where all is loaded.

Reads a call from a line of stdin, as JSON (`command_client.Server.start` writes it), and answers with the process id of
the command. At the next line it waits for the command, and answers with its wait status.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import sys
import tempfile
from typing import Any, NoReturn

from icraft_adapt.adapter import demonstration, pipeline
from icraft_adapt.adapter.emit import folder as emit
from icraft_adapt.adapter.page import render as page
from icraft_adapt.cli import adapt, demo, evaluate, folder, rules, summary, targets
from icraft_adapt.cli.main import main
from icraft_adapt.postproc.c import render

LOADED = (pipeline, demonstration, emit, adapt, demo, evaluate, folder, rules, summary, targets)


def compile_templates() -> None:
    """Once here, not once a command, where Python may not keep them beside its own compiled modules."""
    subjects = (path.name for path in render.TEMPLATES.iterdir() if path.is_dir())
    for each in (page.environment(), *map(render.environment, subjects)):
        for name in each.list_templates(extensions=["j2"]):
            each.get_template(name)


def run(call: dict[str, Any]) -> NoReturn:
    """Be the command."""
    for descriptor, path in ((0, os.devnull), (1, call["out"]), (2, call["err"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_APPEND), descriptor)
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", errors="strict") for number in (1, 2))  # noqa: SIM115
    os.environ.update(call["environment"])
    tempfile.tempdir = None
    for name, most in call["limits"].items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    if call["user"] is not None:
        os.setgroups([])
        os.setgid(call["user"])
        os.setuid(call["user"])
    code = main(call["arguments"])
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    answers = os.dup(1)
    os.dup2(2, 1)
    compile_templates()
    gc.freeze()  # the libraries' objects are no garbage
    for line in sys.stdin:
        call = json.loads(line)
        os.chdir(call["cwd"])  # before the answer: whoever asked may then take the folder away
        child = os.fork()
        if child == 0:
            os.close(answers)
            run(call)
        os.write(answers, b"%d\n" % child)
        sys.stdin.readline()  # until then its id is its own, alive or not
        os.write(answers, b"%d\n" % os.waitpid(child, 0)[1])
