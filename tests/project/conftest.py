"""Generated projects on the disk."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from icraft_adapt.postproc.core.generator import Task
from icraft_adapt.tests.project.networks import task, write

TASKS = {
    "eight": lambda: task("eight", 8),
    "sixteen": lambda: task("sixteen", 16, classes=1),
    "mixed": lambda: task("mixed", {"obj": 16, "reg": 8, "cls": 8}, classes=17),
    "plain": lambda: task("plain", None),
}


@cache
def task_of(name: str) -> Task:
    """One of the tasks, made once."""
    return TASKS[name]()


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> object:
    """`project(name)` holds a network's generated files; nothing is built in it."""

    @cache
    def made(name: str) -> Path:
        return write(tmp_path_factory.mktemp(name), task_of(name))

    return made
