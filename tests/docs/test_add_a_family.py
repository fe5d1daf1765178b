"""The worked example of docs/add-a-family.md: found by its folder, and tested by its own test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from icraft_adapt import postproc
from icraft_adapt.postproc.core.family import families
from icraft_adapt.tests.docs.pages import read

NAME = "icraft_adapt.postproc.distance_boxes"


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The page's family as a file of postproc/, which is put into one more folder; gives its test as a module."""
    family, test = read("docs/add-a-family.md").blocks("python")
    (tmp_path / "distance_boxes.py").write_text(family)
    monkeypatch.setattr(postproc, "__path__", [*postproc.__path__, str(tmp_path)])
    families.cache_clear()
    module = ModuleType("example")
    exec(compile(test, "add-a-family.md", "exec"), vars(module))
    yield module
    families.cache_clear()
    sys.modules.pop(NAME, None)
    vars(postproc).pop("distance_boxes", None)


def test_it_is_found(example: ModuleType) -> None:
    assert import_module(NAME).FAMILY in families()


def test_its_own_test_passes(example: ModuleType) -> None:
    ran = 0
    for name, test in vars(example).items():
        if not name.startswith("test_"):
            continue
        marks = getattr(test, "pytestmark", [])
        for case in marks[0].args[1] if marks else [()]:
            test(*(case if isinstance(case, tuple) else (case,)))
            ran += 1
    assert ran == 7
