"""The worked example of docs/add-a-rule.md: found by its folder, tested by its test, printed by the manual."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from icraft_adapt import rewrites
from icraft_adapt.cli.rules import rules as command
from icraft_adapt.docs.reference_pages import rules as page
from icraft_adapt.rewrites.core.rules import discover
from icraft_adapt.tests.docs.pages import read

NAME = "icraft_adapt.rewrites.merge_transpose"


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The page's rule as a file of rewrites/, which is put into one more folder; gives the text of its test."""
    rule, test = read("docs/add-a-rule.md").blocks("python")
    (tmp_path / "merge_transpose.py").write_text(rule)
    monkeypatch.setattr(rewrites, "__path__", [*rewrites.__path__, str(tmp_path)])
    discover.cache_clear()
    yield test
    discover.cache_clear()
    sys.modules.pop(NAME, None)
    vars(rewrites).pop("merge_transpose", None)


def test_the_rule_is_found_and_documented(example: str) -> None:
    rule = import_module(NAME).RULE
    assert rule in discover()
    assert tuple(page.fields_of(rule.doc)) == page.FIELDS
    assert "\n## merge_transpose\n\nMerge two Transposes behind one another into one.\n" in page.pages()["rules.md"]


def test_the_command_prints_it(example: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert command.main(["merge_transpose"], standalone_mode=False) == 0
    assert capfd.readouterr().out.startswith("merge_transpose (exact)\n\nMerge two Transposes")


def test_its_own_test_passes_and_can_fail(example: str) -> None:
    module = executed(example)
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    assert len(tests) == 4
    for test in tests:
        test()
    broken = executed(example.replace("first[axis] for axis in second", "second[axis] for axis in first"))
    with pytest.raises(AssertionError):
        broken.test_every_pair_of_orders()


def executed(text: str) -> ModuleType:
    """The text as a module."""
    module = ModuleType("example")
    exec(compile(text, "add-a-rule.md", "exec"), vars(module))
    return module
